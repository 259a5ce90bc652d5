/*
 * Dropout (ONNX opset 1, 6, 7, 10, 12, 13) at inference: the input, and a mask of ones.
 *
 * Before opset 7 `is_test` 0 (its default) is the training form, from 12 on a true `training_mode` input is;
 * both are refused by name, unless the ratio is 0, where nothing is random. The mask has the input's dtype
 * before opset 10 and bool after.
 *
 * Source: ONNX operator specification, Dropout-1 to Dropout-13.
 */
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

struct dropout_attrs {
    int bool_mask;
};

static cz_status refuse_training(const char *sign, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
            "%s is the training form of Dropout; export the model in inference (eval) mode", sign);
}

static cz_status dropout_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct dropout_attrs *a = attrs;
    int is_test;
    a->bool_mask = opset >= 10;
    CZ_TRY(cz_parse_flag(list, "is_test", opset >= 7, &is_test, err));
    return is_test || cz_attr_float(list, "ratio", 0.5f) == 0 ? CZ_OK : refuse_training("is_test=0", err);
}

/* Training with a ratio of 0 drops nothing. */
static cz_status check_mode(const struct cz_op_input *in, int n_in, cz_error *err)
{
    double ratio = 0.5;
    if (!cz_has_input(in, n_in, 2))
        return CZ_OK;
    if (cz_has_input(in, n_in, 1) && in[1].constant.data)
        ratio = cz_tensor_double(&in[1].constant, 0);
    if (ratio == 0)
        return CZ_OK;
    if (!in[2].constant.data)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "training_mode is computed from data; it must be known before the run");
    return cz_tensor_double(&in[2].constant, 0) != 0 ? refuse_training("training_mode=1", err) : CZ_OK;
}

static cz_status dropout_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    static const char *const names[] = {"input", "ratio", "training_mode"};
    const struct dropout_attrs *a = attrs;
    char text[CZ_SHAPE_TEXT];
    CZ_TRY(cz_check_dtype(&in[0], names[0], CZ_SET_FLOAT, err));
    for (int i = 1; i < n_in; i++)
        if (in[i].present && cz_shape_count(&in[i].shape) != 1)
            CZ_FAIL(err, CZ_ERR_SHAPE, "%s is %s; a scalar wanted", names[i],
                    cz_shape_text(&in[i].shape, text, sizeof text));
    CZ_TRY(check_mode(in, n_in, err));
    out[0] = in[0].shape;
    if (n_out > 1) {
        out[1] = in[0].shape;
        out[1].dtype = a->bool_mask ? CZ_BOOL : in[0].shape.dtype;
    }
    return CZ_OK;
}

static cz_status dropout_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                              cz_error *err)
{
    if (n_out > 1)
        for (int64_t i = 0; i < cz_tensor_count(&out[1]); i++)
            cz_tensor_store(&out[1], i, 1);
    return cz_eval_copy(attrs, in, n_in, out, n_out, err);
}

const struct cz_op cz_op_dropout_1 = {
    .name = "Dropout",
    .opset_min = 1,
    .opset_max = 11,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 2,
    .attrs_size = sizeof(struct dropout_attrs),
    .flags = CZ_OP_RANDOM,
    .parse = dropout_parse,
    .infer = dropout_infer,
    .eval = dropout_eval,
    .plan = cz_alias_plan,
};

const struct cz_op cz_op_dropout_12 = {
    .name = "Dropout",
    .opset_min = 12,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 2,
    .attrs_size = sizeof(struct dropout_attrs),
    .flags = CZ_OP_RANDOM,
    .parse = dropout_parse,
    .infer = dropout_infer,
    .eval = dropout_eval,
    .plan = cz_alias_plan,
};
