/*
 * `convzoo bench`, in parts: what was asked for, the table, whole processes.
 */
#ifndef CZ_CLI_BENCH_H
#define CZ_CLI_BENCH_H

#include "bench/bench.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "zoo/zoo.h"

enum cz_bench_form { CZ_FORM_TABLE, CZ_FORM_JSON, CZ_FORM_CSV };

/* The command line, both spellings of it in one. */
struct cz_bench_settings {
    const char *mode, *sort;            /* sort NULL: as given */
    const char *batch, *threads;        /* lists of numbers; threads NULL: the CPUs allowed */
    const char *isa, *gemm, *init_text; /* isa, gemm NULL: auto */
    const char *filter;                 /* NULL: all */
    int list_tests, process, profile, random_order, report_aggregates, display_aggregates;
    int reps, side_px, no_fuse, exact; /* side_px 0: the model's */
    int64_t warmup;                    /* negative: auto */
    int64_t iterations;                /* runs in a round; 0: as min_seconds says */
    double min_seconds, warmup_seconds;
    enum cz_bench_form form, out_form;
    const char *out, *profile_file; /* NULL: none */
    const char *time_unit;
    struct cz_init init;
    const char *weights; /* of the one network of the zoo; NULL: init */
    int strict;
    const char **context; /* "key=value" */
    int n_context;
    char flags[512]; /* what was given that is not a default, for the record */
};

/* Reports what is wrong; an exit code. The strings live as long as the command's arguments. */
int cz_bench_settle(struct cz_cli *, struct cz_bench_settings *);

/* What a model of the run is, beside what the measuring part needs to know. */
struct cz_bench_source {
    const char *operand;              /* as typed, or the zoo's name */
    const struct cz_zoo_entry *entry; /* NULL: a file */
    const char *tag;                  /* of published weights, NULL: none */
};

struct cz_bench_job {
    struct cz_cli *cli;
    struct cz_bench_settings settings;
    struct cz_bench_source *sources;
    struct cz_bench_model *models; /* one per source */
    struct cz_bench_cell *cells;
    int n_models, n_cells;
    size_t source_capacity, model_capacity, cell_capacity;
};

void cz_bench_job_deinit(struct cz_bench_job *);

/* Fills models from the operands; makes the cells: every model with every batch and number of threads that
 * the filter lets through. Exit codes, errors reported. */
int cz_bench_collect(struct cz_bench_job *);
int cz_bench_make_cells(struct cz_bench_job *);

/* Opens model `index` of the job with its weights; `user` is the job. */
cz_status cz_bench_open(void *user, int index, struct cz_graph **out, cz_error *);

struct cz_progress;
struct cz_bench_options cz_bench_options_of(struct cz_bench_job *, struct cz_progress *);

/* Measures and says on stderr with what. `options` must live as long as the result. */
cz_status cz_bench_measure(struct cz_bench_job *, struct cz_bench_options *options, struct cz_bench *,
                           cz_error *);

/* Errors of cells; the exit code of the (first) one. */
int cz_bench_report_failure(const struct cz_bench_job *, const struct cz_bench_cell *, const cz_error *);
int cz_bench_report_failures(struct cz_bench_job *, const struct cz_bench *);

/* Puts what was measured into the file that `zoo list` reads; only a warning where that fails. */
void cz_bench_remember(struct cz_bench_job *, const struct cz_bench *);

/* Measures networks of the zoo briefly, batch 1, and remembers the results. An exit code. */
int cz_bench_quick(struct cz_cli *, const char *const *names, int n);

/* a, or b where a is CZ_EXIT_OK. */
int cz_bench_first_of(int a, int b);

/* The results as a table on `out`; `t` as in cz_table_print. 1 when memory ran out. */
int cz_bench_print_table(const struct cz_bench *, const struct cz_bench_settings *, FILE *out,
                         const struct cz_terminal *t);

/* Where the time went, per kind of step and per step. 1 when memory ran out. */
int cz_bench_print_profile(const struct cz_bench_result *, FILE *out, const struct cz_terminal *t);

/* --process. An exit code. */
int cz_bench_process(struct cz_bench_job *);

#endif
