#include "finetune/choose.h"
#include "base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LR = 2, MAX_DECAY = 5 };

/*
 * For features of squared norm 1 (linear.h): at lr 3 and momentum 0.9, 40 epochs of 10 steps reach the
 * minimum for decays from 3e-4 on and come within 0.01 nats below; lr 1 stops a little earlier, which is a
 * choice too. The decays span what suits 250 images (1e-3) to thousands (3e-5). AdamW's decay is apart from
 * the loss, so its usual numbers are others.
 */
static const struct grid {
    const char *optimizer;
    double lr[MAX_LR], weight_decay[MAX_DECAY];
} grids[] = {
    {"sgd", {1, 3}, {3e-5, 1e-4, 3e-4, 1e-3, 3e-3}},
    {"adamw", {0.03, 0.1}, {0.01, 0.03, 0.1, 0.3, 1}},
};

void cz_choice_prepare(struct cz_choice *c, const struct cz_optimizer *optimizer, double lr,
                       double weight_decay)
{
    const struct grid *g = grids;
    while (strcmp(g->optimizer, optimizer->name) != 0)
        g++;
    memset(c, 0, sizeof *c);
    for (int i = 0; i < (lr < 0 ? MAX_LR : 1); i++)
        for (int j = 0; j < (weight_decay < 0 ? MAX_DECAY : 1); j++) {
            struct cz_setting *s = &c->settings[c->n_settings++];
            s->lr = lr < 0 ? g->lr[i] : lr;
            s->weight_decay = weight_decay < 0 ? g->weight_decay[j] : weight_decay;
        }
    c->best = c->n_settings / 2;
}

/* Deals the images of class c; `members` and `order` have room for all images. */
static void deal_class(const int *label, int64_t n, int c, int n_folds, uint64_t seed, int64_t *members,
                       int64_t *order, int *fold)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        if (label[i] == c)
            members[count++] = i;
    cz_shuffle(seed, CZ_STREAM_FOLDS, (uint32_t)c, order, count);
    /* Classes start at different folds, so that remainders do not all fall into the first. */
    for (int64_t i = 0; i < count; i++)
        fold[members[order[i]]] = (int)((i + c) % n_folds);
}

cz_status cz_deal_folds(const int *label, int64_t n, int n_classes, int n_folds, uint64_t seed, int *fold,
                        cz_error *err)
{
    int64_t *members = malloc(2 * (size_t)n * sizeof *members + 1);
    if (!members)
        CZ_FAIL(err, CZ_ERR_MEMORY, "folds: out of memory for %lld images", (long long)n);
    for (int c = 0; c < n_classes; c++)
        deal_class(label, n, c, n_folds, seed, members, members + n, fold);
    free(members);
    return CZ_OK;
}

/* The fits of all settings on all folds; tile = setting * n_folds + fold. Every tile has its own result. */
struct trials {
    const struct cz_choice *choice;
    const struct cz_features *f;
    const struct cz_fit_options *options;
    const int *fold;
    struct trial {
        cz_status status;
        cz_error error;
        double loss;
        int64_t right;
    } * results;
};

/* rows: the images outside the fold first, those in it behind. Returns how many are outside. */
static int64_t split_rows(const int *fold, int64_t n, int held_out, int64_t *rows)
{
    int64_t n_fit = 0, end = n;
    for (int64_t i = 0; i < n; i++)
        n_fit += fold[i] != held_out;
    for (int64_t i = n - 1, at = n_fit; i >= 0; i--) {
        if (fold[i] == held_out)
            rows[--end] = i;
        else
            rows[--at] = i;
    }
    return n_fit;
}

