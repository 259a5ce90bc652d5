/*
 * The two factors of numpy's matmul as stacks of matrices.
 */
#ifndef CZ_ENGINE_OPS_FACTORS_H
#define CZ_ENGINE_OPS_FACTORS_H

#include "engine/op.h"

/* a, b: the stacks' own shapes, batch: what they broadcast to. What a vector lacks is added as a dimension
 * of 1. */
struct cz_factors {
    struct cz_shape a, b, batch;
    int64_t m, n, k;
    int a_vector, b_vector;
};

/* Errors  CZ_ERR_SHAPE. */
cz_status cz_factors_of(const struct cz_shape *a, const struct cz_shape *b, struct cz_factors *, cz_error *);

/* The product's shape, with a's dtype. */
struct cz_shape cz_factors_output(const struct cz_factors *);

#endif
