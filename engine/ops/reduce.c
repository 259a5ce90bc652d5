/*
 * ReduceMean, Sum, Max, Min, Prod, L1, L2, LogSum, LogSumExp and SumSquare: axes as an attribute (ONNX opset
 * 1, 11, 13) or as an input (18; ReduceSum 13). No axes: all, unless noop_with_empty_axes, which passes the
 * input on. Accumulated in double in row-major order, integers in integers that wrap; integer means truncate.
 *
 * LogSumExp takes the largest element out first, so that it overflows only where the result does.
 *
 * Source: ONNX operator specification, ReduceSum-13, ReduceMax-20 and likewise.
 */
#include "engine/ops/reduce.h"
#include "base/math.h"
#include "engine/ops/common.h"
#include "engine/ops/walk.h"

#include <math.h>
#include <stdlib.h>

/* finish: NULL, the accumulated value is the result. step_int: NULL, integers are accumulated as doubles. */
struct cz_reduction {
    double start;
    double (*step)(double sum, double x);
    double (*finish)(double sum, int64_t n_terms);
    int64_t start_int;
    int64_t (*step_int)(int64_t sum, int64_t x);
    int64_t (*finish_int)(int64_t sum, int64_t n_terms);
    int shifted; /* LogSumExp: in two passes */
    int axes_input_opset;
    unsigned dtypes;
};

static double add(double sum, double x)
{
    return sum + x;
}

static double multiply(double product, double x)
{
    return product * x;
}

static double larger(double best, double x)
{
    return x > best || isnan(x) ? x : best;
}

static double smaller(double best, double x)
{
    return x < best || isnan(x) ? x : best;
}

static double add_size(double sum, double x)
{
    return sum + fabs(x);
}

static double add_square(double sum, double x)
{
    return sum + x * x;
}

static double divide(double sum, int64_t n)
{
    return sum / (double)n;
}

static double root(double sum, int64_t n)
{
    (void)n;
    return sqrt(sum);
}

static double logarithm(double sum, int64_t n)
{
    (void)n;
    return cz_log(sum);
}

static int64_t add_int(int64_t sum, int64_t x)
{
    return (int64_t)((uint64_t)sum + (uint64_t)x);
}

static int64_t multiply_int(int64_t product, int64_t x)
{
    return (int64_t)((uint64_t)product * (uint64_t)x);
}

static int64_t larger_int(int64_t best, int64_t x)
{
    return x > best ? x : best;
}

static int64_t smaller_int(int64_t best, int64_t x)
{
    return x < best ? x : best;
}

static int64_t add_size_int(int64_t sum, int64_t x)
{
    return add_int(sum, x < 0 ? (int64_t)(0 - (uint64_t)x) : x);
}

static int64_t add_square_int(int64_t sum, int64_t x)
{
    return add_int(sum, multiply_int(x, x));
}

static int64_t divide_int(int64_t sum, int64_t n)
{
    return n ? sum / n : 0;
}

static cz_status parse(const struct cz_reduction *how, const struct cz_attr_list *list, int opset,
                       void *attrs, cz_error *err)
{
    struct cz_reduce_attrs *a = attrs;
    a->how = how;
    CZ_TRY(cz_parse_flag(list, "keepdims", 1, &a->keepdims, err));
    CZ_TRY(cz_parse_flag(list, "noop_with_empty_axes", 0, &a->noop_with_empty_axes, err));
    return cz_axes_parse(list, opset >= how->axes_input_opset, &a->axes, err);
}

cz_status cz_reduce_resolve(const struct cz_reduce_attrs *a, const struct cz_op_input *in, int n_in,
                            unsigned *set, cz_error *err)
{
    int given;
    CZ_TRY(cz_axes_resolve(&a->axes, in, n_in, in[0].shape.rank, set, &given, err));
    if (!given && !a->noop_with_empty_axes)
        *set = (1u << in[0].shape.rank) - 1;
    return CZ_OK;
}

static cz_status reduce_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    const struct cz_reduce_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape;
    unsigned set;
    (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input", a->how->dtypes, err));
    CZ_TRY(cz_reduce_resolve(a, in, n_in, &set, err));
    out[0] = (struct cz_shape){x->dtype, 0, {0}};
    for (int i = 0; i < x->rank; i++)
        if (!(set >> i & 1) || a->keepdims)
            out[0].dim[out[0].rank++] = set >> i & 1 ? 1 : x->dim[i];
    return CZ_OK;
}

/* Over the input, with the output's places: stride 0 where reduced. Sets the number of terms. */
static struct cz_walk walk_of(const cz_tensor *x, unsigned set, int64_t *n_terms)
{
    struct cz_walk w = cz_walk_over(x->dim, x->rank, 1);
    int64_t step = 1;
    *n_terms = 1;
    for (int i = x->rank - 1; i >= 0; i--) {
        int reduced = set >> i & 1;
        w.stride[0][i] = reduced ? 0 : step;
        step *= reduced ? 1 : x->dim[i];
        *n_terms *= reduced ? x->dim[i] : 1;
    }
    return w;
}

static void accumulate(const cz_tensor *x, struct cz_walk w, double (*step)(double, double), double *sum)
{
    int64_t n = cz_tensor_count(x);
    for (int64_t i = 0; i < n; i++, cz_walk_next(&w))
        sum[w.at[0]] = step(sum[w.at[0]], cz_tensor_double(x, i));
}

