/*
 * Measuring models: warm-up, then rounds in which every cell (a model at a batch size and a number of
 * threads) is run in its turn, so that what the machine does at one moment meets all of them.
 *
 * A headline is a median or a minimum, never a mean: noise on a computer only ever adds time.
 */
#ifndef CZ_BENCH_BENCH_H
#define CZ_BENCH_BENCH_H

#include "bench/machine.h"
#include "bench/worker.h"

/* A model of some microseconds: more runs in a round tell nothing new and would fill the memory. */
enum { CZ_BENCH_MAX_ITERATIONS = 100000 };

struct cz_bench_model {
    const char *name; /* stable and unique, without host, path or date: part of the cells' names */
    double top1;      /* in [0,1]; negative: not known */
};

struct cz_bench_cell {
    int model;
    int64_t batch;
    int threads;
    char name[CZ_BENCH_NAME]; /* "resnet50/batch:1/threads:2/real_time" */
};

/* Fills the cell's name. */
void cz_bench_name_cell(struct cz_bench_cell *, const struct cz_bench_model *);

struct cz_bench_options {
    const struct cz_bench_model *models;
    const struct cz_bench_cell *cells; /* measured in this order */
    int n_cells;
    cz_status (*open)(void *user, int model, struct cz_graph **out, cz_error *); /* see worker.h */
    void *user;
    cz_runtime_options runtime; /* threads: the cells' own */
    int side_px;                /* see worker.h */
    int no_fuse;                /* one step per node */

    int reps;              /* rounds */
    double min_seconds;    /* of a cell in one round */
    int64_t iterations;    /* runs of a cell in one round; 0: as many as min_seconds takes */
    int64_t warmup;        /* runs before measuring; negative: until they get no faster */
    double warmup_seconds; /* at least */
    int random_order;      /* another order of the cells in each round */
    int profile;           /* a time per step of the plan, in a round of its own behind the others */
    int skip_check;        /* do not compare the answers */

    void (*progress)(void *progress_user, int64_t done, int64_t total); /* may be NULL */
    void *progress_user;
};

enum cz_bench_answers { CZ_ANSWERS_UNCHECKED, CZ_ANSWERS_RIGHT, CZ_ANSWERS_WRONG };

struct cz_bench_result {
    const struct cz_bench_cell *cell;
    cz_error err; /* code CZ_OK: measured */
    struct cz_worker_facts facts;
    int64_t peak_bytes;
    int64_t iterations; /* runs in a round */
    int n_reps;         /* rounds */
    double *real, *cpu; /* [n_reps], seconds of one run: the round's mean */
    double median;      /* of real[] */
    double min, p95;    /* of single runs */
    double spread;      /* of real[]: (third quartile - first) / median */
    enum cz_bench_answers answers;
    double difference; /* of the answers, relative */
    int on_front;
    struct cz_profile_step *steps; /* NULL: no profile */
    size_t n_steps;
    double *runs; /* [n_reps * iterations], seconds, ascending once finished */
};

struct cz_bench_peak {
    int threads;
    double flops; /* the best of the rounds */
};

struct cz_bench {
    struct cz_machine machine;
    const struct cz_bench_options *options;
    struct cz_bench_result *results; /* one per cell, in their order */
    int n_results, n_groups, n_peaks;
    struct cz_bench_peak *peaks;   /* per number of threads */
    double foreign_load;           /* CPUs that others kept busy while we measured; negative: not known */
    char check_isa[CZ_BENCH_WORD]; /* the tier that the answers were compared with; "": none */
};

/*
 * Measures. A cell that cannot be measured has its error in its result and does not stop the others. Where
 * not all models fit into half of the memory that is free, they are measured in groups, each with its own
 * rounds. The caller must have one thread only; options must outlive *out. Errors  CZ_ERR_MEMORY.
 */
cz_status cz_bench_run(const struct cz_bench_options *, struct cz_bench *out, cz_error *);
void cz_bench_deinit(struct cz_bench *);

double cz_bench_images_per_second(const struct cz_bench_result *);
double cz_bench_flops(const struct cz_bench_result *); /* 2*MACs a second at the median */

/* What the plan and the model need: weights, prepared weights, activations, scratch. */
int64_t cz_bench_planned_bytes(const struct cz_bench_result *);

/* The measured peak for that many threads; 0: none. */
double cz_bench_peak(const struct cz_bench *, int threads);

/*
 * Marks the Pareto front among the cells of equal batch and threads: a model is on it if no other is faster
 * and at least as accurate. Models without a known accuracy are not.
 */
void cz_bench_mark_front(struct cz_bench *);

#endif
