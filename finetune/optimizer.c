#include "finetune/optimizer.h"
#include "base/math.h"

#include <math.h>
#include <string.h>

static const double momentum = 0.9, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

static void sgd_step(double *weight, double *const state[CZ_OPTIMIZER_STATES], const double *grad, size_t n,
                     const struct cz_update *u)
{
    double *buffer = state[0];
    for (size_t i = 0; i < n; i++) {
        buffer[i] = momentum * buffer[i] + (grad[i] + u->weight_decay * weight[i]);
        weight[i] -= u->lr * buffer[i];
    }
}

/* beta^step by repeated squaring: pow() of the C library differs between CPUs. */
static double power(double base, int64_t exponent)
{
    double result = 1;
    for (; exponent > 0; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

static void adamw_step(double *weight, double *const state[CZ_OPTIMIZER_STATES], const double *grad, size_t n,
                       const struct cz_update *u)
{
    double *mean = state[0], *square = state[1];
    const double mean_scale = 1 / (1 - power(beta1, u->step)), square_scale = 1 / (1 - power(beta2, u->step));
    for (size_t i = 0; i < n; i++) {
        mean[i] = beta1 * mean[i] + (1 - beta1) * grad[i];
        square[i] = beta2 * square[i] + (1 - beta2) * grad[i] * grad[i];
        weight[i] *= 1 - u->lr * u->weight_decay;
        weight[i] -= u->lr * (mean[i] * mean_scale) / (sqrt(square[i] * square_scale) + epsilon);
    }
}

static const struct cz_optimizer optimizers[] = {{"sgd", 1, sgd_step}, {"adamw", 2, adamw_step}};

const struct cz_optimizer *cz_optimizer_find(const char *name)
{
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        if (strcmp(optimizers[i].name, name) == 0)
            return &optimizers[i];
    return NULL;
}

double cz_cosine_lr(double lr, int64_t done, int64_t total)
{
    double sine, cosine;
    cz_sincos(3.141592653589793 * (double)done / (double)total, &sine, &cosine);
    return lr / 2 * (1 + cosine);
}
