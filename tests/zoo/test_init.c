/*
 * Seeded initial weights: the same everywhere, with the promised spread, and each tensor by its own name.
 */
#include "base/math.h"
#include "zoo/zoo.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct cz_graph *build(const char *name, int n_classes, enum cz_init_kind kind, uint64_t seed)
{
    struct cz_graph *g = NULL;
    cz_error err = {0};
    struct cz_zoo_options options = {.n_classes = n_classes, .init = {kind, seed}};
    if (cz_zoo_build(name, &options, &g, &err) != CZ_OK)
        fail_msg("%s: %s", name, err.message);
    return g;
}

static const struct cz_param *find(const struct cz_graph *g, const char *name)
{
    int value = cz_graph_find_value(g, name);
    assert_true(value >= 0);
    return &g->params.items[g->values[value].param];
}

static int64_t count(const struct cz_param *p)
{
    struct cz_shape shape = cz_tensor_shape(&p->value);
    return cz_shape_count(&shape);
}

static int same_bits(const struct cz_param *a, const struct cz_param *b)
{
    return count(a) == count(b) &&
           memcmp(a->value.data, b->value.data, sizeof(float) * (size_t)count(a)) == 0;
}

/* Mean 0 and the variance wanted, within five standard errors (of the variance: sqrt(2/n) of it). */
static void check_spread(const struct cz_param *p, double variance)
{
    const float *w = p->value.data;
    double n = (double)count(p), sum = 0, squares = 0, fourth = 0;
    for (int64_t i = 0; i < count(p); i++) {
        sum += w[i];
        squares += (double)w[i] * w[i];
        fourth += (double)w[i] * w[i] * w[i] * w[i];
    }
    double kurtosis =
        fourth / n / (squares / n * squares / n); /* 3 for a normal; standard error sqrt(96/n) */
    if (fabs(sum / n) > 5 * sqrt(variance / n) || fabs(squares / n / variance - 1) > 5 * sqrt(2 / n) ||
        fabs(kurtosis - 3) > 5 * sqrt(96 / n))
        fail_msg("%s: mean %g, variance %g, kurtosis %g; wanted 0, %g, 3", p->name, sum / n, squares / n,
                 kurtosis, variance);
}

static void kaiming_has_its_spread(void **state)
{
    (void)state;
    struct cz_graph *g = build("resnet18", 0, CZ_INIT_KAIMING, 5);
    check_spread(find(g, "layer1.0.conv1.weight"), 2.0 / (64 * 9));
    check_spread(find(g, "layer4.1.conv2.weight"), 2.0 / (512 * 9));
    check_spread(find(g, "fc.weight"), 1e-4);
    const float *scale = find(g, "bn1.weight")->value.data, *var = find(g, "bn1.running_var")->value.data;
    const float *shift = find(g, "bn1.bias")->value.data, *mean = find(g, "bn1.running_mean")->value.data;
    for (int i = 0; i < 64; i++)
        assert_true(scale[i] == 1 && var[i] == 1 && shift[i] == 0 && mean[i] == 0);
    cz_graph_release(g);
}

static void seeds_and_names_decide(void **state)
{
    (void)state;
    struct cz_graph *a = build("resnet20", 10, CZ_INIT_KAIMING, 0),
                    *b = build("resnet20", 4, CZ_INIT_KAIMING, 0);
    struct cz_graph *c = build("resnet20", 10, CZ_INIT_KAIMING, 1);
    const char *conv = "layer2.1.conv2.weight", *other = "layer2.1.conv1.weight";
    assert_true(same_bits(find(a, conv), find(b, conv)));
    assert_false(same_bits(find(a, "fc.weight"), find(b, "fc.weight")));
    assert_false(same_bits(find(a, conv), find(c, conv)));
    assert_false(same_bits(find(a, conv), find(a, other)));
    assert_true(same_bits(find(a, "fc.bias"), find(c, "fc.bias")));
    cz_graph_release(a);
    cz_graph_release(b);
    cz_graph_release(c);
}

/* A training run started from a seed must start from the same weights on every machine and in every version.
 */
