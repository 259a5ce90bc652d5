/*
 * The new head: softmax regression on fixed features, minimising
 *
 *     mean cross-entropy + weight_decay/2 |W|^2      (AdamW: its own decoupled decay)
 *
 * over W and bias, where W acts on features of mean 0 and deviation 1, divided by the root of their number:
 * an image then has squared norm 1 on average, so that one learning rate and one decay mean the same for 64
 * features and for 4096. The copy of standardised features is never made: the training multiplies W by the
 * scale instead, so what it ends with is the head for raw features, ready to be exported. Features that do
 * not vary get weight 0.
 *
 * Weights, gradients and sums are double and every sum has a fixed order; a fit runs on one thread, several
 * fits run side by side. So the same options give the same bits.
 */
#ifndef CZ_FINETUNE_LINEAR_H
#define CZ_FINETUNE_LINEAR_H

#include "base/status.h"
#include "finetune/optimizer.h"

struct cz_features {
    int64_t n;
    int n_features, n_classes;
    const float *x;   /* [n][n_features] */
    const int *label; /* [n] */
};

/* For raw features: score[k] = bias[k] + sum over c of weight[k][c] x[c]. */
struct cz_linear {
    int n_features, n_classes;
    double *weight, *bias;
};

struct cz_fit_progress {
    int epoch; /* from 1 */
    int64_t step;
    double lr, loss_nats; /* mean over all rows after the epoch, without the decay term */
    int64_t right, n;
};

struct cz_fit_options {
    const struct cz_optimizer *optimizer;
    double lr, weight_decay; /* lr falls to 0 along a cosine */
    int epochs, batch;
    uint64_t seed; /* of the shuffles */
    /* Told each epoch; NULL: not computed. */
    void (*progress)(void *user, const struct cz_fit_progress *);
    /* Asked each epoch; not 0 ends the fit with CZ_ERR_STATE. May be NULL. Must be safe to call from any
     * thread. */
    int (*stop)(void *user);
    void *user;
};

/*
 * Fits a head to the features rows[n_rows]; give it back with cz_linear_deinit.
 * Errors  CZ_ERR_NUMERIC (the loss became NaN or infinite, and when), CZ_ERR_STATE (stopped), CZ_ERR_MEMORY.
 */
cz_status cz_linear_fit(const struct cz_features *, const int64_t *rows, int64_t n_rows,
                        const struct cz_fit_options *, struct cz_linear *out, cz_error *);
void cz_linear_deinit(struct cz_linear *);

/* score[n_classes] of one image. */
void cz_linear_scores(const struct cz_linear *, const float *x, double *score);

/* Sums over rows[n_rows]: cross-entropy in nats, and how many have their label as highest score (lowest of
 * ties). */
void cz_linear_measure(const struct cz_linear *, const struct cz_features *, const int64_t *rows,
                       int64_t n_rows, double *work /* [2 n_classes] */, double *loss_sum, int64_t *right);

#endif
