/*
 * Zip archives of tensors (.pth, .npz), through libzip, over a mapped file.
 *
 * Before a member is read: at most 65,535 members, no name twice, none that is absolute or climbs with "..",
 * local headers as the central directory says (libzip's consistency check), no encryption, no method but
 * stored and deflated. All that is unpacked stays within 64 MiB + 16 times the file, so neither a bomb nor
 * members over the same bytes get far; checksums are verified.
 */
#ifndef CZ_IMPORTER_ARCHIVE_H
#define CZ_IMPORTER_ARCHIVE_H

#include "base/file.h"
#include "base/strmap.h"

struct archive {
    struct zip *zip;
    struct cz_strmap index; /* name -> member */
    size_t budget;          /* bytes that may still be unpacked */
};

/* The map must outlive it. Errors  CZ_ERR_FORMAT, CZ_ERR_UNSUPPORTED, CZ_ERR_MEMORY. */
cz_status archive_open(const struct cz_file_map *, struct archive *, cz_error *);
void archive_close(struct archive *);

int archive_count(const struct archive *);
const char *archive_name(const struct archive *, int member);
int archive_find(const struct archive *, const char *name); /* -1: none */

/* A whole member, 64-byte aligned; *data is the caller's, free(). */
cz_status archive_read(struct archive *, int member, unsigned char **data, size_t *size, cz_error *);

#endif
