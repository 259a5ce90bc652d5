/*
 * Loading batches: read, decode and preprocess a list of samples with several threads.
 *
 * Each image is one unit of work that writes only its own slice, so the result does not depend on the number
 * of threads. What to do about unreadable images is the caller's business: every image has its own status.
 */
#ifndef CZ_DATA_LOADER_H
#define CZ_DATA_LOADER_H

#include "data/dataset.h"
#include "data/preprocess.h"

struct cz_load_result {
    cz_status status;                /* CZ_OK, or why this image is missing; its slice is then all zeros.
                                        CZ_ERR_FORMAT also for pictures in a form that is not read here */
    int64_t error_offset;            /* byte in the file, -1 unknown */
    int n_warnings;                  /* damage that was gone over */
    uint8_t sha256[CZ_SHA256_BYTES]; /* zeros where the bytes could not be read */
    cz_error error;                  /* message starts with the sample's id */
};

/* The message without the id in front, and what to write behind it where a failed image ends the work. */
const char *cz_load_reason(const struct cz_load_result *, const char *id);
const char *cz_load_remedy(const struct cz_load_result *);

/*
 * Fills out[n][channels*height*width] with the samples index[0..n-1].
 *
 * size     {height, width} of the tensor; an image that gives another is a failed image (CZ_ERR_SHAPE).
 * threads  1 to 256; the calling thread works too.
 * results  [n].
 * Returns  CZ_OK when the work was done, also with failed images in it; *n_failed counts them.
 * CZ_ERR_ARGUMENT for arguments out of range, CZ_ERR_MEMORY also when it ran out reading one of the images,
 * CZ_ERR_IO when threads cannot be started.
 */
cz_status cz_load_batch(const struct cz_dataset *, const struct cz_preprocess *, const int64_t *index,
                        int64_t n, const int size[2], int threads, float *out, struct cz_load_result *results,
                        int64_t *n_failed, cz_error *);

#endif
