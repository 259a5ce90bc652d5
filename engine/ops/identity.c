/*
 * Identity (ONNX opset 1, 13, 14, 16) of tensors. Sequences and optionals are not tensors and do not get
 * here.
 *
 * Source: ONNX operator specification, Identity-16.
 */
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

const struct cz_op cz_op_identity = {
    .name = "Identity",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = cz_infer_same,
    .eval = cz_eval_copy,
    .plan = cz_alias_plan,
};
