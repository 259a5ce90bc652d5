#include "finetune/metrics.h"
#include "base/math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int right_within(const struct cz_prediction *p, int n_top)
{
    for (int i = 0; i < n_top; i++)
        if (p->top[i] == p->truth)
            return 1;
    return 0;
}

static cz_status allocate(struct cz_metrics *m, int n_classes, cz_error *err)
{
    if (n_classes > CZ_METRICS_MAX_CLASSES)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "report: %d classes; at most %d", n_classes,
                (int)CZ_METRICS_MAX_CLASSES);
    const size_t k = (size_t)n_classes;
    m->n_classes = n_classes;
    m->classes = calloc(k + 1, sizeof *m->classes);
    m->confusion = calloc(k * k + 1, sizeof *m->confusion);
    if (!m->classes || !m->confusion)
        CZ_FAIL(err, CZ_ERR_MEMORY, "report: out of memory for %d classes", n_classes);
    return CZ_OK;
}

static void count(struct cz_metrics *m, const struct cz_prediction *p, int64_t n, int n_top)
{
    m->n = n;
    for (int64_t i = 0; i < n; i++) {
        const int truth = p[i].truth, answer = p[i].top[0];
        m->confusion[(size_t)truth * (size_t)m->n_classes + (size_t)answer]++;
        m->classes[truth].n++;
        m->classes[answer].n_predicted++;
        m->classes[truth].hits += truth == answer;
        m->right += truth == answer;
        m->right_top5 += right_within(&p[i], n_top < CZ_TOP_MIN ? n_top : CZ_TOP_MIN);
    }
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static void fill_classes(struct cz_metrics *m)
{
    int n_seen = 0;
    double sum = 0, weighted = 0;
    for (int c = 0; c < m->n_classes; c++) {
        struct cz_class_metrics *k = &m->classes[c];
        k->recall = share(k->hits, k->n);
        k->precision = share(k->hits, k->n_predicted);
        k->f1 = share(2 * k->hits, k->n + k->n_predicted); /* 2TP/(2TP + FP + FN) */
        k->recall_interval = cz_wilson(k->hits, k->n);
        n_seen += k->n + k->n_predicted > 0;
        sum += k->f1;
        weighted += k->f1 * (double)k->n;
    }
    m->macro_f1 = n_seen > 0 ? sum / n_seen : 0;
    m->macro_f1_all = m->n_classes > 0 ? sum / m->n_classes : 0;
    m->weighted_f1 = m->n > 0 ? weighted / (double)m->n : 0;
}

static cz_status fill_losses(struct cz_metrics *m, const struct cz_prediction *p, cz_error *err)
{
    const size_t n = (size_t)m->n;
    double *value = malloc((n + 1) * sizeof *value);
    unsigned char *right = malloc(n + 1);
    cz_status status = CZ_OK;
    if (value && right) {
        for (size_t i = 0; i < n; i++)
            value[i] = p[i].loss_nats;
        m->loss_nats = n > 0 ? cz_sum(value, n) / (double)n : 0;
        for (size_t i = 0; i < n; i++) {
            value[i] = p[i].probability[0];
            right[i] = p[i].top[0] == p[i].truth;
        }
        m->ece = cz_calibration_error(value, right, n);
    } else {
        status = cz_error_set(err, CZ_ERR_MEMORY, "report: out of memory for %lld images", (long long)m->n);
    }
    free(value);
    free(right);
    return status;
}

cz_status cz_metrics_compute(const struct cz_prediction *p, int64_t n, int n_top, int n_classes,
                             struct cz_metrics *m, cz_error *err)
{
    memset(m, 0, sizeof *m);
    cz_status status = allocate(m, n_classes, err);
    if (status == CZ_OK) {
        count(m, p, n, n_top);
        m->top1 = share(m->right, n);
        m->top5 = share(m->right_top5, n);
        m->top1_interval = cz_wilson(m->right, n);
        m->top5_interval = cz_wilson(m->right_top5, n);
        fill_classes(m);
        status = fill_losses(m, p, err);
    }
    if (status != CZ_OK)
        cz_metrics_deinit(m);
    return status;
}

void cz_metrics_deinit(struct cz_metrics *m)
{
    free(m->classes);
    free(m->confusion);
    memset(m, 0, sizeof *m);
}

int cz_metrics_most_confused(const struct cz_metrics *m, int truth)
{
    const int32_t *row = m->confusion + (size_t)truth * (size_t)m->n_classes;
    int best = -1;
    for (int c = 0; c < m->n_classes; c++)
        if (c != truth && row[c] > (best < 0 ? 0 : row[best]))
            best = c;
    return best;
}

void cz_top_classes(const double *scores, int n, int n_top, int *top)
{
    int have = 0;
    for (int c = 0; c < n; c++) {
        int at = have;
        while (at > 0 && scores[c] > scores[top[at - 1]])
            at--;
        if (at >= n_top)
            continue;
        have += have < n_top;
        memmove(top + at + 1, top + at, (size_t)(have - 1 - at) * sizeof *top);
        top[at] = c;
    }
}

int cz_softmax(const float *logits, int n, double *probability)
{
    double largest = -INFINITY;
    for (int i = 0; i < n; i++) {
        if (!isfinite(logits[i]))
            return 1;
        largest = logits[i] > largest ? logits[i] : largest;
    }
    for (int i = 0; i < n; i++)
        probability[i] = cz_exp(logits[i] - largest);
    const double sum = cz_sum(probability, (size_t)n);
    for (int i = 0; i < n; i++)
        probability[i] /= sum;
    return 0;
}
