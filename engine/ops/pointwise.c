/*
 * Operators of one input, element by element, that no kernel computes: a table of functions in double. Their
 * exp, log and what follows from them are ours (base/math.h), the same bits on every CPU.
 *
 * Round goes to the nearest even number. Selu's constants differ in opset 1. Gelu is x*Phi(x), or its tanh
 * approximation.
 *
 * Source: ONNX operator specification; the opsets of each stand in the table of descriptors.
 */
#include "base/math.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

#include <math.h>
#include <string.h>

/* `of` takes no parameters, `with` two; of_int serves integer inputs. */
struct function {
    double (*of)(double x);
    double (*with)(double x, double alpha, double beta);
    int64_t (*of_int)(int64_t x);
    const char *alpha_name, *beta_name;
    float alpha, beta; /* defaults */
    unsigned dtypes;
    int is_predicate; /* bool out */
};

struct pointwise_attrs {
    const struct function *f;
    double alpha, beta;
};

static double negate(double x)
{
    return -x;
}

static double reciprocal(double x)
{
    return 1 / x;
}

static double sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

static double softplus(double x)
{
    return (x > 0 ? x : 0) + cz_log1p(cz_exp(-fabs(x)));
}

static double softsign(double x)
{
    return x / (1 + fabs(x));
}

static double mish(double x)
{
    return x * cz_tanh(softplus(x));
}

static double is_nan(double x)
{
    return isnan(x) != 0;
}

static double is_inf(double x, double negative, double positive)
{
    return isinf(x) && (x < 0 ? negative : positive) != 0;
}

static double elu(double x, double alpha, double unused)
{
    (void)unused;
    return x < 0 ? alpha * cz_expm1(x) : x;
}

static double selu(double x, double alpha, double gamma)
{
    return gamma * (x < 0 ? alpha * cz_expm1(x) : x);
}

static double celu(double x, double alpha, double unused)
{
    (void)unused;
    return x < 0 ? alpha * cz_expm1(x / alpha) : x;
}

static double thresholded(double x, double alpha, double unused)
{
    (void)unused;
    return x > alpha || isnan(x) ? x : 0;
}

static double shrink(double x, double limit, double bias)
{
    return x < -limit ? x + bias : x > limit ? x - bias : isnan(x) ? x : 0;
}

static double gelu(double x)
{
    return x / 2 * (1 + cz_erf(x * 0x1.6a09e667f3bcdp-1)); /* sqrt(1/2) */
}

static double gelu_by_tanh(double x)
{
    return x / 2 * (1 + cz_tanh(0x1.9884533d43651p-1 * (x + 0.044715 * x * x * x))); /* sqrt(2/pi) */
}

static int64_t absolute_int(int64_t x)
{
    return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
}

static int64_t negate_int(int64_t x)
{
    return (int64_t)(0 - (uint64_t)x);
}

static int64_t sign_int(int64_t x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

static int64_t not_int(int64_t x)
{
    return !x;
}

static cz_status parse(const struct function *f, const struct cz_attr_list *list, void *attrs)
{
    struct pointwise_attrs *a = attrs;
    a->f = f;
    a->alpha = (double)(f->alpha_name ? cz_attr_float(list, f->alpha_name, f->alpha) : f->alpha);
    a->beta = (double)(f->beta_name ? cz_attr_float(list, f->beta_name, f->beta) : f->beta);
    return CZ_OK;
}

static cz_status infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                       int n_out, cz_error *err)
{
    const struct pointwise_attrs *a = attrs;
    CZ_TRY(cz_check_dtype(&in[0], "input", a->f->dtypes, err));
    CZ_TRY(cz_infer_same(attrs, in, n_in, out, n_out, err));
    if (a->f->is_predicate)
        out[0].dtype = CZ_BOOL;
    return CZ_OK;
}

static void run_doubles(const struct pointwise_attrs *a, double *x, int64_t n)
{
    if (a->f->of)
        for (int64_t i = 0; i < n; i++)
            x[i] = a->f->of(x[i]);
    else
        for (int64_t i = 0; i < n; i++)
            x[i] = a->f->with(x[i], a->alpha, a->beta);
}

