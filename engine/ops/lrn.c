/*
 * LRN (ONNX opset 1, 13): local response normalisation across channels,
 * y = x / (bias + alpha / size * sum of squares)^beta, the window reaching floor((size-1)/2) channels down
 * and ceil((size-1)/2) up. The power is exp(-beta * log(.)) with our own exp and log, the same on every CPU.
 *
 * Source: ONNX operator specification, LRN-13.
 */
#include "base/math.h"
#include "engine/ops/common.h"
#include "engine/ops/lrn.h"

static cz_status lrn_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_lrn_attrs *a = attrs;
    (void)opset;
    a->alpha = cz_attr_float(list, "alpha", 1e-4f);
    a->beta = cz_attr_float(list, "beta", 0.75f);
    a->bias = cz_attr_float(list, "bias", 1);
    CZ_TRY(cz_parse_int(list, "size", 0, 1, INT32_MAX, &a->size, err));
    if (a->size == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'size' is missing");
    return CZ_OK;
}

static cz_status lrn_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                           int n_out, cz_error *err)
{
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_check_rank(&in[0], "input", 2, CZ_MAX_RANK, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

/* Sum of squares over the window of channel c, at one position; `plane` elements lie between channels. */
static double sum_squares(const struct cz_lrn_attrs *a, const cz_tensor *x, int64_t first, int64_t plane,
                          int64_t c)
{
    int64_t from = c - (a->size - 1) / 2, to = c + a->size / 2, channels = x->dim[1];
    double sum = 0;
    for (int64_t i = from < 0 ? 0 : from; i <= to && i < channels; i++) {
        double v = cz_tensor_double(x, first + i * plane);
        sum += v * v;
    }
    return sum;
}

static cz_status lrn_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                          cz_error *err)
{
    const struct cz_lrn_attrs *a = attrs;
    const cz_tensor *x = &in[0];
    int64_t plane = cz_dim_product(x->dim, 2, x->rank), channels = x->dim[1];
    (void)n_in, (void)n_out, (void)err;
    for (int64_t n = 0; n < x->dim[0]; n++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t i = 0; i < plane; i++) {
                int64_t first = n * channels * plane + i, at = first + c * plane;
                double base =
                    (double)a->bias + (double)a->alpha / (double)a->size * sum_squares(a, x, first, plane, c);
                cz_tensor_store(&out[0], at,
                                cz_tensor_double(x, at) * cz_exp((double)-a->beta * cz_log(base)));
            }
    return CZ_OK;
}

const struct cz_op cz_op_lrn = {
    .name = "LRN",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_lrn_attrs),
    .parse = lrn_parse,
    .infer = lrn_infer,
    .eval = lrn_eval,
};
