/*
 * One random graph, computed in every way the planner has: all must agree with the operators' references, and
 * those that differ only in threads or batch must agree to the bit.
 */
#include "base/cpu.h"
#include "engine/plan.h"
#include "engine/reference.h"
#include "engine/session.h"
#include "random_graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GRAPHS = 60, BATCH = 3 };

struct result {
    float *values[RANDOM_GRAPH_OUTPUTS];
    int64_t count[RANDOM_GRAPH_OUTPUTS];
    int n;
};

static void check(cz_status status, const cz_error *err, uint64_t seed)
{
    if (status != CZ_OK)
        fail_msg("graph %llu: %s", (unsigned long long)seed, err->message);
}

static cz_tensor input_of(const struct cz_graph *g, int64_t first, int64_t batch, uint64_t seed)
{
    struct cz_shape s = g->values[g->inputs[0]].shape;
    s.dim[0] = batch;
    int64_t n = cz_shape_count(&s);
    float *x = malloc(sizeof *x * (size_t)n);
    for (int64_t i = 0; i < n; i++)
        x[i] = random_value(seed + 1000, (uint64_t)(first * (n / batch) + i));
    return cz_tensor_view(x, &s);
}

static struct result copy_of(const cz_tensor *t, int n)
{
    struct result r = {.n = n};
    for (int i = 0; i < n; i++) {
        struct cz_shape s = cz_tensor_shape(&t[i]);
        r.count[i] = cz_shape_count(&s);
        r.values[i] = malloc(cz_shape_bytes(&s) + 1);
        memcpy(r.values[i], t[i].data, cz_shape_bytes(&s));
    }
    return r;
}

static void release(struct result *r)
{
    for (int i = 0; i < r->n; i++)
        free(r->values[i]);
}

/* The graph by the operators' references alone. */
static struct result run_reference(struct cz_graph *g, cz_tensor x, uint64_t seed)
{
    cz_error err = {0};
    struct cz_reference *reference;
    cz_tensor y[RANDOM_GRAPH_OUTPUTS];
    check(cz_reference_run(g, &x, 1, &reference, &err), &err, seed);
    for (int i = 0; i < g->n_outputs; i++)
        y[i] = *cz_reference_output(reference, i);
    struct result r = copy_of(y, g->n_outputs);
    cz_reference_destroy(reference);
    return r;
}

struct way {
    const char *isa, *gemm;
    int threads, no_fuse;
    unsigned without;
    int exact;
};

static struct result run_plan(struct cz_graph *g, cz_tensor x, const struct way *way, uint64_t seed)
{
    cz_error err = {0};
    cz_runtime_options o = {.struct_size = sizeof o,
                            .n_threads = way->threads,
                            .isa = way->isa,
                            .gemm = way->gemm,
                            .exact = way->exact};
    cz_plan_options po = {
        .struct_size = sizeof po, .batch = x.dim[0], .no_fuse = way->no_fuse, .without = way->without};
    cz_runtime *rt;
    cz_plan *plan;
    cz_session *session;
    cz_tensor y[RANDOM_GRAPH_OUTPUTS] = {{0}};
    check(cz_runtime_create(&o, &rt, &err), &err, seed);
    check(cz_plan_create(rt, g, &po, &plan, &err), &err, seed);
    check(cz_session_create(plan, &session, &err), &err, seed);
    /* NaN, and whatever else: nothing may be read before it is written. */
    memset(session->arena, 0xFF, plan->arena_bytes);
    memset(session->scratch, 0xFF, plan->scratch_bytes * (size_t)cz_runtime_threads(rt));
    check(cz_session_run(session, &x, 1, y, (size_t)g->n_outputs, &err), &err, seed);
    struct result r = copy_of(y, g->n_outputs);
    memset(y, 0, sizeof y);
    check(cz_session_run(session, &x, 1, y, (size_t)g->n_outputs, &err), &err, seed);
    for (int i = 0; i < r.n; i++)
        if (memcmp(r.values[i], y[i].data, sizeof(float) * (size_t)r.count[i]) != 0)
            fail_msg("graph %llu: the second run differs from the first", (unsigned long long)seed);
    cz_session_destroy(session);
    cz_plan_destroy(plan);
    cz_runtime_destroy(rt);
    return r;
}

/*
 * At most ~14 layers of sums of up to 25*40 terms in float32 against double: rounding grows like sqrt(terms)
 * * 6e-8 per layer (Winograd's some four times that), about 3e-5 in all; a wrong tap or channel is of the
 * order of 1.
 */
