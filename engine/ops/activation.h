/*
 * Activations of one input: kind and parameters, for the operators themselves, for the planner's epilogues
 * and as the scalar truth that kernels are checked against.
 */
#ifndef CZ_ENGINE_OPS_ACTIVATION_H
#define CZ_ENGINE_OPS_ACTIVATION_H

#include "engine/kernels/kernels.h" /* struct cz_activation */
#include "engine/op.h"

/*
 * The activation that a node computes: 1, or 0 where it is none of these (another operator, or a Clip whose
 * limits are not known before the run).
 */
int cz_activation_of(const struct cz_op *, const void *attrs, const struct cz_op_input *in, int n_in,
                     struct cz_activation *out);

/* Kind and default parameters of the operator of that name; 0 where it is none of them. */
int cz_activation_default(const char *op_name, struct cz_activation *out);

/* In double, with our own exp (the C library's moves in the last bits between CPUs); NaN gives NaN in every
 * kind. */
double cz_activation_apply(const struct cz_activation *, double x);

/*
 * The part of an activation that kernels do as they store: y = min(max(x, low), high). *after is 1 where it
 * is no clamp and has to follow on its own.
 */
void cz_activation_clamp(const struct cz_activation *, float *low, float *high, int *after);

#endif
