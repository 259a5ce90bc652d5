/*
 * Relu (ONNX opset 1, 6, 13, 14), LeakyRelu (1, 6, 16), Sigmoid and Tanh (1, 6, 13), HardSigmoid (1, 6),
 * HardSwish (14): one value in, one out. Clip has a file of its own and shares the functions.
 *
 * exp is ours (base/math.h): the C library's moves in the last bits between CPUs.
 *
 * Source: ONNX operator specification.
 */
#include "engine/ops/activation.h"
#include "base/math.h"
#include "engine/ops/clip.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

#include <math.h>
#include <string.h>

/* 1 / (1 + exp(-x)) without overflow, and without losing small results at negative x. */
static double sigmoid(double x)
{
    double e = cz_exp(-fabs(x));
    return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

/*
 * Small arguments: Lambert's continued fraction, seven levels, off by less than 1e-17 of x below 1/4; the
 * formula with exp would lose digits there. Beyond: 1 - 2 / (exp(2|x|) + 1).
 */
static double hyperbolic_tangent(double x)
{
    if (fabs(x) < 0.25) {
        double square = x * x, fraction = 13;
        for (int odd = 11; odd >= 1; odd -= 2)
            fraction = odd + square / fraction;
        return x / fraction;
    }
    double t = 1 - 2 / (cz_exp(2 * fabs(x)) + 1);
    return x < 0 ? -t : t;
}

/* Comparisons are written so that NaN fails them and passes through. */
static double clamp(double x, double low, double high)
{
    double y = x < low ? low : x;
    return y > high ? high : y;
}

double cz_activation_apply(const struct cz_activation *a, double x)
{
    double alpha = (double)a->alpha, beta = (double)a->beta;
    switch (a->kind) {
    case CZ_ACT_RELU:
        return x < 0 ? 0 : x;
    case CZ_ACT_LEAKY_RELU:
        return x < 0 ? alpha * x : x;
    case CZ_ACT_CLIP:
        return clamp(x, alpha, beta);
    case CZ_ACT_SIGMOID:
        return sigmoid(x);
    case CZ_ACT_HARD_SIGMOID:
        return clamp(alpha * x + beta, 0, 1);
    case CZ_ACT_HARD_SWISH:
        return x * clamp(x / 6 + 0.5, 0, 1);
    case CZ_ACT_TANH:
        return hyperbolic_tangent(x);
    case CZ_ACT_SILU:
        return x * sigmoid(x);
    case CZ_ACT_NONE:
        break;
    }
    return x;
}

void cz_activation_clamp(const struct cz_activation *act, float *low, float *high, int *after)
{
    *low = act->kind == CZ_ACT_RELU ? 0 : act->kind == CZ_ACT_CLIP ? act->alpha : -INFINITY;
    *high = act->kind == CZ_ACT_CLIP ? act->beta : INFINITY;
    *after = act->kind != CZ_ACT_NONE && act->kind != CZ_ACT_RELU && act->kind != CZ_ACT_CLIP;
}

static const struct {
    const char *name;
    enum cz_act_kind kind;
    float alpha, beta; /* defaults of the specification */
} kinds[] = {
    {"Relu", CZ_ACT_RELU, 0, 0},
    {"LeakyRelu", CZ_ACT_LEAKY_RELU, 0.01f, 0},
    {"Sigmoid", CZ_ACT_SIGMOID, 0, 0},
    {"HardSigmoid", CZ_ACT_HARD_SIGMOID, 0.2f, 0.5f},
    {"HardSwish", CZ_ACT_HARD_SWISH, 0, 0},
    {"Tanh", CZ_ACT_TANH, 0, 0},
};

static cz_status parse(const char *name, const struct cz_attr_list *list, struct cz_activation *a)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            *a = (struct cz_activation){kinds[i].kind, cz_attr_float(list, "alpha", kinds[i].alpha),
                                        cz_attr_float(list, "beta", kinds[i].beta)};
    return CZ_OK;
}

int cz_activation_of(const struct cz_op *op, const void *attrs, const struct cz_op_input *in, int n_in,
                     struct cz_activation *out)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, op->name) == 0) {
            *out = *(const struct cz_activation *)attrs;
            return 1;
        }
    return cz_clip_activation(op, attrs, in, n_in, out);
}

static cz_status infer_float(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static cz_status infer_number(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_NUMBER, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static void relu_int(const cz_tensor *in, cz_tensor *out)
{
    int64_t n = cz_tensor_count(in);
    for (int64_t i = 0; i < n; i++) {
        int64_t v = cz_tensor_int(in, i);
        v = v < 0 ? 0 : v;
        cz_store_ints(out, i, 1, &v);
    }
}

static cz_status eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                      cz_error *err)
{
    int64_t n = cz_tensor_count(&in[0]);
    double run[CZ_RUN];
    (void)n_in, (void)n_out, (void)err;
    if (!cz_is_float(in[0].dtype)) { /* only Relu takes integers */
        relu_int(&in[0], &out[0]);
        return CZ_OK;
    }
    for (int64_t at = 0; at < n; at += CZ_RUN) {
        int64_t count = n - at < CZ_RUN ? n - at : CZ_RUN;
        cz_load_doubles(&in[0], at, count, run);
        for (int64_t i = 0; i < count; i++)
            run[i] = cz_activation_apply(attrs, run[i]);
        cz_store_doubles(&out[0], at, count, run);
    }
    return CZ_OK;
}

/* One descriptor per row; parse knows its operator by name. */
#define ACTIVATION(symbol, onnx_name, first_opset, infer_function)                                           \
    static cz_status symbol##_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)  \
    {                                                                                                        \
        (void)opset, (void)err;                                                                              \
        return parse(onnx_name, list, attrs);                                                                \
    }                                                                                                        \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = first_opset,                                                                            \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 1,                                                                                       \
        .n_in_max = 1,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct cz_activation),                                                          \
        .flags = CZ_OP_ELEMENTWISE,                                                                          \
        .parse = symbol##_parse,                                                                             \
        .infer = infer_function,                                                                             \
        .eval = eval,                                                                                        \
        .plan = cz_activation_plan,                                                                          \
    };

ACTIVATION(hard_sigmoid, "HardSigmoid", 1, infer_float)
ACTIVATION(hard_swish, "HardSwish", 14, infer_float)
ACTIVATION(leaky_relu, "LeakyRelu", 1, infer_float)
ACTIVATION(relu, "Relu", 1, infer_number)
ACTIVATION(sigmoid, "Sigmoid", 1, infer_float)
ACTIVATION(tanh, "Tanh", 1, infer_float)
