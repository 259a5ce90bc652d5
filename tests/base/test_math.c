/*
 * The deterministic elementary functions against the C library in long double, and their bits against fixed
 * values.
 */
#include "base/math.h"
#include "base/nearest.h"
#include "base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { DRAWS = 200000 };

/* A double spread over [low, high]. */
static double draw(uint64_t index, double low, double high)
{
    uint32_t r[4];
    cz_random4(7, CZ_STREAM_INIT, 0, index, 0, r);
    return low + (high - low) * (r[0] + r[1] * 0x1p-32) * 0x1p-32;
}

static double ulps(double got, long double want)
{
    int e;
    frexp((double)want, &e);
    return (double)fabsl((got - want) / ldexpl(1, e - 53));
}

/* The larger one; NaN counts as larger than anything. */
static double worse(double a, double b)
{
    return b <= a ? a : b;
}

static void check_worst(const char *what, double worst, double bound)
{
    if (!(worst <= bound))
        fail_msg("%s: worst error %g, bound %g", what, worst, bound);
}

/* The bounds are those the header promises. */
static void exp_is_within_one_ulp(void **state)
{
    (void)state;
    double worst = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = i % 2 ? draw(i, -2, 2) : draw(i, -700, 709);
        worst = worse(worst, ulps(cz_exp(x), expl(x)));
    }
    check_worst("exp, ulp", worst, 1);
}

static void log_is_within_two_ulp(void **state)
{
    (void)state;
    double worst = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = i % 2 ? draw(i, 0.4, 2.5) : ldexp(draw(i, 0.5, 1), (int)draw(i, -1060, 1020));
        if (x != 1)
            worst = worse(worst, ulps(cz_log(x), logl(x)));
    }
    check_worst("log, ulp", worst, 2);
    assert_true(cz_log(1) == 0);
}

static void sincos_is_within_its_bound(void **state)
{
    (void)state;
    double worst = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = i % 2 ? draw(i, -7, 7) : draw(i, -0x1p20, 0x1p20), s, c;
        cz_sincos(x, &s, &c);
        worst = worse(worst, worse((double)fabsl(s - sinl(x)), (double)fabsl(c - cosl(x))));
    }
    check_worst("sincos, absolute", worst, 0x1p-52);
}

static void special_values(void **state)
{
    (void)state;
    double s, c;
    assert_true(isnan(cz_exp(NAN)) && isnan(cz_log(NAN)) && isnan(cz_log(-1)));
    assert_true(cz_exp(INFINITY) == INFINITY && cz_exp(-INFINITY) == 0 && cz_exp(710) == INFINITY);
    assert_true(cz_exp(709.78) < INFINITY && cz_exp(-745) > 0 && cz_exp(0) == 1);
    assert_true(cz_log(0) == -INFINITY && cz_log(INFINITY) == INFINITY &&
                cz_log(0x1p-1074) == -0x1.74385446d71c3p+9);
    cz_sincos(INFINITY, &s, &c);
    assert_true(isnan(s) && isnan(c));
    cz_sincos(0, &s, &c);
    assert_true(s == 0 && c == 1);
}

/* One sum of bit patterns over many arguments: equal on every CPU and compiler, or the promise is broken. */
static void bits_are_the_same_everywhere(void **state)
{
    (void)state;
    uint64_t sum = 0, bits;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double y[4] = {cz_exp(draw(i, -50, 50)), cz_log(draw(i, 0, 1000))};
        cz_sincos(draw(i, -100, 100), &y[2], &y[3]);
        for (int k = 0; k < 4; k++) {
            memcpy(&bits, &y[k], sizeof bits);
            sum = sum * 3 + bits;
        }
    }
    if (sum != UINT64_C(0x0d5c770cacc5e8f8))
        fail_msg("sum of bits %#llx, wanted 0xd5c770cacc5e8f8", (unsigned long long)sum);
}

