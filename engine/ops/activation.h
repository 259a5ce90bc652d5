/*
 * Activations of one input: kind and parameters, for the operators themselves, for the planner's epilogues
 * and as the scalar truth that kernels are checked against.
 */
#ifndef CZ_ENGINE_OPS_ACTIVATION_H
#define CZ_ENGINE_OPS_ACTIVATION_H

#include "engine/op.h"

enum cz_activation_kind {
    CZ_ACT_NONE,
    CZ_ACT_RELU,         /* max(x, 0) */
    CZ_ACT_LEAKY_RELU,   /* x < 0 ? alpha * x : x */
    CZ_ACT_CLIP,         /* min(max(x, alpha), beta) */
    CZ_ACT_SIGMOID,      /* 1 / (1 + exp(-x)) */
    CZ_ACT_HARD_SIGMOID, /* max(0, min(1, alpha * x + beta)) */
    CZ_ACT_HARD_SWISH,   /* x * max(0, min(1, x / 6 + 1/2)) */
    CZ_ACT_TANH,
};

struct cz_activation {
    enum cz_activation_kind kind;
    float alpha, beta;
};

/*
 * The activation that a node computes: 1, or 0 where it is none of these (another operator, or a Clip whose
 * limits are not known before the run).
 */
int cz_activation_of(const struct cz_op *, const void *attrs, const struct cz_op_input *in, int n_in,
                     struct cz_activation *out);

/* In double; NaN gives NaN in every kind. */
double cz_activation_apply(const struct cz_activation *, double x);

#endif
