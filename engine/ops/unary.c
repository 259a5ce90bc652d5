/*
 * Relu (ONNX opset 1, 6, 13, 14), LeakyRelu (1, 6, 16), Sigmoid and Tanh (1, 6, 13), HardSigmoid (1, 6),
 * HardSwish (14): one value in, one out, by a table of kinds (activation.h).
 *
 * Source: ONNX operator specification.
 */
#include "engine/ops/activation.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

static cz_status parse(const char *name, const struct cz_attr_list *list, void *attrs)
{
    struct cz_activation *a = attrs;
    cz_activation_default(name, a);
    a->alpha = cz_attr_float(list, "alpha", a->alpha);
    a->beta = cz_attr_float(list, "beta", a->beta);
    return CZ_OK;
}

static cz_status infer_float(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static cz_status infer_number(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_NUMBER, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static void relu_int(const cz_tensor *in, cz_tensor *out)
{
    int64_t n = cz_tensor_count(in);
    for (int64_t i = 0; i < n; i++) {
        int64_t v = cz_tensor_int(in, i);
        v = v < 0 ? 0 : v;
        cz_store_ints(out, i, 1, &v);
    }
}

static cz_status eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                      cz_error *err)
{
    int64_t n = cz_tensor_count(&in[0]);
    double run[CZ_RUN];
    (void)n_in, (void)n_out, (void)err;
    if (!cz_is_float(in[0].dtype)) { /* only Relu takes integers */
        relu_int(&in[0], &out[0]);
        return CZ_OK;
    }
    for (int64_t at = 0; at < n; at += CZ_RUN) {
        int64_t count = n - at < CZ_RUN ? n - at : CZ_RUN;
        cz_load_doubles(&in[0], at, count, run);
        for (int64_t i = 0; i < count; i++)
            run[i] = cz_activation_apply(attrs, run[i]);
        cz_store_doubles(&out[0], at, count, run);
    }
    return CZ_OK;
}

/* One descriptor per row; parse knows its operator by name. */
#define ACTIVATION(symbol, onnx_name, first_opset, infer_function)                                           \
    static cz_status symbol##_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)  \
    {                                                                                                        \
        (void)opset, (void)err;                                                                              \
        return parse(onnx_name, list, attrs);                                                                \
    }                                                                                                        \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = first_opset,                                                                            \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 1,                                                                                       \
        .n_in_max = 1,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct cz_activation),                                                          \
        .flags = CZ_OP_ELEMENTWISE,                                                                          \
        .parse = symbol##_parse,                                                                             \
        .infer = infer_function,                                                                             \
        .eval = eval,                                                                                        \
        .plan = cz_activation_plan,                                                                          \
    };

ACTIVATION(hard_sigmoid, "HardSigmoid", 1, infer_float)
ACTIVATION(hard_swish, "HardSwish", 14, infer_float)
ACTIVATION(leaky_relu, "LeakyRelu", 1, infer_float)
ACTIVATION(relu, "Relu", 1, infer_number)
ACTIVATION(sigmoid, "Sigmoid", 1, infer_float)
ACTIVATION(tanh, "Tanh", 1, infer_float)
