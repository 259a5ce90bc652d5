/*
 * Which images of a data set are used, and what their labels mean: all of a split, some of its classes, a
 * seeded choice of so many images of each.
 */
#ifndef CZ_FINETUNE_SELECTION_H
#define CZ_FINETUNE_SELECTION_H

#include "data/dataset.h"

struct cz_selection {
    int64_t n;
    int64_t *sample; /* [n] indices of the data set, ascending */
    int *label;      /* [n] indices of class_names */
    int n_classes;
    const char **class_names; /* [n_classes]; the strings are the data set's */
};

struct cz_selection_options {
    const struct cz_split *split;
    const char *only_classes; /* names with commas between, in any order; NULL: all */
    int64_t per_class;        /* at most so many of each class; 0: all */
    uint64_t seed;            /* of that choice */
};

/*
 * Fills *out; give it back with cz_selection_deinit. Classes keep the data set's order.
 * Errors  CZ_ERR_ARGUMENT (an unknown class, with the nearest; a data set without labels; fewer than
 * per_class is no error), CZ_ERR_FORMAT (no image is left), CZ_ERR_MEMORY.
 */
cz_status cz_select(const struct cz_dataset *, const struct cz_selection_options *, struct cz_selection *out,
                    cz_error *);
void cz_selection_deinit(struct cz_selection *);

/* Keeps at most per_class images of each class, a choice that depends on the seed and no other class. */
cz_status cz_selection_limit(struct cz_selection *, int64_t per_class, uint64_t seed, cz_error *);

/* Content hashes of the selected images, in order, into sha256[n]; zeros where a file cannot be read at all.
 * Errors  CZ_ERR_MEMORY. */
cz_status cz_selection_hashes(const struct cz_dataset *, const struct cz_selection *,
                              uint8_t (*sha256)[CZ_SHA256_BYTES], cz_error *);

/* The data hash of a selection: as cz_dataset_hash, over the selected images and their classes' names. */
void cz_selection_hash(const struct cz_dataset *, const struct cz_selection *,
                       const uint8_t (*sha256)[CZ_SHA256_BYTES], char text[CZ_SHA256_HEX]);

#endif
