/*
 * Features: what a frozen network says of each image before its classifier, computed once and kept on disk.
 *
 * Stored per chunk of 64 images under the hash of everything that decides their bits: the frozen graph with
 * its weights, preprocessing and size, the images' content, and the arithmetic (version, instruction tier,
 * matrix product, fusion). So nothing stored is ever stale, a run that was interrupted goes on where it
 * stopped, and images can be added. A chunk takes its name only when it is complete, and is checked by its
 * own hash when it is read; a damaged or foreign one is computed again.
 */
#ifndef CZ_FINETUNE_FEATURES_H
#define CZ_FINETUNE_FEATURES_H

#include "finetune/linear.h"
#include "finetune/scan.h"
#include "finetune/selection.h"

enum { CZ_FEATURE_CHUNK = 64 };

struct cz_feature_options {
    const char *folder; /* where chunks are kept, made if need be; NULL: nowhere */
    int skip_bad;       /* 1: leave unreadable images out; 0: the first is an error */
    void (*progress)(void *user, int64_t done, int64_t n);
    int (*stop)(void *user); /* asked after each chunk; not 0 ends with CZ_ERR_STATE */
    void *user;
};

struct cz_bad_image {
    int64_t place; /* in the selection */
    int64_t offset;
    char *reason; /* without the id */
};

/* Of the images that could be read, in the selection's order. */
struct cz_feature_set {
    struct cz_features features; /* x and label are the set's own */
    float *x;
    int *label;
    int64_t *place; /* [n] in the selection */
    struct cz_bad_image *bad;
    int64_t n_bad, n_stored; /* n_stored: images whose features came from disk */
    int cache_failed;        /* 1: chunks could not be written; cache_error says why */
    cz_error cache_error;
};

/*
 * Features of the selected images by `scan`, whose graph is the frozen part. sha256[n]: the images' content
 * hashes. Errors  CZ_ERR_FORMAT (an unreadable image, unless skip_bad; an image that changed meanwhile; no
 * image left), CZ_ERR_NUMERIC (a feature that is NaN or infinite), CZ_ERR_STATE (stopped), those of running.
 */
cz_status cz_features_compute(struct cz_scan *, const struct cz_selection *,
                              const uint8_t (*sha256)[CZ_SHA256_BYTES], const struct cz_feature_options *,
                              struct cz_feature_set *out, cz_error *);
void cz_feature_set_deinit(struct cz_feature_set *);

#endif
