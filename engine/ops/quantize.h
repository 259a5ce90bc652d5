/*
 * QuantizeLinear and DequantizeLinear: attributes, and how scales lie over a tensor.
 */
#ifndef CZ_ENGINE_OPS_QUANTIZE_H
#define CZ_ENGINE_OPS_QUANTIZE_H

#include "engine/op.h"

struct cz_quantize_attrs {
    int64_t axis, block; /* block 0: a scale holds for a whole slice of the axis */
    int has_dtype;
    cz_dtype dtype; /* of QuantizeLinear's output */
};

/*
 * A tensor as [outer][n][inner], n being the axis: slice a of outer o has scale a, or with blocks its element
 * j the scale (o * n_blocks + a / block) * inner + j. One scale for all: outer = n = 1.
 */
struct cz_scale_layout {
    int64_t outer, n, inner, block, n_blocks;
};

/* Errors  CZ_ERR_SHAPE. */
cz_status cz_scale_layout(const struct cz_quantize_attrs *, const struct cz_shape *x,
                          const struct cz_shape *scale, struct cz_scale_layout *, cz_error *);

#endif
