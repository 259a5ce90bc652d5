/*
 * Are the answers right, and are they always the same? A speed is only worth telling of a right answer.
 */
#ifndef CZ_BENCH_VERIFY_H
#define CZ_BENCH_VERIFY_H

#include "bench/bench.h"

/*
 * ||a - b|| / ||b|| over all elements. Infinite where the counts differ or one of them has a NaN or an
 * infinity that the other has not.
 */
double cz_verify_difference(const double *a, size_t n_a, const double *b, size_t n_b);

/*
 * The largest relative difference of right answers. Rounding of a few hundred layers of float32 leaves some
 * 1e-6, a wrong channel or border more than 1e-2.
 */
#define CZ_VERIFY_BOUND 1e-4

/* The other answers, made once per model and batch. Zeroed but for options and workers. */
struct cz_verify_cache {
    const struct cz_bench_options *options;
    const struct cz_worker *workers; /* of all cells: those alive must not be inherited */
    char isa[CZ_BENCH_WORD];
    int model; /* of the answer below */
    int64_t batch;
    double *answer; /* NULL: none yet */
    size_t n;
};

/*
 * Compares a cell's answer with that of the next lower instruction tier, one step per node and our own matrix
 * product: other kernels, no fusion, other layouts. Where there is no lower tier, the same one.
 */
enum cz_bench_answers cz_verify_answer(struct cz_verify_cache *, const struct cz_bench_cell *,
                                       const struct cz_worker_facts *, const double *answer, size_t n,
                                       double *difference);
void cz_verify_cache_deinit(struct cz_verify_cache *);

struct cz_verdict {
    const struct cz_bench_cell *cell;
    cz_error err; /* code CZ_OK: compared */
    int pass;
    size_t n;          /* values (check) or bytes (bits) compared */
    double difference; /* check */
    char text[96];     /* bits: what differs */
};

/*
 * --mode check: each cell against the reference, every node by its operator's plain loops. verdicts[n_cells].
 * Both functions: the caller must have one thread only.
 */
void cz_verify_check(const struct cz_bench_options *, struct cz_verdict *verdicts);

/*
 * --mode bits: each cell run twice with 1, 2 and 7 threads (the cell's own number does not matter) and
 * compared byte for byte; the first image also with that of the model's first cell, which may have another
 * batch.
 */
void cz_verify_bits(const struct cz_bench_options *, struct cz_verdict *verdicts);

#endif
