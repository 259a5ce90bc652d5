/*
 * ConstantOfShape (ONNX opset 9, 20, 21): one value everywhere, float 0 where none is given.
 *
 * Source: ONNX operator specification, ConstantOfShape-9.
 */
#include "engine/ops/common.h"

struct fill_attrs {
    cz_tensor value; /* data NULL: float 0 */
};

static cz_status fill_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct fill_attrs *a = attrs;
    const struct cz_attr *value = cz_attr_find(list, "value");
    (void)opset;
    if (!value)
        return CZ_OK;
    if (value->kind != CZ_ATTR_TENSOR || cz_tensor_count(&value->tensor) != 1)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'value': not a tensor of one element");
    a->value = value->tensor;
    return CZ_OK;
}

static cz_status fill_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                            int n_out, cz_error *err)
{
    const struct fill_attrs *a = attrs;
    (void)n_in, (void)n_out;
    out[0] = (struct cz_shape){a->value.data ? a->value.dtype : CZ_F32, 0, {0}};
    CZ_TRY(cz_known_ints(&in[0], "input 'shape'", out[0].dim, CZ_MAX_RANK, &out[0].rank, err));
    return cz_shape_check(&out[0], "new shape", err);
}

static cz_status fill_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    static const float zero = 0;
    const struct fill_attrs *a = attrs;
    (void)in, (void)n_in, (void)n_out, (void)err;
    cz_fill_elements(&out[0], a->value.data ? a->value.data : &zero);
    return CZ_OK;
}

const struct cz_op cz_op_constant_of_shape = {
    .name = "ConstantOfShape",
    .opset_min = 9,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct fill_attrs),
    .parse = fill_parse,
    .infer = fill_infer,
    .eval = fill_eval,
};
