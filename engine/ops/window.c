#include "engine/ops/window.h"
#include "base/checked.h"
#include "engine/ops/common.h"

#include <string.h>

/* Keeps every sum and product of window arithmetic far inside int64_t. */
static const int64_t largest = INT32_MAX;

static cz_status parse_auto_pad(const struct cz_attr_list *list, enum cz_auto_pad *out, cz_error *err)
{
    static const char *const names[] = {[CZ_AUTO_PAD_NOTSET] = "NOTSET",
                                        [CZ_AUTO_PAD_SAME_UPPER] = "SAME_UPPER",
                                        [CZ_AUTO_PAD_SAME_LOWER] = "SAME_LOWER",
                                        [CZ_AUTO_PAD_VALID] = "VALID"};
    const char *text = cz_attr_string(list, "auto_pad", "NOTSET");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (enum cz_auto_pad)i;
            return CZ_OK;
        }
    CZ_FAIL(err, CZ_ERR_FORMAT,
            "attribute 'auto_pad' is '%s'; NOTSET, SAME_UPPER, SAME_LOWER or VALID wanted", text);
}

cz_status cz_window_parse(const struct cz_attr_list *list, struct cz_window_attrs *a, cz_error *err)
{
    CZ_TRY(parse_auto_pad(list, &a->auto_pad, err));
    CZ_TRY(cz_parse_ints(list, "kernel_shape", 1, largest, a->kernel, 3, &a->n_kernel, err));
    CZ_TRY(cz_parse_ints(list, "strides", 1, largest, a->strides, 3, &a->n_strides, err));
    CZ_TRY(cz_parse_ints(list, "dilations", 1, largest, a->dilations, 3, &a->n_dilations, err));
    CZ_TRY(cz_parse_ints(list, "pads", 0, largest, a->pads, 6, &a->n_pads, err));
    return cz_parse_flag(list, "ceil_mode", 0, &a->ceil_mode, err);
}

struct axis {
    const char *name;
    int64_t in, k, stride, dilation, pad_begin, pad_end, out;
};

static cz_status check_count(const char *name, int found, int wanted, cz_error *err)
{
    if (found == 0 || found == wanted)
        return CZ_OK;
    CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s' has %d values; %d wanted for this input", name, found,
            wanted);
}

static cz_status check_counts(const struct cz_window_attrs *a, int spatial, cz_error *err)
{
    CZ_TRY(check_count("kernel_shape", a->n_kernel, spatial, err));
    CZ_TRY(check_count("strides", a->n_strides, spatial, err));
    CZ_TRY(check_count("dilations", a->n_dilations, spatial, err));
    return check_count("pads", a->n_pads, 2 * spatial, err);
}

/* auto_pad SAME: ceil(in / stride) outputs, an odd pad goes to the end (UPPER) or to the beginning (LOWER).
 */
static void pad_same(struct axis *x, int64_t span, int lower)
{
    int64_t want = (cz_ceil_div(x->in, x->stride) - 1) * x->stride + span - x->in;
    int64_t total = want > 0 ? want : 0, half = total / 2;
    x->pad_begin = lower ? total - half : half;
    x->pad_end = total - x->pad_begin;
}

static cz_status resolve_axis(const struct cz_window_attrs *a, struct axis *x, cz_error *err)
{
    int64_t span = (x->k - 1) * x->dilation + 1;
    int same = a->auto_pad == CZ_AUTO_PAD_SAME_UPPER || a->auto_pad == CZ_AUTO_PAD_SAME_LOWER;
    if (same)
        pad_same(x, span, a->auto_pad == CZ_AUTO_PAD_SAME_LOWER);
    int64_t room = x->in + x->pad_begin + x->pad_end - span;
    if (room < 0 || x->in < 1)
        CZ_FAIL(err, CZ_ERR_SHAPE,
                "input %s %lld with pads %lld and %lld; at least %lld wanted by kernel %lld, dilation %lld",
                x->name, (long long)x->in, (long long)x->pad_begin, (long long)x->pad_end, (long long)span,
                (long long)x->k, (long long)x->dilation);
    x->out = room / x->stride + 1;
    if (a->ceil_mode && !same) {
        x->out = cz_ceil_div(room, x->stride) + 1;
        if ((x->out - 1) * x->stride >= x->in + x->pad_begin)
            x->out--;
    }
    return CZ_OK;
}

