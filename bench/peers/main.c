/*
 * convzoo_peers: this engine and ONNX Runtime on the same files, in turns.
 *
 * Both are driven from C through their C interfaces, in one process, on the same input in the same memory,
 * and both are asked for the one output. In every round each runs for a while, the order changing from round
 * to round, with a pause between so that one's threads have stopped spinning when the other starts. A round
 * gives one ratio of neighbouring medians; the result is the median of the ratios with its bootstrap
 * interval. What the machine does in between meets both, so the ratio stays meaningful on a machine that is
 * not quiet, which single times are not.
 *
 * Exit 0; 1 the answers differ or the ratio is above --at-most; 2 the command line is wrong or something
 * failed.
 */
#include "base/clock.h"
#include "base/cpu.h"
#include "base/stats.h"
#include "bench/input.h"
#include "bench/peers/onnxruntime.h"
#include "bench/verify.h"
#include "convzoo/convzoo.h"
#include "engine/runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_RUNS = 10000, MAX_ROUNDS = 1000, MAX_RATIOS = 256 };

struct settings {
    const char *library, *threads;
    int rounds;
    int64_t batch;
    double seconds, at_most;
};

/* One model at one number of threads, in both engines. */
struct contest {
    cz_runtime *runtime;
    cz_model *model;
    cz_plan *plan;
    cz_session *session;
    struct cz_ort_session *peer;
    struct cz_bench_inputs inputs;
    const char *output;
    cz_tensor ours;
    const float *theirs;
};

enum side { OURS, THEIRS };

static void close_contest(struct contest *c)
{
    cz_ort_session_destroy(c->peer);
    cz_bench_inputs_deinit(&c->inputs);
    cz_session_destroy(c->session);
    cz_plan_destroy(c->plan);
    cz_model_destroy(c->model);
    cz_runtime_destroy(c->runtime);
}

static cz_status open_ours(struct contest *c, const char *path, const struct settings *s, int n_threads,
                           cz_error *err)
{
    cz_runtime_options runtime = {.struct_size = sizeof runtime, .n_threads = n_threads};
    cz_plan_options plan = {.struct_size = sizeof plan, .batch = s->batch};
    CZ_TRY(cz_runtime_create(&runtime, &c->runtime, err));
    CZ_TRY(cz_model_load(c->runtime, path, &c->model, err));
    if (cz_model_n_inputs(c->model) != 1)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: has %d inputs; give models with one", path,
                cz_model_n_inputs(c->model));
    CZ_TRY(cz_plan_create(c->runtime, c->model, &plan, &c->plan, err));
    return cz_session_create(c->plan, &c->session, err);
}

static cz_status open_contest(struct contest *c, struct cz_ort *ort, const char *path,
                              const struct settings *s, int n_threads, cz_error *err)
{
    const char *input;
    cz_input_shape shape;
    cz_dtype dtype;
    memset(c, 0, sizeof *c);
    CZ_TRY(open_ours(c, path, s, n_threads, err));
    CZ_TRY(cz_model_output(c->model, 0, &c->output, &shape, &dtype, err));
    CZ_TRY(cz_model_input(c->model, 0, &input, &shape, &dtype, err));
    if (dtype != CZ_F32)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: input is %s; give models with a float32 input", path,
                cz_dtype_name(dtype));
    struct cz_shape fixed = {.dtype = CZ_F32, .rank = shape.rank};
    memcpy(fixed.dim, shape.dim, sizeof fixed.dim);
    if (fixed.dim[0] < 0)
        fixed.dim[0] = s->batch;
    CZ_TRY(cz_bench_inputs_make(&fixed, 1, &c->inputs, err));
    CZ_TRY(cz_ort_session_create(ort, path, n_threads, &c->peer, err));
    return cz_ort_bind(c->peer, input, c->inputs.tensors[0].data, fixed.dim, fixed.rank, err);
}

static cz_status run_once(struct contest *c, enum side side, cz_error *err)
{
    if (side == THEIRS)
        return cz_ort_run(c->peer, c->output, &c->theirs, err);
    c->ours.data = NULL; /* points into the session then, as the peer's points into its own memory */
    return cz_session_run(c->session, c->inputs.tensors, 1, &c->ours, 1, err);
}