static void nearest_spelling(void **state)
{
    (void)state;
    static const char *const names[] = {"resnet18", "resnet50",        "vgg16",
                                        "vgg16_bn", "efficientnet_b0", "--epochs"};
    static const char *const cases[][2] = {
        {"resnet5O", "resnet50"},
        {"ResNet50", "resnet50"},
        {"renset18", "resnet18"},
        {"vgg16-bn", "vgg16_bn"},
        {"--epoch", "--epochs"},
        {"vgg1", "vgg16"},
        {"resnet", "resnet18"},
        {"vg", NULL},
        {"xyz", NULL},
        {"efficientnet_b77", "efficientnet_b0"},
        {"", NULL},
        {"resnet12345", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = cz_nearest(cases[i][0], names, sizeof names / sizeof *names);
        const char *want = cases[i][1];
        if (got != want && (!got || !want || strcmp(got, want)))
            fail_msg("nearest to '%s': '%s', wanted '%s'", cases[i][0], got ? got : "-", want ? want : "-");
    }
}

/* Functions of one argument that the others give: over a range, relative to the C library in long double. */
static const struct {
    const char *name;
    double (*ours)(double);
    long double (*theirs)(long double);
    double low, high;
} derived[] = {
    {"expm1", cz_expm1, expm1l, -1, 1},    {"log1p", cz_log1p, log1pl, -0.9, 3},
    {"tan", cz_tan, tanl, -1.5, 1.5},      {"sinh", cz_sinh, sinhl, -3, 3},
    {"cosh", cz_cosh, coshl, -20, 20},     {"tanh", cz_tanh, tanhl, -4, 4},
    {"asin", cz_asin, asinl, -1, 1},       {"acos", cz_acos, acosl, -1, 0.99},
    {"atan", cz_atan, atanl, -40, 40},     {"asinh", cz_asinh, asinhl, -9, 9},
    {"acosh", cz_acosh, acoshl, 1.01, 30}, {"atanh", cz_atanh, atanhl, -0.99, 0.99},
    {"erf", cz_erf, erfl, -6, 6},
};

/* The header promises 2^-48; tan near its zero and acos near 1 inherit the argument's own rounding. */
static void derived_functions_are_close(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof derived / sizeof *derived; f++) {
        double worst = 0;
        for (uint64_t i = 0; i < 20000; i++) {
            double x = draw(i, derived[f].low, derived[f].high);
            long double want = derived[f].theirs(x);
            worst = worse(worst, (double)fabsl((derived[f].ours(x) - want) / want));
        }
        check_worst(derived[f].name, worst, 0x1p-48);
    }
}

static void derived_functions_at_their_ends(void **state)
{
    (void)state;
    assert_true(cz_asin(1) == cz_atan(INFINITY) && cz_asin(-1) == cz_atan(-INFINITY));
    assert_true(cz_acos(1) == 0 && cz_acos(-1) == 2 * cz_atan(INFINITY) && isnan(cz_acos(1.5)));
    assert_true(isnan(cz_asin(2)) && isnan(cz_acosh(0.5)) && isnan(cz_atanh(2)) && isnan(cz_erf(NAN)));
    assert_true(cz_atanh(1) == INFINITY && cz_atanh(-1) == -INFINITY && cz_log1p(-1) == -INFINITY);
    assert_true(cz_asinh(-INFINITY) == -INFINITY && cz_acosh(INFINITY) == INFINITY);
    assert_true(cz_sinh(-1000) == -INFINITY && cz_cosh(-1000) == INFINITY && cz_erf(-7) == -1);
}

static void powers(void **state)
{
    (void)state;
    static const double cases[][3] = {
        {3, 4, 81},
        {-2, 3, -8},
        {2, -2, 0.25},
        {0, 0, 1},
        {NAN, 0, 1},
        {1, NAN, 1},
        {0, -1, INFINITY},
        {-0.0, -3, -INFINITY},
        {2, INFINITY, INFINITY},
        {0.5, INFINITY, 0},
        {-1, INFINITY, 1},
        {INFINITY, 0.5, INFINITY},
        {0, 2.5, 0},
        {-INFINITY, 3, -INFINITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(cz_pow(cases[i][0], cases[i][1]) == cases[i][2]);
    assert_true(isnan(cz_pow(-8, 1.0 / 3)));
    double worst = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = draw(i, 0.01, 20), y = draw(i + DRAWS, -9, 9);
        long double want = powl(x, y);
        worst = worse(worst, (double)fabsl((cz_pow(x, y) - want) / want));
    }
    check_worst("pow", worst, 0x1p-45); /* |y log x| reaches 2^5.4: its rounding error, six bits larger */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_one_ulp),
        cmocka_unit_test(log_is_within_two_ulp),
        cmocka_unit_test(sincos_is_within_its_bound),
        cmocka_unit_test(special_values),
        cmocka_unit_test(bits_are_the_same_everywhere),
        cmocka_unit_test(nearest_spelling),
        cmocka_unit_test(derived_functions_are_close),
        cmocka_unit_test(derived_functions_at_their_ends),
        cmocka_unit_test(powers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