/* Spatial dimension i, counted as the attributes do; i < 0: one that the input does not have. */
static cz_status take_axis(const struct cz_window_attrs *a, const char *name, const struct cz_shape *shape,
                           const int64_t *kernel, int i, struct axis *x, cz_error *err)
{
    int spatial = shape->rank - 2;
    *x = (struct axis){name, 1, 1, 1, 1, 0, 0, 1};
    if (i < 0)
        return CZ_OK;
    x->in = shape->dim[2 + i];
    x->k = kernel[i];
    if (a->n_strides)
        x->stride = a->strides[i];
    if (a->n_dilations)
        x->dilation = a->dilations[i];
    if (a->n_pads && a->auto_pad == CZ_AUTO_PAD_NOTSET) {
        x->pad_begin = a->pads[i];
        x->pad_end = a->pads[spatial + i];
    }
    return resolve_axis(a, x, err);
}

cz_status cz_window_resolve(const struct cz_window_attrs *a, const struct cz_shape *x, const int64_t *kernel,
                            struct cz_window *out, cz_error *err)
{
    int spatial = x->rank - 2;
    char text[CZ_SHAPE_TEXT];
    struct axis d, h, w;
    if (spatial < 1 || spatial > 3)
        CZ_FAIL(err, spatial > 3 ? CZ_ERR_UNSUPPORTED : CZ_ERR_SHAPE,
                "input is %s; [N,C,W], [N,C,H,W] or [N,C,D,H,W] wanted (one to three spatial dimensions are "
                "supported)",
                cz_shape_text(x, text, sizeof text));
    CZ_TRY(check_counts(a, spatial, err));
    CZ_TRY(take_axis(a, "depth", x, kernel, spatial - 3, &d, err));
    CZ_TRY(take_axis(a, "height", x, kernel, spatial - 2, &h, err));
    CZ_TRY(take_axis(a, "width", x, kernel, spatial - 1, &w, err));
    *out = (struct cz_window){
        .in_h = h.in,
        .in_w = w.in,
        .out_h = h.out,
        .out_w = w.out,
        .k_h = h.k,
        .k_w = w.k,
        .stride_h = h.stride,
        .stride_w = w.stride,
        .dilation_h = h.dilation,
        .dilation_w = w.dilation,
        .pad_top = h.pad_begin,
        .pad_left = w.pad_begin,
        .pad_bottom = h.pad_end,
        .pad_right = w.pad_end,
        .in_d = d.in,
        .out_d = d.out,
        .k_d = d.k,
        .stride_d = d.stride,
        .dilation_d = d.dilation,
        .pad_front = d.pad_begin,
        .pad_back = d.pad_end,
    };
    return CZ_OK;
}

struct cz_shape cz_window_output(const struct cz_window *g, const struct cz_shape *x, int64_t channels)
{
    struct cz_shape out = *x;
    out.dim[1] = channels;
    if (x->rank == 5)
        out.dim[2] = g->out_d;
    if (x->rank >= 4)
        out.dim[x->rank - 2] = g->out_h;
    out.dim[x->rank - 1] = g->out_w;
    return out;
}

void cz_tap_range(int64_t k, int64_t stride, int64_t dilation, int64_t pad, int64_t in, int64_t out,
                  int64_t *first, int64_t *end)
{
    int64_t shift = k * dilation - pad;
    *first = shift >= 0 ? 0 : cz_ceil_div(-shift, stride);
    *end = shift >= in ? 0 : cz_ceil_div(in - shift, stride);
    if (*end > out)
        *end = out;
}
