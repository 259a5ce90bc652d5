/*
 * Comparing accuracy reports: the first is the baseline, each other one is tested against it on the same
 * images.
 *
 * Paired data want a paired test: McNemar's exact test on the images that only one of the two has right,
 * Holm's correction where several reports are tested, Newcombe's interval for the difference. "Better" and
 * "worse" are said at 5 %; "equivalent" only where a margin is given and the whole interval lies within it.
 */
#ifndef CZ_FINETUNE_COMPARE_H
#define CZ_FINETUNE_COMPARE_H

#include "finetune/report.h"

enum cz_verdict { CZ_NO_DIFFERENCE, CZ_BETTER, CZ_WORSE, CZ_EQUIVALENT };

/* "better", "worse", "no_difference", "equivalent". */
const char *cz_verdict_name(enum cz_verdict);

/* What may differ between the reports. */
enum cz_compare_allow { CZ_ALLOW_DATA = 1, CZ_ALLOW_PREPROCESS = 2, CZ_ALLOW_CLASSES = 4 };

struct cz_compare_options {
    unsigned allow;
    double margin; /* of equivalence, 0.02 is two points; 0: none */
    /* Told every reason not to compare, all of them; may be NULL. */
    void (*problem)(void *user, const char *line);
    void *user;
};

/* A report on the images that all have. */
struct cz_compare_row {
    const char *name;
    int64_t right, n;
    double top1, ece;
    struct cz_interval top1_interval;
    /* Against the baseline; 0 and 1 in the baseline's own row. */
    int64_t only_baseline, only_this;
    double p, holm_p, difference; /* difference: top1 - baseline's */
    struct cz_interval difference_interval;
    enum cz_verdict verdict;
};

struct cz_comparison {
    int n_reports;
    const struct cz_report *const *reports; /* the caller's */
    struct cz_compare_row *rows;            /* [n_reports] */
    int64_t n;                              /* images in common */
    int64_t *place;                         /* [n_reports][n]: where report r has common image i */
    int same_data, same_classes, same_preprocess;
    double margin;
};

/*
 * Compares reports[n], n at least 2; give *out back with cz_comparison_deinit. Names and reports must outlive
 * it. Errors  CZ_ERR_FORMAT (not comparable as they are: every reason through options->problem, the first in
 * the error), CZ_ERR_MEMORY.
 */
cz_status cz_compare_reports(const struct cz_report *const *reports, const char *const *names, int n,
                             const struct cz_compare_options *, struct cz_comparison *out, cz_error *);
void cz_comparison_deinit(struct cz_comparison *);

/* 1 where report r has common image i right. */
int cz_comparison_right(const struct cz_comparison *, int r, int64_t i);

/* Says in words what row r (from 1) means: "B is better: +7.3 points (95 % +1.6 to +13.4). They ..." Returns
 * buf. */
char *cz_comparison_sentence(const struct cz_comparison *, int r, char *buf, size_t size);
enum { CZ_SENTENCE_TEXT = 768 };

/* "2 of 100", "3 of 10,000", "less than 1 of 1,000,000": a probability for people. Returns buf. */
char *cz_odds_text(double p, char *buf, size_t size);

#endif
