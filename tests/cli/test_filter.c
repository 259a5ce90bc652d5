/*
 * `convzoo filter`: the worked example of the course, shapes, padding rules by hand, files in and out,
 * refusals.
 */
#include "run.h"
#include "data/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char X[] = "1 2 4 2 1\n4 7 3 2 1\n4 5 2 3 1\n2 1 7 8 4\n3 2 4 7 8\n";

static char *read_text(const char *path)
{
    static char text[4096];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

/* Fails unless `wanted` stands in the run's stdout. */
static void expect_out(struct run *r, const char *wanted)
{
    if (!strstr(r->out, wanted))
        fail_msg("wanted:\n%s\ngot:\n%s%s", wanted, r->out, r->err);
}

/* Filters a text matrix and compares the result, which goes to stdout behind the formula, with `wanted`. */
static void check(const char *x, const char *kernel, const char *options, const char *wanted)
{
    struct run r = run("filter %s --kernel %s %s", run_text("x.txt", x), run_text("k.txt", kernel), options);
    run_expect(&r, 0, NULL);
    const char *result = strstr(r.out, "y[i][j] = ");
    assert_non_null(result);
    result = strchr(result, '\n') + 1;
    if (strcmp(result, wanted) != 0)
        fail_msg("%s: wanted\n%sgot\n%s", options, wanted, result);
    run_free(&r);
}

/* By hand: Y[1][1] = (1+4+2*7+3+4+2)/9 = 28/9, Y[3][2] = (5+3+1+2*7... )/9 = 39/9; the others likewise. */
static void the_worked_example(void **state)
{
    (void)state;
    const char *x = run_text("x.txt", X), *k = run_text("k.txt", "1 0 1\n0 2 1\n1 0 1\n");
    struct run r = run("filter %s --kernel %s --normalize k2 -o %s/y.txt --force", x, k, run_folder());
    run_expect(&r, 0, NULL);
    expect_out(&r, "input     5 x 5 x 1 (height x width x channels)  ");
    expect_out(&r,
               "kernel    3 x 3, divided by k*k = 9\n          1 0 1\n          0 2 1\n          1 0 1\n");
    expect_out(&r, "output    3 x 3 x 1 ");
    expect_out(&r,
               "out = floor((in + 2*padding - dilation*(k - 1) - 1) / stride) + 1\n"
               "      height floor((5 + 0 - 2 - 1) / 1) + 1 = 3  width floor((5 + 0 - 2 - 1) / 1) + 1 = 3\n"
               "y[i][j] = 1/9 * sum over u,v of w[u][v] * x[i + u][j + v]\n");
    run_free(&r);
    char path[4096];
    snprintf(path, sizeof path, "%s/y.txt", run_folder());
    static const float ninths[9] = {28, 20, 13, 28, 25, 22, 22, 39, 35};
    float y[9];
    const char *p = read_text(path);
    for (int i = 0; i < 9; i++) {
        char *end;
        y[i] = strtof(p, &end);
        assert_true(end > p);
        p = end;
        assert_true(y[i] == ninths[i] / 9); /* exact sums, one division: no tolerance */
    }
}

/* A row of six, weights 1 10 100 (so that every output shows which inputs it took). */
static void padding_modes_by_hand(void **state)
{
    (void)state;
    static const char row[] = "1 2 3 4 5 6\n", k[] = "1 10 100\n";
    check(row, k, "", "321 432 543 654\n");
    check(row, k, "--flip", "123 234 345 456\n");
    check(row, k, "--padding valid --stride 2", "321 543\n");
    check(row, k, "--padding valid --dilation 2", "531 642\n");
    check("1 2 3 4 5 6\n1 2 3 4 5 6\n1 2 3 4 5 6\n", k, "--padding same",
          "210 321 432 543 654 65\n210 321 432 543 "
          "654 65\n210 321 432 543 654 65\n");
    check(row, k, "--padding same --pad-mode edge", "211 321 432 543 654 665\n");
    check(row, k, "--padding same --stride 2", "321 543 65\n");
    check("1 2 3\n4 5 6\n7 8 9\n", "0 0 0\n0 0 0\n0 0 1\n", "--padding 1", "5 6 0\n8 9 0\n0 0 0\n");
    check("1 2 3\n4 5 6\n7 8 9\n", "1 0 0\n0 0 0\n0 0 0\n", "--padding 2 --pad-mode reflect --stride 2",
          "9 7 9\n3 1 3\n9 7 9\n");
    check("1 2\n3 4\n", "1\n", "--padding 1 --pad-mode edge", "1 1 2 2\n1 1 2 2\n3 3 4 4\n3 3 4 4\n");
}

static void text_forms(void **state)
{
    (void)state;
    check("# a comment\n\n1, 2.5,\t-3 # another\r\n.5 1e3 +7\n", "1\n", "", "1 2.5 -3\n0.5 1000 7\n");
    check("16777217 0.1\n", "1\n", "", "16777216 0.1\n"); /* float32 */
}

/* The shapes of a 459 x 612 photo, and the formula with its numbers. */
static void shapes_of_a_photo(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        int height, width;
        const char *words;
    } cases[] = {
        {"--kernel blur --kernel-size 5", 455, 608, "kernel    5 x 5, all ones, divided by k*k = 25\n"},
        {"--kernel blur --kernel-size 5 --padding 2", 459, 612, "x[i + u - 2][j + v - 2]"},
        {"--kernel blur --kernel-size 5 --padding 2 --stride 2 --pad-mode reflect", 230, 306,
         "      height floor((459 + 4 - 4 - 1) / 2) + 1 = 230  width floor((612 + 4 - 4 - 1) / 2) + 1 = 306\n"
         "y[i][j] = 1/25 * sum over u,v of w[u][v] * x[2*i + u - 2][2*j + v - 2]\n"},
        {"--kernel sobel-v", 457, 610, "          1 0 -1\n          2 0 -2\n          1 0 -1\n"},
        {"--kernel gaussian --padding same", 459, 612, "divided by its sum 16\n          1 2 1\n"},
        {"--kernel blur --kernel-size 4 --padding same", 459, 612, "padding_before + padding_after"},
        {"--kernel laplace --dilation 3 --gray", 453, 606, "x[i + 3*u][j + 3*v]"},
    };
    struct cz_image photo, out;
    char in_path[4096], out_path[4096];
    snprintf(in_path, sizeof in_path, "%s/photo.png", run_folder());
    snprintf(out_path, sizeof out_path, "%s/out.png", run_folder());
    assert_int_equal(cz_image_create(459, 612, 3, &photo, NULL), CZ_OK);
    for (int i = 0; i < 459 * 612 * 3; i++)
        photo.pixels[i] = (uint8_t)(i * 7 + i / 612);
    assert_int_equal(cz_image_write_png(in_path, &photo, NULL), CZ_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r = run("filter %s %s -o %s --force --quiet", in_path, cases[i].options, out_path);
        run_expect(&r, 0, NULL);
        expect_out(&r, cases[i].words);
        run_free(&r);
        assert_int_equal(cz_image_load(out_path, 1, &out, NULL, NULL), CZ_OK);
        assert_int_equal(out.height, cases[i].height);
        assert_int_equal(out.width, cases[i].width);
        assert_int_equal(out.channels, strstr(cases[i].options, "--gray") ? 1 : 3);
        cz_image_deinit(&out);
    }
    cz_image_deinit(&photo);
}