/* sum becomes log(sum of exp(x - largest)) + largest; an infinite largest element is the result itself. */
static void log_sum_exp(const cz_tensor *x, struct cz_walk w, const double *largest, double *sum, int64_t n)
{
    int64_t n_in = cz_tensor_count(x);
    for (int64_t i = 0; i < n_in; i++, cz_walk_next(&w))
        sum[w.at[0]] += cz_exp(cz_tensor_double(x, i) - largest[w.at[0]]);
    for (int64_t i = 0; i < n; i++)
        sum[i] = isinf(largest[i]) ? largest[i] : cz_log(sum[i]) + largest[i];
}

static void reduce_doubles(const struct cz_reduction *how, const cz_tensor *x, unsigned set, double *sum,
                           cz_tensor *out)
{
    int64_t n = cz_tensor_count(out), n_terms;
    struct cz_walk w = walk_of(x, set, &n_terms);
    for (int64_t i = 0; i < n; i++)
        sum[i] = how->start;
    accumulate(x, w, how->step, sum);
    if (how->shifted) {
        double *largest = sum;
        sum += n;
        for (int64_t i = 0; i < n; i++)
            sum[i] = 0;
        log_sum_exp(x, w, largest, sum, n);
    }
    for (int64_t i = 0; how->finish && i < n; i++)
        sum[i] = how->finish(sum[i], n_terms);
    cz_store_doubles(out, 0, n, sum);
}

static void reduce_ints(const struct cz_reduction *how, const cz_tensor *x, unsigned set, int64_t *sum,
                        cz_tensor *out)
{
    int64_t n = cz_tensor_count(out), n_in = cz_tensor_count(x), n_terms;
    struct cz_walk w = walk_of(x, set, &n_terms);
    for (int64_t i = 0; i < n; i++)
        sum[i] = how->start_int;
    for (int64_t i = 0; i < n_in; i++, cz_walk_next(&w))
        sum[w.at[0]] = how->step_int(sum[w.at[0]], cz_tensor_int(x, i));
    for (int64_t i = 0; how->finish_int && i < n; i++)
        sum[i] = how->finish_int(sum[i], n_terms);
    cz_store_ints(out, 0, n, sum);
}

static cz_status reduce_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    const struct cz_reduce_attrs *a = attrs;
    struct cz_op_input known[2] = {0};
    unsigned set;
    cz_known_inputs(in, n_in, known);
    CZ_TRY(cz_reduce_resolve(a, known, n_in, &set, err));
    if (set == 0 && a->noop_with_empty_axes)
        return cz_eval_copy(attrs, in, n_in, out, n_out, err);
    double *scratch = cz_scratch_doubles(2 * cz_tensor_count(&out[0]), err);
    if (!scratch)
        return CZ_ERR_MEMORY;
    if (!cz_is_float(in[0].dtype) && a->how->step_int)
        reduce_ints(a->how, &in[0], set, (int64_t *)(void *)scratch, &out[0]);
    else
        reduce_doubles(a->how, &in[0], set, scratch, &out[0]);
    free(scratch);
    return CZ_OK;
}

#define REDUCE(symbol, onnx_name, ...)                                                                       \
    static const struct cz_reduction symbol##_how = {__VA_ARGS__};                                           \
    static cz_status symbol##_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)  \
    {                                                                                                        \
        return parse(&symbol##_how, list, opset, attrs, err);                                                \
    }                                                                                                        \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = 1,                                                                                      \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 1,                                                                                       \
        .n_in_max = 2,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct cz_reduce_attrs),                                                        \
        .parse = symbol##_parse,                                                                             \
        .infer = reduce_infer,                                                                               \
        .eval = reduce_eval,                                                                                 \
    };

enum { NUMBERS = CZ_SET_FLOAT | CZ_SET_INDEX };

/* clang-format off */
REDUCE(reduce_l1, "ReduceL1", 0, add_size, NULL, 0, add_size_int, NULL, 0, 18, NUMBERS)
REDUCE(reduce_l2, "ReduceL2", 0, add_square, root, 0, NULL, NULL, 0, 18, NUMBERS)
REDUCE(reduce_log_sum, "ReduceLogSum", 0, add, logarithm, 0, NULL, NULL, 0, 18, NUMBERS)
REDUCE(reduce_log_sum_exp, "ReduceLogSumExp", -INFINITY, larger, NULL, 0, NULL, NULL, 1, 18, NUMBERS)
REDUCE(reduce_max, "ReduceMax", -INFINITY, larger, NULL, INT64_MIN, larger_int, NULL, 0, 18, CZ_SET_ANY)
REDUCE(reduce_mean, "ReduceMean", 0, add, divide, 0, add_int, divide_int, 0, 18, NUMBERS)
REDUCE(reduce_min, "ReduceMin", INFINITY, smaller, NULL, INT64_MAX, smaller_int, NULL, 0, 18, CZ_SET_ANY)
REDUCE(reduce_prod, "ReduceProd", 1, multiply, NULL, 1, multiply_int, NULL, 0, 18, NUMBERS)
REDUCE(reduce_sum, "ReduceSum", 0, add, NULL, 0, add_int, NULL, 0, 13, NUMBERS)
REDUCE(reduce_sum_square, "ReduceSumSquare", 0, add_square, NULL, 0, add_square_int, NULL, 0, 18, NUMBERS)
/* clang-format on */
