/*
 * Output files: what may be written where, settled before the work.
 */
#ifndef CZ_CLI_OUTPUT_H
#define CZ_CLI_OUTPUT_H

#include "base/status.h"

/*
 * Refuses a file that exists (unless force), a folder of that name, a parent that is missing or not writable.
 * Errors  CZ_ERR_ARGUMENT (exists), CZ_ERR_IO. `option` ("--out") is for the remedy.
 */
cz_status cz_output_check(const char *path, const char *option, int force, cz_error *);

/* "json" of "a/b.json"; "" without one. */
const char *cz_output_suffix(const char *path);

/*
 * Refuses a name that would say something else than what is written: its suffix must be `suffix`, or `other`
 * where that is not NULL. Errors  CZ_ERR_ARGUMENT.
 */
cz_status cz_output_check_suffix(const char *path, const char *option, const char *suffix, const char *other,
                                 cz_error *);

#endif
