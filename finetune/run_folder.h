/*
 * The folder of a run: its final name only ever holds a finished run.
 *
 * Work goes on in OUT.partial, which is renamed when everything is written. Whoever holds the lock in it is
 * at work; one that a killed process left behind has no holder and is cleared away by the next run. A
 * finished run is replaced only on request, and only if it holds nothing but what runs write.
 */
#ifndef CZ_FINETUNE_RUN_FOLDER_H
#define CZ_FINETUNE_RUN_FOLDER_H

#include "base/status.h"

struct cz_run_folder;

/*
 * Whether a run may be made there, without touching anything.
 * Errors  CZ_ERR_ARGUMENT (exists, and force is 0; no convzoo run; other files in it), CZ_ERR_IO.
 */
cz_status cz_run_folder_check(const char *out, int force, cz_error *);

/* Checks, makes parents and the working folder, takes the lock. Errors also CZ_ERR_STATE: another run is at
 * work. */
cz_status cz_run_folder_open(const char *out, int force, struct cz_run_folder **, cz_error *);

/* "OUT.partial/name": where to write now. Lives until the next call but three. */
const char *cz_run_folder_path(struct cz_run_folder *, const char *name);

/* Gives the folder its name, in place of an older run. Releases it in all cases; on error nothing was
 * replaced. */
cz_status cz_run_folder_finish(struct cz_run_folder *, cz_error *);

/* Removes what was written. Accepts NULL; does nothing after finish. */
void cz_run_folder_abandon(struct cz_run_folder *);

#endif
