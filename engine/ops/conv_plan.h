/*
 * Conv in the plan: the algorithms, tried in order. Each is one file.
 */
#ifndef CZ_ENGINE_OPS_CONV_PLAN_H
#define CZ_ENGINE_OPS_CONV_PLAN_H

#include "engine/ops/conv.h"
#include "engine/ops/panels.h"

/* One convolution to be planned. Weights [out_c][in_c/groups][k_h][k_w], bias [out_c] or NULL. */
struct cz_conv_job {
    int node;
    struct cz_conv_shape shape;
    const float *w, *bias;
    struct cz_fusion fusion;
    /* NULL: the node's own values. Else makes x, float32 of the shape's sizes, and y, blocked. */
    cz_status (*values)(struct cz_builder *, int node, enum cz_layout x_layout, int *x, int *y, cz_error *);
};

/* An algorithm: *refused is set to the reason, or the step is emitted. */
typedef cz_status (*cz_conv_algorithm)(struct cz_builder *, const struct cz_conv_job *, const char **refused,
                                       cz_error *);

cz_status cz_conv_depthwise(struct cz_builder *, const struct cz_conv_job *, const char **refused,
                            cz_error *);
cz_status cz_conv_direct(struct cz_builder *, const struct cz_conv_job *, const char **refused, cz_error *);
cz_status cz_conv_winograd(struct cz_builder *, const struct cz_conv_job *, const char **refused, cz_error *);
cz_status cz_conv_blas(struct cz_builder *, const struct cz_conv_job *, const char **refused, cz_error *);

/* The inputs and outputs every algorithm on blocked values has. in[0] x, in[1] residual if any. */
struct cz_conv_values {
    int in[2], n_in, out;
};
cz_status cz_conv_values(struct cz_builder *, const struct cz_conv_job *, enum cz_layout x_layout,
                         struct cz_conv_values *, cz_error *);

/* 1 if images of these sizes fit the kernels' offsets. */
int cz_conv_fits(const struct cz_conv_shape *);

/* 1 if cz_conv_plan takes the node, so that fusing into it is safe. */
int cz_conv_can_plan(const struct cz_infer *, const struct cz_plan_node *);

#endif
