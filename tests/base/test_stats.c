/*
 * Statistics against values computed by other means: exact fractions by hand, SciPy 1.10 (mannwhitneyu,
 * rankdata and enumeration of all deals for ties), NumPy's percentile, and Newcombe's formulas in Python.
 */
#include "base/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static void near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: got %.17g, wanted %.17g within %g", what, got, want, tolerance);
}

/* 1e-14: a few roundings of numbers below 1. */
static void wilson_intervals(void **state)
{
    (void)state;
    static const struct {
        int64_t hits, n;
        double low, high;
    } cases[] = {
        {0, 10, 0, 0.2775327998628892},
        {10, 10, 1 - 0.2775327998628892, 1},
        {761, 1000, 0.7336003718062973, 0.7864020602642429},
        {38065, 50000, 0.7575434965258424, 0.7650163556310894},
        {131, 150, 0.8106335124178631, 0.9173887051206396},
        {0, 0, 0, 1},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct cz_interval w = cz_wilson(cases[i].hits, cases[i].n);
        near("Wilson low", w.low, cases[i].low, 1e-14);
        near("Wilson high", w.high, cases[i].high, 1e-14);
    }
}

/* Relative 1e-12: the log-gamma sums cancel up to 3 of 16 digits at n = 180. */
static void mcnemar_is_the_exact_binomial(void **state)
{
    (void)state;
    static const struct {
        int64_t b, c;
        double p;
    } cases[] = {
        {5, 0, 0.0625},
        {10, 2, 0.03857421875},
        {6, 16, 0.052478790283203125},
        {16, 6, 0.052478790283203125},
        {4, 15, 0.0192108154296875},
        {121, 59, 4.4344492637551645e-06},
        {0, 0, 1},
        {7, 7, 1},
        {1, 0, 1},
        {0, 30, 1.862645149230957e-09},
    };
    for (int i = 0; i < COUNT(cases); i++)
        near("McNemar p", cz_mcnemar(cases[i].b, cases[i].c), cases[i].p, 1e-12 * cases[i].p);
}

/* The logs are near 7e5 here, so 1e-9 of the exponent is lost. */
static void mcnemar_of_a_million(void **state)
{
    (void)state;
    near("McNemar p of a million", cz_mcnemar(499000, 501000), 0.045608299865389515, 1e-9);
    near("McNemar p far out", cz_mcnemar(0, 2000), 0, 1e-300);
}

static void paired_differences(void **state)
{
    (void)state;
    static const struct {
        int64_t a, b, c, d;
        double low, high;
    } cases[] = {
        {116, 15, 4, 15, 0.01580809996240716, 0.1336741459318223},
        {20, 12, 2, 16, 0.056156424841748265, 0.32920699540014053},
        {36, 12, 2, 0, 0.05692958400323875, 0.3404276029749406},
        {1, 1, 7, 41, -0.24702784279165305, -0.0012804120379645428},
        {0, 0, 0, 0, -1, 1},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct cz_interval d = cz_paired_difference(cases[i].a, cases[i].b, cases[i].c, cases[i].d);
        near("difference low", d.low, cases[i].low, 1e-14);
        near("difference high", d.high, cases[i].high, 1e-14);
        d = cz_paired_difference(cases[i].a, cases[i].c, cases[i].b, cases[i].d);
        near("exchanged low", d.low, -cases[i].high, 1e-14);
        near("exchanged high", d.high, -cases[i].low, 1e-14);
    }
}

/* 0.01*4, 0.02*3, then never below the one before: 0.03*2 = 0.06 = 0.06, 0.6. */
static void holm_adjusts_in_steps(void **state)
{
    (void)state;
    const double p[] = {0.6, 0.01, 0.03, 0.02}, want[] = {0.6, 0.04, 0.06, 0.06}, many[] = {0.9, 0.8};
    double got[4];
    assert_int_equal(cz_holm(p, 4, got, NULL), CZ_OK);
    for (int i = 0; i < 4; i++)
        near("Holm", got[i], want[i], 1e-15);
    assert_int_equal(cz_holm(many, 2, got, NULL), CZ_OK);
    near("Holm is at most 1", got[1], 1, 0);
}

static void u_test_exact(void **state)
{
    (void)state;
    const double a[] = {1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9};
    const double b[] = {1.35, 1.45, 1.55, 1.65, 1.75, 1.85, 1.95, 2.05, 2.15};
    const double tied_a[] = {1, 2, 2, 3, 3, 3, 4, 5}, tied_b[] = {3, 3, 4, 4, 5, 5, 6}, same[] = {2, 2, 2};
    double u, p;
    assert_int_equal(cz_mann_whitney(a, 9, b, 9, &u, &p, NULL), CZ_OK);
    near("U", u, 21, 0);
    near("p", p, 0.09391197038255862, 1e-14);
    assert_int_equal(cz_mann_whitney(tied_a, 8, tied_b, 7, &u, &p, NULL), CZ_OK);
    near("U with ties", u, 11, 0);
    near("p with ties", p, 0.05314685314685315, 1e-14);
    assert_int_equal(cz_mann_whitney(same, 3, same, 3, &u, &p, NULL), CZ_OK);
    near("p of equal samples", p, 1, 0);
}

