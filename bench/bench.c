#include "bench/bench.h"
#include "base/clock.h"
#include "base/philox.h"
#include "base/stats.h"
#include "bench/verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A warm-up ends when a block of runs is no more than 2 % faster than the one before, or after 2 seconds. */
static const double BLOCK_SECONDS = 0.1, STEADY = 0.98, LONGEST_WARMUP = 2;

struct group {
    const struct cz_bench_options *options;
    struct cz_bench *bench;
    struct cz_worker *workers; /* one per cell; zeroed: not running */
    int first, end;            /* the group's cells */
    int64_t done, total;       /* progress */
    double cpu;                /* seconds that the workers used in the rounds */
    double elapsed, foreign;   /* seconds of the rounds; CPU seconds of others meanwhile */
};

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "bench: out of memory; bench fewer models");
}

void cz_bench_name_cell(struct cz_bench_cell *cell, const struct cz_bench_model *model)
{
    snprintf(cell->name, sizeof cell->name, "%.140s/batch:%lld/threads:%d/real_time", model->name,
             (long long)cell->batch, cell->threads);
}

static void step_progress(struct group *g)
{
    g->done++;
    if (g->options->progress)
        g->options->progress(g->options->progress_user, g->done, g->total);
}

/* The cell is given up: its error stays in the result. */
static void give_up(struct group *g, int cell)
{
    cz_worker_stop(&g->workers[cell]);
}

static int is_alive(const struct group *g, int cell)
{
    return g->workers[cell].pid > 0;
}

/* Starts the workers of cells from g->first on, until half of what memory was free is in use. */
static void start_workers(struct group *g)
{
    int64_t room = cz_machine_available_bytes() / 2, used = 0;
    for (g->end = g->first; g->end < g->options->n_cells && (g->end == g->first || used < room || room == 0);
         g->end++) {
        struct cz_bench_result *r = &g->bench->results[g->end];
        struct cz_worker_options o = {.open = g->options->open,
                                      .user = g->options->user,
                                      .model = r->cell->model,
                                      .runtime = g->options->runtime,
                                      .kind = g->options->no_fuse ? CZ_WORKER_UNFUSED : CZ_WORKER_PLAN,
                                      .batch = r->cell->batch,
                                      .side_px = g->options->side_px};
        o.runtime.n_threads = r->cell->threads;
        if (cz_worker_start(&o, g->workers, g->end, &g->workers[g->end], &r->facts, &r->err) == CZ_OK)
            used += r->facts.resident_bytes;
        step_progress(g);
    }
}

/* Runs n times and gives the best; *mean of them. 1 when the cell failed. */
static int run_block(struct group *g, int cell, int64_t n, double *best, double *mean)
{
    struct cz_bench_result *r = &g->bench->results[cell];
    double cpu, *seconds = malloc(sizeof *seconds * (size_t)n);
    cz_status status =
        seconds ? cz_worker_run(&g->workers[cell], n, seconds, &cpu, &r->err) : no_memory(&r->err);
    if (status == CZ_OK) {
        *mean = cz_sum(seconds, (size_t)n) / (double)n;
        cz_sort(seconds, (size_t)n);
        *best = seconds[0];
    } else {
        give_up(g, cell);
    }
    free(seconds);
    return status != CZ_OK;
}

static int64_t runs_for(double seconds, double one_run)
{
    double n = ceil(seconds / fmax(one_run, 1e-9));
    return n < 1 ? 1 : n > CZ_BENCH_MAX_ITERATIONS ? CZ_BENCH_MAX_ITERATIONS : (int64_t)n;
}

/* Runs until it gets no faster; *one_run: how long a run takes then. 1 when the cell failed. */
static int warm_up(struct group *g, int cell, double *one_run)
{
    const struct cz_bench_options *o = g->options;
    double best, before, total = 0;
    if (o->warmup >= 0 && run_block(g, cell, o->warmup > 0 ? o->warmup : 1, &best, one_run))
        return 1;
    if (o->warmup < 0 &&
        run_block(g, cell, 1, &best, one_run)) /* the first one fills caches and page tables */
        return 1;
    total = *one_run * (double)(o->warmup > 0 ? o->warmup : 1);
    for (before = INFINITY; o->warmup < 0 || total < o->warmup_seconds; before = best) {
        int64_t n = runs_for(BLOCK_SECONDS, best);
        if (run_block(g, cell, n, &best, one_run))
            return 1;
        total += *one_run * (double)n;
        if (total >= o->warmup_seconds && (best > STEADY * before || total > LONGEST_WARMUP))
            break;
    }
    return 0;
}

