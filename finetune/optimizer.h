/*
 * Optimizers: how a gradient moves a weight, and how the step size falls.
 *
 * Sources: SGD with momentum as PyTorch defines it (the learning rate outside the buffer, the first buffer
 * equal to the first gradient); AdamW of Loshchilov and Hutter 2019 (decay apart from the gradient, eps
 * outside the root and after the correction); cosine schedule of Loshchilov and Hutter 2017 without restarts.
 */
#ifndef CZ_FINETUNE_OPTIMIZER_H
#define CZ_FINETUNE_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

enum { CZ_OPTIMIZER_STATES = 2 };

struct cz_update {
    double lr, weight_decay;
    int64_t step; /* from 1 */
};

struct cz_optimizer {
    const char *name;
    int n_states; /* arrays of the weights' size, zero before the first step */
    void (*step)(double *weight, double *const state[CZ_OPTIMIZER_STATES], const double *grad, size_t n,
                 const struct cz_update *);
};

/* "sgd" or "adamw"; NULL: unknown. */
const struct cz_optimizer *cz_optimizer_find(const char *name);

/* lr/2 (1 + cos(pi done/total)): the whole lr at the first step, nearly none at the last. */
double cz_cosine_lr(double lr, int64_t done, int64_t total);

#endif
