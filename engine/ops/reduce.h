/* The Reduce operators: attributes and the reduced dimensions, for themselves and for the planner. */
#ifndef CZ_ENGINE_OPS_REDUCE_H
#define CZ_ENGINE_OPS_REDUCE_H

#include "engine/ops/axes.h"

struct cz_reduction;

struct cz_reduce_attrs {
    const struct cz_reduction *how;
    struct cz_axes axes;
    int keepdims, noop_with_empty_axes;
};

/* The reduced dimensions of an input of that rank as a set of bits. */
cz_status cz_reduce_resolve(const struct cz_reduce_attrs *, const struct cz_op_input *in, int n_in,
                            unsigned *set, cz_error *);

#endif
