#include "finetune/linear.h"
#include "base/math.h"
#include "base/memory.h"
#include "base/philox.h"
#include "base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A feature whose deviation is below this share of its size varies by rounding only. */
static const double constant_share = 1e-6;

struct fit {
    const struct cz_features *f;
    const struct cz_fit_options *options;
    const int64_t *rows;
    int64_t n_rows;
    size_t n_weights;
    double *mean, *scale;            /* [n_features]; scale 0: the feature is left out */
    double *weight, *bias;           /* on standardised features */
    double *weight_grad, *bias_grad; /* of the batch; weight_grad is first one on raw features */
    double *weight_state[CZ_OPTIMIZER_STATES], *bias_state[CZ_OPTIMIZER_STATES];
    double *work;          /* [2 n_classes] */
    int64_t *order;        /* [n_rows] */
    struct cz_linear head; /* the same weights on raw features */
    double *block;         /* memory of all arrays of doubles above */
};

enum { LANES = 8 };

/* Eight running sums side by side, so that the order of additions allows vectors and is the same without
 * them. */
static double dot(const double *w, const float *x, int n)
{
    double lane[LANES] = {0}, tail = 0;
    int c = 0;
    for (; c + LANES <= n; c += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += w[c + l] * (double)x[c + l];
    for (; c < n; c++)
        tail += w[c] * (double)x[c];
    return cz_sum(lane, LANES) + tail;
}

static void add_scaled(double *sum, double factor, const float *x, int n)
{
    for (int c = 0; c < n; c++)
        sum[c] += factor * (double)x[c];
}

void cz_linear_scores(const struct cz_linear *h, const float *x, double *score)
{
    for (int k = 0; k < h->n_classes; k++)
        score[k] = h->bias[k] + dot(h->weight + (size_t)k * (size_t)h->n_features, x, h->n_features);
}

/* Scores to probabilities in place; returns the cross-entropy of `label`. */
static double softmax_loss(double *score, int n, int label)
{
    double largest = score[0];
    for (int k = 1; k < n; k++)
        largest = score[k] > largest ? score[k] : largest;
    const double own = score[label] - largest;
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += score[k] = cz_exp(score[k] - largest);
    for (int k = 0; k < n; k++)
        score[k] /= sum;
    return cz_log(sum) - own;
}

static const float *row_of(const struct cz_features *f, int64_t row)
{
    return f->x + (size_t)row * (size_t)f->n_features;
}

void cz_linear_measure(const struct cz_linear *h, const struct cz_features *f, const int64_t *rows,
                       int64_t n_rows, double *work, double *loss_sum, int64_t *right)
{
    double sum = 0;
    *right = 0;
    for (int64_t i = 0; i < n_rows; i++) {
        const int label = f->label[rows[i]];
        int best = 0;
        cz_linear_scores(h, row_of(f, rows[i]), work);
        for (int k = 1; k < h->n_classes; k++)
            best = work[k] > work[best] ? k : best;
        *right += best == label;
        sum += softmax_loss(work, h->n_classes, label);
    }
    *loss_sum = sum;
}

/* Two passes, so that a feature with a large mean keeps its digits. */
static void standardise(struct fit *t)
{
    const int n_features = t->f->n_features;
    double largest = 0;
    int n_used = 0;
    for (int64_t i = 0; i < t->n_rows; i++)
        add_scaled(t->mean, 1 / (double)t->n_rows, row_of(t->f, t->rows[i]), n_features);
    for (int64_t i = 0; i < t->n_rows; i++) {
        const float *x = row_of(t->f, t->rows[i]);
        for (int c = 0; c < n_features; c++)
            t->scale[c] += ((double)x[c] - t->mean[c]) * ((double)x[c] - t->mean[c]);
    }
    for (int c = 0; c < n_features; c++) {
        t->scale[c] = sqrt(t->scale[c] / (double)t->n_rows);
        largest = t->scale[c] > largest ? t->scale[c] : largest;
    }
    for (int c = 0; c < n_features; c++) {
        const int used = t->scale[c] > constant_share * (fabs(t->mean[c]) + largest);
        n_used += used;
        t->scale[c] = used ? 1 / t->scale[c] : 0;
    }
    for (int c = 0; c < n_features; c++)
        t->scale[c] /= sqrt(n_used > 0 ? n_used : 1);
}

/* head(x) = bias + sum w (x - mean) scale. */
static void refresh_head(struct fit *t)
{
    const int n = t->f->n_features;
    for (int k = 0; k < t->f->n_classes; k++) {
        const double *w = t->weight + (size_t)k * (size_t)n;
        double *raw = t->head.weight + (size_t)k * (size_t)n, shift = 0;
        for (int c = 0; c < n; c++) {
            raw[c] = w[c] * t->scale[c];
            shift += raw[c] * t->mean[c];
        }
        t->head.bias[k] = t->bias[k] - shift;
    }
}

/* Gradients of the batch's mean loss. Returns the loss. */
static double batch_gradient(struct fit *t, const int64_t *batch, int n_batch)
{
    const struct cz_features *f = t->f;
    double loss = 0;
    memset(t->weight_grad, 0, t->n_weights * sizeof *t->weight_grad);
    memset(t->bias_grad, 0, (size_t)f->n_classes * sizeof *t->bias_grad);
    for (int i = 0; i < n_batch; i++) {
        const int64_t row = t->rows[batch[i]];
        const float *x = row_of(f, row);
        cz_linear_scores(&t->head, x, t->work);
        loss += softmax_loss(t->work, f->n_classes, f->label[row]);
        t->work[f->label[row]] -= 1;
        for (int k = 0; k < f->n_classes; k++) {
            const double g = t->work[k] / n_batch;
            add_scaled(t->weight_grad + (size_t)k * (size_t)f->n_features, g, x, f->n_features);
            t->bias_grad[k] += g;
        }
    }
    for (int k = 0; k < f->n_classes; k++) { /* d/dw = scale (sum g x - mean sum g) */
        double *grad = t->weight_grad + (size_t)k * (size_t)f->n_features;
        for (int c = 0; c < f->n_features; c++)
            grad[c] = t->scale[c] * (grad[c] - t->mean[c] * t->bias_grad[k]);
    }
    return loss / n_batch;
}

static void shuffle(struct fit *t, int epoch)
{
    cz_shuffle(t->options->seed, CZ_STREAM_SHUFFLE, (uint32_t)epoch, t->order, t->n_rows);
}

static cz_status run_epoch(struct fit *t, int epoch, int64_t *step, int64_t total, cz_error *err)
{
    const struct cz_fit_options *o = t->options;
    shuffle(t, epoch);
    for (int64_t first = 0; first < t->n_rows; first += o->batch) {
        const int n_batch = (int)(t->n_rows - first < o->batch ? t->n_rows - first : o->batch);
        refresh_head(t);
        const double loss = batch_gradient(t, t->order + first, n_batch);
        if (!isfinite(loss))
            CZ_FAIL(err, CZ_ERR_NUMERIC, "loss is %s at epoch %d, step %lld; try a lower --lr than %g",
                    isnan(loss) ? "NaN" : "infinite", epoch, (long long)*step + 1, o->lr);
        struct cz_update u = {cz_cosine_lr(o->lr, *step, total), o->weight_decay, *step + 1};
        o->optimizer->step(t->weight, t->weight_state, t->weight_grad, t->n_weights, &u);
        u.weight_decay = 0; /* never on the bias */
        o->optimizer->step(t->bias, t->bias_state, t->bias_grad, (size_t)t->f->n_classes, &u);
        ++*step;
    }
    refresh_head(t);
    return CZ_OK;
}

static void report_epoch(struct fit *t, int epoch, int64_t step, int64_t total)
{
    struct cz_fit_progress p = {.epoch = epoch, .step = step, .n = t->n_rows};
    p.lr = cz_cosine_lr(t->options->lr, step - 1, total);
    cz_linear_measure(&t->head, t->f, t->rows, t->n_rows, t->work, &p.loss_nats, &p.right);
    p.loss_nats /= (double)t->n_rows;
    t->options->progress(t->options->user, &p);
}

static cz_status run(struct fit *t, cz_error *err)
{
    const struct cz_fit_options *o = t->options;
    const int64_t total = (t->n_rows + o->batch - 1) / o->batch * o->epochs;
    int64_t step = 0;
    standardise(t);
    for (int epoch = 1; epoch <= o->epochs; epoch++) {
        if (o->stop && o->stop(o->user))
            CZ_FAIL(err, CZ_ERR_STATE, "interrupted in epoch %d of %d", epoch, o->epochs);
        CZ_TRY(run_epoch(t, epoch, &step, total, err));
        if (o->progress)
            report_epoch(t, epoch, step, total);
    }
    return CZ_OK;
}

/* Cuts the arrays from one zeroed block. */
static cz_status allocate(struct fit *t, cz_error *err)
{
    const size_t k = (size_t)t->f->n_classes, c = (size_t)t->f->n_features, w = k * c;
    const int n_states = t->options->optimizer->n_states;
    t->n_weights = w;
    t->block = cz_calloc_aligned((2 * c + (2 + (size_t)n_states) * (w + k) + 2 * k) * sizeof *t->block);
    t->order = malloc(((size_t)t->n_rows + 1) * sizeof *t->order);
    t->head = (struct cz_linear){t->f->n_features, t->f->n_classes, calloc(w, sizeof(double)),
                                 calloc(k, sizeof(double))};
    if (!t->block || !t->order || !t->head.weight || !t->head.bias)
        CZ_FAIL(err, CZ_ERR_MEMORY, "head: out of memory for %zu weights", w);
    double *next = t->block;
    t->mean = next;
    t->scale = next += c;
    t->weight = next += c;
    t->bias = next += w;
    t->weight_grad = next += k;
    t->bias_grad = next += w;
    t->work = next += k;
    next += 2 * k;
    for (int s = 0; s < n_states; s++, next += w + k) {
        t->weight_state[s] = next;
        t->bias_state[s] = next + w;
    }
    return CZ_OK;
}

cz_status cz_linear_fit(const struct cz_features *f, const int64_t *rows, int64_t n_rows,
                        const struct cz_fit_options *options, struct cz_linear *out, cz_error *err)
{
    struct fit t = {.f = f, .options = options, .rows = rows, .n_rows = n_rows};
    cz_status status = allocate(&t, err);
    if (status == CZ_OK)
        status = run(&t, err);
    free(t.block);
    free(t.order);
    if (status != CZ_OK) {
        cz_linear_deinit(&t.head);
        return status;
    }
    *out = t.head;
    return CZ_OK;
}

void cz_linear_deinit(struct cz_linear *h)
{
    free(h->weight);
    free(h->bias);
    memset(h, 0, sizeof *h);
}
