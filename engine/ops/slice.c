/*
 * Slice: starts, ends and axes as attributes (ONNX opset 1), or as inputs together with steps (10, 11, 13).
 * Bounds beyond the dimension are clamped as Python does.
 *
 * Source: ONNX operator specification, Slice-1, Slice-13.
 */
#include "engine/ops/common.h"
#include "engine/ops/strided.h"

struct ranges {
    int n_starts, n_ends, n_axes, n_steps;
    int64_t starts[CZ_MAX_RANK], ends[CZ_MAX_RANK], axes[CZ_MAX_RANK], steps[CZ_MAX_RANK];
};

static cz_status slice_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct ranges *a = attrs;
    (void)opset;
    CZ_TRY(cz_parse_ints(list, "starts", INT64_MIN, INT64_MAX, a->starts, CZ_MAX_RANK, &a->n_starts, err));
    CZ_TRY(cz_parse_ints(list, "ends", INT64_MIN, INT64_MAX, a->ends, CZ_MAX_RANK, &a->n_ends, err));
    return cz_parse_ints(list, "axes", -CZ_MAX_RANK, CZ_MAX_RANK - 1, a->axes, CZ_MAX_RANK, &a->n_axes, err);
}

static cz_status take_inputs(const struct cz_op_input *in, int n_in, struct ranges *r, cz_error *err)
{
    CZ_TRY(cz_known_ints(&in[1], "input 'starts'", r->starts, CZ_MAX_RANK, &r->n_starts, err));
    CZ_TRY(cz_known_ints(&in[2], "input 'ends'", r->ends, CZ_MAX_RANK, &r->n_ends, err));
    if (cz_has_input(in, n_in, 3))
        CZ_TRY(cz_known_ints(&in[3], "input 'axes'", r->axes, CZ_MAX_RANK, &r->n_axes, err));
    if (cz_has_input(in, n_in, 4))
        CZ_TRY(cz_known_ints(&in[4], "input 'steps'", r->steps, CZ_MAX_RANK, &r->n_steps, err));
    return CZ_OK;
}

/* A Python bound: negative ones count from the end, then clamped to [low, high]. */
static int64_t bound(int64_t v, int64_t size, int64_t low, int64_t high)
{
    if (v < 0)
        v += size; /* no overflow: the signs differ */
    return v < low ? low : v > high ? high : v;
}

static int64_t steps_between(int64_t start, int64_t end, int64_t step)
{
    int64_t distance = step > 0 ? end - start : start - end;
    /* Written without |step|: the lowest int64_t has none. */
    if (distance <= 0)
        return 0;
    return (distance - 1) / (step > 0 ? step : step == INT64_MIN ? INT64_MAX : -step) + 1;
}

static cz_status slice_axis(const struct ranges *r, int i, int axis, const int64_t *stride,
                            struct cz_strided *s, cz_error *err)
{
    int64_t size = s->dim[axis], step = r->n_steps ? r->steps[i] : 1;
    if (step == 0)
        CZ_FAIL(err, CZ_ERR_SHAPE, "step %d is 0", i);
    int64_t start = step > 0 ? bound(r->starts[i], size, 0, size) : bound(r->starts[i], size, 0, size - 1);
    int64_t end = step > 0 ? bound(r->ends[i], size, 0, size) : bound(r->ends[i], size, -1, size - 1);
    s->dim[axis] = size ? steps_between(start, end, step) : 0;
    if (s->dim[axis] <= 1) /* one element: no stride is taken, and none can overflow */
        step = 1;
    s->src_first += s->dim[axis] ? start * stride[axis] : 0;
    s->src_stride[axis] = step * stride[axis];
    return CZ_OK;
}

static cz_status resolve(const struct ranges *r, const struct cz_shape *x, struct cz_strided *s,
                         cz_error *err)
{
    int64_t stride[CZ_MAX_RANK];
    unsigned seen = 0;
    *s = (struct cz_strided){.rank = x->rank};
    cz_strides_of(x->dim, x->rank, stride);
    for (int i = 0; i < x->rank; i++) {
        s->dim[i] = x->dim[i];
        s->src_stride[i] = stride[i];
    }
    if (r->n_starts != r->n_ends || (r->n_axes && r->n_axes != r->n_starts) ||
        (r->n_steps && r->n_steps != r->n_starts))
        CZ_FAIL(err, CZ_ERR_SHAPE, "%d starts, %d ends, %d axes, %d steps; equal numbers wanted", r->n_starts,
                r->n_ends, r->n_axes, r->n_steps);
    for (int i = 0; i < r->n_starts; i++) {
        int axis;
        CZ_TRY(cz_normalize_axis(r->n_axes ? r->axes[i] : i, x->rank, &axis, err));
        if (seen & 1u << axis)
            CZ_FAIL(err, CZ_ERR_SHAPE, "axis %d is given twice", axis);
        seen |= 1u << axis;
        CZ_TRY(slice_axis(r, i, axis, stride, s, err));
    }
    return CZ_OK;
}

static struct cz_shape output_of(const struct cz_shape *x, const struct cz_strided *s)
{
    struct cz_shape out = *x;
    for (int i = 0; i < x->rank; i++)
        out.dim[i] = s->dim[i];
    return out;
}

static cz_status slice_infer_attributes(const void *attrs, const struct cz_op_input *in, int n_in,
                                        struct cz_shape *out, int n_out, cz_error *err)
{
    struct cz_strided s;
    (void)n_in, (void)n_out;
    CZ_TRY(resolve(attrs, &in[0].shape, &s, err));
    out[0] = output_of(&in[0].shape, &s);
    return CZ_OK;
}

static cz_status slice_infer_inputs(const void *attrs, const struct cz_op_input *in, int n_in,
                                    struct cz_shape *out, int n_out, cz_error *err)
{
    struct cz_strided s;
    struct ranges r = {0};
    (void)attrs, (void)n_out;
    CZ_TRY(take_inputs(in, n_in, &r, err));
    CZ_TRY(resolve(&r, &in[0].shape, &s, err));
    out[0] = output_of(&in[0].shape, &s);
    return CZ_OK;
}

static cz_status copy_ranges(const struct ranges *r, const cz_tensor *x, cz_tensor *out, cz_error *err)
{
    struct cz_shape shape = cz_tensor_shape(x);
    struct cz_strided s;
    CZ_TRY(resolve(r, &shape, &s, err));
    cz_strides_of(out->dim, out->rank, s.dst_stride);
    cz_strided_copy(&s, x, out);
    return CZ_OK;
}

static cz_status slice_eval_attributes(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out,
                                       int n_out, cz_error *err)
{
    (void)n_in, (void)n_out;
    return copy_ranges(attrs, &in[0], &out[0], err);
}

static cz_status slice_eval_inputs(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out,
                                   int n_out, cz_error *err)
{
    struct cz_op_input known[5] = {0};
    struct ranges r = {0};
    (void)attrs, (void)n_out;
    cz_known_inputs(in, n_in, known);
    CZ_TRY(take_inputs(known, n_in, &r, err));
    return copy_ranges(&r, &in[0], &out[0], err);
}

const struct cz_op cz_op_slice_1 = {
    .name = "Slice",
    .opset_min = 1,
    .opset_max = 9,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct ranges),
    .parse = slice_parse,
    .infer = slice_infer_attributes,
    .eval = slice_eval_attributes,
};

const struct cz_op cz_op_slice_10 = {
    .name = "Slice",
    .opset_min = 10,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 3,
    .n_in_max = 5,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = slice_infer_inputs,
    .eval = slice_eval_inputs,
};
