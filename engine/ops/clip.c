/*
 * Clip: limits as attributes (ONNX opset 1, 6) or as optional inputs (11, 12, 13), either of which may be
 * absent or computed. Where min is above max every element becomes max.
 *
 * Source: ONNX operator specification, Clip-6, Clip-13.
 */
#include "engine/ops/activation.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

#include <math.h>

static cz_status clip_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_activation *a = attrs;
    (void)opset, (void)err;
    *a = (struct cz_activation){CZ_ACT_CLIP, cz_attr_float(list, "min", -INFINITY),
                                cz_attr_float(list, "max", INFINITY)};
    return CZ_OK;
}

static cz_status clip_infer_attributes(const void *attrs, const struct cz_op_input *in, int n_in,
                                       struct cz_shape *out, int n_out, cz_error *err)
{
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

/* PyTorch and others give a limit as a scalar, some as a vector of one. */
static cz_status check_limit(const struct cz_op_input *in, const char *what, cz_dtype dtype, cz_error *err)
{
    char text[CZ_SHAPE_TEXT];
    CZ_TRY(cz_check_same_dtype(in, what, dtype, err));
    if (in->shape.rank > 1 || cz_shape_count(&in->shape) != 1)
        CZ_FAIL(err, CZ_ERR_SHAPE, "%s is %s; a scalar wanted", what,
                cz_shape_text(&in->shape, text, sizeof text));
    return CZ_OK;
}

static cz_status clip_infer_inputs(const void *attrs, const struct cz_op_input *in, int n_in,
                                   struct cz_shape *out, int n_out, cz_error *err)
{
    static const char *const names[] = {"input", "min", "max"};
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_NUMBER, err));
    for (int i = 1; i < n_in; i++)
        if (in[i].present)
            CZ_TRY(check_limit(&in[i], names[i], in[0].shape.dtype, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static void clip_doubles(const cz_tensor *in, double low, double high, cz_tensor *out)
{
    int64_t n = cz_tensor_count(in);
    for (int64_t i = 0; i < n; i++) {
        double v = cz_tensor_double(in, i);
        v = v < low ? low : v;
        cz_tensor_store(out, i, v > high ? high : v);
    }
}

static void clip_ints(const cz_tensor *in, int64_t low, int64_t high, cz_tensor *out)
{
    int64_t n = cz_tensor_count(in);
    for (int64_t i = 0; i < n; i++) {
        int64_t v = cz_tensor_int(in, i);
        v = v < low ? low : v;
        v = v > high ? high : v;
        cz_store_ints(out, i, 1, &v);
    }
}

static cz_status clip_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    const struct cz_activation *a = attrs;
    int has_low = cz_has_tensor(in, n_in, 1), has_high = cz_has_tensor(in, n_in, 2);
    (void)n_out, (void)err;
    if (cz_is_float(in[0].dtype))
        clip_doubles(&in[0], has_low ? cz_tensor_double(&in[1], 0) : (double)a->alpha,
                     has_high ? cz_tensor_double(&in[2], 0) : (double)a->beta, &out[0]);
    else
        clip_ints(&in[0], has_low ? cz_tensor_int(&in[1], 0) : INT64_MIN,
                  has_high ? cz_tensor_int(&in[2], 0) : INT64_MAX, &out[0]);
    return CZ_OK;
}

const struct cz_op cz_op_clip_6 = {
    .name = "Clip",
    .opset_min = 1,
    .opset_max = 10,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_activation),
    .flags = CZ_OP_ELEMENTWISE,
    .parse = clip_parse,
    .infer = clip_infer_attributes,
    .eval = clip_eval,
    .plan = cz_activation_plan,
};

const struct cz_op cz_op_clip_11 = {
    .name = "Clip",
    .opset_min = 11,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_activation),
    .flags = CZ_OP_ELEMENTWISE,
    .parse = clip_parse,
    .infer = clip_infer_inputs,
    .eval = clip_eval,
    .plan = cz_activation_plan,
};
