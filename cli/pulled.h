/* Weight files that were pulled: $XDG_CACHE_HOME/convzoo/weights/, under the catalogue's names. */
#ifndef CZ_CLI_PULLED_H
#define CZ_CLI_PULLED_H

#include "cli/cli.h"
#include "cli/paths.h"
#include "zoo/catalogue.h"

#include <stdint.h>

/* The folder, and where a source's file is or would be. Return buf. */
char *cz_pulled_folder(const struct cz_cli *, char buf[CZ_PATH_MAX]);
char *cz_pulled_path(const struct cz_cli *, const struct cz_zoo_source *, char buf[CZ_PATH_MAX]);

/* Its size if it is here, -1 if not. A file here is whole: it got its name after its hash was compared. */
int64_t cz_pulled_bytes(const struct cz_cli *, const struct cz_zoo_source *);

/* 1 if the digits begin as the catalogue says. */
int cz_pulled_hash_fits(const struct cz_zoo_source *, const char *sha256);

/* "98 MiB" of the catalogue's figure. */
char *cz_pulled_size_text(const struct cz_zoo_source *, char *buf, size_t size);

#endif
