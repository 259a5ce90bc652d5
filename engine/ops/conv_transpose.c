/*
 * ConvTranspose (ONNX opset 1, 11): each input element adds its filter to the output, over one to three
 * spatial dimensions, with groups. Weights are [in_c][out_c / groups][kernel].
 *
 * Along an axis the output has stride * (in - 1) + output_padding + (k - 1) * dilation + 1 elements less the
 * pads; output_shape or auto_pad give the pads instead, the odd one at the end unless it is SAME_LOWER.
 *
 * Source: ONNX operator specification, ConvTranspose-11.
 */
#include "engine/ops/common.h"
#include "engine/ops/window.h"

#include <stdlib.h>

struct transpose_attrs {
    struct cz_window_attrs window;
    int64_t groups, output_padding[3], output_shape[3];
    int n_output_padding, n_output_shape;
};

struct axis {
    int64_t in, out, k, stride, dilation, pad;
};

/* Dimensions that the input does not have are 1, and stand first. */
struct geometry {
    int64_t batch, in_c, out_c, groups;
    struct axis axis[3];
};

static cz_status transpose_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct transpose_attrs *a = attrs;
    (void)opset;
    CZ_TRY(cz_window_parse(list, &a->window, err));
    CZ_TRY(cz_parse_int(list, "group", 1, 1, INT32_MAX, &a->groups, err));
    CZ_TRY(
        cz_parse_ints(list, "output_padding", 0, INT32_MAX, a->output_padding, 3, &a->n_output_padding, err));
    return cz_parse_ints(list, "output_shape", 0, INT32_MAX, a->output_shape, 3, &a->n_output_shape, err);
}

static cz_status check_count(const char *name, int found, int wanted, cz_error *err)
{
    if (found == 0 || found == wanted)
        return CZ_OK;
    CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s' has %d values; %d wanted for this input", name, found,
            wanted);
}

static cz_status check_shapes(const struct transpose_attrs *a, const struct cz_shape *x,
                              const struct cz_shape *w, cz_error *err)
{
    char xt[CZ_SHAPE_TEXT], wt[CZ_SHAPE_TEXT];
    cz_shape_text(x, xt, sizeof xt);
    cz_shape_text(w, wt, sizeof wt);
    if (x->rank < 3 || x->rank > 5 || w->rank != x->rank)
        CZ_FAIL(err, CZ_ERR_SHAPE, "input is %s, weight %s; one to three spatial dimensions wanted in both",
                xt, wt);
    if (w->dim[0] != x->dim[1] || x->dim[1] % a->groups)
        CZ_FAIL(err, CZ_ERR_SHAPE, "weight is %s, input %s in %lld groups; a filter per input channel wanted",
                wt, xt, (long long)a->groups);
    int n = x->rank - 2;
    CZ_TRY(check_count("kernel_shape", a->window.n_kernel, n, err));
    CZ_TRY(check_count("strides", a->window.n_strides, n, err));
    CZ_TRY(check_count("dilations", a->window.n_dilations, n, err));
    CZ_TRY(check_count("pads", a->window.n_pads, 2 * n, err));
    CZ_TRY(check_count("output_padding", a->n_output_padding, n, err));
    CZ_TRY(check_count("output_shape", a->n_output_shape, n, err));
    for (int i = 2; i < w->rank; i++)
        if (w->dim[i] < 1 || w->dim[i] > INT32_MAX || x->dim[i] < 1 || x->dim[i] > INT32_MAX)
            CZ_FAIL(err, CZ_ERR_SHAPE,
                    "input is %s, weight %s; at least one element in every dimension wanted", xt, wt);
    return CZ_OK;
}

static cz_status resolve_axis(const struct transpose_attrs *a, const struct cz_shape *x,
                              const struct cz_shape *w, int i, struct axis *out, cz_error *err)
{
    const struct cz_window_attrs *g = &a->window;
    int lower = g->auto_pad == CZ_AUTO_PAD_SAME_LOWER, n = x->rank - 2;
    int same = lower || g->auto_pad == CZ_AUTO_PAD_SAME_UPPER;
    struct axis r = {.in = x->dim[2 + i], .k = w->dim[2 + i], .stride = 1, .dilation = 1};
    if (g->n_strides)
        r.stride = g->strides[i];
    if (g->n_dilations)
        r.dilation = g->dilations[i];
    /* Up to 2^31 each, so that products stay inside int64_t. */
    int64_t full =
        r.stride * (r.in - 1) + (a->n_output_padding ? a->output_padding[i] : 0) + (r.k - 1) * r.dilation + 1;
    int64_t pads = 0;
    if (a->n_output_shape || same) {
        r.out = a->n_output_shape ? a->output_shape[i] : r.in * r.stride;
        pads = full - r.out;
        r.pad = lower ? pads - pads / 2 : pads / 2;
    } else if (g->n_pads && g->auto_pad == CZ_AUTO_PAD_NOTSET) {
        pads = g->pads[i] + g->pads[n + i];
        r.pad = g->pads[i];
        r.out = full - pads;
    } else {
        r.out = full;
    }
    if (r.out < 0)
        CZ_FAIL(err, CZ_ERR_SHAPE, "pads of %lld leave nothing of %lld outputs in spatial dimension %d",
                (long long)pads, (long long)full, i);
    *out = r;
    return CZ_OK;
}

