/*
 * Range (ONNX opset 11): start, start + delta, ... before limit; all three must be known before the run.
 *
 * Source: ONNX operator specification, Range-11.
 */
#include "engine/ops/common.h"

#include <math.h>

static cz_status check_bounds(const struct cz_op_input *in, cz_error *err)
{
    static const char *const names[] = {"start", "limit", "delta"};
    for (int i = 0; i < 3; i++) {
        CZ_TRY(cz_check_dtype(&in[i], names[i], CZ_SET_FLOAT | CZ_SET_INDEX, err));
        CZ_TRY(cz_check_same_dtype(&in[i], names[i], in[0].shape.dtype, err));
        if (cz_shape_count(&in[i].shape) != 1)
            CZ_FAIL(err, CZ_ERR_SHAPE, "%s has %lld elements; 1 wanted", names[i],
                    (long long)cz_shape_count(&in[i].shape));
        if (!in[i].constant.data)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s is computed from data; it must be known before the run",
                    names[i]);
    }
    return CZ_OK;
}

/* Integers by their own division, since not every int64 is a double. */
static double count_ints(const struct cz_op_input *in)
{
    int64_t start = cz_tensor_int(&in[0].constant, 0), limit = cz_tensor_int(&in[1].constant, 0);
    int64_t delta = cz_tensor_int(&in[2].constant, 0), way;
    if (delta == 0)
        return NAN;
    if (delta > 0 ? limit <= start : limit >= start)
        return 0;
    if (__builtin_sub_overflow(limit, start, &way) || (way == INT64_MIN && delta == -1))
        return INFINITY;
    return (double)(way / delta + (way % delta != 0));
}

static double count_doubles(const struct cz_op_input *in)
{
    double start = cz_tensor_double(&in[0].constant, 0), limit = cz_tensor_double(&in[1].constant, 0);
    double n = ceil((limit - start) / cz_tensor_double(&in[2].constant, 0));
    return n < 0 ? 0 : n;
}

static cz_status range_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out;
    CZ_TRY(check_bounds(in, err));
    double n = cz_is_float(in[0].shape.dtype) ? count_doubles(in) : count_ints(in);
    if (!(n < 0x1p40))
        CZ_FAIL(err, CZ_ERR_SHAPE, "start, limit and delta give %g elements", n);
    out[0] = cz_shape_of(in[0].shape.dtype, 1, (int64_t)n);
    return CZ_OK;
}

static cz_status range_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                            cz_error *err)
{
    double start = cz_tensor_double(&in[0], 0), delta = cz_tensor_double(&in[2], 0);
    uint64_t first = (uint64_t)cz_tensor_int(&in[0], 0), step = (uint64_t)cz_tensor_int(&in[2], 0);
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    for (int64_t i = 0; i < out[0].dim[0]; i++) {
        int64_t v = (int64_t)(first + step * (uint64_t)i);
        if (cz_is_float(out[0].dtype))
            cz_tensor_store(&out[0], i, start + (double)i * delta);
        else
            cz_store_ints(&out[0], i, 1, &v);
    }
    return CZ_OK;
}

const struct cz_op cz_op_range = {
    .name = "Range",
    .opset_min = 11,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 3,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = range_infer,
    .eval = range_eval,
};
