#include "bench/verify.h"
#include "engine/runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int same_special(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b;
}

double cz_verify_difference(const double *a, size_t n_a, const double *b, size_t n_b)
{
    double difference = 0, size = 0;
    if (n_a != n_b)
        return INFINITY;
    for (size_t i = 0; i < n_a; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i])) {
            if (!same_special(a[i], b[i]))
                return INFINITY;
            continue;
        }
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    return size > 0 ? sqrt(difference / size) : difference > 0 ? INFINITY : 0;
}

static struct cz_worker_options worker_of(const struct cz_bench_options *o, const struct cz_bench_cell *cell,
                                          enum cz_worker_kind kind, int threads)
{
    struct cz_worker_options w = {.open = o->open,
                                  .user = o->user,
                                  .model = cell->model,
                                  .runtime = o->runtime,
                                  .kind = kind,
                                  .batch = cell->batch,
                                  .side_px = o->side_px};
    w.runtime.n_threads = threads;
    return w;
}

static enum cz_worker_kind kind_of(const struct cz_bench_options *o)
{
    return o->no_fuse ? CZ_WORKER_UNFUSED : CZ_WORKER_PLAN;
}

/* The tier below, or the same one where it is the lowest. */
static const char *lower_tier(const char *isa)
{
    const char *tiers[8];
    int n = cz_runtime_tiers(tiers, 8);
    for (int i = 0; i + 1 < n; i++)
        if (strcmp(tiers[i], isa) == 0)
            return tiers[i + 1];
    return n > 0 ? tiers[n - 1] : NULL;
}

/* Starts a worker, takes its answer and ends it. */
static cz_status answer_of(const struct cz_worker_options *options, const struct cz_worker *others,
                           int n_others, double **answer, size_t *n, cz_error *err)
{
    struct cz_worker w;
    struct cz_worker_facts facts;
    CZ_TRY(cz_worker_start(options, others, n_others, &w, &facts, err));
    cz_status status = cz_worker_output(&w, answer, n, err);
    cz_worker_stop(&w);
    return status;
}

static int has_answer(const struct cz_verify_cache *c, const struct cz_bench_cell *cell)
{
    return c->answer && c->model == cell->model && c->batch == cell->batch;
}

static cz_status fill_cache(struct cz_verify_cache *c, const struct cz_bench_cell *cell, const char *isa)
{
    struct cz_worker_options o = worker_of(c->options, cell, CZ_WORKER_UNFUSED, 0);
    o.runtime.isa = isa;
    o.runtime.gemm = "own";
    o.runtime.exact = 1;
    o.runtime.log = NULL; /* it said what it had to say when the cell was planned */
    cz_verify_cache_deinit(c);
    CZ_TRY(answer_of(&o, c->workers, c->options->n_cells, &c->answer, &c->n, NULL));
    c->model = cell->model;
    c->batch = cell->batch;
    snprintf(c->isa, sizeof c->isa, "%s", isa);
    return CZ_OK;
}

void cz_verify_cache_deinit(struct cz_verify_cache *c)
{
    free(c->answer);
    c->answer = NULL;
}

enum cz_bench_answers cz_verify_answer(struct cz_verify_cache *c, const struct cz_bench_cell *cell,
                                       const struct cz_worker_facts *facts, const double *answer, size_t n,
                                       double *difference)
{
    if (!has_answer(c, cell) && fill_cache(c, cell, lower_tier(facts->isa)) != CZ_OK)
        return CZ_ANSWERS_UNCHECKED;
    *difference = cz_verify_difference(answer, n, c->answer, c->n);
    return *difference <= CZ_VERIFY_BOUND ? CZ_ANSWERS_RIGHT : CZ_ANSWERS_WRONG;
}

static void step_progress(const struct cz_bench_options *o, int done)
{
    if (o->progress)
        o->progress(o->progress_user, done, o->n_cells);
}

/* The reference's answer; kept from one cell to the next of the same model and batch. */
static cz_status reference_of(struct cz_verify_cache *c, const struct cz_bench_cell *cell, cz_error *err)
{
    struct cz_worker_options o = worker_of(c->options, cell, CZ_WORKER_REFERENCE, 1);
    if (has_answer(c, cell))
        return CZ_OK;
    cz_verify_cache_deinit(c);
    CZ_TRY(answer_of(&o, NULL, 0, &c->answer, &c->n, err));
    c->model = cell->model;
    c->batch = cell->batch;
    return CZ_OK;
}

