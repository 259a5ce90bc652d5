/*
 * Fine-tuning and evaluating on the data sets that people have: small classes, unreadable files, names that
 * repeat. The network has random weights and the pictures are noise: what is tested is what is said and done.
 */
#include "fixtures.h"
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { SIDE = 32, PATH = 4096 };

static char net[256], squash[256], none[256];

#define PREPROCESS(mode, side)                                                                               \
    "{\"schema\": \"convzoo.preprocess/1\", \"exif\": true, \"channels\": \"RGB\", \"scale\": "              \
    "0.00392156862745098, \"resize\": {\"mode\": \"" mode "\", \"size_px\": [" side                          \
    "], \"filter\": \"bilinear\"}, \"crop\": {\"mode\": \"none\", \"size_px\": [0, 0]}, "                    \
    "\"mean\": [0.5, 0.5, 0.5], \"std\": [0.25, 0.25, 0.25], \"layout\": \"NCHW\"}"

static int make_files(void **state)
{
    (void)state;
    snprintf(net, sizeof net, "%s", fixture_network("net.onnx", "resnet20", ""));
    snprintf(squash, sizeof squash, "%s", run_text("squash.json", PREPROCESS("squash", "32, 32")));
    snprintf(none, sizeof none, "%s", run_text("none.json", PREPROCESS("none", "0, 0")));
    return 0;
}

/* "set/train/a/%d.png" below the run's folder, with the folders above it. */
static const char *name_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static const char *name_of(const char *fmt, ...)
{
    static char name[256];
    char path[PATH];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    const int root = snprintf(path, sizeof path, "%s/", run_folder());
    snprintf(path + root, sizeof path - (size_t)root, "%s", name);
    for (char *slash = path + root; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0700);
    }
    return name;
}

static unsigned seed;

static void add_pictures(const char *folder, int n)
{
    for (int i = 0; i < n; i++)
        fixture_picture(name_of("%s/%d.ppm", folder, i), SIDE, SIDE, ++seed);
}

static struct run tune(const char *data, const char *preprocess, const char *options)
{
    return run("finetune %s --data %s/%s --preprocess %s --epochs 2 --lr 1 --weight-decay 0.001 %s", net,
               run_folder(), data, preprocess, options);
}

static void expect_tune(const char *data, const char *options, int code, const char *words)
{
    struct run r = tune(data, squash, options);
    run_expect(&r, code, words);
    run_free(&r);
}

static void a_class_has_an_image_to_be_judged_by(void **state)
{
    (void)state;
    for (const char *c = "abcd"; *c; c++) {
        char folder[32];
        snprintf(folder, sizeof folder, "pairs/%c", *c);
        add_pictures(folder, 2);
        snprintf(folder, sizeof folder, "singles/%c", *c);
        add_pictures(folder, 1);
        snprintf(folder, sizeof folder, "mixed/%c", *c);
        add_pictures(folder, *c == 'a' ? 1 : 6);
    }
    expect_tune("pairs", "--dry-run", 0, "4 classes, train 4, holdout 4 images");
    expect_tune("mixed", "--dry-run", 0, "4 classes, train 16, holdout 3 images"); /* none of a's */
    expect_tune("singles", "--dry-run", 4, "singles: one image a class leaves none to judge the result by");
}

static void splits_without_train_are_refused(void **state)
{
    (void)state;
    add_pictures("untrained/val/a", 2);
    add_pictures("untrained/val/b", 2);
    expect_tune("untrained", "--dry-run", 4, "untrained: has val and no train to learn from");
}

/* "." is a place, not a name: reports of it would all be of the same data. */
static void data_is_called_by_its_name(void **state)
{
    (void)state;
    add_pictures("named/a", 2);
    add_pictures("named/b", 2);
    expect_tune("named/.", "--dry-run", 0, "data     named: 2 classes");
    expect_tune("named/a/..", "--dry-run", 0, "data     named: 2 classes");
}

