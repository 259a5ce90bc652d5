/*
 * Cast (ONNX opset 6, 9, 13, 19, 21) and CastLike (15, 19, 21) between our dtypes. Integers keep their low
 * bits among each other, floats become integers by truncation (saturating, where the specification leaves it
 * open), anything but 0 is true.
 *
 * Source: ONNX operator specification, Cast-13.
 */
#include "engine/ops/common.h"
#include "engine/ops/type_attr.h"

struct cast_attrs {
    cz_dtype to;
};

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