static cz_status resolve(const struct transpose_attrs *a, const struct cz_shape *x, const struct cz_shape *w,
                         struct geometry *g, cz_error *err)
{
    CZ_TRY(check_shapes(a, x, w, err));
    *g = (struct geometry){x->dim[0], x->dim[1], 0, a->groups, {{0}}};
    if (__builtin_mul_overflow(w->dim[1], a->groups, &g->out_c))
        CZ_FAIL(err, CZ_ERR_SHAPE, "%lld groups of %lld channels", (long long)a->groups,
                (long long)w->dim[1]);
    for (int i = 0; i < 3; i++) {
        int spatial = i - (5 - x->rank);
        g->axis[i] = (struct axis){1, 1, 1, 1, 1, 0};
        if (spatial >= 0)
            CZ_TRY(resolve_axis(a, x, w, spatial, &g->axis[i], err));
    }
    return CZ_OK;
}

static cz_status transpose_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                 struct cz_shape *out, int n_out, cz_error *err)
{
    struct geometry g;
    (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_check_same_dtype(&in[1], "weight", in[0].shape.dtype, err));
    CZ_TRY(resolve(attrs, &in[0].shape, &in[1].shape, &g, err));
    if (cz_has_input(in, n_in, 2))
        CZ_TRY(cz_check_vector(&in[2], "bias", g.out_c, in[0].shape.dtype, err));
    out[0] = in[0].shape;
    out[0].dim[1] = g.out_c;
    for (int i = 2; i < out[0].rank; i++)
        out[0].dim[i] = g.axis[i + 3 - out[0].rank].out;
    return CZ_OK;
}

/* The filter of one input element (iz, iy, ix), times its value, into the output channel's plane. */
static void add_filter(const struct geometry *g, const int64_t *at, double value, const double *w, double *y)
{
    const struct axis *d = &g->axis[0], *h = &g->axis[1], *v = &g->axis[2];
    for (int64_t kz = 0; kz < d->k; kz++)
        for (int64_t ky = 0; ky < h->k; ky++)
            for (int64_t kx = 0; kx < v->k; kx++, w++) {
                int64_t oz = at[0] * d->stride + kz * d->dilation - d->pad;
                int64_t oy = at[1] * h->stride + ky * h->dilation - h->pad;
                int64_t ox = at[2] * v->stride + kx * v->dilation - v->pad;
                if (oz >= 0 && oz < d->out && oy >= 0 && oy < h->out && ox >= 0 && ox < v->out)
                    y[(oz * h->out + oy) * v->out + ox] += value * *w;
            }
}

struct buffers {
    double *x, *w, *y; /* one image, the filters of one group's input channel, one output plane */
};

static void eval_plane(const struct geometry *g, const cz_tensor *weight, int64_t oc, const struct buffers *b)
{
    int64_t in_per = g->in_c / g->groups, out_per = g->out_c / g->groups, group = oc / out_per;
    const struct axis *a = g->axis;
    int64_t n_in = a[0].in * a[1].in * a[2].in, n_w = a[0].k * a[1].k * a[2].k;
    for (int64_t ic = group * in_per; ic < (group + 1) * in_per; ic++) {
        cz_load_doubles(weight, (ic * out_per + oc % out_per) * n_w, n_w, b->w);
        for (int64_t i = 0; i < n_in; i++) {
            int64_t at[3] = {i / a[2].in / a[1].in, i / a[2].in % a[1].in, i % a[2].in};
            add_filter(g, at, b->x[ic * n_in + i], b->w, b->y);
        }
    }
}

static cz_status transpose_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                                cz_error *err)
{
    struct geometry g;
    struct cz_shape x = cz_tensor_shape(&in[0]), w = cz_tensor_shape(&in[1]);
    (void)n_out;
    CZ_TRY(resolve(attrs, &x, &w, &g, err));
    const struct axis *a = g.axis;
    int64_t image = g.in_c * a[0].in * a[1].in * a[2].in;
    int64_t n_out_plane = a[0].out * a[1].out * a[2].out;
    struct buffers b = {cz_scratch_doubles(image, err), cz_scratch_doubles(a[0].k * a[1].k * a[2].k, err),
                        cz_scratch_doubles(n_out_plane, err)};
    int ready = b.x && b.w && b.y;
    for (int64_t p = 0; ready && p < g.batch * g.out_c; p++) {
        int64_t oc = p % g.out_c;
        if (oc == 0)
            cz_load_doubles(&in[0], p / g.out_c * image, image, b.x);
        double bias = cz_has_tensor(in, n_in, 2) ? cz_tensor_double(&in[2], oc) : 0;
        for (int64_t i = 0; i < n_out_plane; i++)
            b.y[i] = bias;
        eval_plane(&g, &in[1], oc, &b);
        cz_store_doubles(&out[0], p * n_out_plane, n_out_plane, b.y);
    }
    free(b.x);
    free(b.w);
    free(b.y);
    return ready ? CZ_OK : CZ_ERR_MEMORY;
}

static double transpose_macs(const void *attrs, const struct cz_op_input *in, int n_in,
                             const struct cz_shape *out)
{
    (void)attrs, (void)n_in, (void)out;
    return (double)cz_shape_count(&in[0].shape) *
           (double)cz_dim_product(in[1].shape.dim, 1, in[1].shape.rank);
}

const struct cz_op cz_op_conv_transpose = {
    .name = "ConvTranspose",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct transpose_attrs),
    .parse = transpose_parse,
    .infer = transpose_infer,
    .eval = transpose_eval,
    .macs = transpose_macs,
};
