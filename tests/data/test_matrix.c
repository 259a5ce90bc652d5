/*
 * Matrices as text: forms, limits, round trip.
 */
#include "data/matrix.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void numbers_read_back_as_the_same_bits(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } cases[] = {{0.0f, "0"},
                 {-1.0f, "-1"},
                 {210.0f, "210"},
                 {1000.0f, "1000"},
                 {0.1f, "0.1"},
                 {28.0f / 9, "3.1111112"},
                 {16777216.0f, "16777216"},
                 {-0.25f, "-0.25"},
                 {1e-7f, "1e-07"},
                 {3e9f, "3e+09"},
                 {123456.7f, "123456.7"},
                 {999999.94f, "999999.94"}};
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(cz_float_text(cases[i].value, text), cases[i].text);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t bits = i * 214013u + 2531011u;
        float value;
        memcpy(&value, &bits, sizeof value);
        if (value != value || value - value != 0)
            continue;
        assert_true(strtof(cz_float_text(value, text), NULL) == value);
    }
}

static void printed_and_read_again(void **state)
{
    (void)state;
    char *folder = scratch_create(), path[4096];
    struct cz_matrix m, back;
    snprintf(path, sizeof path, "%s/m.txt", folder);
    assert_int_equal(cz_matrix_create(3, 4, &m, NULL), CZ_OK);
    for (int i = 0; i < 12; i++)
        m.values[i] = (float)(i - 5) / 7;
    assert_int_equal(cz_matrix_write(path, &m, NULL), CZ_OK);
    assert_int_equal(cz_matrix_load(path, &back, NULL), CZ_OK);
    assert_int_equal(back.rows, 3);
    assert_int_equal(back.cols, 4);
    assert_memory_equal(back.values, m.values, 12 * sizeof(float));
    cz_matrix_deinit(&m);
    cz_matrix_deinit(&back);
    scratch_remove(folder);
}

static void wrong_text_is_refused_by_line(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "no numbers"},
        {" \n\t\n# 1 2\n", "no numbers"},
        {"1 2\n\n3\n", "line 3: 1 numbers, the rows above have 2"},
        {"1 x\n", "line 1: 'x'"},
        {"1 2\n3 4y\n", "line 2: '4y'"},
        {"nan\n", "line 1: 'nan'"},
        {"1e999\n", "line 1: '1e999'"},
        {"1\n-inf\n", "line 2: '-inf'"},
        {"--1\n", "line 1: '--1'"},
        {"00000000000000000000000000000000000000000000000000000000000000000001\n", "is not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_matrix m;
        cz_error err = {0};
        assert_int_equal(cz_matrix_parse(cases[i][0], strlen(cases[i][0]), &m, &err), CZ_ERR_FORMAT);
        if (!strstr(err.message, cases[i][1]))
            fail_msg("wanted '%s', got '%s'", cases[i][1], err.message);
        assert_null(m.values);
    }
    struct cz_matrix m;
    assert_int_equal(cz_matrix_parse("1\0 2\n", 5, &m, NULL), CZ_ERR_FORMAT); /* a NUL is no blank */
}

/* The text has no terminator: an exact heap copy shows a read behind its end. */
static void the_end_of_the_text_is_respected(void **state)
{
    (void)state;
    static const char text[] = "1 2\n3 45";
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = malloc(n ? n : 1);
        struct cz_matrix m;
        memcpy(copy, text, n);
        if (cz_matrix_parse(copy, n, &m, NULL) == CZ_OK && n >= 7)
            assert_true(m.values[3] == (n == 7 ? 4 : 45));
        cz_matrix_deinit(&m);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_read_back_as_the_same_bits),
        cmocka_unit_test(printed_and_read_again),
        cmocka_unit_test(wrong_text_is_refused_by_line),
        cmocka_unit_test(the_end_of_the_text_is_respected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
