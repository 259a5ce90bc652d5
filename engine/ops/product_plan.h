/*
 * A matrix product with a constant right side, as the planner sees Gemm and MatMul.
 */
#ifndef CZ_ENGINE_OPS_PRODUCT_PLAN_H
#define CZ_ENGINE_OPS_PRODUCT_PLAN_H

#include "engine/ops/panels.h"

/* Planned row-major float32 values in place of the node's. */
struct cz_product_values {
    int x, y;
};

/* y[m][n] = alpha * x[m][k] * w[k][n] (trans_w: stored [n][k]) + bias[n], then the node's fusion. */
struct cz_product_job {
    int node;
    int64_t m, n, k;
    const float *w, *bias; /* bias may be NULL */
    int trans_w;
    float alpha;
    const struct cz_product_values *values; /* NULL: the node's own */
};

/* 1 if the plan of node, a Gemm or MatMul, is such a product, so that fusing into it is safe. */
int cz_product_can_plan(const struct cz_infer *, const struct cz_plan_node *node);

/* m, n, k at least 1, as cz_product_can_plan has checked. */
cz_status cz_product_plan(struct cz_builder *, const struct cz_product_job *, cz_error *);

#endif
