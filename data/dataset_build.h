/*
 * Helpers for the formats; only format_*.c and dataset*.c include this.
 */
#ifndef CZ_DATA_DATASET_BUILD_H
#define CZ_DATA_DATASET_BUILD_H

#include "data/dataset.h"

#define FORMAT(name) extern const struct cz_format cz_format_##name;
#include "data/formats.def"
#undef FORMAT

/* "folder/name" in memory of malloc, NULL when there is none. */
char *cz_path_join(const char *folder, const char *name);

/* 1 when folder/name is a regular file. */
int cz_file_in(const char *folder, const char *name);

/* Appends a split of `count` samples. */
cz_status cz_dataset_add_split(struct cz_dataset *, const char *name, int64_t count, cz_error *);

/* Names "0", "1", ... */
cz_status cz_dataset_number_classes(struct cz_dataset *, int n, cz_error *);

/* Notes something about `id`; silently dropped when memory or the limit is reached. */
void cz_dataset_notice(struct cz_dataset *, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "test/00012" for formats whose samples are numbered within their split. */
const char *cz_dataset_numbered_id(const struct cz_dataset *, int64_t index, char buf[CZ_SHA256_HEX]);

/* The split that holds `index`. */
const struct cz_split *cz_dataset_split_of(const struct cz_dataset *, int64_t index);

/* Copies stored pixels (planes or gray) into an image; hashing them is the same for all packed formats. */
cz_status cz_sample_from_planes(const uint8_t *pixels, int height, int width, int channels, int decode,
                                struct cz_sample *, cz_error *);

/* Reads, hashes and, where asked, decodes an encoded file `name` below the open folder. Messages begin with
 * `name`. */
cz_status cz_sample_from_file(int folder, const char *name, int decode, int turn_upright, struct cz_sample *,
                              cz_error *);

#endif