static void eval_ints(const struct function *f, const cz_tensor *in, cz_tensor *out)
{
    int64_t n = cz_tensor_count(in);
    for (int64_t i = 0; i < n; i++) {
        int64_t v = f->of_int(cz_tensor_int(in, i));
        cz_store_ints(out, i, 1, &v);
    }
}

static cz_status eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                      cz_error *err)
{
    const struct pointwise_attrs *a = attrs;
    int64_t n = cz_tensor_count(&in[0]);
    double run[CZ_RUN];
    (void)n_in, (void)n_out, (void)err;
    if (!cz_is_float(in[0].dtype) && a->f->of_int) {
        eval_ints(a->f, &in[0], &out[0]);
        return CZ_OK;
    }
    for (int64_t at = 0; at < n; at += CZ_RUN) {
        int64_t count = n - at < CZ_RUN ? n - at : CZ_RUN;
        cz_load_doubles(&in[0], at, count, run);
        run_doubles(a, run, count);
        cz_store_doubles(&out[0], at, count, run);
    }
    return CZ_OK;
}

#define DESCRIPTOR(symbol, onnx_name, first_opset, last_opset, more_flags)                                   \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = first_opset,                                                                            \
        .opset_max = last_opset,                                                                             \
        .n_in_min = 1,                                                                                       \
        .n_in_max = 1,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct pointwise_attrs),                                                        \
        .flags = CZ_OP_ELEMENTWISE | (more_flags),                                                           \
        .parse = symbol##_parse,                                                                             \
        .infer = infer,                                                                                      \
        .eval = eval,                                                                                        \
        .plan = cz_elementwise_plan,                                                                         \
    };

