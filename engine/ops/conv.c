/*
 * Conv (ONNX opset 1, 11): cross-correlation over one to three spatial dimensions, with groups.
 *
 * The reference sums each output in the order (input channel, kernel plane, row and column), the bias first,
 * in double, and rounds once. It walks whole output rows per tap, which keeps that order for every element
 * and lets the compiler vectorise across the row; taps in the padding are skipped, never multiplied by zero.
 *
 * Source: ONNX operator specification, Conv-11.
 */
#include "engine/ops/conv.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

#include <stdlib.h>
#include <string.h>

static cz_status conv_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_conv_attrs *a = attrs;
    (void)opset;
    CZ_TRY(cz_window_parse(list, &a->window, err));
    return cz_parse_int(list, "group", 1, 1, INT32_MAX, &a->groups, err);
}

static cz_status check_weight(const struct cz_conv_attrs *a, const struct cz_shape *x,
                              const struct cz_shape *w, cz_error *err)
{
    char wt[CZ_SHAPE_TEXT], xt[CZ_SHAPE_TEXT];
    cz_shape_text(w, wt, sizeof wt);
    cz_shape_text(x, xt, sizeof xt);
    if (w->rank != x->rank)
        CZ_FAIL(err, CZ_ERR_SHAPE, "weight is %s of rank %d; rank %d wanted by input %s", wt, w->rank,
                x->rank, xt);
    int64_t in_c = x->dim[1], out_c = w->dim[0];
    if (in_c % a->groups || in_c / a->groups != w->dim[1])
        CZ_FAIL(err, CZ_ERR_SHAPE, "weight %s takes %lld channels in each of %lld groups; input %s has %lld",
                wt, (long long)w->dim[1], (long long)a->groups, xt, (long long)in_c);
    if (out_c % a->groups)
        CZ_FAIL(err, CZ_ERR_SHAPE, "weight has %lld output channels; a multiple of %lld groups wanted",
                (long long)out_c, (long long)a->groups);
    for (int i = 0; i < a->window.n_kernel && i < w->rank - 2; i++)
        if (a->window.kernel[i] != w->dim[2 + i])
            CZ_FAIL(err, CZ_ERR_SHAPE, "weight is %s; attribute 'kernel_shape' wants %lld in dimension %d",
                    wt, (long long)a->window.kernel[i], 2 + i);
    return CZ_OK;
}

/* A weight's kernel dimensions come from a file's tensor, not from a checked attribute. */
static cz_status check_kernel(const struct cz_shape *w, cz_error *err)
{
    char text[CZ_SHAPE_TEXT];
    for (int i = 2; i < w->rank; i++)
        if (w->dim[i] < 1 || w->dim[i] > INT32_MAX)
            CZ_FAIL(err, CZ_ERR_SHAPE, "weight is %s; kernel dimensions from 1 to %d wanted",
                    cz_shape_text(w, text, sizeof text), INT32_MAX);
    return CZ_OK;
}

cz_status cz_conv_resolve(const struct cz_conv_attrs *a, const struct cz_shape *x, const struct cz_shape *w,
                          struct cz_conv_shape *out, cz_error *err)
{
    if (x->rank >= 3 && x->rank <= 5) {
        CZ_TRY(check_weight(a, x, w, err));
        CZ_TRY(check_kernel(w, err));
    }
    CZ_TRY(cz_window_resolve(&a->window, x, w->dim + 2, &out->window, err));
    out->batch = x->dim[0];
    out->in_c = x->dim[1];
    out->out_c = w->dim[0];
    out->groups = a->groups;
    return CZ_OK;
}

static cz_status conv_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                            int n_out, cz_error *err)
{
    struct cz_conv_shape s;
    (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_check_same_dtype(&in[1], "weight", in[0].shape.dtype, err));
    CZ_TRY(cz_conv_resolve(attrs, &in[0].shape, &in[1].shape, &s, err));
    if (cz_has_input(in, n_in, 2))
        CZ_TRY(cz_check_vector(&in[2], "bias", s.out_c, in[0].shape.dtype, err));
    out[0] = cz_window_output(&s.window, &in[0].shape, s.out_c);
    return CZ_OK;
}

/* acc[ox] += weight * x[ox*stride + kx*dilation - pad], where that column exists. */
static void add_tap(const struct cz_window *g, const double *x_row, double weight, int64_t kx, double *acc)
{
    int64_t first, end, shift = kx * g->dilation_w - g->pad_left;
    cz_tap_range(kx, g->stride_w, g->dilation_w, g->pad_left, g->in_w, g->out_w, &first, &end);
    if (g->stride_w == 1)
        for (int64_t ox = first; ox < end; ox++)
            acc[ox] += weight * x_row[ox + shift];
    else
        for (int64_t ox = first; ox < end; ox++)
            acc[ox] += weight * x_row[ox * g->stride_w + shift];
}

