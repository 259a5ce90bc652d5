/*
 * Choosing learning rate and weight decay by stratified k-fold cross-validation, on training images only.
 *
 * The setting with the lowest loss over all held-out folds is taken: on a few hundred images the loss tells
 * settings apart where the number of right ones ties or jumps. How many were right is reported, as that is
 * what people read.
 */
#ifndef CZ_FINETUNE_CHOOSE_H
#define CZ_FINETUNE_CHOOSE_H

#include "base/pool.h"
#include "finetune/linear.h"

enum { CZ_FOLDS = 5, CZ_SETTINGS_MAX = 16 };

struct cz_setting {
    double lr, weight_decay;
    /* Over all rows, each scored by the fit that did not see it. */
    double loss_nats;
    int64_t right;
};

struct cz_choice {
    struct cz_setting settings[CZ_SETTINGS_MAX];
    int n_settings, best, n_folds; /* n_folds 0: nothing was to be chosen, no fit was made */
    int64_t n;
};

/*
 * Fills choice->settings with what is to be tried: lr and weight_decay as given, or where one is negative
 * each of the optimizer's usual values.
 */
void cz_choice_prepare(struct cz_choice *, const struct cz_optimizer *, double lr, double weight_decay);

/*
 * Tries the settings; `options` gives the rest. One setting is not tried at all. Classes with fewer images
 * than folds are in some folds only; with fewer than 2 images in every class there are no folds and the
 * middle setting is taken. Errors  as cz_linear_fit, of the first failing fit; a setting whose loss became
 * NaN is only not chosen, unless all did (CZ_ERR_NUMERIC).
 */
cz_status cz_choose(struct cz_choice *, const struct cz_features *, const struct cz_fit_options *options,
                    struct cz_pool *, cz_error *);

/* fold[n] in [0, n_folds): each class is dealt out in turn after a seeded shuffle of its images. */
cz_status cz_deal_folds(const int *label, int64_t n, int n_classes, int n_folds, uint64_t seed, int *fold,
                        cz_error *);

#endif
