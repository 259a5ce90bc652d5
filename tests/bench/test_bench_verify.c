/*
 * Workers and what is measured with them, on real processes: right and wrong answers are told apart, a
 * process that dies is one failed cell, and the peak memory is that of the model.
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "bench/verify.h"
#include "zoo/zoo.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

/* Models of these tests, by index. `opened` is shared with the workers' processes. */
enum { LENET, CHANGING, REFUSED, KILLED, CRASHED, HUNGRY, N_MODELS };
enum { HUNGER = 64 << 20 };

static int *opened;

static cz_status lenet(uint64_t seed, struct cz_graph **out, cz_error *err)
{
    struct cz_zoo_options options = {.init = {CZ_INIT_GOLDEN, seed}};
    return cz_zoo_build("lenet5", &options, out, err);
}

static cz_status open_model(void *user, int model, struct cz_graph **out, cz_error *err)
{
    (void)user;
    char *food;
    switch (model) {
    case CHANGING: /* other weights in every process: its answers can never be right, nor the same bits */
        return lenet((uint64_t)++ * opened, out, err);
    case REFUSED:
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "net.onnx: no; never");
    case KILLED:
        raise(SIGKILL);
        return CZ_ERR_INTERNAL;
    case CRASHED:
        _exit(3);
    case HUNGRY: /* takes much memory for a moment */
        food = malloc(HUNGER);
        memset(food, 1, HUNGER);
        __asm__ volatile("" : : "r"(food) : "memory");
        free(food);
        return lenet(1, out, err);
    default:
        return lenet(1, out, err);
    }
}

static const struct cz_bench_model models[N_MODELS] = {{"lenet", 0.9}, {"changing", -1}, {"refused", -1},
                                                       {"killed", -1}, {"crashed", -1},  {"hungry", -1}};

static struct cz_bench_options options_for(struct cz_bench_cell *cells, int n)
{
    for (int i = 0; i < n; i++)
        cz_bench_name_cell(&cells[i], &models[cells[i].model]);
    return (struct cz_bench_options){.models = models,
                                     .cells = cells,
                                     .n_cells = n,
                                     .open = open_model,
                                     .runtime = {.struct_size = sizeof(cz_runtime_options)},
                                     .reps = 3,
                                     .min_seconds = 1e-3,
                                     .warmup = 2};
}

static void difference_of_answers(void **state)
{
    (void)state;
    const double a[] = {3, 4, 0}, b[] = {3, 4, 1e-3}, nan[] = {3, NAN, 0}, inf[] = {3, INFINITY, 0};
    assert_true(cz_verify_difference(a, 3, a, 3) == 0);
    /* 1e-3 / sqrt(25) to double's rounding */
    assert_true(fabs(cz_verify_difference(b, 3, a, 3) - 2e-4) < 1e-16);
    assert_true(isinf(cz_verify_difference(a, 2, a, 3)));
    assert_true(isinf(cz_verify_difference(nan, 3, a, 3)));
    assert_true(isinf(cz_verify_difference(a, 3, nan, 3)));
    assert_true(isinf(cz_verify_difference(inf, 3, nan, 3)));
    assert_true(cz_verify_difference(nan, 3, nan, 3) == 0);
    const double zero[] = {0, 0, 0};
    assert_true(isinf(cz_verify_difference(a, 3, zero, 3)));
    assert_true(cz_verify_difference(zero, 3, zero, 3) == 0);
}

static void a_run_measures_and_goes_on_after_failures(void **state)
{
    (void)state;
    static const struct {
        int model;
        cz_status status;
        const char *message;
    } wanted[] = {
        {LENET, CZ_OK, ""},
        {REFUSED, CZ_ERR_UNSUPPORTED, "net.onnx: no; never"},
        {KILLED, CZ_ERR_MEMORY, "was killed"},
        {CRASHED, CZ_ERR_INTERNAL, "code 3"},
        {CHANGING, CZ_ERR_NUMERIC, "changing: answers differ"},
        {LENET, CZ_OK, ""},
    };
    enum { N = sizeof wanted / sizeof *wanted };
    struct cz_bench_cell cells[N] = {{0}};
    struct cz_bench b;
    cz_error err;
    for (int i = 0; i < N; i++)
        cells[i] = (struct cz_bench_cell){.model = wanted[i].model, .batch = 1 + i % 2, .threads = 1 + i % 2};
    struct cz_bench_options options = options_for(cells, N);
    assert_int_equal(cz_bench_run(&options, &b, &err), CZ_OK);
    for (int i = 0; i < N; i++) {
        const struct cz_bench_result *r = &b.results[i];
        if (r->err.code != wanted[i].status || !strstr(r->err.message, wanted[i].message))
            fail_msg("%s: status %d: %s; wanted %d: %s", cells[i].name, r->err.code, r->err.message,
                     wanted[i].status, wanted[i].message);
        if (r->err.code != CZ_OK)
            continue;
        assert_int_equal(r->answers, CZ_ANSWERS_RIGHT);
        assert_int_equal(r->n_reps, 3);
        assert_true(r->min > 0 && r->min <= r->median && r->min <= r->p95);
        assert_true(r->facts.macs == 416520.0 * (1 + i % 2)); /* LeNet-5 at 32 px */
        assert_int_equal(r->facts.n_parameters, 61706);
        assert_int_equal(r->facts.batch, 1 + i % 2);
        assert_int_equal(r->facts.threads, 1 + i % 2);
        for (int j = 0; j < r->n_reps;
             j++) /* a thread cannot use more than it has, but for the clocks' grain */
            assert_true(r->real[j] > 0 && r->cpu[j] > 0 &&
                        r->cpu[j] < 1.5 * r->real[j] * r->facts.threads + 1e-4);
        assert_true(cz_bench_peak(&b, r->facts.threads) > 1e8);
    }
    cz_bench_deinit(&b);
}

