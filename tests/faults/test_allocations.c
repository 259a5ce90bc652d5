/*
 * Every allocation of a predict and of a head fine-tune fails once (fail_alloc.c is preloaded into the
 * program). Each run must end as if nothing had failed, with the same output, or with exit 7, one line that
 * says so, no block left over that a good run frees, and nothing under the output's name.
 *
 * `test_allocations all` takes each; without `all` every STRIDE-th, a prime, so that loops are met at other
 * turns.
 */
#include "fixtures.h"
#include "run.h"
#include "../data/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { STRIDE = 31, SIDE = 40, TRAIN = 3, TEST = 1 };

static int stride = STRIDE;
static char folder[64];

static const char preprocess[] =
    "{\"schema\": \"convzoo.preprocess/1\", \"exif\": true, \"channels\": \"GRAY\", \"scale\": 0.0078125,"
    " \"resize\": {\"mode\": \"squash\", \"size_px\": [32, 32], \"filter\": \"bilinear\"},"
    " \"crop\": {\"mode\": \"none\", \"size_px\": [0, 0]},"
    " \"mean\": [0.5], \"std\": [0.25], \"layout\": \"NCHW\"}";

/* Small noisy pictures, dark or bright by class; a JPEG, a PNG and a WebP of each class. */
static void write_picture(const char *split, int class, int i)
{
    char name[64];
    static const char *const suffixes[] = {"jpg", "png", "webp"};
    struct cz_image image =
        random_image(SIDE, SIDE, 3, (uint32_t)(class * 10 + i + (split[1] == 'e' ? 7 : 0)));
    for (int k = 0; k < SIDE * SIDE * 3; k++)
        image.pixels[k] = (uint8_t)(image.pixels[k] / 2 + class * 120);
    struct buffer file = i % 3 == 0   ? encode_jpeg(&image, &(struct jpeg_options){.components = 3})
                         : i % 3 == 1 ? encode_png(image.pixels, sizeof(uint8_t[SIDE * SIDE * 3]), SIDE, SIDE,
                                                   &(struct png_options){8, 2, 0, NULL})
                                      : encode_webp(&image, NULL);
    snprintf(name, sizeof name, "data/%s/c%d/%d.%s", split, class, i, suffixes[i % 3]);
    scratch_write(folder, name, file.data, file.size);
    buffer_deinit(&file);
    cz_image_deinit(&image);
}

static int make_files(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s", run_folder());
    fixture_network("net.onnx", "lenet5", "--classes 2");
    run_text("pp.json", preprocess);
    for (int class = 0; class < 2; class ++) {
        for (int i = 0; i < TRAIN; i++)
            write_picture("train", class, i);
        for (int i = 0; i < TEST; i++)
            write_picture("test", class, i);
    }
    return 0;
}

struct tally {
    long seen, failed, live, bytes;
};

static struct tally read_report(void)
{
    char path[128];
    struct tally t = {-1, 0, 0, 0};
    snprintf(path, sizeof path, "%s/count.txt", folder);
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "seen %ld failed %ld live %ld %ld", &t.seen, &t.failed, &t.live, &t.bytes) != 4)
        t.seen = -1;
    if (f)
        fclose(f);
    unlink(path);
    return t;
}

static int exists(const char *name)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return lstat(path, &st) == 0;
}

static void remove_output(void)
{
    char command[512];
    snprintf(command, sizeof command, "cd '%s' && rm -rf run run.partial out.json convzoo", folder);
    assert_int_equal(system(command), 0);
}

static struct run fail_nth(const char *command, long n)
{
    remove_output();
    return run("LD_PRELOAD=%s CONVZOO_FAIL_ALLOC=%ld CONVZOO_FAIL_REPORT=%s/count.txt %s", CZ_FAIL_ALLOC, n,
               folder, command);
}

static int count_errors(const char *err)
{
    int n = 0;
    for (const char *p = err; (p = strstr(p, "convzoo: error: ")); p++)
        n++;
    return n;
}

/* What a failed run must and must not show. */
static const char *fault_of(const struct run *r, const struct tally *t, const struct tally *good)
{
    const char *line = strstr(r->err, "convzoo: error: ");
    if (r->code != 7)
        return "exit code";
    if (t->seen < 0)
        return "no orderly end";
    if (count_errors(r->err) != 1 || !strstr(line, ": ") || !strstr(line, "; "))
        return "error line";
    if (t->live > good->live)
        return "leak";
    if (exists("run") || exists("run.partial") || exists("out.json"))
        return "half-written output";
    return NULL;
}

/* `same_out`: what a run prints does not depend on the clock. */
static void every_allocation_fails(const char *name, const char *command, int same_out)
{
    struct run plain = fail_nth(command, 0);
    struct tally good = read_report();
    run_expect(&plain, 0, "");
    assert_true(good.seen > 100); /* else nothing was intercepted */
    long failed = 0, survived = 0;
    for (long n = 1; n <= good.seen; n += stride) {
        struct run r = fail_nth(command, n);
        struct tally t = read_report();
        const char *fault = NULL;
        if (r.code != 0)
            fault = fault_of(&r, &t, &good);
        else if (t.live > good.live)
            fault = "leak";
        else if (same_out && strcmp(r.out, plain.out) != 0)
            fault = "exit 0 with other output";
        if (fault)
            fail_msg("%s, allocation %ld of %ld: %s\nexit %d, %ld blocks live (%ld in a good run)\n%.1000s",
                     name, n, good.seen, fault, r.code, t.live, good.live, r.err);
        failed += r.code != 0;
        survived += r.code == 0;
        run_free(&r);
    }
    printf(
        "%-16s %6ld allocations, %5ld of them failed: %5ld ended the run with exit 7, %5ld were survived\n",
        name, good.seen, failed + survived, failed, survived);
    assert_true(failed > 0);
    run_free(&plain);
}

static void in_predict(void **state)
{
    (void)state;
    char command[1024];
    snprintf(command, sizeof command,
             "predict %s/net.onnx %s/data/test/c0/0.jpg %s/data/train/c0/1.png %s/data/train/c1/2.webp "
             "--preprocess %s/pp.json --threads 2",
             folder, folder, folder, folder, folder);
    every_allocation_fails("predict", command, 1);
    strcat(command, " --json");
    every_allocation_fails("predict --json", command, 1);
}

static void in_finetune(void **state)
{
    (void)state;
    char command[1024];
    snprintf(command, sizeof command,
             "finetune %s/net.onnx --data %s/data --preprocess %s/pp.json --out %s/run --epochs 2 --lr 0.1 "
             "--weight-decay 0 --threads 2",
             folder, folder, folder, folder);
    every_allocation_fails("finetune", command, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_predict),
        cmocka_unit_test(in_finetune),
    };
    if (argc > 1 && strcmp(argv[1], "all") == 0)
        stride = 1;
    return cmocka_run_group_tests(tests, make_files, run_clean);
}
