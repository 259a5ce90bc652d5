/* AdaptiveAveragePool: attributes and windows, for the operator itself, the planner and export. */
#ifndef CZ_ENGINE_OPS_ADAPTIVE_POOL_H
#define CZ_ENGINE_OPS_ADAPTIVE_POOL_H

#include "base/checked.h"
#include "engine/op.h"

struct cz_adaptive_attrs {
    int64_t out_h, out_w;
};

/* Window [*first, *end) of output i where `in` elements become `out`: floor(i*in/out) to ceil((i+1)*in/out).
 */
static inline void cz_adaptive_window(int64_t i, int64_t in, int64_t out, int64_t *first, int64_t *end)
{
    *first = i * in / out;
    *end = cz_ceil_div((i + 1) * in, out);
}

#endif
