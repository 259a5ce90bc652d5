/*
 * What was built from what: for `info` and for every result that records its origin. cz_version is public.
 */
#ifndef CZ_BASE_VERSION_H
#define CZ_BASE_VERSION_H

/* "1a2b3c4d5e6f", with "+" behind it where files were changed; "unknown" outside a git checkout. */
const char *cz_commit(void);

/* "gcc 12.2.0 RelWithDebInfo". */
const char *cz_compiler(void);

#endif
