/*
 * Texts to numbers, sizes and times, and what is said about a text that does not fit.
 */
#include "cli/options.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int bad;
        int64_t want;
    } cases[] = {{"1", 0, 1},   {"64", 0, 64}, {"007", 0, 7},  {"0", 1, 0},
                 {"65", 1, 0},  {"", 1, 0},    {" 1", 1, 0},   {"1 ", 1, 0},
                 {"+1", 1, 0},  {"-1", 1, 0},  {"0x10", 1, 0}, {"1.0", 1, 0},
                 {"1e1", 1, 0}, {"4x", 1, 0},  {"one", 1, 0},  {"99999999999999999999", 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = 0;
        int bad = cz_parse_count(cases[i].text, 1, 64, &got);
        if (bad != cases[i].bad || got != cases[i].want)
            fail_msg("'%s': bad %d value %lld, wanted bad %d value %lld", cases[i].text, bad, (long long)got,
                     cases[i].bad, (long long)cases[i].want);
    }
    int64_t n;
    assert_int_equal(cz_parse_count("-3", -5, 5, &n), 0);
    assert_int_equal(n, -3);
}

static void lists_of_counts(void **state)
{
    (void)state;
    int64_t n;
    assert_int_equal(cz_parse_counts("1,8,32", 1, 64, 2, &n), 0);
    assert_int_equal(n, 32);
    assert_int_equal(cz_parse_counts("1,8,32", 1, 64, 3, &n), 1);
    assert_int_equal(cz_parse_counts("1,,32", 1, 64, 1, &n), 1);
    assert_int_equal(cz_parse_counts("1,8,", 1, 64, 2, &n), 1);
}

static void reals(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "nan", "inf", "-inf", "0x1p3", "1e999", "1,5",
                                      " 1", "1 ",  "--1", ".",    "-",     "e5",    "11"};
    double x;
    assert_int_equal(cz_parse_real("-0.5e1", -10, 10, &x), 0);
    assert_true(x == -5);
    assert_int_equal(cz_parse_real(".25", -10, 10, &x), 0);
    assert_true(x == 0.25);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (cz_parse_real(bad[i], -10, 10, &x) == 0)
            fail_msg("'%s' was taken for %g", bad[i], x);
}

