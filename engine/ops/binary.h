/*
 * Add, Sub, Mul, Div: attributes for the operators themselves and for the planner.
 */
#ifndef CZ_ENGINE_OPS_BINARY_H
#define CZ_ENGINE_OPS_BINARY_H

#include "engine/kernels/kernels.h" /* enum cz_binary_kind */
#include "engine/ops/pairwise.h"

struct cz_binary_attrs {
    struct cz_pairwise_attrs pairwise;
    enum cz_binary_kind kind;
};

#endif
