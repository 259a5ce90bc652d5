/*
 * The new head: the minimum it must reach, the bits it must keep, and how folds and settings are chosen.
 *
 * The minimum is known without another solver: there the gradient of the regularised loss is zero, and the
 * test computes that gradient on its own, explicitly standardised copy of the features.
 */
#include "base/philox.h"
#include "finetune/choose.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 90, C = 19, K = 3 };

struct problem {
    float x[N][C];
    int label[N];
    struct cz_features f;
    int64_t rows[N];
};

/* Three clouds that overlap; feature 0 is constant, feature 1 large and nearly so, feature 2 a thousand times
 * the rest. */
static void make_problem(struct problem *p)
{
    for (int i = 0; i < N; i++) {
        p->label[i] = i % K;
        p->rows[i] = i;
        for (int c = 0; c < C; c++) {
            uint32_t r[4];
            cz_random4(11, CZ_STREAM_INIT, 0, (uint64_t)i, (uint32_t)c, r);
            const float noise = cz_unit_float(r[0]) + cz_unit_float(r[1]) + cz_unit_float(r[2]) - 1.5f;
            p->x[i][c] = noise + 0.5f * (float)(c % K == p->label[i]);
        }
        p->x[i][0] = 7;
        p->x[i][1] = 100 + p->x[i][1];
        p->x[i][2] *= 1000;
    }
    p->f = (struct cz_features){N, C, K, p->x[0], p->label};
}

/* Copies z with mean 0, deviation 1, over the root of the C - 1 features that vary. */
static void standardise(const struct problem *p, double z[N][C], double mean[C], double scale[C])
{
    for (int c = 0; c < C; c++) {
        double square = 0;
        mean[c] = 0;
        for (int i = 0; i < N; i++)
            mean[c] += p->x[i][c] / (double)N;
        for (int i = 0; i < N; i++)
            square += (p->x[i][c] - mean[c]) * (p->x[i][c] - mean[c]);
        scale[c] = c == 0 ? 0 : 1 / sqrt(square / N) / sqrt(C - 1);
        for (int i = 0; i < N; i++)
            z[i][c] = (p->x[i][c] - mean[c]) * scale[c];
    }
}

/* Largest element of the gradient of mean cross-entropy + decay/2 |W|^2 by W and bias. */
static double largest_gradient(const struct problem *p, const struct cz_linear *h, double decay)
{
    static double z[N][C];
    double mean[C], scale[C], grad[K][C + 1] = {{0}}, largest = 0;
    standardise(p, z, mean, scale);
    for (int i = 0; i < N; i++) {
        double score[K], sum = 0;
        cz_linear_scores(h, p->x[i], score);
        for (int k = 0; k < K; k++)
            sum += exp(score[k]);
        for (int k = 0; k < K; k++) {
            const double g = (exp(score[k]) / sum - (k == p->label[i])) / N;
            for (int c = 0; c < C; c++)
                grad[k][c] += g * z[i][c];
            grad[k][C] += g;
        }
    }
    for (int k = 0; k < K; k++)
        for (int c = 0; c <= C; c++) {
            const double w = c < C && scale[c] > 0 ? h->weight[k * C + c] / scale[c] : 0;
            largest = fmax(largest, fabs(grad[k][c] + decay * w));
        }
    return largest;
}

static struct cz_fit_options fit_options(const char *optimizer, double lr, double decay)
{
    return (struct cz_fit_options){.optimizer = cz_optimizer_find(optimizer),
                                   .lr = lr,
                                   .weight_decay = decay,
                                   .epochs = 40,
                                   .batch = 32};
}

/*
 * At whole batches the loss is convex and the last steps are as small as one likes, so the gradient must
 * vanish: 1e-6 of the initial 0.1 shows a wrong term in any of scale, shift, decay or bias.
 */
static void whole_batches_reach_the_minimum(void **state)
{
    (void)state;
    struct problem *p = malloc(sizeof *p);
    make_problem(p);
    struct cz_fit_options o = fit_options("sgd", 3, 3e-3);
    struct cz_linear h;
    o.epochs = 4000;
    o.batch = N;
    assert_int_equal(cz_linear_fit(&p->f, p->rows, N, &o, &h, NULL), CZ_OK);
    const double gradient = largest_gradient(p, &h, 3e-3);
    if (!(gradient < 1e-7))
        fail_msg("largest gradient %g, wanted below 1e-7", gradient);
    for (int k = 0; k < K; k++)
        assert_true(h.weight[k * C] == 0);
    cz_linear_deinit(&h);
    /* AdamW without decay minimises the same loss without it; its steps near the end are of the size of lr.
     */
    o = fit_options("adamw", 0.03, 0);
    o.epochs = 20000;
    o.batch = N;
    assert_int_equal(cz_linear_fit(&p->f, p->rows, N, &o, &h, NULL), CZ_OK);
    const double without = largest_gradient(p, &h, 0);
    if (!(without < 1e-4))
        fail_msg("AdamW: largest gradient %g, wanted below 1e-4", without);
    cz_linear_deinit(&h);
    free(p);
}

