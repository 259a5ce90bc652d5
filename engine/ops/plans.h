/*
 * The operators' fast paths: what their descriptors give as `plan`. Each declines what it does not take.
 */
#ifndef CZ_ENGINE_OPS_PLANS_H
#define CZ_ENGINE_OPS_PLANS_H

#include "engine/plan.h"

cz_status cz_conv_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_gemm_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_matmul_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_max_pool_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_average_pool_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_global_average_pool_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_activation_plan(struct cz_builder *, int node, cz_error *);
/* One input, CZ_OP_ELEMENTWISE: its reference, in tiles. */
cz_status cz_elementwise_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_binary_plan(struct cz_builder *, int node, cz_error *);
/* General broadcasting of float32, for cz_binary_plan. */
cz_status cz_broadcast_binary_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_sum_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_batchnorm_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_softmax_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_layer_norm_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_transpose_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_quantize_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_dequantize_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_dynamic_quantize_plan(struct cz_builder *, int node, cz_error *);
cz_status cz_conv_integer_plan(struct cz_builder *, int node, cz_error *);   /* and QLinearConv */
cz_status cz_matmul_integer_plan(struct cz_builder *, int node, cz_error *); /* and QLinearMatMul */
cz_status cz_concat_plan(struct cz_builder *, int node, cz_error *);
/* Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout in inference: the same elements under another
 * shape. */
cz_status cz_alias_plan(struct cz_builder *, int node, cz_error *);

#endif