static void u_test_normal(void **state)
{
    (void)state;
    double a[80], b[70], u, p;
    for (int i = 0; i < 80; i++)
        a[i] = nearbyint(fmod(i * 0.37, 7) * 10) / 10;
    for (int i = 0; i < 70; i++)
        b[i] = nearbyint((fmod(i * 0.53, 7) + 0.4) * 10) / 10;
    assert_int_equal(cz_mann_whitney(a, 80, b, 70, &u, &p, NULL), CZ_OK);
    near("U", u, 2378.5, 0);
    near("p", p, 0.112687029761327, 1e-13);
}

static void bad_samples_are_refused(void **state)
{
    (void)state;
    const double good[] = {1, 2}, nan[] = {1, NAN}, zero[] = {1, 0};
    double u, p;
    struct cz_interval i;
    cz_error err;
    assert_int_equal(cz_mann_whitney(good, 2, good, 0, &u, &p, &err), CZ_ERR_ARGUMENT);
    assert_int_equal(cz_mann_whitney(nan, 2, good, 2, &u, &p, &err), CZ_ERR_ARGUMENT);
    assert_int_equal(cz_median_ratio(good, 2, zero, 2, 0, &u, &i, &err), CZ_ERR_ARGUMENT);
    assert_int_equal(cz_median_ratio(good, 2, nan, 2, 0, &u, &i, &err), CZ_ERR_ARGUMENT);
}

static void quantiles_interpolate(void **state)
{
    (void)state;
    double x[] = {3, 1, 4, 1, 5, 9, 2, 6};
    static const double q[][2] = {{0, 1}, {0.1, 1}, {0.5, 3.5}, {0.75, 5.25}, {0.95, 7.95}, {1, 9}};
    cz_sort(x, 8);
    for (int i = 0; i < COUNT(q); i++)
        near("quantile", cz_quantile(x, 8, q[i][0]), q[i][1], 1e-14);
    near("quantile of one", cz_quantile(x, 1, 0.3), 1, 0);
}

/* The interval of a sample against itself times 2 must hold 2, and twice the same call gives the same bits.
 */
static void ratio_of_medians(void **state)
{
    (void)state;
    double a[15], b[15], ratio, again;
    struct cz_interval i, j;
    for (int k = 0; k < 15; k++) {
        a[k] = 10 + 0.1 * ((k * 7) % 15);
        b[k] = 2 * a[k];
    }
    assert_int_equal(cz_median_ratio(a, 15, b, 15, 1, &ratio, &i, NULL), CZ_OK);
    assert_int_equal(cz_median_ratio(a, 15, b, 15, 1, &again, &j, NULL), CZ_OK);
    near("ratio", ratio, 2, 1e-15);
    assert_true(i.low < 2 && i.high > 2 && i.low > 1.8 && i.high < 2.2);
    assert_true(i.low == j.low && i.high == j.high);
    cz_median_ratio(a, 15, b, 15, 2, &again, &j, NULL);
    assert_true(i.low != j.low || i.high != j.high);
    for (int k = 0; k < 15; k++)
        b[k] = 3;
    for (int k = 0; k < 15; k++)
        a[k] = 4;
    cz_median_ratio(a, 15, b, 15, 1, &ratio, &i, NULL);
    near("no spread, low", i.low, 0.75, 0);
    near("no spread, high", i.high, 0.75, 0);
}

/*
 * Three bins by hand: 0.2 is the upper end of bin 3, so it counts there with 0.15 and not with 0.21:
 * |0.35 - 1|/4 + |0.21 - 0|/4 + |0.95 - 1|/4.
 */
static void calibration(void **state)
{
    (void)state;
    const double confidence[] = {0.2, 0.15, 0.21, 0.95};
    const unsigned char right[] = {1, 0, 0, 1};
    near("ECE", cz_calibration_error(confidence, right, 4), (0.65 + 0.21 + 0.05) / 4, 1e-15);
    const double ends[] = {0, 1};
    const unsigned char yes[] = {0, 1};
    near("ECE at the ends", cz_calibration_error(ends, yes, 2), 0, 0);
    near("ECE of nothing", cz_calibration_error(ends, yes, 0), 0, 0);
}

/* 1e6 times 0.1: a running sum is off by 1e-6, the pairwise one by less than 20 roundings. */
static void sums_are_pairwise(void **state)
{
    (void)state;
    enum { N = 1000000 };
    static double x[N];
    for (int i = 0; i < N; i++)
        x[i] = 0.1;
    near("sum", cz_sum(x, N), 100000, 20 * 1.5e-11);
    near("sum of none", cz_sum(x, 0), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_intervals),      cmocka_unit_test(mcnemar_is_the_exact_binomial),
        cmocka_unit_test(mcnemar_of_a_million),  cmocka_unit_test(paired_differences),
        cmocka_unit_test(holm_adjusts_in_steps), cmocka_unit_test(u_test_exact),
        cmocka_unit_test(u_test_normal),         cmocka_unit_test(bad_samples_are_refused),
        cmocka_unit_test(quantiles_interpolate), cmocka_unit_test(ratio_of_medians),
        cmocka_unit_test(calibration),           cmocka_unit_test(sums_are_pairwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
