/*
 * Fine-tuning from outside, on data made here: the run folder and its bytes, what is refused, what an
 * interruption leaves, and that predict, eval and the report agree.
 *
 * The network is a small one with random weights and the classes are colours, which any features tell apart:
 * what is tested is the machinery. Real networks on real photos are test_transfer's.
 */
#include "fixtures.h"
#include "run.h"
#include "data/image.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { SIDE = 40, TRAIN = 12, TEST = 6 };

static char folder[256], net[256];
static const char *environment = ""; /* "VAR=value " in front of the command */

static const char preprocess[] =
    "{\"schema\": \"convzoo.preprocess/1\", \"exif\": true, \"channels\": \"RGB\", \"scale\": "
    "0.00392156862745098,"
    " \"resize\": {\"mode\": \"squash\", \"size_px\": [32, 32], \"filter\": \"bilinear\"},"
    " \"crop\": {\"mode\": \"none\", \"size_px\": [0, 0]},"
    " \"mean\": [0.5, 0.5, 0.5], \"std\": [0.25, 0.25, 0.25], \"layout\": \"NCHW\"}";

/* A noisy picture that is a little more red (class 0), green (1) or blue (2). */
static void write_picture(const char *path, int colour, unsigned seed)
{
    struct cz_image image;
    cz_error err;
    assert_int_equal(cz_image_create(SIDE, SIDE, 3, &image, &err), CZ_OK);
    for (int i = 0; i < SIDE * SIDE * 3; i++) {
        seed = seed * 1664525u + 1013904223u;
        image.pixels[i] = (uint8_t)((seed >> 24) / 2 + (i % 3 == colour ? 60 : 0));
    }
    assert_int_equal(cz_image_write_png(path, &image, &err), CZ_OK);
    cz_image_deinit(&image);
}

