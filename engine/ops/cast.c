/*
 * Cast (ONNX opset 6, 9, 13, 19, 21) and CastLike (15, 19, 21) between our dtypes. Integers keep their low
 * bits among each other, floats become integers by truncation (saturating, where the specification leaves it
 * open), anything but 0 is true.
 *
 * Source: ONNX operator specification, Cast-13; numbers of the types: TensorProto.DataType.
 */
#include "engine/ops/cast.h"
#include "engine/ops/common.h"

struct cast_attrs {
    cz_dtype to;
};

static const struct {
    const char *name;
    int supported;
    cz_dtype dtype;
} types[] = {
    [1] = {"float32", 1, CZ_F32},    [2] = {"uint8", 1, CZ_U8},     [3] = {"int8", 1, CZ_I8},
    [4] = {"uint16", 0, 0},          [5] = {"int16", 0, 0},         [6] = {"int32", 1, CZ_I32},
    [7] = {"int64", 1, CZ_I64},      [8] = {"string", 0, 0},        [9] = {"bool", 1, CZ_BOOL},
    [10] = {"float16", 1, CZ_F16},   [11] = {"float64", 1, CZ_F64}, [12] = {"uint32", 0, 0},
    [13] = {"uint64", 0, 0},         [14] = {"complex64", 0, 0},    [15] = {"complex128", 0, 0},
    [16] = {"bfloat16", 1, CZ_BF16},
};

cz_status cz_parse_type(const struct cz_attr_list *list, const char *name, cz_dtype *out, cz_error *err)
{
    int64_t to;
    if (!cz_attr_find(list, name))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s' is missing", name);
    CZ_TRY(cz_parse_int(list, name, 0, 1, INT32_MAX, &to, err));
    if (to >= (int64_t)(sizeof types / sizeof *types))
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "cast to data type %lld is not supported", (long long)to);
    if (!types[to].supported)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "cast to %s is not supported", types[to].name);
    *out = types[to].dtype;
    return CZ_OK;
}

static cz_status cast_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cast_attrs *a = attrs;
    (void)opset;
    return cz_parse_type(list, "to", &a->to, err);
}

static cz_status cast_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                            int n_out, cz_error *err)
{
    const struct cast_attrs *a = attrs;
    (void)n_in, (void)n_out, (void)err;
    out[0] = in[0].shape;
    out[0].dtype = a->to;
    return CZ_OK;
}

static cz_status cast_like_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                 struct cz_shape *out, int n_out, cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    out[0] = in[0].shape;
    out[0].dtype = in[1].shape.dtype;
    return CZ_OK;
}

static void cast_run(const cz_tensor *x, int64_t at, int64_t count, cz_tensor *out)
{
    if (cz_is_float(x->dtype) || cz_is_float(out->dtype)) {
        double run[CZ_RUN];
        cz_load_doubles(x, at, count, run);
        cz_store_doubles(out, at, count, run);
        return;
    }
    int64_t run[CZ_RUN];
    cz_load_ints(x, at, count, run);
    cz_store_ints(out, at, count, run);
}

static cz_status cast_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    int64_t n = cz_tensor_count(&in[0]);
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    for (int64_t at = 0; at < n; at += CZ_RUN)
        cast_run(&in[0], at, n - at < CZ_RUN ? n - at : CZ_RUN, &out[0]);
    return CZ_OK;
}

const struct cz_op cz_op_cast = {
    .name = "Cast",
    .opset_min = 6,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cast_attrs),
    .parse = cast_parse,
    .infer = cast_infer,
    .eval = cast_eval,
};

const struct cz_op cz_op_cast_like = {
    .name = "CastLike",
    .opset_min = 15,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = cast_like_infer,
    .eval = cast_eval,
};
