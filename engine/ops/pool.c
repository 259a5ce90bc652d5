/*
 * MaxPool (ONNX opset 1, 8, 10, 11, 12), AveragePool (1, 7, 10, 11, 19) and LpPool (1, 2, 11, 18): windows
 * over the spatial dimensions, C kept.
 *
 * NaN in a window makes its maximum NaN, as in the reference framework. A window that holds no input element
 * (only possible with dilation) has the lowest value as maximum, and 0 as average. Averages divide by the
 * window clipped to the padded input, not by the full kernel.
 *
 * Source: ONNX operator specification, MaxPool-12, AveragePool-19, LpPool-18; for windows at the end see
 * window.h.
 */
#include "engine/ops/pool.h"
#include "base/math.h"
#include "engine/ops/common.h"
#include "engine/ops/order.h"
#include "engine/ops/plans.h"

#include <math.h>
#include <stdlib.h>

static cz_status pool_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_pool_attrs *a = attrs;
    CZ_TRY(cz_window_parse(list, &a->window, err));
    a->p = opset < 2 ? (double)cz_attr_float(list, "p", 2) : (double)cz_attr_int(list, "p", 2);
    if (!(a->p > 0))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'p' is %g; more than 0 wanted", a->p);
    if (a->window.n_kernel == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'kernel_shape' is missing");
    CZ_TRY(cz_parse_flag(list, "count_include_pad", 0, &a->count_include_pad, err));
    return cz_parse_flag(list, "storage_order", 0, &a->column_major, err);
}

/* A pad as large as the kernel would make windows of nothing but padding. */
static cz_status check_pads(const struct cz_window *g, cz_error *err)
{
    if (g->pad_front < g->k_d && g->pad_back < g->k_d && g->pad_top < g->k_h && g->pad_bottom < g->k_h &&
        g->pad_left < g->k_w && g->pad_right < g->k_w)
        return CZ_OK;
    CZ_FAIL(
        err, CZ_ERR_SHAPE,
        "pads %lld, %lld, %lld, %lld (top, left, bottom, right) with a kernel of %lldx%lld, or of the depth; "
        "pads smaller than the kernel wanted",
        (long long)g->pad_top, (long long)g->pad_left, (long long)g->pad_bottom, (long long)g->pad_right,
        (long long)g->k_h, (long long)g->k_w);
}

cz_status cz_pool_resolve(const struct cz_pool_attrs *a, const struct cz_shape *x, struct cz_window *out,
                          cz_error *err)
{
    CZ_TRY(cz_window_resolve(&a->window, x, a->window.kernel, out, err));
    return a->window.auto_pad == CZ_AUTO_PAD_NOTSET ? check_pads(out, err) : CZ_OK;
}

static cz_status infer(const void *attrs, const struct cz_op_input *in, unsigned allowed,
                       struct cz_shape *out, cz_error *err)
{
    struct cz_window g;
    CZ_TRY(cz_check_dtype(&in[0], "input", allowed, err));
    CZ_TRY(cz_pool_resolve(attrs, &in[0].shape, &g, err));
    out[0] = cz_window_output(&g, &in[0].shape, in[0].shape.dim[1]);
    return CZ_OK;
}

static cz_status maxpool_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    const struct cz_pool_attrs *a = attrs;
    (void)n_in;
    CZ_TRY(infer(attrs, in, CZ_SET_NUMBER, out, err));
    if (n_out > 1 && a->column_major && in[0].shape.rank == 5)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "storage_order=1 with three spatial dimensions is not supported");
    if (n_out > 1) {
        out[1] = out[0];
        out[1].dtype = CZ_I64;
    }
    return CZ_OK;
}

static cz_status averagepool_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                   struct cz_shape *out, int n_out, cz_error *err)
{
    (void)n_in, (void)n_out;
    return infer(attrs, in, CZ_SET_FLOAT, out, err);
}

/* Taps k with 0 <= start + k*dilation < limit. */
struct taps {
    int64_t first, end;
};