static void unreadable_files_are_no_shared_image(void **state)
{
    (void)state;
    char path[PATH];
    static const char *const folders[] = {"links/train/a", "links/train/b", "links/test/a", "links/test/b"};
    for (int i = 0; i < 4; i++) {
        add_pictures(folders[i], 2);
        snprintf(path, sizeof path, "%s/%s/gone.png", run_folder(), folders[i]);
        assert_int_equal(symlink("nowhere", path), 0);
    }
    expect_tune("links", "--dry-run", 0, "train 6, test 6 images, 0 shared by both");
    fixture_picture("links/test/b/copy.ppm", SIDE, SIDE, 77);
    fixture_picture("links/train/b/copy.ppm", SIDE, SIDE, 77);
    expect_tune("links", "--dry-run", 0, "train 7, test 7 images, 1 shared by both");
}

static char *report_of(const char *run_name)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s/report.json", run_folder(), run_name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    assert_in_range(fread(text, 1, (1 << 16) - 1, f), 1, (1 << 16) - 2);
    fclose(f);
    return text;
}

/* A picture that decodes and is not of the network's size: the second run knows it from stored features. */
static void the_reason_is_the_same_from_stored_features(void **state)
{
    (void)state;
    static const char *const folders[] = {"odd/train/a", "odd/train/b", "odd/test/a", "odd/test/b"};
    for (int i = 0; i < 4; i++)
        add_pictures(folders[i], 3);
    fixture_picture("odd/test/b/narrow.ppm", SIDE, 20, 1);
    for (int i = 0; i < 2; i++) {
        char options[PATH];
        snprintf(options, sizeof options, "--on-bad-image skip --out %s/odd%d", run_folder(), i);
        struct run r = tune("odd", none, options);
        run_expect(&r, 3, "skipped test/b/narrow.ppm: gives 32 x 20 pixels (height x width), wanted 32 x 32");
        run_free(&r);
    }
    char *first = report_of("odd0"), *second = report_of("odd1");
    assert_string_equal(first, second);
    free(first);
    free(second);
}

static void one_remedy_for_a_bad_image(void **state)
{
    (void)state;
    add_pictures("text/train/a", 2);
    add_pictures("text/train/b", 2);
    add_pictures("text/test/a", 1);
    run_text(name_of("text/test/b/page.jpg"), "just text");
    char command[PATH];
    snprintf(command, sizeof command, "--out %s/text_run", run_folder());
    expect_tune("text", command, 4,
                "test/b/page.jpg: text, not an image; remove or replace it, or give --on-bad-image skip\n");
    struct run r = run("eval %s --data %s/text --preprocess %s --classes %s", net, run_folder(), squash,
                       run_text("ten.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"));
    run_expect(&r, 4, "remove or replace it, or give --on-bad-image skip\n");
    run_free(&r);
}

static void a_class_without_a_readable_image(void **state)
{
    (void)state;
    char options[PATH];
    add_pictures("empty/train/a", 3);
    run_text(name_of("empty/train/b/1.png"), "no picture");
    add_pictures("empty/test/a", 1);
    add_pictures("empty/test/b", 1);
    snprintf(options, sizeof options, "--on-bad-image skip --out %s/empty_run", run_folder());
    expect_tune("empty", options, 4, "empty: no training image of class 'b' could be read");
}

static void a_long_out_is_not_cut(void **state)
{
    (void)state;
    char name[1200], options[PATH], path[PATH];
    struct stat st;
    add_pictures("deep/a", 2);
    add_pictures("deep/b", 2);
    for (size_t i = 0; i < sizeof name - 1; i++)
        name[i] = i % 100 == 99 ? '/' : 'x';
    name[sizeof name - 1] = '\0';
    name[sizeof name - 2] = 'x';
    snprintf(options, sizeof options, "--out %s/%s", run_folder(), name);
    expect_tune("deep", options, 0, "next: convzoo predict");
    snprintf(path, sizeof path, "%s/%s/best.onnx", run_folder(), name);
    assert_int_equal(stat(path, &st), 0);
}