static void expect_close(const struct result *a, const struct result *b, const char *what, uint64_t seed)
{
    assert_int_equal(a->n, b->n);
    for (int k = 0; k < b->n; k++) {
        double largest = 0, worst = 0;
        for (int64_t i = 0; i < b->count[k]; i++)
            largest = fmax(largest, fabs((double)b->values[k][i]));
        for (int64_t i = 0; i < b->count[k]; i++) {
            double diff = fabs((double)a->values[k][i] - (double)b->values[k][i]);
            worst = diff > worst || isnan(diff) ? diff : worst;
        }
        if (a->count[k] != b->count[k] || !(worst <= 3e-5 * (largest + 1)))
            fail_msg("graph %llu, %s: output %d differs by %g of %g", (unsigned long long)seed, what, k,
                     worst, largest);
    }
}

/* `part` is image number `image` of `all`, or with image -1 all of it. */
static void expect_same(const struct result *part, const struct result *all, int64_t image, const char *what,
                        uint64_t seed)
{
    for (int k = 0; k < part->n; k++)
        if (memcmp(part->values[k], all->values[k] + (image < 0 ? 0 : image * part->count[k]),
                   sizeof(float) * (size_t)part->count[k]) != 0)
            fail_msg("graph %llu, %s: output %d has not the same bits", (unsigned long long)seed, what, k);
}

static void ways_agree(void **state)
{
    static const struct way ways[] = {{.isa = "scalar", .threads = 1}, {.isa = "avx2", .threads = 1},
                                      {.isa = "avx512", .threads = 1}, {.isa = "neon", .threads = 1},
                                      {.threads = 1, .no_fuse = 1},    {.gemm = "openblas", .threads = 1},
                                      {.threads = 1, .exact = 1}};
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        struct cz_graph *g = random_graph(seed);
        cz_tensor x = input_of(g, 0, BATCH, seed);
        struct result wanted = run_reference(g, x, seed);
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            if (ways[i].isa && !cz_cpu_has_tier(ways[i].isa))
                continue;
            struct result found = run_plan(g, x, &ways[i], seed);
            expect_close(&found, &wanted,
                         ways[i].isa       ? ways[i].isa
                         : ways[i].no_fuse ? "unfused"
                         : ways[i].exact   ? "exact"
                                           : "BLAS",
                         seed);
            release(&found);
        }
        release(&wanted);
        free(x.data);
        cz_graph_release(g);
    }
}

static void each_rule_can_be_left_out(void **state)
{
    static const char *const names[] = {"identity", "batchnorm",  "scale", "gated",
                                        "residual", "activation", "pad"};
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        struct cz_graph *g = random_graph(seed);
        cz_tensor x = input_of(g, 0, BATCH, seed);
        struct result wanted = run_reference(g, x, seed);
        for (int rule = 0; rule < 7; rule++) {
            struct way way = {.threads = 1, .without = 1u << rule},
                       only = {.threads = 1, .without = 127u & ~way.without};
            struct result found = run_plan(g, x, &way, seed), alone = run_plan(g, x, &only, seed);
            expect_close(&found, &wanted, names[rule], seed);
            expect_close(&alone, &wanted, names[rule], seed);
            release(&found);
            release(&alone);
        }
        release(&wanted);
        free(x.data);
        cz_graph_release(g);
    }
}

static void threads_and_batch_keep_the_bits(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        struct cz_graph *g = random_graph(seed);
        cz_tensor x = input_of(g, 0, BATCH, seed);
        struct result one = run_plan(g, x, &(struct way){.threads = 1}, seed);
        for (int threads = 2; threads <= 7; threads += threads == 3 ? 4 : 1) {
            struct result more = run_plan(g, x, &(struct way){.threads = threads}, seed);
            expect_same(&one, &more, -1, "several threads", seed);
            release(&more);
        }
        for (int64_t i = 0; i < BATCH; i++) {
            cz_tensor image = input_of(g, 0, 1, seed);
            struct cz_shape s = cz_tensor_shape(&image);
            memcpy(image.data, (const char *)x.data + (size_t)i * cz_shape_bytes(&s), cz_shape_bytes(&s));
            struct result alone = run_plan(g, image, &(struct way){.threads = 2}, seed);
            expect_same(&alone, &one, i, "an image alone", seed);
            release(&alone);
            free(image.data);
        }
        release(&one);
        free(x.data);
        cz_graph_release(g);
    }
}

/* No two values that live at the same time overlap. */
static void memory_does_not_overlap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        cz_error err = {0};
        struct cz_graph *g = random_graph(seed);
        cz_runtime_options o = {.struct_size = sizeof o, .n_threads = 1};
        cz_plan_options po = {.struct_size = sizeof po, .batch = 2};
        cz_runtime *rt;
        cz_plan *plan;
        check(cz_runtime_create(&o, &rt, &err), &err, seed);
        check(cz_plan_create(rt, g, &po, &plan, &err), &err, seed);
        for (int i = 0; i < plan->n_values; i++)
            for (int k = 0; k < i; k++) {
                const struct cz_planned *a = &plan->values[i], *b = &plan->values[k];
                if (a->storage != CZ_IN_ARENA || b->storage != CZ_IN_ARENA || a->same_as >= 0 ||
                    b->same_as >= 0)
                    continue;
                int together = a->first <= b->last && b->first <= a->last;
                if (together && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes)
                    fail_msg("graph %llu: values %d and %d share memory", (unsigned long long)seed, i, k);
            }
        cz_plan_destroy(plan);
        cz_runtime_destroy(rt);
        cz_graph_release(g);
    }
}

