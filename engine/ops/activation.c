#include "engine/ops/activation.h"
#include "base/math.h"
#include "engine/ops/common.h"

#include <math.h>
#include <string.h>

/* 1 / (1 + exp(-x)) without overflow, and without losing small results at negative x. */
static double sigmoid(double x)
{
    double e = cz_exp(-fabs(x));
    return x < 0 ? e / (1 + e) : 1 / (1 + e);
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
        return cz_tanh(x);
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
    {"Clip", CZ_ACT_CLIP, -INFINITY, INFINITY},
    {"Sigmoid", CZ_ACT_SIGMOID, 0, 0},
    {"HardSigmoid", CZ_ACT_HARD_SIGMOID, 0.2f, 0.5f},
    {"HardSwish", CZ_ACT_HARD_SWISH, 0, 0},
    {"Tanh", CZ_ACT_TANH, 0, 0},
};

int cz_activation_default(const char *op_name, struct cz_activation *out)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, op_name) == 0) {
            *out = (struct cz_activation){kinds[i].kind, kinds[i].alpha, kinds[i].beta};
            return 1;
        }
    return 0;
}

/* A limit of Clip that is an input: its value, if known before the run. */
static int known_limit(const struct cz_op_input *in, int n_in, int i, float *out)
{
    if (!cz_has_input(in, n_in, i))
        return 1;
    if (!in[i].constant.data)
        return 0;
    *out = (float)cz_tensor_double(&in[i].constant, 0);
    return 1;
}

int cz_activation_of(const struct cz_op *op, const void *attrs, const struct cz_op_input *in, int n_in,
                     struct cz_activation *out)
{
    if (!cz_activation_default(op->name, out))
        return 0;
    *out = *(const struct cz_activation *)attrs;
    return known_limit(in, n_in, 1, &out->alpha) && known_limit(in, n_in, 2, &out->beta);
}
