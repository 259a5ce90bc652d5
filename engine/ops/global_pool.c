/*
 * GlobalAveragePool, GlobalMaxPool (ONNX opset 1) and GlobalLpPool (1, 2): one value per image and channel.
 *
 * Source: ONNX operator specification, GlobalAveragePool-1, GlobalMaxPool-1, GlobalLpPool-2.
 */
#include "base/math.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

#include <math.h>

static cz_status infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                       int n_out, cz_error *err)
{
    char text[CZ_SHAPE_TEXT];
    (void)attrs, (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_check_rank(&in[0], "input", 2, CZ_MAX_RANK, err));
    out[0] = in[0].shape;
    for (int i = 2; i < out[0].rank; i++) {
        if (out[0].dim[i] == 0)
            CZ_FAIL(err, CZ_ERR_SHAPE, "input is %s; at least one element per channel wanted",
                    cz_shape_text(&in[0].shape, text, sizeof text));
        out[0].dim[i] = 1;
    }
    return CZ_OK;
}

static double mean_of(const cz_tensor *x, int64_t first, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += cz_tensor_double(x, first + i);
    return sum / (double)n;
}

static double max_of(const cz_tensor *x, int64_t first, int64_t n)
{
    double best = cz_tensor_double(x, first);
    for (int64_t i = 1; i < n; i++) {
        double v = cz_tensor_double(x, first + i);
        if (v > best || isnan(v))
            best = v;
    }
    return best;
}

static void reduce(double (*of)(const cz_tensor *, int64_t, int64_t), const cz_tensor *x, cz_tensor *out)
{
    int64_t n = cz_dim_product(x->dim, 2, x->rank), n_planes = x->dim[0] * x->dim[1];
    for (int64_t i = 0; i < n_planes; i++)
        cz_tensor_store(out, i, of(x, i * n, n));
}

static cz_status average_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                              cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    reduce(mean_of, &in[0], &out[0]);
    return CZ_OK;
}

static cz_status max_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                          cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    reduce(max_of, &in[0], &out[0]);
    return CZ_OK;
}

const struct cz_op cz_op_global_average_pool = {
    .name = "GlobalAveragePool",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = infer,
    .eval = average_eval,
    .plan = cz_global_average_pool_plan,
};

const struct cz_op cz_op_global_max_pool = {
    .name = "GlobalMaxPool",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = infer,
    .eval = max_eval,
};

struct lp_attrs {
    double p;
};

static cz_status lp_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct lp_attrs *a = attrs;
    a->p = opset < 2 ? (double)cz_attr_float(list, "p", 2) : (double)cz_attr_int(list, "p", 2);
    if (!(a->p > 0))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'p' is %g; more than 0 wanted", a->p);
    return CZ_OK;
}

static cz_status lp_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                         cz_error *err)
{
    const struct lp_attrs *a = attrs;
    int64_t n = cz_dim_product(in[0].dim, 2, in[0].rank), n_planes = in[0].dim[0] * in[0].dim[1];
    (void)n_in, (void)n_out, (void)err;
    for (int64_t i = 0; i < n_planes; i++) {
        double sum = 0;
        for (int64_t k = i * n; k < (i + 1) * n; k++)
            sum += cz_pow(fabs(cz_tensor_double(&in[0], k)), a->p);
        cz_tensor_store(&out[0], i, a->p == 2 ? sqrt(sum) : cz_pow(sum, 1 / a->p));
    }
    return CZ_OK;
}

const struct cz_op cz_op_global_lp_pool = {
    .name = "GlobalLpPool",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct lp_attrs),
    .parse = lp_parse,
    .infer = infer,
    .eval = lp_eval,
};
