/* Concat: attributes, for the operator itself and for the planner. */
#ifndef CZ_ENGINE_OPS_CONCAT_H
#define CZ_ENGINE_OPS_CONCAT_H

#include "engine/op.h"

struct cz_concat_attrs {
    int64_t axis; /* may be negative */
};

#endif
