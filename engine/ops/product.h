/*
 * The reference matrix product of Gemm and MatMul.
 */
#ifndef CZ_ENGINE_OPS_PRODUCT_H
#define CZ_ENGINE_OPS_PRODUCT_H

#include "engine/op.h"

/* acc[m][n] += A[m][k] * B[k][n], every element summed in the order of k. */
struct cz_product {
    const double *a;    /* row-major; trans_a: stored [k][m] */
    const cz_tensor *b; /* read one row at a time, so that a large weight is never copied whole */
    int64_t b_first;    /* element of b where the matrix starts */
    int trans_a, trans_b;
    int64_t m, n, k;
    double *acc;
    double *b_row; /* scratch, max(n, k) */
};

void cz_product_add(const struct cz_product *);

#endif
