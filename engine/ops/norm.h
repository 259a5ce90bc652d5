/* LayerNormalization: attributes and sizes, for the operator itself and for the planner. */
#ifndef CZ_ENGINE_OPS_NORM_H
#define CZ_ENGINE_OPS_NORM_H

#include "engine/op.h"

struct cz_layer_norm_attrs {
    int64_t axis;
    float epsilon;
};

/* `outer` vectors of `n` neighbouring elements. Errors  CZ_ERR_SHAPE. */
cz_status cz_layer_norm_resolve(const struct cz_layer_norm_attrs *, const struct cz_shape *x, int *axis,
                                int64_t *outer, int64_t *n, cz_error *);

#endif