static struct taps taps_within(int64_t start, int64_t k, int64_t dilation, int64_t limit)
{
    struct taps t = {start >= 0 ? 0 : (-start + dilation - 1) / dilation,
                     start >= limit ? 0 : (limit - start + dilation - 1) / dilation};
    if (t.end > k)
        t.end = k;
    if (t.end < t.first)
        t.end = t.first;
    return t;
}

struct place {
    int64_t z, y, x; /* input position of the window's first tap, maybe in the padding */
    struct taps planes, rows, cols;
};

static struct place place_window(const struct cz_window *g, int64_t oz, int64_t oy, int64_t ox)
{
    struct place p = {.z = oz * g->stride_d - g->pad_front,
                      .y = oy * g->stride_h - g->pad_top,
                      .x = ox * g->stride_w - g->pad_left};
    p.planes = taps_within(p.z, g->k_d, g->dilation_d, g->in_d);
    p.rows = taps_within(p.y, g->k_h, g->dilation_h, g->in_h);
    p.cols = taps_within(p.x, g->k_w, g->dilation_w, g->in_w);
    return p;
}

static int64_t divisor(const struct cz_window *g, int count_include_pad, int64_t oz, int64_t oy, int64_t ox)
{
    struct place p = place_window(g, oz, oy, ox);
    if (count_include_pad) {
        p.planes = taps_within(oz * g->stride_d, g->k_d, g->dilation_d, g->in_d + g->pad_front + g->pad_back);
        p.rows = taps_within(oy * g->stride_h, g->k_h, g->dilation_h, g->in_h + g->pad_top + g->pad_bottom);
        p.cols = taps_within(ox * g->stride_w, g->k_w, g->dilation_w, g->in_w + g->pad_left + g->pad_right);
    }
    return (p.planes.end - p.planes.first) * (p.rows.end - p.rows.first) * (p.cols.end - p.cols.first);
}

int64_t cz_pool_divisor(const struct cz_window *g, int count_include_pad, int64_t oy, int64_t ox)
{
    return divisor(g, count_include_pad, 0, oy, ox);
}

/* One channel: `first` is its first element. */
struct plane {
    const struct cz_window *g;
    const cz_tensor *x;
    int64_t first;
};

static int64_t position(const struct plane *c, const struct place *p, int64_t kz, int64_t ky, int64_t kx)
{
    const struct cz_window *g = c->g;
    return ((p->z + kz * g->dilation_d) * g->in_h + p->y + ky * g->dilation_h) * g->in_w + p->x +
           kx * g->dilation_w;
}

/* A loop over the taps of a place that lie in the input, in row order. */
#define FOR_TAPS(p, kz, ky, kx)                                                                              \
    for (int64_t kz = (p).planes.first; kz < (p).planes.end; kz++)                                           \
        for (int64_t ky = (p).rows.first; ky < (p).rows.end; ky++)                                           \
            for (int64_t kx = (p).cols.first; kx < (p).cols.end; kx++)

static double average(const struct cz_pool_attrs *a, const struct plane *c, int64_t oz, int64_t oy,
                      int64_t ox)
{
    struct place p = place_window(c->g, oz, oy, ox);
    int64_t n = divisor(c->g, a->count_include_pad, oz, oy, ox);
    double sum = 0;
    FOR_TAPS(p, kz, ky, kx)
    sum += cz_tensor_double(c->x, c->first + position(c, &p, kz, ky, kx));
    return n ? sum / (double)n : 0;
}

static double lp_norm(const struct cz_pool_attrs *a, const struct plane *c, int64_t oz, int64_t oy,
                      int64_t ox)
{
    struct place p = place_window(c->g, oz, oy, ox);
    double sum = 0;
    FOR_TAPS(p, kz, ky, kx)
    sum += cz_pow(fabs(cz_tensor_double(c->x, c->first + position(c, &p, kz, ky, kx))), a->p);
    return a->p == 2 ? sqrt(sum) : cz_pow(sum, 1 / a->p);
}

typedef double (*window_value)(const struct cz_pool_attrs *, const struct plane *, int64_t oz, int64_t oy,
                               int64_t ox);

