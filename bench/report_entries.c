#include "bench/report.h"
#include "base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *cz_aggregate_name(enum cz_aggregate a)
{
    static const char *const names[] = {"mean", "median", "stddev", "cv", "min", "p95"};
    return names[a];
}

double cz_time_scale(const char *unit)
{
    static const struct {
        const char *unit;
        double scale;
    } scales[] = {{"ns", 1e9}, {"us", 1e6}, {"ms", 1e3}};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        if (strcmp(unit, scales[i].unit) == 0)
            return scales[i].scale;
    return 1;
}

const char *cz_bench_counter(const struct cz_bench_result *r, int index, double *value)
{
    const struct {
        const char *name;
        double value;
    } counters[] = {
        {"macs", r->facts.macs},
        {"planned_bytes", (double)cz_bench_planned_bytes(r)},
        {"peak_bytes", (double)r->peak_bytes},
        {"batch", (double)r->facts.batch},
    };
    if (index >= (int)(sizeof counters / sizeof *counters))
        return NULL;
    *value = counters[index].value;
    return counters[index].name;
}

static double stddev_of(const double *x, int n)
{
    double mean = cz_sum(x, (size_t)n) / n, squares = 0;
    for (int i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sqrt(squares / (n - 1)) : 0;
}

/* Of x[n] > 0; `sorted` is room for a copy. */
static double aggregate(enum cz_aggregate a, const double *x, int n, double *sorted)
{
    double mean = cz_sum(x, (size_t)n) / n;
    memcpy(sorted, x, sizeof *x * (size_t)n);
    cz_sort(sorted, (size_t)n);
    switch (a) {
    case CZ_MEDIAN:
        return cz_quantile(sorted, (size_t)n, 0.5);
    case CZ_STDDEV:
        return stddev_of(x, n);
    case CZ_CV:
        return mean > 0 ? stddev_of(x, n) / mean : 0;
    case CZ_MIN:
        return sorted[0];
    case CZ_P95:
        return cz_quantile(sorted, (size_t)n, 0.95);
    default:
        return mean;
    }
}

static void set_rate(struct cz_bench_entry *e)
{
    e->has_rate = e->aggregate != CZ_STDDEV && e->aggregate != CZ_CV;
    e->images_per_second = e->has_rate ? (double)e->result->facts.batch / e->real : 0;
}

/* Real times of minimum and 95th percentile are those of single runs; CPU time is only known per round. */
static void set_aggregate(struct cz_bench_entry *e, enum cz_aggregate a, double *sorted)
{
    const struct cz_bench_result *r = e->result;
    e->aggregate = (int)a;
    e->real = a == CZ_MIN ? r->min : a == CZ_P95 ? r->p95 : aggregate(a, r->real, r->n_reps, sorted);
    e->cpu = aggregate(a, r->cpu, r->n_reps, sorted);
    snprintf(e->name, sizeof e->name, "%s_%s", r->cell->name, cz_aggregate_name(a));
    set_rate(e);
}

static void set_round(struct cz_bench_entry *e, int round)
{
    e->aggregate = -1;
    e->round = round;
    e->real = e->result->real[round];
    e->cpu = e->result->cpu[round];
    snprintf(e->name, sizeof e->name, "%s", e->result->cell->name);
    set_rate(e);
}

static int entries_of(const struct cz_bench_report *report, struct cz_bench_entry *e, double *sorted,
                      int (*each)(void *, const struct cz_bench_entry *), void *user)
{
    int n = e->result->n_reps, stop = 0;
    for (int round = 0; round < n && !stop && (!report->aggregates_only || n < 2); round++) {
        set_round(e, round);
        stop = each(user, e);
    }
    for (int a = 0; a < CZ_N_AGGREGATES && !stop && n > 1; a++) {
        set_aggregate(e, (enum cz_aggregate)a, sorted);
        stop = each(user, e);
    }
    return stop;
}

static int instance_of(const struct cz_bench *b, int result)
{
    int instance = 0;
    for (int i = 0; i < result; i++)
        instance += b->results[i].cell->model == b->results[result].cell->model;
    return instance;
}

int cz_bench_report_entries(const struct cz_bench_report *report,
                            int (*each)(void *, const struct cz_bench_entry *), void *user)
{
    const struct cz_bench *b = report->bench;
    int stop = 0;
    for (int i = 0; i < b->n_results && !stop; i++) {
        const struct cz_bench_result *r = &b->results[i];
        if (r->err.code != CZ_OK)
            continue;
        struct cz_bench_entry e = {.result = r, .instance = instance_of(b, i)};
        double *sorted = malloc(sizeof *sorted * (size_t)(r->n_reps + 1));
        stop = sorted ? entries_of(report, &e, sorted, each, user) : 1;
        free(sorted);
    }
    return stop;
}
