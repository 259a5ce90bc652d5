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

#endif
