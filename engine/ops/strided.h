/*
 * Copies between strided views: what Transpose, Slice and Pad come down to.
 */
#ifndef CZ_ENGINE_OPS_STRIDED_H
#define CZ_ENGINE_OPS_STRIDED_H

#include "engine/op.h"

/* dim[rank] elements; first elements and strides in elements, strides may be negative or 0. */
struct cz_strided {
    int rank;
    int64_t dim[CZ_MAX_RANK];
    int64_t src_first, src_stride[CZ_MAX_RANK];
    int64_t dst_first, dst_stride[CZ_MAX_RANK];
};

/* Row-major strides of a shape. */
void cz_strides_of(const int64_t *dim, int rank, int64_t *stride);

/* src and dst have the same dtype. */
void cz_strided_copy(const struct cz_strided *, const cz_tensor *src, cz_tensor *dst);

#endif
