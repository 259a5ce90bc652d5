/*
 * Figures of a classifier over labelled images: top-1 and top-5, loss, calibration, per class and confusion.
 *
 * Everything is computed in double, sums in a fixed order, from the predictions alone, so that a report's
 * figures can be computed again by whoever reads it.
 */
#ifndef CZ_FINETUNE_METRICS_H
#define CZ_FINETUNE_METRICS_H

#include "base/sha256.h"
#include "base/stats.h"

enum {
    CZ_TOP_MIN = 5, /* predictions keep at least the top 5, or all classes where there are fewer */
    CZ_METRICS_MAX_CLASSES = 10000 /* the confusion matrix of 10,000 classes is 400 MB */
};

/* What the network said of one image. Arrays belong to whoever made it. */
struct cz_prediction {
    const char *id;             /* relative to the data set, bytes as the file system has them */
    char sha256[CZ_SHA256_HEX]; /* of the content */
    int truth;
    const int *top;            /* [n_top] classes, best first, ties: lower index first */
    const double *probability; /* [n_top] */
    double loss_nats;          /* -ln of the probability of truth */
    const float *logits;       /* [n_classes], or NULL: not kept */
};

struct cz_class_metrics {
    int64_t n, n_predicted, hits;
    double recall, precision, f1; /* 0 where the denominator is 0 */
    struct cz_interval recall_interval;
};

struct cz_metrics {
    int64_t n, right, right_top5;
    int n_classes;
    double top1, top5, loss_nats, ece;
    struct cz_interval top1_interval, top5_interval;
    double macro_f1;                  /* over classes that occur or are predicted */
    double macro_f1_all, weighted_f1; /* over all classes; weighted by n */
    struct cz_class_metrics *classes; /* [n_classes] */
    int32_t *confusion;               /* [truth][predicted] */
};

/*
 * Fills *out from n predictions of n_top classes each; give it back with cz_metrics_deinit.
 * Errors  CZ_ERR_UNSUPPORTED (over CZ_METRICS_MAX_CLASSES), CZ_ERR_MEMORY.
 */
cz_status cz_metrics_compute(const struct cz_prediction *, int64_t n, int n_top, int n_classes,
                             struct cz_metrics *out, cz_error *);
void cz_metrics_deinit(struct cz_metrics *);

/* The class that images of class `truth` are most often taken for, or -1: all are right. Ties: lower index.
 */
int cz_metrics_most_confused(const struct cz_metrics *, int truth);

/* The n_top highest of scores[n], highest first, ties: lower index first. */
void cz_top_classes(const double *scores, int n, int n_top, int *top);

/* Softmax in double with the maximum subtracted. 1 when a logit is NaN or infinite: there is no answer then.
 */
int cz_softmax(const float *logits, int n, double *probability);

#endif
