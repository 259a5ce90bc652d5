/*
 * Comparing benchmark files (Google Benchmark's JSON, or hyperfine's): per benchmark the ratio of median
 * times against the baseline with a bootstrap interval, Mann-Whitney's U test on the repetitions, and one
 * word for it.
 *
 * "Faster" and "slower" are said where the test, corrected for the number of benchmarks by Holm, is below 5 %
 * and the interval does not hold 1; everything else is noise.
 */
#ifndef CZ_FINETUNE_COMPARE_BENCH_H
#define CZ_FINETUNE_COMPARE_BENCH_H

#include "base/memory.h"
#include "base/stats.h"
#include "base/strmap.h"

#include <jansson.h>

struct cz_bench_series {
    const char *name; /* run_name, or hyperfine's command */
    double *seconds;  /* [n] real time of each repetition */
    int n, failed;    /* failed: the file says that it went wrong */
    size_t capacity;
};

struct cz_bench_file {
    const char *name; /* as the caller calls it */
    struct cz_bench_series *series;
    int n_series;
    const char *isa, *cpu_count, *host; /* of the context, "" where it does not say */
    struct cz_strmap index;             /* of series by name */
    struct cz_arena *arena;
    size_t capacity;
};

/* 1 where the document looks like either kind. */
int cz_bench_recognise(const json_t *root);

/*
 * Takes the repetitions from a document; `name` is for messages and tables and must outlive it.
 * Errors  CZ_ERR_FORMAT (what is missing or not a time), CZ_ERR_MEMORY.
 */
cz_status cz_bench_file_read(const json_t *root, const char *name, struct cz_bench_file *out, cz_error *);
void cz_bench_file_deinit(struct cz_bench_file *);

enum cz_bench_verdict { CZ_BENCH_NOISE, CZ_BENCH_FASTER, CZ_BENCH_SLOWER, CZ_BENCH_MISSING, CZ_BENCH_FAILED };

/* "noise", "faster", "slower", "missing", "failed". */
const char *cz_bench_verdict_name(enum cz_bench_verdict);

struct cz_bench_row {
    const char *benchmark;
    int file;                         /* which of the others, from 1 */
    double baseline_s, this_s, ratio; /* medians; ratio: this over baseline, below 1 is faster */
    struct cz_interval ratio_interval;
    double p, holm_p;
    enum cz_bench_verdict verdict; /* MISSING, FAILED: the numbers are not set */
};

struct cz_bench_comparison {
    struct cz_bench_row
        *rows; /* every benchmark of the baseline for each other file, in the baseline's order */
    int n_rows;
};

/* Compares files[1..n-1] with files[0]. Errors CZ_ERR_FORMAT (fewer than 2 repetitions), CZ_ERR_MEMORY. */
cz_status cz_bench_compare(const struct cz_bench_file *files, int n, struct cz_bench_comparison *out,
                           cz_error *);
void cz_bench_comparison_deinit(struct cz_bench_comparison *);

#endif