static cz_status eval_windows(const struct cz_pool_attrs *a, window_value of, const cz_tensor *in,
                              cz_tensor *out, cz_error *err)
{
    struct cz_window g;
    struct cz_shape x = cz_tensor_shape(in);
    CZ_TRY(cz_pool_resolve(a, &x, &g, err));
    int64_t n_planes = x.dim[0] * x.dim[1], at = 0;
    for (int64_t i = 0; i < n_planes; i++) {
        struct plane c = {&g, in, i * g.in_d * g.in_h * g.in_w};
        for (int64_t row = 0; row < g.out_d * g.out_h; row++)
            for (int64_t ox = 0; ox < g.out_w; ox++)
                cz_tensor_store(out, at++, of(a, &c, row / g.out_h, row % g.out_h, ox));
    }
    return CZ_OK;
}

static cz_status averagepool_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                                  cz_error *err)
{
    (void)n_in, (void)n_out;
    return eval_windows(attrs, average, in, out, err);
}

static cz_status lppool_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    (void)n_in, (void)n_out;
    return eval_windows(attrs, lp_norm, in, out, err);
}

/* Position of the first maximum in the plane, -1 for an empty window. */
static int64_t find_maximum(const struct plane *c, int64_t oz, int64_t oy, int64_t ox)
{
    struct place p = place_window(c->g, oz, oy, ox);
    int64_t best = -1;
    FOR_TAPS(p, kz, ky, kx)
    {
        int64_t at = position(c, &p, kz, ky, kx);
        if (best < 0 || cz_element_order(c->x, c->first + at, c->first + best) > 0)
            best = at;
    }
    return best;
}

static int64_t index_of(const struct cz_pool_attrs *a, const struct plane *c, int64_t position_in_plane)
{
    const struct cz_window *g = c->g;
    if (position_in_plane < 0 || !a->column_major)
        return position_in_plane < 0 ? -1 : c->first + position_in_plane;
    return c->first + position_in_plane % g->in_w * g->in_h + position_in_plane / g->in_w;
}

static void store_maximum(const struct cz_pool_attrs *a, const struct plane *c, int64_t oz, int64_t oy,
                          int64_t ox, int64_t at, cz_tensor *out, int n_out)
{
    int64_t best = find_maximum(c, oz, oy, ox);
    if (best < 0)
        cz_tensor_store(&out[0], at, (double)-INFINITY);
    else
        cz_copy_elements(&out[0], at, c->x, c->first + best, 1);
    if (n_out > 1)
        ((int64_t *)out[1].data)[at] = index_of(a, c, best);
}

static cz_status maxpool_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                              cz_error *err)
{
    struct cz_window g;
    struct cz_shape x = cz_tensor_shape(&in[0]);
    (void)n_in;
    CZ_TRY(cz_pool_resolve(attrs, &x, &g, err));
    int64_t n_planes = x.dim[0] * x.dim[1], at = 0;
    for (int64_t i = 0; i < n_planes; i++) {
        struct plane c = {&g, &in[0], i * g.in_d * g.in_h * g.in_w};
        for (int64_t row = 0; row < g.out_d * g.out_h; row++)
            for (int64_t ox = 0; ox < g.out_w; ox++)
                store_maximum(attrs, &c, row / g.out_h, row % g.out_h, ox, at++, out, n_out);
    }
    return CZ_OK;
}

const struct cz_op cz_op_maxpool = {
    .name = "MaxPool",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 2,
    .attrs_size = sizeof(struct cz_pool_attrs),
    .parse = pool_parse,
    .infer = maxpool_infer,
    .eval = maxpool_eval,
    .plan = cz_max_pool_plan,
};

const struct cz_op cz_op_averagepool = {
    .name = "AveragePool",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_pool_attrs),
    .parse = pool_parse,
    .infer = averagepool_infer,
    .eval = averagepool_eval,
    .plan = cz_average_pool_plan,
};

const struct cz_op cz_op_lppool = {
    .name = "LpPool",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_pool_attrs),
    .parse = pool_parse,
    .infer = averagepool_infer,
    .eval = lppool_eval,
};
