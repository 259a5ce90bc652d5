/*
 * DynamicQuantizeLinear (ONNX opset 11): uint8 codes whose 255 steps span the tensor's own values and 0.
 *
 * Source: ONNX operator specification, DynamicQuantizeLinear-11. It does not say what a tensor of zeros gives
 * (its formula divides 0 by 0); scale 1 and zero point 0 here.
 */
#include "engine/ops/quantize_dynamic.h"
#include "engine/ops/common.h"
#include "engine/ops/integer.h"
#include "engine/ops/plans.h"

struct cz_codes cz_codes_of_range(float low, float high)
{
    struct cz_codes c = cz_codes_of(CZ_U8, 0);
    c.scale = high > low ? (high - low) / 255.0f : 1.0f;
    c.zero = cz_code_of(&c, 0.0f - low / c.scale);
    return c;
}

static cz_status dynamic_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input", 1u << CZ_F32, err));
    out[0] = in[0].shape;
    out[0].dtype = CZ_U8;
    out[1] = cz_shape_of(CZ_F32, 0);
    out[2] = cz_shape_of(CZ_U8, 0);
    return CZ_OK;
}

static cz_status dynamic_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                              cz_error *err)
{
    const float *x = in[0].data;
    float low = 0, high = 0;
    int64_t n = cz_tensor_count(&in[0]);
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    for (int64_t i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    struct cz_codes c = cz_codes_of_range(low, high);
    for (int64_t i = 0; i < n; i++)
        ((uint8_t *)out[0].data)[i] = (uint8_t)cz_code_of(&c, x[i] / c.scale);
    *(float *)out[1].data = c.scale;
    *(uint8_t *)out[2].data = (uint8_t)c.zero;
    return CZ_OK;
}

const struct cz_op cz_op_dynamic_quantize_linear = {
    .name = "DynamicQuantizeLinear",
    .opset_min = 11,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 3,
    .n_out_max = 3,
    .infer = dynamic_infer,
    .eval = dynamic_eval,
    .plan = cz_dynamic_quantize_plan,
};
