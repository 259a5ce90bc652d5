/*
 * The program's own folders (XDG base directory specification): relative values of the variables are ignored,
 * as it says.
 */
#ifndef CZ_CLI_PATHS_H
#define CZ_CLI_PATHS_H

#include "cli/cli.h"

enum { CZ_PATH_MAX = 4096 };

/* The cache setting, else $XDG_CACHE_HOME/convzoo, else ~/.cache/convzoo. Returns buf. Nothing is created. */
char *cz_path_cache(const struct cz_cli *, char buf[CZ_PATH_MAX]);

/* $XDG_STATE_HOME/convzoo, else ~/.local/state/convzoo: what the last bench measured. */
char *cz_path_state(char buf[CZ_PATH_MAX]);

#endif