static void the_identity_gives_the_picture_back(void **state)
{
    (void)state;
    struct cz_image in, out;
    char in_path[4096], out_path[4096];
    snprintf(in_path, sizeof in_path, "%s/in.png", run_folder());
    snprintf(out_path, sizeof out_path, "%s/same.png", run_folder());
    assert_int_equal(cz_image_create(31, 17, 3, &in, NULL), CZ_OK);
    for (int i = 0; i < 31 * 17 * 3; i++)
        in.pixels[i] = (uint8_t)(i * 31);
    assert_int_equal(cz_image_write_png(in_path, &in, NULL), CZ_OK);
    struct run r = run("filter %s --kernel identity --kernel-size 5 --padding same -o %s", in_path, out_path);
    run_expect(&r, 0, NULL);
    run_free(&r);
    assert_int_equal(cz_image_load(out_path, 1, &out, NULL, NULL), CZ_OK);
    assert_memory_equal(out.pixels, in.pixels, 31 * 17 * 3);
    cz_image_deinit(&in);
    cz_image_deinit(&out);
}

/* Halves go to even, what is outside 0..255 is clipped and counted. */
static void pixels_are_rounded_and_clipped(void **state)
{
    (void)state;
    struct cz_image out;
    char path[4096];
    snprintf(path, sizeof path, "%s/clip.png", run_folder());
    struct run r = run("filter %s --kernel %s -o %s", run_text("x.txt", "1 3 5 -2 600\n"),
                       run_text("k.txt", "0.5\n"), path);
    run_expect(&r, 0, "2 of 5 values were below 0 or above 255 and are clipped");
    run_free(&r);
    assert_int_equal(cz_image_load(path, 1, &out, NULL, NULL), CZ_OK);
    static const uint8_t want[] = {0, 2, 2, 0, 255};
    assert_memory_equal(out.pixels, want, 5);
    cz_image_deinit(&out);
}

