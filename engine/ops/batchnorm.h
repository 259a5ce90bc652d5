/*
 * BatchNormalization: attributes, for the operator itself and for the planner.
 */
#ifndef CZ_ENGINE_OPS_BATCHNORM_H
#define CZ_ENGINE_OPS_BATCHNORM_H

#include "engine/op.h"

/*
 * y = (x - mean) / sqrt(var + epsilon) * scale + shift, per channel; inputs x, scale, shift, mean, var.
 * momentum is the weight of the old running value (1 - PyTorch's momentum).
 */
struct cz_batchnorm_attrs {
    float epsilon, momentum;
    int spatial; /* 0 (before opset 9): statistics per activation */
};

#endif
