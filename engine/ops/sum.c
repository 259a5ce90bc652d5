/*
 * Sum and Mean (ONNX opset 1, 6, 8, 13): any number of inputs, with broadcasting (from 8 on; before that
 * their shapes are equal, which it includes). Added in the order of the inputs, in double, rounded once.
 *
 * Source: ONNX operator specification, Sum-13, Mean-13.
 */
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

#include <stdlib.h>
#include <string.h>

static cz_status sum_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                           int n_out, cz_error *err)
{
    (void)attrs, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input 0", CZ_SET_FLOAT, err));
    out[0] = in[0].shape;
    for (int i = 1; i < n_in; i++) {
        CZ_TRY(cz_check_same_dtype(&in[i], "an input", in[0].shape.dtype, err));
        CZ_TRY(cz_broadcast_shape(&out[0], &in[i].shape, &out[0], err));
    }
    return CZ_OK;
}

static void add_input(const cz_tensor *x, const struct cz_shape *y, double *sum)
{
    struct cz_shape shape = cz_tensor_shape(x);
    struct cz_broadcast plan;
    struct cz_broadcast_cursor at;
    cz_broadcast_plan(&shape, y, y, &plan);
    for (cz_broadcast_start(&plan, &at); !at.done; cz_broadcast_next(&plan, &at))
        for (int64_t i = 0; i < plan.run; i++)
            sum[at.out + i] += cz_tensor_double(x, at.a + i * plan.a_step);
}

static cz_status eval(const cz_tensor *in, int n_in, double divisor, cz_tensor *out, cz_error *err)
{
    struct cz_shape y = cz_tensor_shape(out);
    int64_t n = cz_shape_count(&y);
    double *sum = cz_scratch_doubles(n, err);
    if (!sum)
        return CZ_ERR_MEMORY;
    memset(sum, 0, sizeof *sum * (size_t)n);
    for (int i = 0; i < n_in; i++)
        add_input(&in[i], &y, sum);
    for (int64_t i = 0; i < n; i++)
        sum[i] /= divisor;
    cz_store_doubles(out, 0, n, sum);
    free(sum);
    return CZ_OK;
}

static cz_status sum_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                          cz_error *err)
{
    (void)attrs, (void)n_out;
    return eval(in, n_in, 1, &out[0], err);
}

static cz_status mean_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    (void)attrs, (void)n_out;
    return eval(in, n_in, n_in, &out[0], err);
}

const struct cz_op cz_op_mean = {
    .name = "Mean",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = -1,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = sum_infer,
    .eval = mean_eval,
};

const struct cz_op cz_op_sum = {
    .name = "Sum",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = -1,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = sum_infer,
    .eval = sum_eval,
    .plan = cz_sum_plan,
};