/* Both models are the same but for the moment of hunger, which each process has for itself. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static void the_peak_is_the_models_own(void **state)
{
    (void)state;
    struct cz_bench_cell cells[] = {{.model = HUNGRY, .batch = 1, .threads = 1},
                                    {.model = LENET, .batch = 1, .threads = 1}};
    struct cz_bench_options options = options_for(cells, 2);
    struct cz_bench b;
    if (SANITIZED)
        return; /* shadow memory and quarantine are no model's own */
    assert_int_equal(cz_bench_run(&options, &b, NULL), CZ_OK);
    int64_t more = b.results[0].peak_bytes - b.results[1].peak_bytes;
    if (more < HUNGER / 10 * 9 || more > HUNGER / 10 * 11)
        fail_msg("peaks %lld and %lld", (long long)b.results[0].peak_bytes,
                 (long long)b.results[1].peak_bytes);
    /* And not less than what the plan alone says. */
    assert_true(b.results[1].peak_bytes > cz_bench_planned_bytes(&b.results[1]));
    cz_bench_deinit(&b);
}

static void profile_has_every_step(void **state)
{
    (void)state;
    struct cz_bench_cell cell = {.model = LENET, .batch = 1, .threads = 1};
    struct cz_bench_options options = options_for(&cell, 1);
    struct cz_bench b;
    double macs = 0, seconds = 0;
    options.profile = 1;
    assert_int_equal(cz_bench_run(&options, &b, NULL), CZ_OK);
    const struct cz_bench_result *r = &b.results[0];
    assert_true(r->n_steps >= 5); /* two Conv, three Gemm at the very least */
    for (size_t i = 0; i < r->n_steps; i++) {
        macs += r->steps[i].macs;
        seconds += r->steps[i].seconds;
        assert_true(r->steps[i].op[0] != '\0');
    }
    assert_true(macs == r->facts.macs);
    assert_true(seconds > 0);
    cz_bench_deinit(&b);
}

static void check_knows_right_from_wrong(void **state)
{
    (void)state;
    struct cz_bench_cell cells[] = {{.model = LENET, .batch = 2, .threads = 2},
                                    {.model = CHANGING, .batch = 1, .threads = 1},
                                    {.model = REFUSED, .batch = 1, .threads = 1}};
    struct cz_bench_options options = options_for(cells, 3);
    struct cz_verdict v[3];
    cz_verify_check(&options, v);
    assert_int_equal(v[0].err.code, CZ_OK);
    assert_true(v[0].pass);
    assert_int_equal(v[0].n, 20);
    assert_int_equal(v[1].err.code, CZ_OK);
    assert_false(v[1].pass);
    assert_true(v[1].difference > CZ_VERIFY_BOUND);
    assert_int_equal(v[2].err.code, CZ_ERR_UNSUPPORTED);
    assert_false(v[2].pass);
}

static void bits_knows_equal_from_other(void **state)
{
    (void)state;
    struct cz_bench_cell cells[] = {{.model = LENET, .batch = 1, .threads = 1},
                                    {.model = LENET, .batch = 3, .threads = 1},
                                    {.model = CHANGING, .batch = 1, .threads = 1}};
    struct cz_bench_options options = options_for(cells, 3);
    struct cz_verdict v[3];
    cz_verify_bits(&options, v);
    assert_true(v[0].pass);
    assert_int_equal(v[0].n, 10 * sizeof(float));
    assert_true(v[1].pass);
    assert_false(v[2].pass);
    assert_non_null(strstr(v[2].text, "2 threads differ from 1"));
}

static int share_counter(void **state)
{
    (void)state;
    opened = mmap(NULL, sizeof *opened, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return opened == MAP_FAILED;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(difference_of_answers),
        cmocka_unit_test(a_run_measures_and_goes_on_after_failures),
        cmocka_unit_test(the_peak_is_the_models_own),
        cmocka_unit_test(profile_has_every_step),
        cmocka_unit_test(check_knows_right_from_wrong),
        cmocka_unit_test(bits_knows_equal_from_other),
    };
    return cmocka_run_group_tests(tests, share_counter, NULL);
}
