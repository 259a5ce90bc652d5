#include "finetune/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double significance = 0.05;

const char *cz_verdict_name(enum cz_verdict v)
{
    static const char *const names[] = {"no_difference", "better", "worse", "equivalent"};
    return names[v];
}

/* An image of a report under its content. */
struct entry {
    const char *sha256;
    int64_t place;
};

static int by_content(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    const int order = strcmp(x->sha256, y->sha256);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static struct entry *sorted_entries(const struct cz_report *r)
{
    struct entry *e = malloc(((size_t)r->n + 1) * sizeof *e);
    for (int64_t i = 0; e && i < r->n; i++)
        e[i] = (struct entry){r->predictions[i].sha256, i};
    if (e)
        qsort(e, (size_t)r->n, sizeof *e, by_content);
    return e;
}

/*
 * place[i] = where `other` has the baseline's image i, -1 nowhere. Images are known by content, so that a
 * moved folder is no other data set; of equal ones the first meets the first.
 */
static void match(const struct entry *base, int64_t n_base, const struct entry *other, int64_t n_other,
                  int64_t *place)
{
    for (int64_t i = 0, j = 0; i < n_base; i++) {
        while (j < n_other && strcmp(other[j].sha256, base[i].sha256) < 0)
            j++;
        const int found = j < n_other && strcmp(other[j].sha256, base[i].sha256) == 0;
        place[base[i].place] = found ? other[j++].place : -1;
    }
}

/* place[n_reports][baseline's n], then squeezed to the images that all have. */
static cz_status find_common(struct cz_comparison *c, cz_error *err)
{
    const int64_t n0 = c->reports[0]->n;
    struct entry *base = sorted_entries(c->reports[0]);
    c->place = malloc(((size_t)c->n_reports * (size_t)n0 + 1) * sizeof *c->place);
    int failed = !base || !c->place;
    for (int r = 0; r < c->n_reports && !failed; r++) {
        struct entry *other = sorted_entries(c->reports[r]);
        failed = !other;
        if (other)
            match(base, n0, other, c->reports[r]->n, c->place + r * n0);
        free(other);
    }
    free(base);
    if (failed)
        CZ_FAIL(err, CZ_ERR_MEMORY, "compare: out of memory");
    for (int64_t i = 0; i < n0; i++) {
        int in_all = 1;
        for (int r = 0; r < c->n_reports; r++)
            in_all &= c->place[r * n0 + i] >= 0;
        for (int r = 0; in_all && r < c->n_reports; r++)
            c->place[r * n0 + c->n] = c->place[r * n0 + i];
        c->n += in_all;
    }
    for (int r = 1; r < c->n_reports; r++)
        memmove(c->place + r * c->n, c->place + r * n0, (size_t)c->n * sizeof *c->place);
    return CZ_OK;
}

static const struct cz_prediction *prediction(const struct cz_comparison *c, int r, int64_t i)
{
    return &c->reports[r]->predictions[c->place[r * c->n + i]];
}

int cz_comparison_right(const struct cz_comparison *c, int r, int64_t i)
{
    const struct cz_prediction *p = prediction(c, r, i);
    return p->top[0] == p->truth;
}

static int same_class_lists(const struct cz_report *a, const struct cz_report *b)
{
    int same = a->data.n_classes == b->data.n_classes;
    for (int i = 0; same && i < a->data.n_classes; i++)
        same = strcmp(a->data.classes[i], b->data.classes[i]) == 0;
    return same;
}

/* How many problems were told, and the first. */
struct complaints {
    const struct cz_compare_options *options;
    cz_error *err;
    int count;
};

static void complain(struct complaints *to, const cz_error *e)
{
    if (to->options->problem)
        to->options->problem(to->options->user, e->message);
    if (to->count++ == 0)
        cz_error_set(to->err, CZ_ERR_FORMAT, "%s", e->message);
}

static void check_data(struct complaints *to, struct cz_comparison *c, int r)
{
    const struct cz_report *a = c->reports[0], *b = c->reports[r];
    cz_error e;
    if (strcmp(a->data.sha256, b->data.sha256) == 0 && a->n == b->n && c->n == a->n)
        return;
    c->same_data = 0;
    if (to->options->allow & CZ_ALLOW_DATA)
        return;
    cz_error_set(&e, CZ_ERR_FORMAT, "%s, %s: different images: %lld and %lld, %lld in common; %s",
                 c->rows[0].name, c->rows[r].name, (long long)a->n, (long long)b->n, (long long)c->n,
                 c->n > 0 ? "compare those with --allow data" : "evaluate on the same data");
    complain(to, &e);
}

static void check_preprocess(struct complaints *to, struct cz_comparison *c, int r)
{
    const struct cz_report *a = c->reports[0], *b = c->reports[r];
    cz_error e;
    if (strcmp(a->model.preprocess_sha256, b->model.preprocess_sha256) == 0)
        return;
    c->same_preprocess = 0;
    if (to->options->allow & CZ_ALLOW_PREPROCESS)
        return;
    cz_error_set(
        &e, CZ_ERR_FORMAT,
        "%s, %s: different preprocessing: %.8s and %.8s; if that is part of what you compare, give --allow "
        "preprocess",
        c->rows[0].name, c->rows[r].name, a->model.preprocess_sha256, b->model.preprocess_sha256);
    complain(to, &e);
}

static void check_classes(struct complaints *to, struct cz_comparison *c, int r)
{
    const struct cz_report *a = c->reports[0], *b = c->reports[r];
    cz_error e;
    if (same_class_lists(a, b))
        return;
    c->same_classes = 0;
    if (to->options->allow & CZ_ALLOW_CLASSES)
        return;
    cz_error_set(
        &e, CZ_ERR_FORMAT,
        "%s, %s: different classes: %d and %d, or other names; the tasks differ, compare anyway with --allow "
        "classes",
        c->rows[0].name, c->rows[r].name, a->data.n_classes, b->data.n_classes);
    complain(to, &e);
}

/* One image may not be two things. */
static void check_truths(struct complaints *to, const struct cz_comparison *c, int r)
{
    for (int64_t i = 0; i < c->n; i++) {
        const struct cz_prediction *p = prediction(c, 0, i), *q = prediction(c, r, i);
        const char *a = c->reports[0]->data.classes[p->truth], *b = c->reports[r]->data.classes[q->truth];
        if (strcmp(a, b) == 0)
            continue;
        cz_error e;
        cz_error_set(&e, CZ_ERR_FORMAT,
                     "%s, %s: image '%s' is '%s' in one and '%s' in the other; evaluate again",
                     c->rows[0].name, c->rows[r].name, p->id, a, b);
        complain(to, &e);
        return;
    }
}

static cz_status check(struct cz_comparison *c, const struct cz_compare_options *options, cz_error *err)
{
    struct complaints to = {options, err, 0};
    c->same_data = c->same_classes = c->same_preprocess = 1;
    for (int r = 1; r < c->n_reports; r++) {
        check_data(&to, c, r);
        check_preprocess(&to, c, r);
        check_classes(&to, c, r);
        if (!(options->allow & CZ_ALLOW_CLASSES))
            check_truths(&to, c, r);
    }
    if (c->n == 0 && to.count == 0) {
        cz_error e;
        cz_error_set(&e, CZ_ERR_FORMAT, "%s: no image in common with the others; evaluate on the same data",
                     c->rows[0].name);
        complain(&to, &e);
    }
    return to.count ? CZ_ERR_FORMAT : CZ_OK;
}

static cz_status fill_accuracy(struct cz_comparison *c, int r, cz_error *err)
{
    struct cz_compare_row *row = &c->rows[r];
    double *confidence = malloc((size_t)c->n * sizeof *confidence);
    unsigned char *right = malloc((size_t)c->n);
    cz_status status = CZ_OK;
    if (confidence && right) {
        for (int64_t i = 0; i < c->n; i++) {
            right[i] = (unsigned char)cz_comparison_right(c, r, i);
            confidence[i] = prediction(c, r, i)->probability[0];
            row->right += right[i];
        }
        row->n = c->n;
        row->top1 = (double)row->right / (double)c->n;
        row->top1_interval = cz_wilson(row->right, c->n);
        row->ece = cz_calibration_error(confidence, right, (size_t)c->n);
    } else {
        status = cz_error_set(err, CZ_ERR_MEMORY, "compare: out of memory");
    }
    free(confidence);
    free(right);
    return status;
}

static void fill_difference(struct cz_comparison *c, int r)
{
    struct cz_compare_row *row = &c->rows[r];
    int64_t both = 0;
    row->only_baseline = row->only_this = 0;
    for (int64_t i = 0; i < c->n; i++) {
        const int base = cz_comparison_right(c, 0, i), other = cz_comparison_right(c, r, i);
        both += base && other;
        row->only_baseline += base && !other;
        row->only_this += !base && other;
    }
    row->p = cz_mcnemar(row->only_this, row->only_baseline);
    row->difference = (double)(row->only_this - row->only_baseline) / (double)c->n;
    row->difference_interval = cz_paired_difference(both, row->only_this, row->only_baseline,
                                                    c->n - both - row->only_this - row->only_baseline);
}

static enum cz_verdict judge(const struct cz_compare_row *row, double margin)
{
    if (margin > 0 && row->difference_interval.low > -margin && row->difference_interval.high < margin)
        return CZ_EQUIVALENT;
    if (row->holm_p >= significance)
        return CZ_NO_DIFFERENCE;
    return row->difference > 0 ? CZ_BETTER : CZ_WORSE;
}

static cz_status judge_all(struct cz_comparison *c, cz_error *err)
{
    const int n_tests = c->n_reports - 1;
    double *p = malloc(2 * (size_t)n_tests * sizeof *p);
    if (!p)
        CZ_FAIL(err, CZ_ERR_MEMORY, "compare: out of memory");
    for (int r = 0; r < n_tests; r++)
        p[r] = c->rows[r + 1].p;
    const cz_status status = cz_holm(p, n_tests, p + n_tests, err);
    for (int r = 0; r < n_tests && status == CZ_OK; r++) {
        c->rows[r + 1].holm_p = p[n_tests + r];
        c->rows[r + 1].verdict = judge(&c->rows[r + 1], c->margin);
    }
    free(p);
    return status;
}

static cz_status fill(struct cz_comparison *c, const struct cz_compare_options *options, cz_error *err)
{
    CZ_TRY(find_common(c, err));
    CZ_TRY(check(c, options, err));
    for (int r = 0; r < c->n_reports; r++) {
        CZ_TRY(fill_accuracy(c, r, err));
        fill_difference(c, r);
    }
    c->rows[0].holm_p = 1;
    return judge_all(c, err);
}

cz_status cz_compare_reports(const struct cz_report *const *reports, const char *const *names, int n,
                             const struct cz_compare_options *options, struct cz_comparison *c, cz_error *err)
{
    memset(c, 0, sizeof *c);
    c->n_reports = n;
    c->reports = reports;
    c->margin = options->margin;
    c->rows = calloc((size_t)n, sizeof *c->rows);
    if (!c->rows)
        CZ_FAIL(err, CZ_ERR_MEMORY, "compare: out of memory");
    for (int r = 0; r < n; r++)
        c->rows[r].name = names[r];
    cz_status status = fill(c, options, err);
    if (status != CZ_OK)
        cz_comparison_deinit(c);
    return status;
}

void cz_comparison_deinit(struct cz_comparison *c)
{
    free(c->rows);
    free(c->place);
    memset(c, 0, sizeof *c);
}
