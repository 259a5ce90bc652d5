/*
 * One chunk of features as a file: magic, key, counts, a flag per image, the values, and a hash over all of
 * it.
 */
#ifndef CZ_FINETUNE_FEATURE_STORE_H
#define CZ_FINETUNE_FEATURE_STORE_H

#include "base/sha256.h"
#include "base/status.h"

#include <stdint.h>

struct cz_chunk {
    uint8_t key[CZ_SHA256_BYTES];
    int n, n_features;
    unsigned char *ok; /* [n] 0: the image could not be read, its values are zeros */
    float *x;          /* [n][n_features] */
};

/* Fills ok and x from the folder. 1, or 0 where there is no such chunk, or not a sound one. */
int cz_chunk_load(const char *folder, struct cz_chunk *);

/* Writes the chunk, whole or not at all; makes the folder and its parents. */
cz_status cz_chunk_save(const char *folder, const struct cz_chunk *, cz_error *);

#endif
