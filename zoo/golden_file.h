/*
 * Goldens from a file instead of the ones compiled in: for a network or a size that someone made goldens for.
 */
#ifndef CZ_ZOO_GOLDEN_FILE_H
#define CZ_ZOO_GOLDEN_FILE_H

#include "base/memory.h"
#include "zoo/verify.h"

/*
 * Reads a table with a header line, columns in any order: model, kind, size (or side), picture, macs, logit0
 * to logit15 (empty: fewer classes), and seed, which must be 1, where there is one; others are passed over.
 * Lines that begin with # are comments. Memory is the arena's. Errors  CZ_ERR_IO; CZ_ERR_FORMAT with the
 * line's number.
 */
cz_status cz_golden_file_load(const char *path, struct cz_arena *, struct cz_golden_list *out, cz_error *);

#endif
