/*
 * Softmax (ONNX opset 1, 11: over everything from the axis on, default 1; 13: over the axis, default -1).
 * The maximum is subtracted first; sums in double in the order of the elements.
 *
 * Source: ONNX operator specification, Softmax-11, Softmax-13.
 */
#include "engine/ops/softmax.h"
#include "base/math.h"
#include "engine/ops/common.h"

#include <math.h>

static cz_status softmax_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_softmax_attrs *a = attrs;
    a->flatten = opset < 13;
    return cz_parse_int(list, "axis", a->flatten ? 1 : -1, -CZ_MAX_RANK, CZ_MAX_RANK, &a->axis, err);
}

cz_status cz_softmax_resolve(const struct cz_softmax_attrs *a, const struct cz_shape *x, int64_t *outer,
                             int64_t *n, int64_t *inner, cz_error *err)
{
    int axis = x->rank;
    /* As in Flatten, the flattening form may name the end: vectors of one element. */
    if (!a->flatten || a->axis != x->rank)
        CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    *outer = cz_dim_product(x->dim, 0, axis);
    *n = a->flatten ? cz_dim_product(x->dim, axis, x->rank) : x->dim[axis];
    *inner = a->flatten ? 1 : cz_dim_product(x->dim, axis + 1, x->rank);
    return CZ_OK;
}

static cz_status softmax_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    int64_t outer, n, inner;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_softmax_resolve(attrs, &in[0].shape, &outer, &n, &inner, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static void softmax_vector(const cz_tensor *x, int64_t first, int64_t n, int64_t stride, cz_tensor *out)
{
    double largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = cz_tensor_double(x, first + i * stride);
        largest = v > largest ? v : largest;
    }
    for (int64_t i = 0; i < n; i++)
        sum += cz_exp(cz_tensor_double(x, first + i * stride) - largest);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i * stride;
        cz_tensor_store(out, at, cz_exp(cz_tensor_double(x, at) - largest) / sum);
    }
}

static cz_status softmax_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                              cz_error *err)
{
    struct cz_shape x = cz_tensor_shape(&in[0]);
    int64_t outer, n, inner;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_softmax_resolve(attrs, &x, &outer, &n, &inner, err));
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++)
            softmax_vector(&in[0], o * n * inner + i, n, inner, &out[0]);
    return CZ_OK;
}

const struct cz_op cz_op_softmax = {
    .name = "Softmax",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_softmax_attrs),
    .parse = softmax_parse,
    .infer = softmax_infer,
    .eval = softmax_eval,
};
