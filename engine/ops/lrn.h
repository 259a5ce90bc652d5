/* LRN: attributes, for the operator itself and for the planner. */
#ifndef CZ_ENGINE_OPS_LRN_H
#define CZ_ENGINE_OPS_LRN_H

#include "engine/op.h"

struct cz_lrn_attrs {
    float alpha, beta, bias;
    int64_t size;
};

#endif
