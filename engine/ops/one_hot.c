/*
 * OneHot (ONNX opset 9, 11): a new axis of size `depth` that holds the on-value at the position each index
 * names and the off-value elsewhere. Negative indices count from the end; indices out of range name nothing.
 *
 * Source: ONNX operator specification, OneHot-11.
 */
#include "engine/ops/common.h"

struct one_hot_attrs {
    int64_t axis;
};

static cz_status one_hot_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct one_hot_attrs *a = attrs;
    (void)opset;
    return cz_parse_int(list, "axis", -1, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err);
}

static cz_status known_depth(const struct cz_op_input *in, int64_t *depth, cz_error *err)
{
    CZ_TRY(cz_check_dtype(in, "depth", CZ_SET_NUMBER, err));
    if (cz_shape_count(&in->shape) != 1)
        CZ_FAIL(err, CZ_ERR_SHAPE, "depth has %lld elements; 1 wanted",
                (long long)cz_shape_count(&in->shape));
    if (!in->constant.data)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "depth is computed from data; it must be known before the run");
    *depth = cz_tensor_int(&in->constant, 0);
    return CZ_OK;
}

static cz_status one_hot_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    const struct one_hot_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape;
    int64_t depth;
    int axis;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "indices", CZ_SET_NUMBER, err));
    CZ_TRY(cz_check_rank(&in[0], "indices", 0, CZ_MAX_RANK - 1, err));
    CZ_TRY(known_depth(&in[1], &depth, err));
    CZ_TRY(cz_check_vector(&in[2], "values", 2, in[2].shape.dtype, err));
    CZ_TRY(cz_normalize_axis(a->axis, x->rank + 1, &axis, err));
    out[0] = (struct cz_shape){in[2].shape.dtype, x->rank + 1, {0}};
    for (int i = 0; i <= x->rank; i++)
        out[0].dim[i] = i == axis ? depth : x->dim[i > axis ? i - 1 : i];
    return CZ_OK;
}

static cz_status one_hot_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                              cz_error *err)
{
    const struct one_hot_attrs *a = attrs;
    int axis;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_normalize_axis(a->axis, out[0].rank, &axis, err));
    int64_t n = cz_tensor_count(&in[0]), inner = cz_dim_product(out[0].dim, axis + 1, out[0].rank);
    int64_t depth = out[0].dim[axis];
    cz_fill_elements(&out[0], in[2].data);
    for (int64_t i = 0; i < n; i++) {
        int64_t index = cz_tensor_int(&in[0], i);
        index += index < 0 ? depth : 0;
        if (index >= 0 && index < depth)
            cz_copy_elements(&out[0], (i / inner * depth + index) * inner + i % inner, &in[2], 1, 1);
    }
    return CZ_OK;
}

const struct cz_op cz_op_one_hot = {
    .name = "OneHot",
    .opset_min = 9,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 3,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct one_hot_attrs),
    .parse = one_hot_parse,
    .infer = one_hot_infer,
    .eval = one_hot_eval,
};