/* Runs for `seconds` and at least 3 times; the median and the fastest of them. */
static cz_status take_turn(struct contest *c, enum side side, double seconds, double *median, double *best,
                           cz_error *err)
{
    static double times[MAX_RUNS];
    double begin = cz_now();
    size_t n = 0;
    while (n < MAX_RUNS && (n < 3 || cz_now() - begin < seconds)) {
        double start = cz_now();
        CZ_TRY(run_once(c, side, err));
        times[n++] = cz_now() - start;
    }
    cz_sort(times, n);
    *median = cz_quantile(times, n, 0.5);
    *best = fmin(*best, times[0]);
    return CZ_OK;
}

/* Longer than either engine's threads wait for more work before they sleep. */
static void pause_between(void)
{
    struct timespec t = {.tv_nsec = 20000000};
    nanosleep(&t, NULL);
}

struct score {
    double ratio[MAX_ROUNDS], median[2][MAX_ROUNDS], best[2];
    double middle, difference;
    struct cz_interval interval;
};

static cz_status compare_answers(struct contest *c, struct score *score, cz_error *err)
{
    struct cz_shape shape;
    CZ_TRY(run_once(c, OURS, err));
    CZ_TRY(run_once(c, THEIRS, err));
    shape = cz_tensor_shape(&c->ours);
    size_t n = (size_t)cz_shape_count(&shape);
    double *a = malloc(sizeof *a * (n + 1)), *b = malloc(sizeof *b * (n + 1));
    if (a && b) {
        for (size_t i = 0; i < n; i++) {
            a[i] = cz_tensor_double(&c->ours, (int64_t)i);
            b[i] = (double)c->theirs[i];
        }
        score->difference = cz_verify_difference(a, n, b, n);
    }
    int failed = !a || !b;
    free(a);
    free(b);
    if (failed)
        CZ_FAIL(err, CZ_ERR_MEMORY, "answers: out of memory; close other programs");
    return CZ_OK;
}

static cz_status play(struct contest *c, const struct settings *s, struct score *score, cz_error *err)
{
    double ones[MAX_ROUNDS], unused = INFINITY;
    score->best[OURS] = score->best[THEIRS] = INFINITY;
    CZ_TRY(compare_answers(c, score, err));
    for (int side = OURS; side <= THEIRS; side++) /* warm-up */
        CZ_TRY(take_turn(c, (enum side)side, s->seconds, &score->median[side][0], &unused, err));
    for (int round = 0; round < s->rounds; round++) {
        for (int turn = 0; turn < 2; turn++) {
            enum side side = (turn + round) % 2 == 0 ? OURS : THEIRS;
            pause_between();
            CZ_TRY(take_turn(c, side, s->seconds, &score->median[side][round], &score->best[side], err));
        }
        score->ratio[round] = score->median[OURS][round] / score->median[THEIRS][round];
        ones[round] = 1;
    }
    /* The rounds' ratios against 1: the interval of their median. */
    return cz_median_ratio(ones, s->rounds, score->ratio, s->rounds, 0, &score->middle, &score->interval,
                           err);
}

static double median_of(const double *x, int n)
{
    double sorted[MAX_ROUNDS];
    memcpy(sorted, x, sizeof *x * (size_t)n);
    cz_sort(sorted, (size_t)n);
    return cz_quantile(sorted, (size_t)n, 0.5);
}

static void print_score(const char *path, int n_threads, const struct settings *s, const struct score *score)
{
    const char *slash = strrchr(path, '/');
    printf("%-28s %5lld %7d %9.3f %9.3f %9.3f %9.3f   %5.3f  %5.3f to %5.3f   %5.3f  %8.1e\n",
           slash ? slash + 1 : path, (long long)s->batch, n_threads,
           1e3 * median_of(score->median[OURS], s->rounds), 1e3 * median_of(score->median[THEIRS], s->rounds),
           1e3 * score->best[OURS], 1e3 * score->best[THEIRS], score->middle, score->interval.low,
           score->interval.high, score->best[OURS] / score->best[THEIRS], score->difference);
    fflush(stdout);
}

static cz_status compete(struct cz_ort *ort, const char *path, int n_threads, const struct settings *s,
                         struct score *score, cz_error *err)
{
    struct contest c;
    cz_status status = open_contest(&c, ort, path, s, n_threads, err);
    if (status == CZ_OK)
        status = play(&c, s, score, err);
    close_contest(&c);
    return status;
}