static int count_steps(const struct cz_plan *plan, const char *algorithm)
{
    int n = 0;
    for (int i = 0; i < plan->n_steps; i++)
        n += strncmp(plan->steps[i].algorithm, algorithm, strlen(algorithm)) == 0;
    return n;
}

/* The comparisons above reach every algorithm, and --exact means what it says. */
static void every_algorithm_is_met(void **state)
{
    static const char *const names[] = {"pointwise", "direct",       "direct from NCHW",
                                        "depthwise", "Winograd 2x2", "Winograd 4x4"};
    int met[2][6] = {{0}};
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++)
        for (int exact = 0; exact < 2; exact++) {
            cz_error err = {0};
            struct cz_graph *g = random_graph(seed);
            cz_runtime_options o = {.struct_size = sizeof o, .n_threads = 1, .exact = exact};
            cz_runtime *rt;
            cz_plan *plan;
            check(cz_runtime_create(&o, &rt, &err), &err, seed);
            check(cz_plan_create(rt, g, NULL, &plan, &err), &err, seed);
            for (int k = 0; k < 6; k++)
                met[exact][k] += count_steps(plan, names[k]);
            cz_plan_destroy(plan);
            cz_runtime_destroy(rt);
            cz_graph_release(g);
        }
    for (int k = 0; k < 6; k++) {
        print_message("%-17s %3d steps, %3d exact\n", names[k], met[0][k], met[1][k]);
        assert_true(met[0][k] > 0);
        assert_int_equal(met[1][k] > 0, k < 4);
    }
}

/* Fusion is worth its name: what a rule takes in is no step of its own. */
static void fusion_saves_steps(void **state)
{
    (void)state;
    int fused = 0, unfused = 0;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++)
        for (int no_fuse = 0; no_fuse < 2; no_fuse++) {
            cz_error err = {0};
            struct cz_graph *g = random_graph(seed);
            cz_runtime_options o = {.struct_size = sizeof o, .n_threads = 1};
            cz_plan_options po = {.struct_size = sizeof po, .no_fuse = no_fuse};
            cz_runtime *rt;
            cz_plan *plan;
            check(cz_runtime_create(&o, &rt, &err), &err, seed);
            check(cz_plan_create(rt, g, &po, &plan, &err), &err, seed);
            *(no_fuse ? &unfused : &fused) += plan->n_steps;
            cz_plan_destroy(plan);
            cz_runtime_destroy(rt);
            cz_graph_release(g);
        }
    print_message("%d steps, %d unfused\n", fused, unfused);
    assert_true(fused * 10 < unfused * 9);
}

static void refuses_wrong_inputs(void **state)
{
    (void)state;
    cz_error err = {0};
    struct cz_graph *g = random_graph(1);
    cz_runtime *rt;
    cz_plan *plan;
    cz_session *session;
    assert_int_equal(cz_runtime_create(NULL, &rt, &err), CZ_OK);
    assert_int_equal(cz_plan_create(rt, g, NULL, &plan, &err), CZ_OK);
    assert_int_equal(cz_session_create(plan, &session, &err), CZ_OK);
    cz_tensor x = input_of(g, 0, 2, 1), y = {0};
    assert_int_equal(cz_session_run(session, &x, 1, &y, 1, &err), CZ_ERR_SHAPE);
    assert_non_null(strstr(err.message, "input 'x': wants float32 [1,"));
    assert_int_equal(cz_session_run(session, &x, 0, &y, 1, &err), CZ_ERR_ARGUMENT);
    g->params.version++;
    x.dim[0] = 1;
    assert_int_equal(cz_session_run(session, &x, 1, &y, 1, &err), CZ_ERR_STATE);
    free(x.data);
    /* In any order. */
    cz_runtime_destroy(rt);
    cz_graph_release(g);
    cz_plan_destroy(plan);
    cz_session_destroy(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ways_agree),
        cmocka_unit_test(each_rule_can_be_left_out),
        cmocka_unit_test(threads_and_batch_keep_the_bits),
        cmocka_unit_test(memory_does_not_overlap),
        cmocka_unit_test(every_algorithm_is_met),
        cmocka_unit_test(fusion_saves_steps),
        cmocka_unit_test(refuses_wrong_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
