/*
 * Shape (ONNX opset 1, 13, 15, 19, 21): the dimensions as int64, from 15 on a range of them. Size (same
 * opsets but 15): their product.
 *
 * Source: ONNX operator specification, Shape-15, Size-13.
 */
#include "engine/ops/common.h"

struct shape_attrs {
    int64_t start, end;
};

static cz_status shape_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct shape_attrs *a = attrs;
    (void)opset;
    CZ_TRY(cz_parse_int(list, "start", 0, INT64_MIN, INT64_MAX, &a->start, err));
    return cz_parse_int(list, "end", INT64_MAX, INT64_MIN, INT64_MAX, &a->end, err);
}

/* Negative bounds count from the end; all are clamped. */
static int bound(int64_t v, int rank)
{
    if (v < 0)
        v += rank;
    return v < 0 ? 0 : v > rank ? rank : (int)v;
}

static cz_status shape_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    const struct shape_attrs *a = attrs;
    int start = bound(a->start, in[0].shape.rank), end = bound(a->end, in[0].shape.rank);
    (void)n_in, (void)n_out, (void)err;
    out[0] = cz_shape_of(CZ_I64, 1, (int64_t)(end > start ? end - start : 0));
    return CZ_OK;
}

static cz_status shape_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                            cz_error *err)
{
    const struct shape_attrs *a = attrs;
    int start = bound(a->start, in[0].rank);
    (void)n_in, (void)n_out, (void)err;
    for (int64_t i = 0; i < out[0].dim[0]; i++)
        ((int64_t *)out[0].data)[i] = in[0].dim[start + i];
    return CZ_OK;
}

const struct cz_op cz_op_shape = {
    .name = "Shape",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct shape_attrs),
    .flags = CZ_OP_SHAPE_ONLY,
    .parse = shape_parse,
    .infer = shape_infer,
    .eval = shape_eval,
};

static cz_status size_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                            int n_out, cz_error *err)
{
    (void)attrs, (void)in, (void)n_in, (void)n_out, (void)err;
    out[0] = cz_shape_of(CZ_I64, 0);
    return CZ_OK;
}

static cz_status size_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    *(int64_t *)out[0].data = cz_tensor_count(&in[0]);
    return CZ_OK;
}

const struct cz_op cz_op_size = {
    .name = "Size",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .flags = CZ_OP_SHAPE_ONLY,
    .infer = size_infer,
    .eval = size_eval,
};