static void sizes_and_times(void **state)
{
    (void)state;
    int64_t bytes;
    double seconds;
    static const struct {
        const char *text;
        int64_t bytes;
    } sizes[] = {{"0", 0},
                 {"512M", INT64_C(512) << 20},
                 {"2G", INT64_C(2) << 30},
                 {"1.5K", 1536},
                 {"1T", INT64_C(1) << 40}};
    static const char *const bad_sizes[] = {"", "M", "2GB", "2g", "-1", "0.3K", "9999999T", "1 G", "0x1K"};
    static const struct {
        const char *text;
        double seconds;
    } times[] = {{"90s", 90}, {"10m", 600}, {"2h", 7200}, {"0.5s", 0.5}, {"250ms", 0.25}};
    static const char *const bad_times[] = {"", "90", "s", "1d", "-1s", "1 s", "1S", "infs", "1m30s"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (cz_parse_size(sizes[i].text, &bytes) || bytes != sizes[i].bytes)
            fail_msg("size %s: %lld, wanted %lld", sizes[i].text, (long long)bytes,
                     (long long)sizes[i].bytes);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (cz_parse_time(times[i].text, &seconds) || seconds != times[i].seconds)
            fail_msg("time %s: %g, wanted %g", times[i].text, seconds, times[i].seconds);
    for (size_t i = 0; i < sizeof bad_sizes / sizeof *bad_sizes; i++)
        if (cz_parse_size(bad_sizes[i], &bytes) == 0)
            fail_msg("size '%s' was taken for %lld", bad_sizes[i], (long long)bytes);
    for (size_t i = 0; i < sizeof bad_times / sizeof *bad_times; i++)
        if (cz_parse_time(bad_times[i], &seconds) == 0)
            fail_msg("time '%s' was taken for %g", bad_times[i], seconds);
}

static void seeds_have_64_bits(void **state)
{
    (void)state;
    uint64_t seed;
    assert_int_equal(cz_parse_seed("18446744073709551615", &seed), 0);
    assert_true(seed == UINT64_MAX);
    assert_int_equal(cz_parse_seed("18446744073709551616", &seed), 1);
    assert_int_equal(cz_parse_seed("-1", &seed), 1);
    assert_int_equal(cz_parse_seed("", &seed), 1);
}

/* The remedy must be a value that the option takes. */
static void suggestions(void **state)
{
    (void)state;
    static const struct {
        enum cz_option_kind kind;
        const char *value, *standard;
        double low, high;
        const char *text, *cause, *suggestion;
    } cases[] = {
        {CZ_OPT_COUNT, "N", "8", 1, 65536, "4x", "not a whole number from 1 to 65536", "4"},
        {CZ_OPT_COUNT, "N", "8", 1, 65536, "999999999", "not a whole number from 1 to 65536", "65536"},
        {CZ_OPT_COUNT, "N", "8", 1, 65536, "many", "not a whole number from 1 to 65536", "8"},
        {CZ_OPT_COUNT, "N", NULL, 1, 65536, "0", "not a whole number from 1 to 65536", "1"},
        {CZ_OPT_COUNTS, "N,..", "1", 1, 64, "1;8", "not whole numbers from 1 to 64 with commas between",
         "1,8"},
        {CZ_OPT_REAL, "X", "0.1", 0, 10, "nan", "not a number from 0 to 10", "0.1"},
        {CZ_OPT_SIZE, "SIZE", NULL, 0, 0, "2Gb", "not a size like 512M or 2G", "2G"},
        {CZ_OPT_TIME, "T", NULL, 0, 0, "90", "not a time like 90s, 10m or 2h", "90s"},
        {CZ_OPT_CHOICE, "auto|scalar|avx2", "auto", 0, 0, "avx3", "not one of auto, scalar, avx2", "avx2"},
        {CZ_OPT_CHOICE, "auto|scalar|avx2", "auto", 0, 0, "sse", "not one of auto, scalar, avx2", "auto"},
        {CZ_OPT_SWITCH, NULL, "no", 0, 0, "1", "a switch is yes or no", "yes"},
        {CZ_OPT_PATH, "FILE", NULL, 0, 0, "", "is empty", "FILE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_option o = {
            "*",          "option",      cases[i].kind, 0, cases[i].value, cases[i].standard,
            cases[i].low, cases[i].high, NULL,          ""};
        struct cz_value_problem why;
        if (!cz_option_check(&o, cases[i].text, &why))
            fail_msg("'%s' was accepted", cases[i].text);
        assert_string_equal(why.cause, cases[i].cause);
        assert_string_equal(why.suggestion, cases[i].suggestion);
        struct cz_value_problem again;
        if (cz_option_check(&o, why.suggestion, &again))
            fail_msg("'%s': the suggestion '%s' is itself refused", cases[i].text, cases[i].suggestion);
    }
}

/* Rules of the table that help and completion rely on. */
static void the_table_is_consistent(void **state)
{
    (void)state;
    for (int i = 0; i < cz_option_count(); i++) {
        const struct cz_option *o = cz_option_at(i);
        const char *standard = cz_option_default(o);
        struct cz_value_problem why;
        if (standard && cz_option_check(o, standard, &why))
            fail_msg("--%s: default %s: %s", o->name, standard, why.cause);
        if ((o->kind == CZ_OPT_SWITCH) != (o->value == NULL))
            fail_msg("--%s: a switch has no value word, everything else has one", o->name);
        size_t n = strlen(o->sentence);
        if (n == 0 || o->sentence[n - 1] == '.')
            fail_msg("--%s: sentence '%s'", o->name, o->sentence);
        for (const char *c = o->sentence; *c; c++)
            if ((unsigned char)*c >= 0x7F || *c < 0x20)
                fail_msg("--%s: help is ASCII", o->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(lists_of_counts),
        cmocka_unit_test(reals),
        cmocka_unit_test(sizes_and_times),
        cmocka_unit_test(seeds_have_64_bits),
        cmocka_unit_test(suggestions),
        cmocka_unit_test(the_table_is_consistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
