/*
 * ConvInteger and QLinearConv (ONNX opset 10): convolution of 8-bit codes with sums of 32 bits, which
 * QLinearConv scales, rounds and saturates to codes again.
 *
 * The padding holds the input's zero point. QLinearConv's factor is x_scale * w_scale / y_scale in float32,
 * in that order, as the reference runtime has it; the specification leaves it open.
 *
 * Source: ONNX operator specification, ConvInteger-10, QLinearConv-10.
 */
#include "engine/ops/conv_integer.h"
#include "base/memory.h"
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

static cz_status infer(const void *attrs, const struct cz_integer_inputs *at, const struct cz_op_input *in,
                       int n_in, struct cz_shape *out, cz_error *err)
{
    struct cz_conv_shape s;
    cz_dtype dtype;
    CZ_TRY(cz_conv_resolve(attrs, &in[at->x].shape, &in[at->w].shape, &s, err));
    CZ_TRY(cz_integer_check(at, in, n_in, 0, s.out_c, &dtype, err));
    *out = cz_window_output(&s.window, &in[at->x].shape, s.out_c);
    out->dtype = dtype;
    return CZ_OK;
}

static cz_status conv_integer_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                    struct cz_shape *out, int n_out, cz_error *err)
{
    (void)n_out;
    return infer(attrs, &cz_inputs_of_sum, in, n_in, out, err);
}

static cz_status qlinear_conv_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                    struct cz_shape *out, int n_out, cz_error *err)
{
    (void)n_out;
    return infer(attrs, &cz_inputs_of_qlinear, in, n_in, out, err);
}

int64_t cz_conv_filter_size(const struct cz_conv_shape *s)
{
    return s->in_c / s->groups * s->window.k_d * s->window.k_h * s->window.k_w;
}

int64_t cz_conv_image_size(const struct cz_conv_shape *s)
{
    return s->in_c * s->window.in_d * s->window.in_h * s->window.in_w;
}

/* sums[ox] += w * x[ox*stride + kx*dilation - pad], where that column exists; 32 bits that wrap. */
static void add_tap(const struct cz_window *g, const int16_t *x_row, int32_t w, int64_t kx, uint32_t *sums)
{
    int64_t first, end, shift = kx * g->dilation_w - g->pad_left;
    cz_tap_range(kx, g->stride_w, g->dilation_w, g->pad_left, g->in_w, g->out_w, &first, &end);
    for (int64_t ox = first; ox < end; ox++)
        sums[ox] += (uint32_t)(w * x_row[ox * g->stride_w + shift]);
}

static void add_plane(const struct cz_window *g, const int16_t *x, const int16_t *w, int64_t oy,
                      uint32_t *sums)
{
    for (int64_t ky = 0; ky < g->k_h; ky++) {
        int64_t iy = oy * g->stride_h + ky * g->dilation_h - g->pad_top;
        for (int64_t kx = 0; kx < g->k_w && iy >= 0 && iy < g->in_h; kx++)
            add_tap(g, x + iy * g->in_w, w[ky * g->k_w + kx], kx, sums);
    }
}

void cz_conv_sum_row(const struct cz_conv_shape *s, const int16_t *image, const int16_t *filter, int64_t oc,
                     int64_t row, int32_t *sums)
{
    const struct cz_window *g = &s->window;
    int64_t n_channels = s->in_c / s->groups, first = oc / (s->out_c / s->groups) * n_channels;
    memset(sums, 0, sizeof *sums * (size_t)g->out_w);
    for (int64_t c = 0; c < n_channels; c++)
        for (int64_t kz = 0; kz < g->k_d; kz++) {
            int64_t iz = row / g->out_h * g->stride_d + kz * g->dilation_d - g->pad_front;
            if (iz >= 0 && iz < g->in_d)
                add_plane(g, image + ((first + c) * g->in_d + iz) * g->in_h * g->in_w,
                          filter + (c * g->k_d + kz) * g->k_h * g->k_w, row % g->out_h, (uint32_t *)sums);
        }
}

struct buffers {
    int16_t *image, *filter;
    int32_t *sums;
};

