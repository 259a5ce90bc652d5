/*
 * Constant: a tensor (ONNX opset 1, 9), or also numbers and lists of numbers (12, 13). Strings and sparse
 * tensors are refused by name.
 *
 * Source: ONNX operator specification, Constant-13.
 */
#include "engine/ops/common.h"

/* A view: the attribute list lives as long as the node. */
struct constant_attrs {
    cz_tensor value;
};

static cz_tensor view(const void *data, cz_dtype dtype, int rank, int64_t n)
{
    struct cz_shape s = cz_shape_of(dtype, rank, n);
    return cz_tensor_view((void *)(uintptr_t)data, &s);
}

static cz_status constant_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct constant_attrs *out = attrs;
    const struct cz_attr *a;
    (void)opset;
    if ((a = cz_attr_find(list, "value")) && a->kind == CZ_ATTR_TENSOR)
        out->value = a->tensor;
    else if ((a = cz_attr_find(list, "value_int")) && a->kind == CZ_ATTR_INT)
        out->value = view(&a->i, CZ_I64, 0, 0);
    else if ((a = cz_attr_find(list, "value_ints")) && a->kind == CZ_ATTR_INTS)
        out->value = view(a->ints, CZ_I64, 1, a->n);
    else if ((a = cz_attr_find(list, "value_float")) && a->kind == CZ_ATTR_FLOAT)
        out->value = view(&a->f, CZ_F32, 0, 0);
    else if ((a = cz_attr_find(list, "value_floats")) && a->kind == CZ_ATTR_FLOATS)
        out->value = view(a->floats, CZ_F32, 1, a->n);
    else
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "a value that is no tensor, number or list of numbers (strings and sparse tensors are not "
                "supported)");
    return CZ_OK;
}

static cz_status constant_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                struct cz_shape *out, int n_out, cz_error *err)
{
    const struct constant_attrs *a = attrs;
    (void)in, (void)n_in, (void)n_out, (void)err;
    out[0] = cz_tensor_shape(&a->value);
    return CZ_OK;
}

static cz_status constant_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                               cz_error *err)
{
    const struct constant_attrs *a = attrs;
    (void)in, (void)n_in, (void)n_out, (void)err;
    cz_copy_elements(&out[0], 0, &a->value, 0, cz_tensor_count(&out[0]));
    return CZ_OK;
}

const struct cz_op cz_op_constant = {
    .name = "Constant",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 0,
    .n_in_max = 0,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct constant_attrs),
    .parse = constant_parse,
    .infer = constant_infer,
    .eval = constant_eval,
};