static void a_wrong_head_names_the_right_ones(void **state)
{
    (void)state;
    add_pictures("head/a", 2);
    add_pictures("head/b", 2);
    expect_tune("head", "--dry-run --head nowhere", 2,
                "--head nowhere: no such node; the network ends in 'fc' (Gemm)\n");
    expect_tune("head", "--dry-run --head conv1", 2,
                "--head conv1: is a Conv, no classifier; the network ends in 'fc' (Gemm)\n");
}

/* ImageNet has two cranes: names may repeat, but data of such a name could be either. */
static void names_that_repeat(void **state)
{
    (void)state;
    char names[PATH];
    add_pictures("birds/test/crane", 1);
    add_pictures("birds/test/kite", 2);
    snprintf(names, sizeof names, "%s", run_text("names.txt", "kite\ncrane\nc\nd\ne\nf\ng\nh\ncrane\nj\n"));
    struct run r =
        run("eval %s --data %s/birds --preprocess %s --classes %s", net, run_folder(), squash, names);
    run_expect(&r, 4, "birds: class 'crane' is the name of the network's classes 1 and 8");
    run_free(&r);
    r = run("eval %s --data %s/birds --preprocess %s --classes %s --only-classes kite --out %s/kite.json",
            net, run_folder(), squash, names, run_folder());
    run_expect(&r, 0, "classes matched by name");
    run_free(&r);
    struct run with_csv =
        run("compare %s/kite.json %s/kite.json --out %s/kite.csv", run_folder(), run_folder(), run_folder());
    r = run("compare %s/kite.json %s/kite.json", run_folder(), run_folder());
    assert_string_equal(with_csv.out, r.out); /* --out changes nothing on stdout */
    run_free(&with_csv);
    run_expect(&r, 0, "same 2 images");
    run_free(&r);
}

/* Folders and files of other encodings: their names in report and model are the data's, and stay different.
 */
static void names_that_are_no_utf8(void **state)
{
    (void)state;
    add_pictures("latin/train/caf\xE9", 2);
    add_pictures("latin/train/caf\xE8", 2);
    fixture_picture(name_of("latin/test/caf\xE9/f\xE9.ppm"), SIDE, SIDE, 1);
    fixture_picture(name_of("latin/test/caf\xE9/f\xE8.ppm"), SIDE, SIDE, 2);
    fixture_picture(name_of("latin/test/caf\xE8/f\xE8.ppm"), SIDE, SIDE, 3);
    char out[PATH];
    snprintf(out, sizeof out, "--out %s/latin_run", run_folder());
    expect_tune("latin", out, 0, "train 4, test 3 images");
    struct run r = run("eval %s/latin_run/best.onnx --data %s/latin", run_folder(), run_folder());
    run_expect(&r, 0, "classes matched by name");
    run_free(&r);
    r = run("compare %s/latin_run %s/latin_run --json", run_folder(), run_folder());
    run_expect(&r, 0, "same 3 images");
    run_free(&r);
    char *report = report_of("latin_run");
    assert_non_null(strstr(report, "\"caf\\\\xE8\", \"caf\\\\xE9\""));
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_has_an_image_to_be_judged_by),
        cmocka_unit_test(splits_without_train_are_refused),
        cmocka_unit_test(data_is_called_by_its_name),
        cmocka_unit_test(unreadable_files_are_no_shared_image),
        cmocka_unit_test(the_reason_is_the_same_from_stored_features),
        cmocka_unit_test(one_remedy_for_a_bad_image),
        cmocka_unit_test(a_class_without_a_readable_image),
        cmocka_unit_test(a_long_out_is_not_cut),
        cmocka_unit_test(a_wrong_head_names_the_right_ones),
        cmocka_unit_test(names_that_repeat),
        cmocka_unit_test(names_that_are_no_utf8),
    };
    return cmocka_run_group_tests(tests, make_files, run_clean);
}