static void prepare_cell(struct group *g, int cell)
{
    struct cz_bench_result *r = &g->bench->results[cell];
    double one_run;
    if (!is_alive(g, cell) || warm_up(g, cell, &one_run))
        return;
    const struct cz_bench_options *o = g->options;
    r->iterations = o->iterations > 0 ? o->iterations : runs_for(o->min_seconds, one_run);
    size_t reps = (size_t)o->reps;
    r->real = malloc(sizeof *r->real * reps);
    r->cpu = malloc(sizeof *r->cpu * reps);
    r->runs = malloc(sizeof *r->runs * reps * (size_t)r->iterations);
    if (!r->real || !r->cpu || !r->runs) {
        no_memory(&r->err);
        give_up(g, cell);
    }
}

static void measure_cell(struct group *g, int cell, int round)
{
    struct cz_bench_result *r = &g->bench->results[cell];
    double *runs, cpu;
    if (!is_alive(g, cell))
        return;
    runs = r->runs + (int64_t)round * r->iterations;
    if (cz_worker_run(&g->workers[cell], r->iterations, runs, &cpu, &r->err) != CZ_OK) {
        give_up(g, cell);
        return;
    }
    g->cpu += cpu;
    r->real[round] = cz_sum(runs, (size_t)r->iterations) / (double)r->iterations;
    r->cpu[round] = cpu / (double)r->iterations;
    r->n_reps = round + 1;
}

static struct cz_bench_peak *peak_of(struct cz_bench *b, int threads)
{
    for (int i = 0; i < b->n_peaks; i++)
        if (b->peaks[i].threads == threads)
            return &b->peaks[i];
    b->peaks[b->n_peaks].threads = threads;
    return &b->peaks[b->n_peaks++];
}

/* Once a round and number of threads, by the first cell that has it: clocks change while we measure. */
static void measure_peaks(struct group *g)
{
    for (int i = g->first; i < g->end; i++) {
        int first = is_alive(g, i);
        const int threads = g->options->cells[i].threads;
        for (int j = g->first; j < i; j++)
            first &= !(is_alive(g, j) && g->options->cells[j].threads == threads);
        double flops, cpu;
        struct cz_bench_peak *peak = first ? peak_of(g->bench, threads) : NULL;
        if (peak && cz_worker_peak(&g->workers[i], &flops, &cpu, NULL) == CZ_OK) {
            peak->flops = fmax(peak->flops, flops);
            g->cpu += cpu;
        }
    }
}

static void measure_round(struct group *g, int round, int64_t *order)
{
    int64_t n = g->end - g->first;
    if (g->options->random_order)
        cz_shuffle(0, CZ_STREAM_SHUFFLE, (uint32_t)round, order, n);
    for (int64_t i = 0; i < n; i++) {
        measure_cell(g, g->first + (int)(g->options->random_order ? order[i] : i), round);
        step_progress(g);
    }
    measure_peaks(g);
}

/* The rounds, and what else ran on the machine meanwhile. */
static void measure_rounds(struct group *g, int64_t *order)
{
    double start = cz_now(), busy = cz_machine_busy_seconds(), own = cz_process_cpu_seconds() + g->cpu;
    for (int round = 0; round < g->options->reps; round++)
        measure_round(g, round, order);
    own = cz_process_cpu_seconds() + g->cpu - own;
    g->elapsed += cz_now() - start;
    g->foreign += fmax(cz_machine_busy_seconds() - busy - own, 0);
}

static cz_status summarize(struct cz_bench_result *r)
{
    size_t n = (size_t)r->n_reps, n_runs = n * (size_t)r->iterations;
    double *reps = malloc(sizeof *reps * n);
    if (!reps)
        return no_memory(&r->err);
    memcpy(reps, r->real, sizeof *reps * n);
    cz_sort(reps, n);
    cz_sort(r->runs, n_runs);
    r->median = cz_quantile(reps, n, 0.5);
    r->spread = (cz_quantile(reps, n, 0.75) - cz_quantile(reps, n, 0.25)) / r->median;
    r->min = r->runs[0];
    r->p95 = cz_quantile(r->runs, n_runs, 0.95);
    free(reps);
    return CZ_OK;
}

/* The profile comes behind the peak's measurement and the times: its clocks are not free. */
static void finish_cell(struct group *g, int cell)
{
    struct cz_bench_result *r = &g->bench->results[cell];
    struct cz_worker *w = &g->workers[cell];
    if (!is_alive(g, cell))
        return;
    cz_status status = summarize(r);
    if (status == CZ_OK)
        status = cz_worker_peak_bytes(w, &r->peak_bytes, &r->err);
    if (status == CZ_OK && g->options->profile)
        status = cz_worker_profile(w, r->iterations, &r->steps, &r->n_steps, &r->err);
    if (status != CZ_OK)
        give_up(g, cell);
}