/* One step by hand, from the formulas: gradient g at W = 0, then W = -lr g (SGD), -lr g/(|g| + eps) (AdamW).
 */
static void first_steps_follow_the_formulas(void **state)
{
    (void)state;
    double w[2] = {1, -2}, m[2] = {0}, v[2] = {0};
    double *const states[CZ_OPTIMIZER_STATES] = {m, v};
    const double g[2] = {0.5, -0.25};
    const struct cz_update u = {0.1, 0.01, 1};
    cz_optimizer_find("sgd")->step(w, states, g, 2, &u);
    assert_true(fabs(w[0] - (1 - 0.1 * (0.5 + 0.01))) < 1e-15);
    assert_true(fabs(w[1] - (-2 - 0.1 * (-0.25 - 0.02))) < 1e-15);
    const struct cz_update second = {0.1, 0, 2};
    cz_optimizer_find("sgd")->step(w, states, g, 2, &second);
    assert_true(fabs(w[0] - (0.949 - 0.1 * (0.9 * 0.51 + 0.5))) < 1e-15);
    double a[1] = {1}, am[1] = {0}, av[1] = {0};
    double *const adam_states[CZ_OPTIMIZER_STATES] = {am, av};
    cz_optimizer_find("adamw")->step(a, adam_states, g, 1, &u);
    assert_true(fabs(a[0] - (1 * (1 - 0.001) - 0.1 * 0.5 / (0.5 + 1e-8))) < 1e-15);
    /* Second step, gradient -1: m = 0.05*0.9 - 0.1, v = 0.00025*0.999 + 0.001. */
    const double before = a[0], minus[1] = {-1}, mean = (0.05 * 0.9 - 0.1) / (1 - 0.81),
                 square = (0.00025 * 0.999 + 0.001) / (1 - 0.998001);
    cz_optimizer_find("adamw")->step(a, adam_states, minus, 1, &second);
    assert_true(fabs(a[0] - (before - 0.1 * mean / (sqrt(square) + 1e-8))) < 1e-12);
    assert_null(cz_optimizer_find("sdg"));
    assert_true(cz_cosine_lr(3, 0, 400) == 3 && fabs(cz_cosine_lr(3, 200, 400) - 1.5) < 1e-12);
}

static int same_head(const struct cz_linear *a, const struct cz_linear *b)
{
    return memcmp(a->weight, b->weight, sizeof(double) * K * C) == 0 &&
           memcmp(a->bias, b->bias, sizeof(double) * K) == 0;
}

static void same_seed_same_bits(void **state)
{
    (void)state;
    struct problem *p = malloc(sizeof *p);
    make_problem(p);
    struct cz_fit_options o = fit_options("sgd", 3, 1e-3);
    struct cz_linear a, b, c;
    assert_int_equal(cz_linear_fit(&p->f, p->rows, N, &o, &a, NULL), CZ_OK);
    assert_int_equal(cz_linear_fit(&p->f, p->rows, N, &o, &b, NULL), CZ_OK);
    o.seed = 1;
    assert_int_equal(cz_linear_fit(&p->f, p->rows, N, &o, &c, NULL), CZ_OK);
    assert_true(same_head(&a, &b));
    assert_false(same_head(&a, &c));
    cz_linear_deinit(&a);
    cz_linear_deinit(&b);
    cz_linear_deinit(&c);
    free(p);
}

static void choice_does_not_depend_on_threads(void **state)
{
    (void)state;
    struct problem *p = malloc(sizeof *p);
    make_problem(p);
    struct cz_choice first = {0};
    for (int threads = 1; threads <= 7; threads += threads == 3 ? 4 : 1) {
        struct cz_pool *pool;
        struct cz_choice c;
        struct cz_fit_options o = fit_options("sgd", -1, -1);
        assert_int_equal(cz_pool_create(threads, &pool, NULL), CZ_OK);
        cz_choice_prepare(&c, o.optimizer, -1, -1);
        assert_int_equal(c.n_settings, 10);
        assert_int_equal(cz_choose(&c, &p->f, &o, pool, NULL), CZ_OK);
        cz_pool_destroy(pool);
        if (threads == 1)
            first = c;
        assert_int_equal(c.best, first.best);
        for (int s = 0; s < c.n_settings; s++) {
            assert_true(c.settings[s].loss_nats == first.settings[s].loss_nats);
            assert_int_equal(c.settings[s].right, first.settings[s].right);
            assert_true(c.settings[s].loss_nats >= c.settings[c.best].loss_nats);
            assert_true(c.settings[s].right > N / K); /* better than chance on held-out images */
        }
    }
    free(p);
}