static cz_status check_cell(struct cz_verify_cache *c, struct cz_verdict *v, cz_error *err)
{
    struct cz_worker_options o = worker_of(c->options, v->cell, kind_of(c->options), v->cell->threads);
    double *answer;
    CZ_TRY(reference_of(c, v->cell, err));
    CZ_TRY(answer_of(&o, NULL, 0, &answer, &v->n, err));
    v->difference = cz_verify_difference(answer, v->n, c->answer, c->n);
    v->pass = v->difference <= CZ_VERIFY_BOUND;
    free(answer);
    return CZ_OK;
}

void cz_verify_check(const struct cz_bench_options *options, struct cz_verdict *verdicts)
{
    struct cz_verify_cache cache = {.options = options};
    for (int i = 0; i < options->n_cells; i++) {
        memset(&verdicts[i], 0, sizeof verdicts[i]);
        verdicts[i].cell = &options->cells[i];
        verdicts[i].err.code = check_cell(&cache, &verdicts[i], &verdicts[i].err);
        step_progress(options, i + 1);
    }
    cz_verify_cache_deinit(&cache);
}

struct bytes {
    unsigned char *data;
    size_t n;
};

static int same_bytes(const struct bytes *a, const struct bytes *b)
{
    return a->n == b->n && memcmp(a->data, b->data, a->n) == 0;
}

static void free_bytes(struct bytes *b)
{
    free(b->data);
    b->data = NULL;
}

/* Two runs with that many threads, all images; the first image alone goes to *image. */
static cz_status bytes_of(const struct cz_bench_options *options, const struct cz_bench_cell *cell,
                          int threads, struct bytes run[2], struct bytes *image, cz_error *err)
{
    struct cz_worker_options o = worker_of(options, cell, kind_of(options), threads);
    struct cz_worker w;
    struct cz_worker_facts facts;
    CZ_TRY(cz_worker_start(&o, NULL, 0, &w, &facts, err));
    cz_status status = cz_worker_output_bytes(&w, 0, &run[0].data, &run[0].n, err);
    if (status == CZ_OK)
        status = cz_worker_output_bytes(&w, 0, &run[1].data, &run[1].n, err);
    if (status == CZ_OK)
        status = cz_worker_output_bytes(&w, 1, &image->data, &image->n, err);
    cz_worker_stop(&w);
    return status;
}

static void differs(struct cz_verdict *v, const char *fmt, int threads, int64_t batch)
{
    if (v->pass)
        snprintf(v->text, sizeof v->text, fmt, threads, (long long)batch);
    v->pass = 0;
}

/* `all` and `first` hold the bytes that the others must equal, or get them. */
static cz_status compare_threads(const struct cz_bench_options *options, struct cz_verdict *v, int threads,
                                 struct bytes *all, struct bytes *first, cz_error *err)
{
    struct bytes run[2] = {{0}}, image = {0};
    cz_status status = bytes_of(options, v->cell, threads, run, &image, err);
    if (status == CZ_OK) {
        if (!same_bytes(&run[0], &run[1]))
            differs(v, "two runs with %d threads differ", threads, 0);
        if (all->data && !same_bytes(&run[0], all))
            differs(v, "%d threads differ from 1", threads, 0);
        if (first->data && !same_bytes(&image, first))
            differs(v, "with %d threads image 0 of batch %lld differs from that of the first batch", threads,
                    v->cell->batch);
        v->n = run[0].n;
        if (!first->data) {
            *first = image;
            image.data = NULL;
        }
        if (!all->data) {
            *all = run[0];
            run[0].data = NULL;
        }
    }
    free_bytes(&run[0]);
    free_bytes(&run[1]);
    free_bytes(&image);
    return status;
}

static cz_status bits_of_cell(const struct cz_bench_options *options, struct cz_verdict *v,
                              struct bytes *first, cz_error *err)
{
    static const int threads[] = {1, 2, 7}; /* alone, even, and more than the tiles divide by */
    struct bytes all = {0};
    cz_status status = CZ_OK;
    v->pass = 1;
    for (size_t i = 0; i < sizeof threads / sizeof *threads && status == CZ_OK; i++)
        status = compare_threads(options, v, threads[i], &all, first, err);
    free_bytes(&all);
    return status;
}

void cz_verify_bits(const struct cz_bench_options *options, struct cz_verdict *verdicts)
{
    struct bytes first = {0};
    for (int i = 0; i < options->n_cells; i++) {
        memset(&verdicts[i], 0, sizeof verdicts[i]);
        verdicts[i].cell = &options->cells[i];
        if (i > 0 && options->cells[i].model != options->cells[i - 1].model)
            free_bytes(&first);
        verdicts[i].err.code = bits_of_cell(options, &verdicts[i], &first, &verdicts[i].err);
        step_progress(options, i + 1);
    }
    free_bytes(&first);
}