/* The answers of the cells, against another way to compute them; see verify.h. */
static void check_answers(struct group *g, struct cz_verify_cache *cache)
{
    for (int i = g->first; i < g->end; i++) {
        struct cz_bench_result *r = &g->bench->results[i];
        double *answer;
        size_t n;
        if (!is_alive(g, i) || g->options->skip_check)
            continue;
        if (cz_worker_output(&g->workers[i], &answer, &n, &r->err) != CZ_OK) {
            give_up(g, i);
            continue;
        }
        r->answers = cz_verify_answer(cache, r->cell, &r->facts, answer, n, &r->difference);
        if (r->answers == CZ_ANSWERS_WRONG)
            cz_error_set(
                &r->err, CZ_ERR_NUMERIC,
                "%s: answers differ from the unfused %s plan's by %.1e (bound %.0e); see `--mode check`",
                g->options->models[r->cell->model].name, cache->isa, r->difference, CZ_VERIFY_BOUND);
        free(answer);
        step_progress(g);
    }
}

static void run_group(struct group *g, int64_t *order, struct cz_verify_cache *cache)
{
    start_workers(g);
    for (int i = g->first; i < g->end; i++)
        prepare_cell(g, i);
    measure_rounds(g, order);
    for (int i = g->first; i < g->end; i++)
        finish_cell(g, i);
    check_answers(g, cache);
    for (int i = g->first; i < g->end; i++)
        cz_worker_stop(&g->workers[i]);
}

static cz_status allocate(struct cz_bench *b, struct group *g, int64_t **order, cz_error *err)
{
    size_t n = (size_t)b->n_results + 1;
    b->results = calloc(n, sizeof *b->results);
    b->peaks = calloc(n, sizeof *b->peaks);
    g->workers = calloc(n, sizeof *g->workers);
    *order = calloc(n, sizeof **order);
    return b->results && b->peaks && g->workers && *order ? CZ_OK : no_memory(err);
}

static void run_groups(struct group *g, int64_t *order)
{
    struct cz_bench *b = g->bench;
    struct cz_verify_cache cache = {.options = g->options, .workers = g->workers};
    for (g->first = 0; g->first < b->n_results; g->first = g->end, b->n_groups++)
        run_group(g, order, &cache);
    b->foreign_load = cz_machine_busy_seconds() < 0 || g->elapsed <= 0 ? -1 : g->foreign / g->elapsed;
    snprintf(b->check_isa, sizeof b->check_isa, "%s", cache.isa);
    cz_verify_cache_deinit(&cache);
}

cz_status cz_bench_run(const struct cz_bench_options *options, struct cz_bench *out, cz_error *err)
{
    struct group g = {.options = options, .bench = out};
    int64_t *order;
    memset(out, 0, sizeof *out);
    out->options = options;
    out->n_results = options->n_cells;
    g.total = (int64_t)options->n_cells * (options->reps + 1 + !options->skip_check);
    cz_status status = allocate(out, &g, &order, err);
    if (status == CZ_OK) {
        for (int i = 0; i < out->n_results; i++)
            out->results[i].cell = &options->cells[i];
        cz_machine_read(&out->machine);
        run_groups(&g, order);
        cz_bench_mark_front(out);
    } else {
        cz_bench_deinit(out);
    }
    free(g.workers);
    free(order);
    return status;
}

void cz_bench_deinit(struct cz_bench *b)
{
    for (int i = 0; b->results && i < b->n_results; i++) {
        free(b->results[i].real);
        free(b->results[i].cpu);
        free(b->results[i].runs);
        free(b->results[i].steps);
    }
    free(b->results);
    free(b->peaks);
    memset(b, 0, sizeof *b);
}

double cz_bench_images_per_second(const struct cz_bench_result *r)
{
    return (double)r->facts.batch / r->median;
}

double cz_bench_flops(const struct cz_bench_result *r)
{
    return 2 * r->facts.macs / r->median;
}

int64_t cz_bench_planned_bytes(const struct cz_bench_result *r)
{
    return r->facts.weights_bytes + r->facts.packed_bytes + r->facts.arena_bytes + r->facts.scratch_bytes;
}

double cz_bench_peak(const struct cz_bench *b, int threads)
{
    for (int i = 0; i < b->n_peaks; i++)
        if (b->peaks[i].threads == threads)
            return b->peaks[i].flops;
    return 0;
}

static double top1_of(const struct cz_bench *b, const struct cz_bench_result *r)
{
    return r->err.code == CZ_OK ? b->options->models[r->cell->model].top1 : -1;
}

/* a puts b off the front. */
static int beats(const struct cz_bench *bench, const struct cz_bench_result *a,
                 const struct cz_bench_result *b)
{
    double top1_a = top1_of(bench, a), top1_b = top1_of(bench, b);
    return top1_a >= 0 && a->cell->batch == b->cell->batch && a->cell->threads == b->cell->threads &&
           top1_a >= top1_b && a->median <= b->median && (top1_a > top1_b || a->median < b->median);
}

void cz_bench_mark_front(struct cz_bench *b)
{
    for (int i = 0; i < b->n_results; i++) {
        int on_front = top1_of(b, &b->results[i]) >= 0;
        for (int j = 0; j < b->n_results && on_front; j++)
            on_front = !beats(b, &b->results[j], &b->results[i]);
        b->results[i].on_front = on_front;
    }
}
