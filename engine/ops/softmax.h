/* Softmax: attributes and sizes, for the operator itself and for the planner. */
#ifndef CZ_ENGINE_OPS_SOFTMAX_H
#define CZ_ENGINE_OPS_SOFTMAX_H

#include "engine/op.h"

struct cz_softmax_attrs {
    int64_t axis;
    int flatten; /* before opset 13: over all dimensions from the axis on together */
};

/* `outer` times `inner` vectors of `n`, elements of one vector lying `inner` apart. Errors  CZ_ERR_SHAPE. */
cz_status cz_softmax_resolve(const struct cz_softmax_attrs *, const struct cz_shape *x, int64_t *outer,
                             int64_t *n, int64_t *inner, cz_error *);

#endif
