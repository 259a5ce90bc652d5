/*
 * Resize (ONNX opset 10, 11, 13, 18, 19) and Upsample (7: scales as an attribute, 9: as an input): nearest,
 * linear and cubic, axis after axis in double, rounded once. Nearest copies elements of every type.
 *
 * Before opset 11 coordinates are asymmetric; output sizes from scales are rounded down. Where scales are
 * given that do not divide, coordinates use the unrounded size, as the official vectors do.
 *
 * Source: ONNX operator specification, Upsample-9, Resize-10, Resize-19.
 */
#include "engine/ops/common.h"
#include "engine/ops/resample.h"
#include "engine/ops/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum aspect { STRETCH, NOT_LARGER, NOT_SMALLER };

struct resize_attrs {
    struct cz_resample how;
    double extrapolation;
    int roi_input, scales_input, sizes_input; /* -1: there is none */
    int n_scales, n_axes;
    double scales[CZ_MAX_RANK];
    int64_t axes[CZ_MAX_RANK];
    enum aspect aspect;
};

static cz_status choose(const struct cz_attr_list *list, const char *name, const char *missing,
                        const char *const *values, int n, int *out, cz_error *err)
{
    const char *text = cz_attr_string(list, name, missing);
    for (int i = 0; i < n; i++)
        if (strcmp(text, values[i]) == 0) {
            *out = i;
            return CZ_OK;
        }
    CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s' is '%s'; one of %s, %s ... wanted", name, text, values[0],
            values[1]);
}

#define CHOOSE(list, name, values, out, err)                                                                 \
    choose(list, name, (values)[0], values, sizeof(values) / sizeof *(values), out, err)

/* Upsample called linear "bilinear" for a while. */
static cz_status parse_mode(const struct cz_attr_list *list, struct resize_attrs *a, cz_error *err)
{
    static const char *const modes[] = {"nearest", "linear", "cubic", "bilinear"};
    int mode;
    CZ_TRY(CHOOSE(list, "mode", modes, &mode, err));
    a->how.mode = mode == 3 ? CZ_RESAMPLE_LINEAR : (enum cz_resample_mode)mode;
    return CZ_OK;
}

static cz_status parse_old(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct resize_attrs *a = attrs;
    const struct cz_attr *scales = cz_attr_find(list, "scales");
    a->how =
        (struct cz_resample){.coordinates = CZ_ASYMMETRIC, .nearest = CZ_NEAREST_SIMPLE, .cubic_a = -0.75};
    a->roi_input = a->sizes_input = a->scales_input = -1;
    CZ_TRY(parse_mode(list, a, err));
    if (opset >= 9) {
        a->scales_input = 1;
        return CZ_OK;
    }
    if (!scales || scales->kind != CZ_ATTR_FLOATS || scales->n > CZ_MAX_RANK)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'scales' is missing, or no list of up to %d floats",
                CZ_MAX_RANK);
    a->n_scales = scales->n;
    for (int i = 0; i < scales->n; i++)
        a->scales[i] = (double)scales->floats[i];
    return CZ_OK;
}

