/*
 * MaxPool and AveragePool: attributes and sizes, for the operators themselves and for the planner.
 */
#ifndef CZ_ENGINE_OPS_POOL_H
#define CZ_ENGINE_OPS_POOL_H

#include "engine/ops/window.h"

struct cz_pool_attrs {
    struct cz_window_attrs window;
    int count_include_pad; /* AveragePool: padding counts as zeros */
    int column_major;      /* MaxPool: Indices count down columns */
    double p;              /* LpPool */
};

/* Sizes for input x ([N,C,W], [N,C,H,W] or [N,C,D,H,W]). Errors  CZ_ERR_SHAPE, CZ_ERR_FORMAT,
 * CZ_ERR_UNSUPPORTED. */
cz_status cz_pool_resolve(const struct cz_pool_attrs *, const struct cz_shape *x, struct cz_window *out,
                          cz_error *);

/*
 * Number of taps that an average at output (oy, ox) of an image without depth divides by: those inside the
 * input, or with count_include_pad those inside the padded input (what ceil_mode adds beyond it never
 * counts).
 */
int64_t cz_pool_divisor(const struct cz_window *, int count_include_pad, int64_t oy, int64_t ox);

#endif
