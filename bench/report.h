/*
 * A benchmark's results as documents: Google Benchmark's JSON and CSV, which its compare.py and other tools
 * read, and an SVG of where the time goes.
 *
 * Only what can be compared stands among the `benchmarks`: a cell that failed, or whose answers are wrong, is
 * in `convzoo.failed` alone, because an entry without a time makes readers drop their summary without a word.
 *
 * Source: the JSON that Google Benchmark 1.7.1 writes and the code of its compare.py.
 */
#ifndef CZ_BENCH_REPORT_H
#define CZ_BENCH_REPORT_H

#include "bench/bench.h"

#include <jansson.h>
#include <stdio.h>

struct cz_bench_report {
    const struct cz_bench *bench;
    const char *time_unit;      /* "ns", "us", "ms", "s" */
    int aggregates_only;        /* no entry per round */
    const char *const *context; /* [n_context] "key=value": what the user wants in the context */
    int n_context;
    const char *flags; /* the command's options, for the record */
};

/* 1 where the key of "key=value" is one that the context has anyway. */
int cz_bench_context_is_ours(const char *pair);

/* The document (a new reference), NULL when memory ran out. */
json_t *cz_bench_report_json(const struct cz_bench_report *);

/* The same entries as rows. */
void cz_bench_report_csv(const struct cz_bench_report *, FILE *);

/* A bar per step of the profile, as a picture of its own. */
void cz_bench_report_svg(const struct cz_bench *, FILE *);

/*
 * One entry of `benchmarks`, for both forms. kind -1: round `index`; else an aggregate.
 */
enum cz_aggregate { CZ_MEAN, CZ_MEDIAN, CZ_STDDEV, CZ_CV, CZ_MIN, CZ_P95, CZ_N_AGGREGATES };

struct cz_bench_entry {
    const struct cz_bench_result *result;
    int aggregate; /* enum cz_aggregate, or -1: a round */
    int round;
    int instance; /* which cell of its model */
    char name[CZ_BENCH_NAME + 16];
    double real, cpu; /* seconds, or a share (CZ_CV) */
    int has_rate;     /* counters and images a second make sense */
    double images_per_second;
};

/* Calls `each` for every entry in order; stops when it returns non-zero, and returns that. */
int cz_bench_report_entries(const struct cz_bench_report *,
                            int (*each)(void *, const struct cz_bench_entry *), void *user);

/* "mean", "median", ... and whether it is a time or a percentage. */
const char *cz_aggregate_name(enum cz_aggregate);

/* Units of time in a second: 1e6 for "us". */
double cz_time_scale(const char *unit);

/* The counters of an entry, by index; NULL after the last. */
const char *cz_bench_counter(const struct cz_bench_result *, int index, double *value);

#endif
