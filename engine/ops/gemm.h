/*
 * Gemm: its attributes and sizes, for the operator itself and for the planner.
 */
#ifndef CZ_ENGINE_OPS_GEMM_H
#define CZ_ENGINE_OPS_GEMM_H

#include "engine/op.h"

/* Y = alpha * A' * B' + beta * C, where ' transposes if the flag says so. */
struct cz_gemm_attrs {
    float alpha, beta;
    int trans_a, trans_b;
};

/* A' is m x k, B' is k x n. */
struct cz_gemm_shape {
    int64_t m, n, k;
};

/* Errors  CZ_ERR_SHAPE with found and wanted. */
cz_status cz_gemm_resolve(const struct cz_gemm_attrs *, const struct cz_shape *a, const struct cz_shape *b,
                          struct cz_gemm_shape *out, cz_error *);

#endif