static void print_head(const struct cz_ort *ort, const struct settings *s)
{
    char cpu[128];
    printf("convzoo %s and ONNX Runtime %s on %s; %d rounds of %.2g s each, in turns, order alternating\n",
           cz_version(), cz_ort_version(ort), cz_cpu_name(cpu, sizeof cpu), s->rounds, s->seconds);
    printf("%-28s %5s %7s %19s %19s   %24s   %5s  %8s\n", "", "", "", "median ms", "best ms",
           "ratio of medians", "best", "answers");
    printf("%-28s %5s %7s %9s %9s %9s %9s   %5s  %14s   %5s  %8s\n", "model", "batch", "threads", "ours",
           "theirs", "ours", "theirs", "", "95 % interval", "ratio", "differ");
}

static double geometric_mean(const double *x, int n)
{
    double logs = 0;
    for (int i = 0; i < n; i++)
        logs += log(x[i]);
    return exp(logs / n);
}

/* Items of "1,2"; 0 after the last. */
static int item(const char *list, int index)
{
    while (index-- > 0 && list)
        list = (list = strchr(list, ',')) ? list + 1 : NULL;
    return list ? atoi(list) : 0;
}

static int compete_all(struct cz_ort *ort, char **paths, int n_paths, const struct settings *s)
{
    static struct score score;
    double ratios[MAX_RATIOS];
    int n = 0, code = 0, n_threads;
    cz_error err;
    print_head(ort, s);
    for (int t = 0; (n_threads = item(s->threads, t)) > 0; t++)
        for (int i = 0; i < n_paths && n < MAX_RATIOS; i++) {
            if (compete(ort, paths[i], n_threads, s, &score, &err) != CZ_OK) {
                fprintf(stderr, "convzoo_peers: error: %s\n", err.message);
                return 2;
            }
            print_score(paths[i], n_threads, s, &score);
            ratios[n++] = score.middle;
            if (!(score.difference <= CZ_VERIFY_BOUND) || (s->at_most > 0 && !(score.middle <= s->at_most)))
                code = 1;
        }
    printf("ratio: our time over theirs, below 1 we are faster; geometric mean of %d: %.3f\n", n,
           geometric_mean(ratios, n));
    if (code)
        printf("FAIL: answers differ by more than %.0e%s\n", CZ_VERIFY_BOUND,
               s->at_most > 0 ? ", or a ratio is above --at-most" : "");
    return code;
}

static int usage(void)
{
    fputs("Usage: convzoo_peers --library libonnxruntime.so.1 [--threads 1,2] [--batch 1] [--rounds 15]\n"
          "                     [--seconds 0.3] [--at-most RATIO] MODEL.onnx...\n",
          stderr);
    return 2;
}

/* One option and its value; 0 when it is none of ours. */
static int set_option(struct settings *s, const char *name, const char *value)
{
    if (strcmp(name, "--library") == 0)
        s->library = value;
    else if (strcmp(name, "--threads") == 0)
        s->threads = value;
    else if (strcmp(name, "--batch") == 0)
        s->batch = atoi(value);
    else if (strcmp(name, "--rounds") == 0)
        s->rounds = atoi(value);
    else if (strcmp(name, "--seconds") == 0)
        s->seconds = atof(value);
    else if (strcmp(name, "--at-most") == 0)
        s->at_most = atof(value);
    else
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    struct settings s = {.threads = "1", .rounds = 15, .batch = 1, .seconds = 0.3};
    struct cz_ort *ort;
    cz_error err;
    int i = 1;
    for (; i + 1 < argc && argv[i][0] == '-'; i += 2)
        if (!set_option(&s, argv[i], argv[i + 1]))
            return usage();
    if (i >= argc || argv[i][0] == '-' || !s.library || s.rounds < 1 || s.rounds > MAX_ROUNDS ||
        s.batch < 1 || item(s.threads, 0) < 1)
        return usage();
    if (cz_ort_open(s.library, &ort, &err) != CZ_OK) {
        fprintf(stderr, "convzoo_peers: error: %s\n", err.message);
        return 2;
    }
    int code = compete_all(ort, argv + i, argc - i, &s);
    cz_ort_close(ort);
    return code;
}