static void eval_channel(const struct cz_conv_shape *s, const struct cz_integer_inputs *at,
                         const cz_tensor *in, int n_in, int64_t image, int64_t oc, const struct buffers *b,
                         cz_tensor *out)
{
    const struct cz_window *g = &s->window;
    struct cz_write_back w = cz_write_back_of(at, in, n_in, out->dtype, 0, oc);
    int32_t zero = cz_has_tensor(in, n_in, at->w_zero) ? cz_zero_at(&in[at->w_zero], oc) : 0;
    int64_t rows = g->out_d * g->out_h, n = cz_conv_filter_size(s);
    cz_centre(&in[at->w], oc * n, n, zero, b->filter);
    for (int64_t row = 0; row < rows; row++) {
        cz_conv_sum_row(s, b->image, b->filter, oc, row, b->sums);
        cz_write_sums(&w, b->sums, g->out_w, out->data, ((image * s->out_c + oc) * rows + row) * g->out_w);
    }
}

static cz_status eval(const void *attrs, const struct cz_integer_inputs *at, const cz_tensor *in, int n_in,
                      cz_tensor *out, cz_error *err)
{
    struct cz_conv_shape s;
    struct cz_shape x = cz_tensor_shape(&in[at->x]), w = cz_tensor_shape(&in[at->w]);
    CZ_TRY(cz_conv_resolve(attrs, &x, &w, &s, err));
    int64_t size = cz_conv_image_size(&s);
    struct buffers b = {
        cz_alloc_aligned((size_t)size * sizeof(int16_t)),
        cz_alloc_aligned((size_t)cz_conv_filter_size(&s) * sizeof(int16_t)),
        cz_alloc_aligned((size_t)s.window.out_w * sizeof(int32_t)),
    };
    int ready = b.image && b.filter && b.sums;
    int32_t zero = cz_has_tensor(in, n_in, at->x_zero) ? cz_zero_at(&in[at->x_zero], 0) : 0;
    for (int64_t n = 0; ready && n < s.batch; n++) {
        cz_centre(&in[at->x], n * size, size, zero, b.image);
        for (int64_t oc = 0; oc < s.out_c; oc++)
            eval_channel(&s, at, in, n_in, n, oc, &b, out);
    }
    free(b.image);
    free(b.filter);
    free(b.sums);
    if (!ready)
        CZ_FAIL(err, CZ_ERR_MEMORY, "no memory for %lld intermediate values", (long long)size);
    return CZ_OK;
}

static cz_status conv_integer_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out,
                                   int n_out, cz_error *err)
{
    (void)n_out;
    return eval(attrs, &cz_inputs_of_sum, in, n_in, out, err);
}

static cz_status qlinear_conv_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out,
                                   int n_out, cz_error *err)
{
    (void)n_out;
    return eval(attrs, &cz_inputs_of_qlinear, in, n_in, out, err);
}

static double macs(const struct cz_op_input *w, const struct cz_shape *out)
{
    return (double)cz_shape_count(out) * (double)cz_dim_product(w->shape.dim, 1, w->shape.rank);
}

static double conv_integer_macs(const void *attrs, const struct cz_op_input *in, int n_in,
                                const struct cz_shape *out)
{
    (void)attrs, (void)n_in;
    return macs(&in[cz_inputs_of_sum.w], out);
}

static double qlinear_conv_macs(const void *attrs, const struct cz_op_input *in, int n_in,
                                const struct cz_shape *out)
{
    (void)attrs, (void)n_in;
    return macs(&in[cz_inputs_of_qlinear.w], out);
}

const struct cz_op cz_op_conv_integer = {
    .name = "ConvInteger",
    .opset_min = 10,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 4,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_conv_attrs),
    .parse = conv_parse,
    .infer = conv_integer_infer,
    .eval = conv_integer_eval,
    .plan = cz_conv_integer_plan,
    .macs = conv_integer_macs,
};

const struct cz_op cz_op_qlinear_conv = {
    .name = "QLinearConv",
    .opset_min = 10,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 8,
    .n_in_max = 9,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_conv_attrs),
    .parse = conv_parse,
    .infer = qlinear_conv_infer,
    .eval = qlinear_conv_eval,
    .plan = cz_conv_integer_plan,
    .macs = qlinear_conv_macs,
};