static cz_status try_setting(const struct trials *t, const struct cz_setting *s, int held_out,
                             struct trial *result)
{
    const struct cz_features *f = t->f;
    struct cz_fit_options o = *t->options;
    struct cz_linear head = {0};
    o.lr = s->lr;
    o.weight_decay = s->weight_decay;
    o.progress = NULL;
    int64_t *rows = malloc((size_t)f->n * sizeof *rows);
    double *work = malloc(2 * (size_t)f->n_classes * sizeof *work);
    cz_status status =
        rows && work ? CZ_OK : cz_error_set(&result->error, CZ_ERR_MEMORY, "folds: out of memory");
    if (status == CZ_OK) {
        const int64_t n_fit = split_rows(t->fold, f->n, held_out, rows);
        status = cz_linear_fit(f, rows, n_fit, &o, &head, &result->error);
        if (status == CZ_OK)
            cz_linear_measure(&head, f, rows + n_fit, f->n - n_fit, work, &result->loss, &result->right);
    }
    cz_linear_deinit(&head);
    free(rows);
    free(work);
    return status;
}

static void trial_tile(void *context, int64_t tile, int worker)
{
    struct trials *t = context;
    const int n_folds = t->choice->n_folds;
    (void)worker;
    struct trial *result = &t->results[tile];
    result->status = try_setting(t, &t->choice->settings[tile / n_folds], (int)(tile % n_folds), result);
}

/* Adds up the folds. A loss that became NaN counts as infinite; any other failure is an error. */
static cz_status gather(struct cz_choice *c, const struct trial *results, cz_error *err)
{
    const struct trial *numeric = NULL;
    for (int s = 0; s < c->n_settings; s++) {
        double loss = 0;
        for (int k = 0; k < c->n_folds; k++) {
            const struct trial *r = &results[s * c->n_folds + k];
            if (r->status != CZ_OK && r->status != CZ_ERR_NUMERIC)
                CZ_FAIL(err, r->status, "%s", r->error.message);
            numeric = r->status == CZ_OK ? numeric : r;
            loss += r->status == CZ_OK ? r->loss : INFINITY;
            c->settings[s].right += r->right;
        }
        c->settings[s].loss_nats = loss / (double)c->n;
    }
    c->best = 0;
    for (int s = 1; s < c->n_settings; s++)
        if (c->settings[s].loss_nats < c->settings[c->best].loss_nats)
            c->best = s;
    if (!isfinite(c->settings[c->best].loss_nats))
        CZ_FAIL(err, CZ_ERR_NUMERIC, "%s", numeric->error.message);
    return CZ_OK;
}

/* Folds that leave every fit something to learn and something to be tested on. */
static int possible_folds(const struct cz_features *f, cz_error *err)
{
    int64_t *count = calloc((size_t)f->n_classes, sizeof *count), largest = 0;
    if (!count) {
        cz_error_set(err, CZ_ERR_MEMORY, "folds: out of memory");
        return -1;
    }
    for (int64_t i = 0; i < f->n; i++)
        largest = ++count[f->label[i]] > largest ? count[f->label[i]] : largest;
    free(count);
    return largest >= CZ_FOLDS ? CZ_FOLDS : largest >= 2 ? (int)largest : 0;
}

cz_status cz_choose(struct cz_choice *c, const struct cz_features *f, const struct cz_fit_options *options,
                    struct cz_pool *pool, cz_error *err)
{
    c->n = f->n;
    c->n_folds = c->n_settings > 1 ? possible_folds(f, err) : 0;
    if (c->n_folds < 0)
        return CZ_ERR_MEMORY;
    if (c->n_folds == 0)
        return CZ_OK;
    int *fold = malloc((size_t)f->n * sizeof *fold);
    struct trials t = {c, f, options, fold, calloc((size_t)(c->n_settings * c->n_folds), sizeof *t.results)};
    cz_status status = fold && t.results
                           ? cz_deal_folds(f->label, f->n, f->n_classes, c->n_folds, options->seed, fold, err)
                           : cz_error_set(err, CZ_ERR_MEMORY, "folds: out of memory");
    if (status == CZ_OK) {
        cz_parallel_for(pool, (int64_t)c->n_settings * c->n_folds, trial_tile, &t);
        status = gather(c, t.results, err);
    }
    free(fold);
    free(t.results);
    return status;
}
