/*
 * Conv: its attributes and its sizes for given shapes, for the operator itself and for the planner.
 */
#ifndef CZ_ENGINE_OPS_CONV_H
#define CZ_ENGINE_OPS_CONV_H

#include "engine/ops/window.h"

struct cz_conv_attrs {
    struct cz_window_attrs window;
    int64_t groups;
};

/* What a convolution has no dimension for is 1. Weights: [out_c][in_c / groups][k_d][k_h][k_w]. */
struct cz_conv_shape {
    int64_t batch, in_c, out_c, groups;
    struct cz_window window;
};

/*
 * Sizes for input x and weight w.
 * Errors  CZ_ERR_SHAPE and CZ_ERR_FORMAT with found and wanted.
 */
cz_status cz_conv_resolve(const struct cz_conv_attrs *, const struct cz_shape *x, const struct cz_shape *w,
                          struct cz_conv_shape *out, cz_error *);

static inline int cz_conv_is_depthwise(const struct cz_conv_shape *s)
{
    return s->groups > 1 && s->groups == s->in_c && s->groups == s->out_c;
}

static inline int cz_conv_is_pointwise(const struct cz_conv_shape *s)
{
    return s->window.k_h == 1 && s->window.k_w == 1;
}

#endif