static void kaiming_bits_stay(void **state)
{
    (void)state;
    struct cz_graph *g = build("resnet20", 0, CZ_INIT_KAIMING, 7);
    uint64_t sum = 0;
    for (int i = 0; i < g->params.count; i++) {
        const uint32_t *bits = g->params.items[i].value.data;
        for (int64_t k = 0; k < count(&g->params.items[i]); k++)
            sum = sum * 3 + bits[k];
    }
    cz_graph_release(g);
    if (sum != UINT64_C(0xc946b3ac87784030))
        fail_msg("sum of bits %016llx, wanted c946b3ac87784030", (unsigned long long)sum);
}

static void golden_fills_what_its_sum_says(void **state)
{
    (void)state;
    struct cz_graph *g = build("mobilenet_v3_small", 0, CZ_INIT_GOLDEN, 1);
    uint64_t sum = 0;
    for (int i = 0; i < g->params.count; i++) {
        const uint32_t *bits = g->params.items[i].value.data;
        for (int64_t k = 0; g->params.items[i].role != CZ_CONSTANT && k < count(&g->params.items[i]); k++)
            sum += bits[k];
    }
    assert_true(sum == cz_zoo_find_reference("mobilenet_v3_small")->state_bits);
    assert_true(cz_golden_state_bits(g, 2, NULL) != sum);
    cz_graph_release(g);
}

/* mobilenet_v3_small has tensors of one element up to 590,000, of every rule. */
static void threads_change_no_bit(void **state)
{
    (void)state;
    for (int kind = CZ_INIT_KAIMING; kind <= CZ_INIT_GOLDEN; kind++) {
        struct cz_graph *alone = build("mobilenet_v3_small", 0, (enum cz_init_kind)kind, 3);
        for (int threads = 1; threads <= 7; threads += 2) {
            struct cz_pool *pool;
            assert_int_equal(cz_pool_create(threads, &pool, NULL), CZ_OK);
            struct cz_graph *g = build("mobilenet_v3_small", 0, CZ_INIT_NONE, 0);
            assert_int_equal(cz_init_apply(g, (struct cz_init){(enum cz_init_kind)kind, 3}, pool, NULL),
                             CZ_OK);
            for (int i = 0; i < g->params.count; i++)
                if (!same_bits(&g->params.items[i], &alone->params.items[i]))
                    fail_msg("%s differs with %d threads", g->params.items[i].name, threads);
            assert_true(cz_golden_state_bits(g, 3, pool) == cz_golden_state_bits(g, 3, NULL));
            cz_graph_release(g);
            cz_pool_destroy(pool);
        }
        cz_graph_release(alone);
    }
}

static void golden_needs_a_zoo_graph(void **state)
{
    (void)state;
    cz_error err = {0};
    struct cz_graph *g = build("lenet5", 0, CZ_INIT_NONE, 0);
    assert_null(g->params.items[0].value.data);
    g->params.items[3].golden_rule = 0;
    assert_int_equal(cz_init_apply(g, (struct cz_init){CZ_INIT_GOLDEN, 1}, NULL, &err), CZ_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "conv2.bias"));
    cz_graph_release(g);
}

static void init_texts(void **state)
{
    (void)state;
    struct cz_init init;
    assert_int_equal(cz_init_parse("kaiming:18446744073709551615", &init, NULL), CZ_OK);
    assert_true(init.kind == CZ_INIT_KAIMING && init.seed == UINT64_MAX);
    assert_int_equal(cz_init_parse("golden:1", &init, NULL), CZ_OK);
    assert_true(init.kind == CZ_INIT_GOLDEN && init.seed == 1);
    static const char *const wrong[] = {
        "",          "golden",     "golden:",  "golden:-1",
        "golden:1x", "kaiming: 3", "xavier:1", "kaiming:18446744073709551616"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (cz_init_parse(wrong[i], &init, NULL) != CZ_ERR_ARGUMENT)
            fail_msg("'%s' was accepted", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kaiming_has_its_spread),
        cmocka_unit_test(seeds_and_names_decide),
        cmocka_unit_test(kaiming_bits_stay),
        cmocka_unit_test(golden_fills_what_its_sum_says),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(golden_needs_a_zoo_graph),
        cmocka_unit_test(init_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