static void given_settings_are_kept(void **state)
{
    (void)state;
    struct cz_choice c;
    cz_choice_prepare(&c, cz_optimizer_find("adamw"), 0.5, -1);
    assert_int_equal(c.n_settings, 5);
    for (int s = 0; s < 5; s++)
        assert_true(c.settings[s].lr == 0.5);
    cz_choice_prepare(&c, cz_optimizer_find("sgd"), 0.5, 0);
    assert_int_equal(c.n_settings, 1);
    assert_true(c.settings[0].lr == 0.5 && c.settings[0].weight_decay == 0);
}

/* Every image in one fold, and no class differs by more than one between folds. */
static void folds_are_stratified(void **state)
{
    (void)state;
    int label[61], fold[61], again[61], count[4][CZ_FOLDS] = {{0}}, total[CZ_FOLDS] = {0};
    for (int i = 0; i < 61; i++)
        label[i] = i < 30 ? 0 : i < 47 ? 1 : i < 58 ? 2 : 3;
    assert_int_equal(cz_deal_folds(label, 61, 4, CZ_FOLDS, 5, fold, NULL), CZ_OK);
    assert_int_equal(cz_deal_folds(label, 61, 4, CZ_FOLDS, 6, again, NULL), CZ_OK);
    assert_memory_not_equal(fold, again, sizeof fold);
    for (int i = 0; i < 61; i++) {
        assert_in_range(fold[i], 0, CZ_FOLDS - 1);
        count[label[i]][fold[i]]++;
        total[fold[i]]++;
    }
    for (int c = 0; c < 4; c++)
        for (int k = 1; k < CZ_FOLDS; k++)
            assert_in_range(count[c][k] - count[c][0] + 1, 0, 2);
    for (int k = 0; k < CZ_FOLDS; k++)
        assert_in_range(total[k], 11, 14);
}

static void a_rate_too_high_is_named(void **state)
{
    (void)state;
    struct problem *p = malloc(sizeof *p);
    make_problem(p);
    struct cz_fit_options o = fit_options("sgd", 1e308, 1);
    struct cz_linear h;
    cz_error err;
    assert_int_equal(cz_linear_fit(&p->f, p->rows, N, &o, &h, &err), CZ_ERR_NUMERIC);
    assert_non_null(strstr(err.message, "try a lower --lr"));
    free(p);
}

static int stop_at_once(void *user)
{
    (void)user;
    return 1;
}

static void a_fit_can_be_stopped(void **state)
{
    (void)state;
    struct problem *p = malloc(sizeof *p);
    make_problem(p);
    struct cz_fit_options o = fit_options("sgd", 1, 1e-3);
    struct cz_linear h;
    o.stop = stop_at_once;
    assert_int_equal(cz_linear_fit(&p->f, p->rows, N, &o, &h, NULL), CZ_ERR_STATE);
    free(p);
}

/* Two images of one class, one of another: two folds, and one class alone has nothing to be told from. */
static void tiny_data(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3};
    const int label[] = {0, 0, 1}, singles[] = {0, 1, 2};
    struct cz_features f = {3, 1, 2, x, label};
    struct cz_fit_options o = fit_options("sgd", -1, -1);
    struct cz_choice c;
    struct cz_pool *pool;
    assert_int_equal(cz_pool_create(1, &pool, NULL), CZ_OK);
    cz_choice_prepare(&c, o.optimizer, -1, -1);
    assert_int_equal(cz_choose(&c, &f, &o, pool, NULL), CZ_OK);
    assert_int_equal(c.n_folds, 2);
    f.label = singles;
    f.n_classes = 3;
    cz_choice_prepare(&c, o.optimizer, -1, -1);
    assert_int_equal(cz_choose(&c, &f, &o, pool, NULL), CZ_OK);
    assert_int_equal(c.n_folds, 0);
    cz_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_batches_reach_the_minimum),
        cmocka_unit_test(first_steps_follow_the_formulas),
        cmocka_unit_test(same_seed_same_bits),
        cmocka_unit_test(choice_does_not_depend_on_threads),
        cmocka_unit_test(given_settings_are_kept),
        cmocka_unit_test(folds_are_stratified),
        cmocka_unit_test(a_rate_too_high_is_named),
        cmocka_unit_test(a_fit_can_be_stopped),
        cmocka_unit_test(tiny_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