#define POINTWISE(symbol, onnx_name, first_opset, last_opset, more_flags, ...)                               \
    static const struct function symbol##_function = {__VA_ARGS__};                                          \
    static cz_status symbol##_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)  \
    {                                                                                                        \
        (void)opset, (void)err;                                                                              \
        return parse(&symbol##_function, list, attrs);                                                       \
    }                                                                                                        \
    DESCRIPTOR(symbol, onnx_name, first_opset, last_opset, more_flags)

enum { NEWEST = CZ_OPSET_NEWEST, FLOATS = CZ_SET_FLOAT, FINITE = CZ_OP_KEEPS_FINITE };

/* clang-format off */
POINTWISE(abs, "Abs", 1, NEWEST, FINITE, .of = fabs, .of_int = absolute_int, .dtypes = CZ_SET_NUMBER)
POINTWISE(acos, "Acos", 7, NEWEST, 0, .of = cz_acos, .dtypes = FLOATS)
POINTWISE(acosh, "Acosh", 9, NEWEST, 0, .of = cz_acosh, .dtypes = FLOATS)
POINTWISE(asin, "Asin", 7, NEWEST, 0, .of = cz_asin, .dtypes = FLOATS)
POINTWISE(asinh, "Asinh", 9, NEWEST, FINITE, .of = cz_asinh, .dtypes = FLOATS)
POINTWISE(atan, "Atan", 7, NEWEST, FINITE, .of = cz_atan, .dtypes = FLOATS)
POINTWISE(atanh, "Atanh", 9, NEWEST, 0, .of = cz_atanh, .dtypes = FLOATS)
POINTWISE(ceil, "Ceil", 1, NEWEST, FINITE, .of = ceil, .dtypes = FLOATS)
POINTWISE(celu, "Celu", 12, NEWEST, 0, .with = celu, .alpha_name = "alpha", .alpha = 1, .dtypes = FLOATS)
POINTWISE(cos, "Cos", 7, NEWEST, 0, .of = cz_cos, .dtypes = FLOATS)
POINTWISE(cosh, "Cosh", 9, NEWEST, 0, .of = cz_cosh, .dtypes = FLOATS)
POINTWISE(elu, "Elu", 1, NEWEST, FINITE, .with = elu, .alpha_name = "alpha", .alpha = 1, .dtypes = FLOATS)
POINTWISE(erf, "Erf", 9, NEWEST, FINITE, .of = cz_erf, .dtypes = FLOATS)
POINTWISE(exp, "Exp", 1, NEWEST, 0, .of = cz_exp, .dtypes = FLOATS)
POINTWISE(floor, "Floor", 1, NEWEST, FINITE, .of = floor, .dtypes = FLOATS)
POINTWISE(is_nan, "IsNaN", 9, NEWEST, 0, .of = is_nan, .dtypes = FLOATS, .is_predicate = 1)
POINTWISE(log, "Log", 1, NEWEST, 0, .of = cz_log, .dtypes = FLOATS)
POINTWISE(mish, "Mish", 18, NEWEST, FINITE, .of = mish, .dtypes = FLOATS)
POINTWISE(neg, "Neg", 1, NEWEST, FINITE, .of = negate, .of_int = negate_int, .dtypes = CZ_SET_NUMBER)
POINTWISE(not, "Not", 1, NEWEST, 0, .of_int = not_int, .dtypes = CZ_SET_BOOL)
POINTWISE(reciprocal, "Reciprocal", 1, NEWEST, 0, .of = reciprocal, .dtypes = FLOATS)
POINTWISE(round, "Round", 11, NEWEST, FINITE, .of = rint, .dtypes = FLOATS)
POINTWISE(selu_1, "Selu", 1, 5, FINITE, .with = selu, .alpha_name = "alpha", .alpha = 1.6732f, .beta_name = "gamma", .beta = 1.0507f, .dtypes = FLOATS)
POINTWISE(selu_6, "Selu", 6, NEWEST, FINITE, .with = selu, .alpha_name = "alpha", .alpha = 1.67326319217681884765625f, .beta_name = "gamma", .beta = 1.05070102214813232421875f, .dtypes = FLOATS)
POINTWISE(shrink, "Shrink", 9, NEWEST, FINITE, .with = shrink, .alpha_name = "lambd", .alpha = 0.5f, .beta_name = "bias", .beta = 0, .dtypes = CZ_SET_NUMBER)
POINTWISE(sign, "Sign", 9, NEWEST, FINITE, .of = sign, .of_int = sign_int, .dtypes = CZ_SET_NUMBER)
POINTWISE(sin, "Sin", 7, NEWEST, 0, .of = cz_sin, .dtypes = FLOATS)
POINTWISE(sinh, "Sinh", 9, NEWEST, 0, .of = cz_sinh, .dtypes = FLOATS)
POINTWISE(softplus, "Softplus", 1, NEWEST, FINITE, .of = softplus, .dtypes = FLOATS)
POINTWISE(softsign, "Softsign", 1, NEWEST, FINITE, .of = softsign, .dtypes = FLOATS)
POINTWISE(sqrt, "Sqrt", 1, NEWEST, 0, .of = sqrt, .dtypes = FLOATS)
POINTWISE(tan, "Tan", 7, NEWEST, 0, .of = cz_tan, .dtypes = FLOATS)
POINTWISE(thresholded_relu, "ThresholdedRelu", 10, NEWEST, FINITE, .with = thresholded, .alpha_name = "alpha", .alpha = 1, .dtypes = FLOATS)
/* clang-format on */

static cz_status gelu_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    static const struct function exact = {.of = gelu, .dtypes = CZ_SET_FLOAT};
    static const struct function approximate = {.of = gelu_by_tanh, .dtypes = CZ_SET_FLOAT};
    const char *how = cz_attr_string(list, "approximate", "none");
    (void)opset;
    if (strcmp(how, "none") != 0 && strcmp(how, "tanh") != 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'approximate' is '%s'; none or tanh wanted", how);
    return parse(strcmp(how, "none") == 0 ? &exact : &approximate, list, attrs);
}

DESCRIPTOR(gelu, "Gelu", 20, NEWEST, FINITE)

static cz_status is_inf_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    static const struct function f = {.with = is_inf, .dtypes = CZ_SET_FLOAT, .is_predicate = 1};
    struct pointwise_attrs *a = attrs;
    int negative, positive;
    (void)opset;
    CZ_TRY(cz_parse_flag(list, "detect_negative", 1, &negative, err));
    CZ_TRY(cz_parse_flag(list, "detect_positive", 1, &positive, err));
    *a = (struct pointwise_attrs){&f, negative, positive};
    return CZ_OK;
}

DESCRIPTOR(is_inf, "IsInf", 10, NEWEST, 0)