static cz_status parse_new(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    static const char *const coordinates[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
        "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
    static const char *const rounding[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    static const char *const aspects[] = {"stretch", "not_larger", "not_smaller"};
    struct resize_attrs *a = attrs;
    int coordinate, round, aspect;
    (void)opset;
    CZ_TRY(parse_mode(list, a, err));
    CZ_TRY(CHOOSE(list, "coordinate_transformation_mode", coordinates, &coordinate, err));
    CZ_TRY(CHOOSE(list, "nearest_mode", rounding, &round, err));
    CZ_TRY(CHOOSE(list, "keep_aspect_ratio_policy", aspects, &aspect, err));
    a->how.coordinates = (enum cz_coordinates)coordinate;
    a->how.nearest = (enum cz_nearest)round;
    a->aspect = (enum aspect)aspect;
    a->how.cubic_a = (double)cz_attr_float(list, "cubic_coeff_a", -0.75f);
    a->extrapolation = (double)cz_attr_float(list, "extrapolation_value", 0);
    a->roi_input = 1;
    a->scales_input = 2;
    a->sizes_input = 3;
    CZ_TRY(cz_parse_flag(list, "antialias", 0, &a->how.antialias, err));
    CZ_TRY(cz_parse_flag(list, "exclude_outside", 0, &a->how.exclude_outside, err));
    return cz_parse_ints(list, "axes", -CZ_MAX_RANK, CZ_MAX_RANK - 1, a->axes, CZ_MAX_RANK, &a->n_axes, err);
}

/* An input that is there and not empty. */
static int given(const struct cz_op_input *in, int n_in, int i)
{
    return i >= 0 && cz_has_input(in, n_in, i) && cz_shape_count(&in[i].shape) > 0;
}

static cz_status known_doubles(const struct cz_op_input *in, const char *what, int wanted, double *out,
                               cz_error *err)
{
    CZ_TRY(cz_check_dtype(in, what, CZ_SET_FLOAT | CZ_SET_INDEX, err));
    if (in->shape.rank != 1 || cz_shape_count(&in->shape) != wanted)
        CZ_FAIL(err, CZ_ERR_SHAPE, "%s has %lld elements; %d wanted", what,
                (long long)cz_shape_count(&in->shape), wanted);
    if (!in->constant.data)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s is computed from data; it must be known before the run", what);
    cz_load_doubles(&in->constant, 0, wanted, out);
    return CZ_OK;
}

struct plan {
    struct cz_resample_axis axis[CZ_MAX_RANK];
};

static cz_status list_axes(const struct resize_attrs *a, int rank, int *axes, int *n, cz_error *err)
{
    *n = a->n_axes ? a->n_axes : rank;
    for (int i = 0; i < *n; i++)
        CZ_TRY(cz_normalize_axis(a->n_axes ? a->axes[i] : i, rank, &axes[i], err));
    return CZ_OK;
}

static cz_status set_scale(struct cz_resample_axis *x, double scale, int crops, cz_error *err)
{
    double length = (double)x->in * scale * (crops ? x->roi_end - x->roi_start : 1);
    if (!(scale > 0) || !(length >= 0 && length < 0x1p40))
        CZ_FAIL(err, CZ_ERR_SHAPE,
                "scale %g of a dimension of %lld; more than 0 wanted, and less than 2^40 result", scale,
                (long long)x->in);
    x->scale = scale;
    x->out = (int64_t)floor(length);
    return CZ_OK;
}

/* The one scale that keeps proportions, for the sizes wanted. */
static double common_scale(const struct plan *p, enum aspect aspect, const int *axes, const double *sizes,
                           int n)
{
    double best = 0;
    for (int i = 0; i < n; i++) {
        double scale = sizes[i] / (double)p->axis[axes[i]].in;
        if (i == 0 || (aspect == NOT_LARGER ? scale < best : scale > best))
            best = scale;
    }
    return best;
}

static cz_status set_sizes(const struct resize_attrs *a, struct plan *p, const int *axes, const double *sizes,
                           int n, cz_error *err)
{
    double common = a->aspect == STRETCH ? 0 : common_scale(p, a->aspect, axes, sizes, n);
    for (int i = 0; i < n; i++) {
        struct cz_resample_axis *x = &p->axis[axes[i]];
        double size = common > 0 ? floor(common * (double)x->in + 0.5) : sizes[i];
        if (!(size >= 0 && size < 0x1p40) || x->in == 0)
            CZ_FAIL(err, CZ_ERR_SHAPE, "size %g from a dimension of %lld", size, (long long)x->in);
        x->out = (int64_t)size;
        x->scale = common > 0 ? common : size / (double)x->in;
    }
    return CZ_OK;
}

static cz_status resolve(const struct resize_attrs *a, const struct cz_op_input *in, int n_in, struct plan *p,
                         cz_error *err)
{
    const struct cz_shape *x = &in[0].shape;
    int axes[CZ_MAX_RANK], n, crops = a->how.coordinates == CZ_TF_CROP_AND_RESIZE;
    double values[CZ_MAX_RANK], roi[2 * CZ_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        p->axis[i] = (struct cz_resample_axis){x->dim[i], x->dim[i], 1, 0, 1};
    CZ_TRY(list_axes(a, x->rank, axes, &n, err));
    if (crops) {
        if (!given(in, n_in, a->roi_input))
            CZ_FAIL(err, CZ_ERR_FORMAT, "input 'roi' is missing for tf_crop_and_resize");
        CZ_TRY(known_doubles(&in[a->roi_input], "input 'roi'", 2 * n, roi, err));
        for (int i = 0; i < n; i++) {
            p->axis[axes[i]].roi_start = roi[i];
            p->axis[axes[i]].roi_end = roi[n + i];
        }
    }
    if (given(in, n_in, a->sizes_input)) {
        CZ_TRY(known_doubles(&in[a->sizes_input], "input 'sizes'", n, values, err));
        return set_sizes(a, p, axes, values, n, err);
    }
    if (given(in, n_in, a->scales_input))
        CZ_TRY(known_doubles(&in[a->scales_input], "input 'scales'", n, values, err));
    else if (a->n_scales == n)
        memcpy(values, a->scales, sizeof values);
    else
        CZ_FAIL(err, CZ_ERR_FORMAT, "neither scales nor sizes for %d dimensions", n);
    for (int i = 0; i < n; i++)
        CZ_TRY(set_scale(&p->axis[axes[i]], values[i], crops, err));
    return CZ_OK;
}

static cz_status resize_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    const struct resize_attrs *a = attrs;
    struct plan p;
    char text[CZ_SHAPE_TEXT];
    (void)n_out;
    CZ_TRY(
        cz_check_dtype(&in[0], "input", a->how.mode == CZ_RESAMPLE_NEAREST ? CZ_SET_ANY : CZ_SET_FLOAT, err));
    CZ_TRY(resolve(a, in, n_in, &p, err));
    out[0] = in[0].shape;
    for (int i = 0; i < out[0].rank; i++)
        out[0].dim[i] = p.axis[i].out;
    if (cz_shape_count(&in[0].shape) == 0 && cz_shape_count(&out[0]) > 0)
        CZ_FAIL(err, CZ_ERR_SHAPE, "input is %s, without elements to resize",
                cz_shape_text(&in[0].shape, text, sizeof text));
    return CZ_OK;
}

static void copy_nearest(const struct cz_resample_table *t, const cz_tensor *x, double outside,
                         cz_tensor *out)
{
    struct cz_walk w = cz_walk_over(out->dim, out->rank, 0);
    int64_t n = cz_tensor_count(out);
    for (int64_t i = 0; i < n; i++, cz_walk_next(&w)) {
        int64_t from = 0, missing = 0;
        for (int d = 0; d < w.rank; d++) {
            from = from * x->dim[d] + t[d].from[w.index[d]];
            missing |= t[d].outside[w.index[d]];
        }
        if (missing)
            cz_tensor_store(out, i, outside);
        else
            cz_copy_elements(out, i, x, from, 1);
    }
}

/* y[outer][out][inner] from x[outer][in][inner]. */
static void apply_axis(const struct cz_resample_table *t, const struct cz_resample_axis *a, int64_t outer,
                       int64_t inner, double outside, const double *x, double *y)
{
    for (int64_t row = 0; row < outer * a->out; row++, y += inner) {
        const double *from = x + row / a->out * a->in * inner;
        int64_t o = row % a->out;
        for (int64_t i = 0; i < inner; i++)
            y[i] = t->outside[o] ? outside : 0;
        for (int64_t k = o * t->n_taps; !t->outside[o] && k < (o + 1) * t->n_taps; k++)
            for (int64_t i = 0; i < inner; i++)
                y[i] += t->weights[k] * from[t->from[k] * inner + i];
    }
}

static int is_unchanged(const struct resize_attrs *a, const struct cz_resample_axis *x)
{
    return x->in == x->out && x->scale == 1 && a->how.coordinates != CZ_TF_CROP_AND_RESIZE;
}

static cz_status interpolate(const struct resize_attrs *a, const struct plan *p,
                             const struct cz_resample_table *t, const cz_tensor *x, cz_tensor *out,
                             cz_error *err)
{
    int64_t dim[CZ_MAX_RANK];
    double *from = cz_scratch_load(x, err);
    memcpy(dim, x->dim, sizeof dim);
    for (int d = 0; from && d < x->rank; d++) {
        if (is_unchanged(a, &p->axis[d]))
            continue;
        int64_t outer = cz_dim_product(dim, 0, d), inner = cz_dim_product(dim, d + 1, x->rank);
        double *to = cz_scratch_doubles(outer * p->axis[d].out * inner, err);
        if (to)
            apply_axis(&t[d], &p->axis[d], outer, inner, a->extrapolation, from, to);
        free(from);
        from = to;
        dim[d] = p->axis[d].out;
    }
    if (!from)
        return CZ_ERR_MEMORY;
    cz_store_doubles(out, 0, cz_tensor_count(out), from);
    free(from);
    return CZ_OK;
}

static cz_status resize_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    const struct resize_attrs *a = attrs;
    struct cz_op_input known[4] = {0};
    struct cz_resample_table table[CZ_MAX_RANK] = {{0}};
    struct plan p;
    (void)n_out;
    cz_known_inputs(in, n_in, known);
    CZ_TRY(resolve(a, known, n_in, &p, err));
    if (cz_tensor_count(&out[0]) == 0)
        return CZ_OK;
    cz_status status = CZ_OK;
    for (int d = 0; d < in[0].rank && status == CZ_OK; d++)
        status = cz_resample_create(&a->how, &p.axis[d], &table[d], err);
    if (status == CZ_OK && a->how.mode == CZ_RESAMPLE_NEAREST)
        copy_nearest(table, &in[0], a->extrapolation, &out[0]);
    else if (status == CZ_OK)
        status = interpolate(a, &p, table, &in[0], &out[0], err);
    for (int d = 0; d < in[0].rank; d++)
        cz_resample_destroy(&table[d]);
    return status;
}

#define RESIZE(symbol, onnx_name, first_opset, last_opset, least_inputs, most_inputs, parse_function)        \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = first_opset,                                                                            \
        .opset_max = last_opset,                                                                             \
        .n_in_min = least_inputs,                                                                            \
        .n_in_max = most_inputs,                                                                             \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct resize_attrs),                                                           \
        .parse = parse_function,                                                                             \
        .infer = resize_infer,                                                                               \
        .eval = resize_eval,                                                                                 \
    };

RESIZE(resize_10, "Resize", 10, 10, 2, 2, parse_old)
RESIZE(resize_11, "Resize", 11, CZ_OPSET_NEWEST, 1, 4, parse_new)
RESIZE(upsample_7, "Upsample", 7, 8, 1, 1, parse_old)
RESIZE(upsample_9, "Upsample", 9, 9, 2, 2, parse_old)