static void make_folder(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void make_folder(const char *fmt, ...)
{
    char path[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(path, sizeof path, fmt, args);
    va_end(args);
    assert_int_equal(mkdir(path, 0700), 0);
}

static const char *const colours[] = {"red", "green", "blue"};

static int make_files(void **state)
{
    (void)state;
    static const char *const splits[] = {"train", "test"};
    char path[512];
    snprintf(folder, sizeof folder, "%s", run_folder());
    snprintf(net, sizeof net, "%s", fixture_network("net.onnx", "resnet20", ""));
    run_text("pp.json", preprocess);
    make_folder("%s/colours", folder);
    for (int s = 0; s < 2; s++) {
        make_folder("%s/colours/%s", folder, splits[s]);
        for (int c = 0; c < 3; c++) {
            make_folder("%s/colours/%s/%s", folder, splits[s], colours[c]);
            for (int i = 0; i < (s ? TEST : TRAIN); i++) {
                snprintf(path, sizeof path, "%s/colours/%s/%s/%02d.png", folder, splits[s], colours[c], i);
                write_picture(path, c, (unsigned)(1 + s * 1000 + c * 100 + i));
            }
        }
    }
    return 0;
}

static struct run tune(const char *out, const char *more)
{
    return run("%sfinetune %s --data %s/colours --preprocess %s/pp.json --out %s/%s %s", environment, net,
               folder, folder, folder, out, more);
}

static void must_tune(const char *out, const char *more)
{
    struct run r = tune(out, more);
    if (r.code != 0)
        fail_msg("finetune %s: exit %d\n%s", more, r.code, r.err);
    run_free(&r);
}

static char *text_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *text_of(const char *fmt, ...)
{
    char path[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(path, sizeof path, fmt, args);
    va_end(args);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s: is not there", path);
    char *text = calloc(1, 1 << 22);
    fread(text, 1, (1 << 22) - 1, f);
    fclose(f);
    return text;
}

static int exists(const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return lstat(path, &st) == 0;
}

static json_t *json_of(const char *fmt, const char *name)
{
    char *text = text_of(fmt, folder, name);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    free(text);
    return root;
}

static const char *const result_files[] = {"config.json", "metrics.jsonl", "sweep.csv",  "curves.svg",
                                           "best.onnx",   "last.onnx",     "report.json"};

static void same_results(const char *a, const char *b)
{
    for (size_t i = 0; i < sizeof result_files / sizeof *result_files; i++) {
        char command[1024];
        snprintf(command, sizeof command, "cmp '%s/%s/%s' '%s/%s/%s'", folder, a, result_files[i], folder, b,
                 result_files[i]);
        if (system(command) != 0)
            fail_msg("%s differs between %s and %s", result_files[i], a, b);
    }
}

/* With stored features, without, with other threads: byte for byte the same; with another seed not. */
static void same_command_same_bytes(void **state)
{
    (void)state;
    must_tune("one", "--threads 1");
    must_tune("two", "--threads 2");
    char *timing = text_of("%s/two/timing.jsonl", folder);
    assert_non_null(strstr(timing, "\"images_from_cache\": 36"));
    free(timing);
    environment = "XDG_CACHE_HOME=/dev/null/nowhere ";
    struct run r = tune("three", "--threads 3");
    run_expect(&r, 0, "features are not kept");
    run_free(&r);
    environment = "";
    same_results("one", "two");
    same_results("one", "three");
    must_tune("other", "--seed 1");
    char *a = text_of("%s/one/report.json", folder), *b = text_of("%s/other/report.json", folder);
    assert_true(strcmp(a, b) != 0);
    free(a);
    free(b);
    assert_true(exists("one/log.txt") && exists("one/machine.json") && !exists("one/lock") &&
                !exists("one.partial"));
}

static double number(const json_t *root, const char *key)
{
    return json_number_value(json_object_get(root, key));
}

/* Colours are easy: 18 of 18, or the features, labels or head are mixed up. */
static void the_head_learns(void **state)
{
    (void)state;
    if (!exists("one"))
        must_tune("one", "");
    json_t *report = json_of("%s/%s/report.json", "one");
    assert_true(number(report, "top1") == 1);
    assert_int_equal(json_array_size(json_object_get(report, "predictions")), 3 * TEST);
    json_decref(report);
    char *metrics = text_of("%s/one/metrics.jsonl", folder), *sweep = text_of("%s/one/sweep.csv", folder);
    int lines = 0;
    for (const char *p = metrics; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 2 * 40 + 2);
    assert_non_null(strstr(metrics, "{\"kind\": \"end\", \"reason\": \"done\", \"best_epoch\": 40}"));
    assert_non_null(strstr(sweep, ",yes\n"));
    free(metrics);
    free(sweep);
}

/* eval of the exported file writes the very report that the run has. */
static void eval_agrees_with_the_run(void **state)
{
    (void)state;
    if (!exists("one"))
        must_tune("one", "");
    struct run r = run("eval %s/one/best.onnx --data %s/colours --out %s/eval.json --batch 5 --threads 3",
                       folder, folder, folder);
    run_expect(&r, 0, "classes matched by name");
    run_free(&r);
    char *a = text_of("%s/one/report.json", folder), *b = text_of("%s/eval.json", folder);
    assert_string_equal(a, b);
    free(a);
    free(b);
    r = run("predict %s/one/best.onnx %s/colours/test/green/03.png --top 1", folder, folder);
    run_expect(&r, 0, "from the file");
    assert_non_null(strstr(r.out, "%  green"));
    run_free(&r);
    r = run("compare %s/one %s/eval.json --json", folder, folder);
    run_expect(&r, 0, "same 18 images");
    assert_non_null(strstr(r.out, "\"verdict\": \"no_difference\""));
    run_free(&r);
}

static void config_is_read_again(void **state)
{
    (void)state;
    if (!exists("one"))
        must_tune("one", "");
    struct run r = run(
        "finetune %s --data %s/colours --preprocess %s/pp.json --config %s/one/config.json --out %s/again",
        net, folder, folder, folder, folder);
    run_expect(&r, 0, "choose   nothing");
    run_free(&r);
    char command[1024];
    snprintf(command, sizeof command, "cmp %s/one/report.json %s/again/report.json", folder, folder);
    assert_int_equal(system(command) != 0, 1); /* its model's metadata says other sources */
    json_t *a = json_of("%s/%s/report.json", "one"), *b = json_of("%s/%s/report.json", "again");
    assert_true(json_equal(json_object_get(a, "predictions"), json_object_get(b, "predictions")));
    json_decref(a);
    json_decref(b);
}

static void metadata_travels_with_the_model(void **state)
{
    (void)state;
    if (!exists("one"))
        must_tune("one", "");
    struct run r = run("inspect %s/one/best.onnx --json", folder);
    run_expect(&r, 0, NULL);
    json_t *root = json_loads(r.out, 0, NULL), *classes = json_object_get(root, "classes");
    assert_int_equal(json_array_size(classes), 3);
    assert_string_equal(json_string_value(json_array_get(classes, 0)), "blue"); /* bytewise order */
    json_decref(root);
    run_free(&r);
}

static void only_runs_are_replaced(void **state)
{
    (void)state;
    char path[512];
    must_tune("r", "--epochs 3");
    struct run r = tune("r", "--epochs 3");
    run_expect(&r, 2, "r: exists (finished, 3 epochs); choose another --out, or --force to replace it");
    run_free(&r);
    must_tune("r", "--epochs 4 --force");
    json_t *config = json_of("%s/%s/config.json", "r");
    assert_int_equal(json_integer_value(json_object_get(config, "epochs")), 4);
    json_decref(config);
    assert_false(exists("r.replaced"));
    snprintf(path, sizeof path, "r/notes.txt");
    run_text(path, "mine");
    r = tune("r", "--force");
    run_expect(&r, 2, "holds 'notes.txt', which is not the run's");
    run_free(&r);
    make_folder("%s/plain", folder);
    r = tune("plain", "--force");
    run_expect(&r, 2, "plain: exists and is no convzoo run");
    run_free(&r);
    r = tune("pp.json", "--force");
    run_expect(&r, 2, "pp.json: exists and is no folder");
    run_free(&r);
}

static void dry_run_touches_nothing(void **state)
{
    (void)state;
    struct run r = tune("dry", "--dry-run");
    run_expect(&r, 0, "train 36, test 18 images, 0 shared by both");
    assert_non_null(strstr(r.out, "Gemm 64 -> 3 (was 10)"));
    run_free(&r);
    assert_false(exists("dry") || exists("dry.partial"));
}

static void a_killed_run_is_cleared_away(void **state)
{
    (void)state;
    make_folder("%s/stale.partial", folder);
    run_text("stale.partial/best.onnx.tmp-abcdef", "half");
    run_text("stale.partial/sweep.csv", "old");
    must_tune("stale", "--epochs 2 --lr 1 --weight-decay 0.001");
    assert_false(exists("stale.partial"));
    assert_false(exists("stale/best.onnx.tmp-abcdef"));
    make_folder("%s/mine.partial", folder);
    run_text("mine.partial/thesis.txt", "keep");
    struct run r = tune("mine", "");
    run_expect(&r, 2, "holds 'thesis.txt'");
    run_free(&r);
    assert_true(exists("mine.partial/thesis.txt"));
    assert_false(exists("mine.partial/lock"));
    make_folder("%s/stale.replaced", folder); /* killed between the two renames */
    run_text("stale.replaced/report.json", "old");
    must_tune("stale", "--epochs 2 --lr 1 --weight-decay 0.001 --force");
    assert_false(exists("stale.replaced"));
}

static void bad_images_are_refused_or_skipped(void **state)
{
    (void)state;
    static const char broken[] = "\x89PNG\r\n\x1a\nnot really";
    run_file("colours/train/red/bad.png", broken, sizeof broken);
    run_file("colours/test/blue/bad.png", broken, sizeof broken);
    struct run r = tune("bad", "");
    run_expect(&r, 4, "train/red/bad.png: ");
    assert_non_null(strstr(r.err, "--on-bad-image skip"));
    run_free(&r);
    assert_false(exists("bad") || exists("bad.partial"));
    for (int i = 0; i < 2; i++) { /* the second time from stored features */
        r = tune(i ? "skip2" : "skip1", "--on-bad-image skip");
        run_expect(&r, 3, "skipped train/red/bad.png: ");
        run_free(&r);
    }
    same_results("skip1", "skip2");
    json_t *report = json_of("%s/%s/report.json", "skip1");
    assert_int_equal(json_array_size(json_object_get(report, "skipped")), 1);
    assert_int_equal(json_array_size(json_object_get(report, "predictions")), 3 * TEST);
    json_decref(report);
    char path[512];
    snprintf(path, sizeof path, "%s/colours/train/red/bad.png", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/colours/test/blue/bad.png", folder);
    unlink(path);
}

/* One byte of a stored chunk is changed: it is computed again, and the results are the same. */
static void damaged_features_are_not_used(void **state)
{
    (void)state;
    char command[1024];
    if (!exists("one"))
        must_tune("one", "");
    snprintf(command, sizeof command,
             "for f in %s/convzoo/features/*.features; do printf X | dd of=$f bs=1 seek=200 conv=notrunc "
             "status=none; done",
             folder);
    assert_int_equal(system(command), 0);
    must_tune("repaired", "");
    char *timing = text_of("%s/repaired/timing.jsonl", folder);
    assert_non_null(strstr(timing, "\"images_from_cache\": 0"));
    free(timing);
    same_results("one", "repaired");
}

static void fewer_classes_and_images(void **state)
{
    (void)state;
    must_tune("few", "--only-classes red,blue --per-class 4 --seed 3");
    json_t *report = json_of("%s/%s/report.json", "few"), *config = json_of("%s/%s/config.json", "few");
    assert_int_equal(json_array_size(json_object_get(report, "predictions")), 2 * TEST);
    assert_int_equal(json_integer_value(json_object_get(config, "per-class")), 4);
    json_decref(report);
    json_decref(config);
    char *metrics = text_of("%s/few/metrics.jsonl", folder);
    assert_non_null(strstr(metrics, "\"split\": \"train\", \"n\": 8"));
    free(metrics);
    struct run r = tune("none", "--only-classes red,blu");
    run_expect(&r, 2, "--only-classes blu: no such class; nearest is 'blue'");
    run_free(&r);
    r = tune("none", "--only-classes red");
    run_expect(&r, 2, "1 class; two are the least");
    run_free(&r);
    r = run("eval %s/few/best.onnx --data %s/colours", folder, folder);
    run_expect(&r, 4, "1 of its 3 classes are not the network's: 'green'");
    run_free(&r);
    r = run("eval %s/few/best.onnx --data %s/colours --only-classes blue,red", folder, folder);
    run_expect(&r, 0, "12 images");
    run_free(&r);
}

static void a_folder_without_splits_is_cut(void **state)
{
    (void)state;
    struct run r = run("finetune %s --data %s/colours/train --preprocess %s/pp.json --out %s/cut --json", net,
                       folder, folder, folder);
    run_expect(&r, 0, "train 29, holdout 7 images");
    json_t *root = json_loads(r.out, 0, NULL), *test = json_object_get(root, "test");
    assert_string_equal(json_string_value(json_object_get(test, "split")), "holdout");
    assert_string_equal(json_string_value(json_object_get(root, "frozen_sha256_before")),
                        json_string_value(json_object_get(root, "frozen_sha256_after")));
    json_decref(root);
    run_free(&r);
}

static void what_diverges_is_told(void **state)
{
    (void)state;
    struct run r = tune("nan", "--lr 1e6 --weight-decay 1e6 --epochs 200");
    run_expect(&r, 8, "try a lower --lr");
    run_free(&r);
    assert_false(exists("nan") || exists("nan.partial"));
}

/* A shared image is told, because it makes the result look better than it is. */
static void shared_images_are_counted(void **state)
{
    (void)state;
    char command[1024];
    snprintf(command, sizeof command, "cp %s/colours/train/red/00.png %s/colours/test/red/copy.png", folder,
             folder);
    assert_int_equal(system(command), 0);
    struct run r = tune("shared", "--dry-run");
    run_expect(&r, 0, "1 training images are in 'test' too");
    run_free(&r);
    snprintf(command, sizeof command, "%s/colours/test/red/copy.png", folder);
    unlink(command);
}

/* Stopped while it chooses: exit as by the signal, no folder, and the features that were finished are kept.
 */
static void an_interruption_cleans_up(void **state)
{
    (void)state;
    char command[2048];
    snprintf(command, sizeof command,
             "cd %s; XDG_CACHE_HOME=%s/cache2 %s finetune %s --data colours --preprocess pp.json --out short "
             "--epochs 100000 >/dev/null 2>err.txt & pid=$!; "
             "for i in $(seq 1200); do ls cache2/convzoo/features/*.features >/dev/null 2>&1 && break; sleep "
             "0.05; "
             "done; kill -TERM $pid; wait $pid; test $? = 143",
             folder, folder, CZ_PROGRAM, net);
    const int status = system(command);
    char *err = text_of("%s/err.txt", folder);
    if (status != 0 || !strstr(err, "interrupted"))
        fail_msg("status %d, stderr: %s", status, err);
    free(err);
    assert_false(exists("short") || exists("short.partial"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_command_same_bytes),
        cmocka_unit_test(the_head_learns),
        cmocka_unit_test(eval_agrees_with_the_run),
        cmocka_unit_test(config_is_read_again),
        cmocka_unit_test(metadata_travels_with_the_model),
        cmocka_unit_test(only_runs_are_replaced),
        cmocka_unit_test(dry_run_touches_nothing),
        cmocka_unit_test(a_killed_run_is_cleared_away),
        cmocka_unit_test(bad_images_are_refused_or_skipped),
        cmocka_unit_test(damaged_features_are_not_used),
        cmocka_unit_test(fewer_classes_and_images),
        cmocka_unit_test(a_folder_without_splits_is_cut),
        cmocka_unit_test(what_diverges_is_told),
        cmocka_unit_test(shared_images_are_counted),
        cmocka_unit_test(an_interruption_cleans_up),
    };
    return cmocka_run_group_tests(tests, make_files, run_clean);
}