/* Plane (of one channel) iz: the taps of its kernel plane. x and w point at the plane's beginnings. */
static void add_plane(const struct cz_window *g, const double *x, const double *w, int64_t oy, double *acc)
{
    for (int64_t ky = 0; ky < g->k_h; ky++) {
        int64_t iy = oy * g->stride_h + ky * g->dilation_h - g->pad_top;
        if (iy < 0 || iy >= g->in_h)
            continue;
        for (int64_t kx = 0; kx < g->k_w; kx++)
            add_tap(g, x + iy * g->in_w, w[ky * g->k_w + kx], kx, acc);
    }
}

/* One output row: x points at the group's first channel, w at the output channel's weights. */
static void add_row(const struct cz_window *g, int64_t n_channels, const double *x, const double *w,
                    int64_t oz, int64_t oy, double *acc)
{
    for (int64_t c = 0; c < n_channels; c++)
        for (int64_t kz = 0; kz < g->k_d; kz++) {
            int64_t iz = oz * g->stride_d + kz * g->dilation_d - g->pad_front;
            if (iz >= 0 && iz < g->in_d)
                add_plane(g, x + (c * g->in_d + iz) * g->in_h * g->in_w,
                          w + (c * g->k_d + kz) * g->k_h * g->k_w, oy, acc);
        }
}

struct conv_buffers {
    double *x, *w, *row; /* one image, the filters of one output channel, one output row */
};

static void eval_channel(const struct cz_conv_shape *s, const cz_tensor *in, int n_in, int64_t image,
                         int64_t oc, const struct conv_buffers *b, cz_tensor *out)
{
    const struct cz_window *g = &s->window;
    int64_t n_channels = s->in_c / s->groups, n_weights = n_channels * g->k_d * g->k_h * g->k_w;
    int64_t group = oc / (s->out_c / s->groups);
    const double *x = b->x + group * n_channels * g->in_d * g->in_h * g->in_w;
    double bias = cz_has_tensor(in, n_in, 2) ? cz_tensor_double(&in[2], oc) : 0;
    cz_load_doubles(&in[1], oc * n_weights, n_weights, b->w);
    int64_t first = (image * s->out_c + oc) * g->out_d * g->out_h;
    for (int64_t row = 0; row < g->out_d * g->out_h; row++) {
        for (int64_t ox = 0; ox < g->out_w; ox++)
            b->row[ox] = bias;
        add_row(g, n_channels, x, b->w, row / g->out_h, row % g->out_h, b->row);
        cz_store_doubles(out, (first + row) * g->out_w, g->out_w, b->row);
    }
}

static cz_status conv_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    struct cz_conv_shape s;
    struct cz_shape x = cz_tensor_shape(&in[0]), w = cz_tensor_shape(&in[1]);
    (void)n_out;
    CZ_TRY(cz_conv_resolve(attrs, &x, &w, &s, err));
    int64_t image = s.in_c * s.window.in_d * s.window.in_h * s.window.in_w;
    struct conv_buffers b = {
        cz_scratch_doubles(image, err),
        cz_scratch_doubles(s.in_c / s.groups * s.window.k_d * s.window.k_h * s.window.k_w, err),
        cz_scratch_doubles(s.window.out_w, err),
    };
    int ready = b.x && b.w && b.row;
    for (int64_t n = 0; ready && n < s.batch; n++) {
        cz_load_doubles(&in[0], n * image, image, b.x);
        for (int64_t oc = 0; oc < s.out_c; oc++)
            eval_channel(&s, in, n_in, n, oc, &b, &out[0]);
    }
    free(b.x);
    free(b.w);
    free(b.row);
    return ready ? CZ_OK : CZ_ERR_MEMORY;
}

static double conv_macs(const void *attrs, const struct cz_op_input *in, int n_in, const struct cz_shape *out)
{
    const struct cz_shape *w = &in[1].shape;
    (void)attrs, (void)n_in;
    return (double)cz_shape_count(out) * (double)cz_dim_product(w->dim, 1, w->rank);
}

const struct cz_op cz_op_conv = {
    .name = "Conv",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_conv_attrs),
    .parse = conv_parse,
    .infer = conv_infer,
    .eval = conv_eval,
    .plan = cz_conv_plan,
    .macs = conv_macs,
};