static void threads_and_json(void **state)
{
    (void)state;
    char first[4096] = "";
    for (int threads = 1; threads <= 7; threads += 3) {
        struct run r = run("filter %s --kernel gaussian --kernel-size 3 --json --threads %d",
                           run_text("x.txt", X), threads);
        run_expect(&r, 0, NULL);
        expect_out(&r, "\"schema\": \"convzoo.filter/1\"");
        expect_out(&r, "\"input\": [5, 5, 1]");
        expect_out(&r, "\"output\": [3, 3, 1]");
        expect_out(&r, "\"divisor\": 16.0");
        if (threads == 1)
            snprintf(first, sizeof first, "%s", r.out);
        assert_string_equal(r.out, first);
        run_free(&r);
    }
}

static void refusals(void **state)
{
    (void)state;
    char x[4096], bad[4096];
    snprintf(x, sizeof x, "%s", run_text("x.txt", X));
    snprintf(bad, sizeof bad, "%s", run_text("bad.txt", "1 2\n3\n"));
    static const struct {
        int code;
        const char *options, *words;
    } cases[] = {
        {2, "", "--kernel: missing"},
        {2, "--kernel bulr", "--kernel bulr: no such kernel; nearest is 'blur'"},
        {2, "--kernel sobel-h --kernel-size 5", "sobel-h is 3 x 3 only"},
        {2, "--kernel identity --kernel-size 4", "odd sizes only"},
        {2, "--kernel gaussian --kernel-size 51", "gaussian goes up to 25"},
        {2, "--kernel laplace --normalize sum", "add up to 0"},
        {2, "--kernel blur --padding some", "--padding some: not valid, same, or a whole number"},
        {2, "--kernel blur --padding 5 --pad-mode reflect",
         "5 pixels of padding need a side of at least 6, found 5"},
        {2, "--kernel blur -o out.jpg", "--out out.jpg: not a .png or .txt file"},
        {2, "--kernel blur --stride 0", "--stride 0: not a whole number"},
        {6, "--kernel blur -o /nowhere/out.png", "no such folder"},
        {6, "--kernel /nowhere.txt", "/nowhere.txt: no such file"},
        {4, "--kernel blur --kernel-size 7", "height of 5 pixels (with padding) is less than the kernel's 7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r = run("filter %s %s", x, cases[i].options);
        run_expect(&r, cases[i].code, cases[i].words);
        run_free(&r);
    }
    struct run r = run("filter %s --kernel blur --kernel-size 2 --normalize none",
                       run_text("huge.txt", "3e38 3e38 1\n1 1 1\n"));
    run_expect(&r, 8, "huge.txt: the result at row 0, column 0 is beyond float32");
    run_free(&r);
    r = run("filter %s --kernel blur", bad);
    run_expect(&r, 4, "bad.txt: line 2: 1 numbers, the rows above have 2");
    run_free(&r);
    r = run("filter %s --kernel %s", x, bad);
    run_expect(&r, 4, "bad.txt: line 2");
    run_free(&r);
    r = run("filter %s --kernel blur", run_text("not.txt", "1 two 3\n"));
    run_expect(&r, 4, "not.txt: line 1: 'two' is not a number");
    run_free(&r);
    r = run("filter %s --kernel blur", run_text("none.txt", "# nothing\n"));
    run_expect(&r, 4, "none.txt: no numbers");
    run_free(&r);
    r = run("filter %s --kernel blur", run_text("page.png", "<html>"));
    run_expect(&r, 4, "page.png: HTML text, not an image");
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example),
        cmocka_unit_test(padding_modes_by_hand),
        cmocka_unit_test(text_forms),
        cmocka_unit_test(shapes_of_a_photo),
        cmocka_unit_test(the_identity_gives_the_picture_back),
        cmocka_unit_test(pixels_are_rounded_and_clipped),
        cmocka_unit_test(threads_and_json),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
