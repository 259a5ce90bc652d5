/*
 * CumSum (ONNX opset 11, 14): running sums along the axis that input 1 names, of the elements up to each one
 * or, with exclusive=1, before it; from the end with reverse=1. Floats are added in double.
 *
 * Source: ONNX operator specification, CumSum-14.
 */
#include "engine/ops/common.h"

struct cumsum_attrs {
    int exclusive, reverse;
};

static cz_status cumsum_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cumsum_attrs *a = attrs;
    (void)opset;
    CZ_TRY(cz_parse_flag(list, "exclusive", 0, &a->exclusive, err));
    return cz_parse_flag(list, "reverse", 0, &a->reverse, err);
}

static cz_status cumsum_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT | CZ_SET_INDEX, err));
    CZ_TRY(cz_check_dtype(&in[1], "axis", CZ_SET_INDEX, err));
    if (in[1].shape.rank > 1 || cz_shape_count(&in[1].shape) != 1)
        CZ_FAIL(err, CZ_ERR_SHAPE, "axis is of rank %d; a scalar wanted", in[1].shape.rank);
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

/* n elements `stride` apart from `first` on, the last one first where stride is negative. */
static void sum_doubles(const cz_tensor *x, int64_t first, int64_t stride, int64_t n, int exclusive,
                        cz_tensor *out)
{
    double sum = 0;
    for (int64_t i = 0, at = first; i < n; i++, at += stride) {
        double v = cz_tensor_double(x, at);
        cz_tensor_store(out, at, exclusive ? sum : sum + v);
        sum += v;
    }
}

static void sum_ints(const cz_tensor *x, int64_t first, int64_t stride, int64_t n, int exclusive,
                     cz_tensor *out)
{
    uint64_t sum = 0;
    for (int64_t i = 0, at = first; i < n; i++, at += stride) {
        uint64_t v = (uint64_t)cz_tensor_int(x, at);
        int64_t here = (int64_t)(exclusive ? sum : sum + v);
        cz_store_ints(out, at, 1, &here);
        sum += v;
    }
}

static cz_status cumsum_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    const struct cumsum_attrs *a = attrs;
    const cz_tensor *x = &in[0];
    int axis;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_normalize_axis(cz_tensor_int(&in[1], 0), x->rank, &axis, err));
    int64_t outer = cz_dim_product(x->dim, 0, axis), n = x->dim[axis];
    int64_t inner = cz_dim_product(x->dim, axis + 1, x->rank), stride = a->reverse ? -inner : inner;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            int64_t first = (o * n + (a->reverse ? n - 1 : 0)) * inner + i;
            if (cz_is_float(x->dtype))
                sum_doubles(x, first, stride, n, a->exclusive, &out[0]);
            else
                sum_ints(x, first, stride, n, a->exclusive, &out[0]);
        }
    return CZ_OK;
}

const struct cz_op cz_op_cumsum = {
    .name = "CumSum",
    .opset_min = 11,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cumsum_attrs),
    .parse = cumsum_parse,
    .infer = cumsum_infer,
    .eval = cumsum_eval,
};
