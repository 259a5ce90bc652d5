/*
 * Softmax, LogSoftmax and Hardmax (ONNX opset 1, 11: over everything from the axis on, default 1; 13: over
 * the axis, default -1). The maximum is subtracted first; sums in double in the order of the elements.
 * Hardmax gives 1 to the first maximum.
 *
 * Source: ONNX operator specification, Softmax-11, Softmax-13 and likewise.
 */
#include "engine/ops/softmax.h"
#include "base/math.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

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

/* One vector: n elements, `stride` apart from `first` on. */
struct vector {
    const cz_tensor *x;
    int64_t first, n, stride;
};

static double element(const struct vector *v, int64_t i)
{
    return cz_tensor_double(v->x, v->first + i * v->stride);
}

/* Position of the first maximum. */
static int64_t find_largest(const struct vector *v)
{
    int64_t best = 0;
    for (int64_t i = 1; i < v->n; i++)
        if (element(v, i) > element(v, best))
            best = i;
    return best;
}

static double sum_of_exp(const struct vector *v, double largest)
{
    double sum = 0;
    for (int64_t i = 0; i < v->n; i++)
        sum += cz_exp(element(v, i) - largest);
    return sum;
}

static void softmax_vector(const struct vector *v, cz_tensor *out)
{
    double largest = element(v, find_largest(v)), sum = sum_of_exp(v, largest);
    for (int64_t i = 0; i < v->n; i++)
        cz_tensor_store(out, v->first + i * v->stride, cz_exp(element(v, i) - largest) / sum);
}

static void log_softmax_vector(const struct vector *v, cz_tensor *out)
{
    double largest = element(v, find_largest(v)), log_sum = cz_log(sum_of_exp(v, largest));
    for (int64_t i = 0; i < v->n; i++)
        cz_tensor_store(out, v->first + i * v->stride, element(v, i) - largest - log_sum);
}

static void hardmax_vector(const struct vector *v, cz_tensor *out)
{
    int64_t best = find_largest(v);
    for (int64_t i = 0; i < v->n; i++)
        cz_tensor_store(out, v->first + i * v->stride, i == best);
}

static cz_status eval(const struct cz_softmax_attrs *a, void (*of)(const struct vector *, cz_tensor *),
                      const cz_tensor *in, cz_tensor *out, cz_error *err)
{
    struct cz_shape x = cz_tensor_shape(in);
    int64_t outer, n, inner;
    CZ_TRY(cz_softmax_resolve(a, &x, &outer, &n, &inner, err));
    for (int64_t o = 0; n > 0 && o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            struct vector v = {in, o * n * inner + i, n, inner};
            of(&v, out);
        }
    return CZ_OK;
}

#define SOFTMAX(symbol, onnx_name, plan_function)                                                            \
    static cz_status symbol##_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out,         \
                                   int n_out, cz_error *err)                                                 \
    {                                                                                                        \
        (void)n_in, (void)n_out;                                                                             \
        return eval(attrs, symbol##_vector, in, out, err);                                                   \
    }                                                                                                        \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = 1,                                                                                      \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 1,                                                                                       \
        .n_in_max = 1,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct cz_softmax_attrs),                                                       \
        .parse = softmax_parse,                                                                              \
        .infer = softmax_infer,                                                                              \
        .eval = symbol##_eval,                                                                               \
        .plan = plan_function,                                                                               \
    };

SOFTMAX(hardmax, "Hardmax", NULL)
SOFTMAX(log_softmax, "LogSoftmax", cz_softmax_plan)
SOFTMAX(softmax, "Softmax", cz_softmax_plan)
