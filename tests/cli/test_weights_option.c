/*
 * --weights, --strict and what export writes for them: the same numbers whichever file they went through.
 */
#include "run.h"
#include "fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A path below the tests' folder. */
static const char *path(const char *name)
{
    static char text[8][512];
    static int next;
    char *p = text[next++ % 8];
    snprintf(p, sizeof text[0], "%s/%s", run_folder(), name);
    return p;
}

static void do_run(const char *err, int code, const char *fmt, ...)
{
    char line[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    struct run r = run_line(line, RUN_PIPE);
    run_expect(&r, code, err);
    run_free(&r);
}

static unsigned char *read_file(const char *name, size_t *size)
{
    FILE *f = fopen(name, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    unsigned char *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static void same_bytes(const char *a, const char *b, int want)
{
    size_t n, m;
    unsigned char *x = read_file(a, &n), *y = read_file(b, &m);
    if ((n == m && memcmp(x, y, n) == 0) != want)
        fail_msg("%s (%zu bytes) and %s (%zu bytes): wanted %s", a, n, b, m, want ? "the same" : "others");
    free(x);
    free(y);
}

static const char *picture(void)
{
    return fixture_tensor("x.npy", (const long long[]){2, 3, 32, 32}, 4, 7);
}

#define NET "resnet20"
#define QUIET " --quiet --force"

/* The output of NET from `model` (with its options), into name. */
static const char *output_of(const char *model, const char *name)
{
    const char *out = path(name);
    do_run(NULL, 0, "run %s --input %s --output %s" QUIET, model, picture(), out);
    return out;
}

static void files_keep_every_bit(void **state)
{
    char model[1024];
    const char *weights = path("w.safetensors"), *onnx = path("w.onnx"), *again = path("again.safetensors");
    (void)state;
    do_run(NULL, 0, "export " NET " --init golden:1 --out %s" QUIET, weights);
    do_run(NULL, 0, "export " NET " --init golden:1 --out %s" QUIET, onnx);
    do_run(NULL, 0, "export %s --out %s" QUIET, onnx, again);
    const char *want = output_of(NET " --init golden:1", "want.npy");
    snprintf(model, sizeof model, NET " --weights %s", weights);
    same_bytes(want, output_of(model, "a.npy"), 1);
    snprintf(model, sizeof model, NET " --weights %s", onnx);
    same_bytes(want, output_of(model, "b.npy"), 1);
    snprintf(model, sizeof model, NET " --weights %s", again);
    same_bytes(want, output_of(model, "c.npy"), 1);
}

/* Half the bytes, the same float16 numbers in both forms, and nothing more lost when written once more. */
static void half_is_half(void **state)
{
    char model[1024];
    size_t full, half;
    const char *weights = path("h.safetensors"), *onnx = path("h.onnx"), *twice = path("h2.onnx");
    (void)state;
    do_run(NULL, 0, "export " NET " --init golden:1 --fp16 --out %s" QUIET, weights);
    do_run(NULL, 0, "export " NET " --init golden:1 --fp16 --out %s" QUIET, onnx);
    do_run(NULL, 0, "export %s --fp16 --out %s" QUIET, onnx, twice);
    same_bytes(onnx, twice, 1);
    do_run(NULL, 0, "export " NET " --init golden:1 --out %s" QUIET, path("w.safetensors"));
    free(read_file(path("w.safetensors"), &full));
    free(read_file(weights, &half));
    assert_in_range(half, full / 2,
                    full * 53 / 100); /* header, biases and BatchNorm are the rest of this small one */
    snprintf(model, sizeof model, NET " --weights %s", weights);
    const char *a = output_of(model, "a.npy"), *b = output_of(onnx, "b.npy");
    same_bytes(a, b, 1);
    same_bytes(a, output_of(NET " --init golden:1", "want.npy"), 0);
}

static void what_does_not_fit_is_listed(void **state)
{
    const char *ten = path("ten.safetensors");
    (void)state;
    do_run(NULL, 0, "export " NET " --init golden:1 --out %s" QUIET, ten);
    do_run("ten.safetensors: does not fit resnet20: 105 used, 0 missing, 2 misshapen (fc.weight, fc.bias), 0 "
           "left over; "
           "--strict=no makes a new head\n",
           4, "export " NET " --classes 3 --weights %s --out %s" QUIET, ten, path("n.onnx"));
    do_run("ten.safetensors: no classifier that fits; a new one", 0,
           "export " NET " --classes 3 --weights %s --strict=no --out %s" QUIET, ten, path("n.onnx"));
    do_run("give the weights of this network\n", 4, "export resnet56 --weights %s --strict no --out %s" QUIET,
           ten, path("m.onnx"));
    do_run("fc.weight  misshapen  float32 [3,64]  F32 [10,64]", 4,
           "export " NET " --classes 3 --weights %s --out %s -v", ten, path("m.onnx"));
    do_run("--init: seeded weights, and --weights names others", 2,
           "export " NET " --init golden:1 --weights %s --out %s", ten, path("m.onnx"));
    do_run("option --weights: is for networks of the zoo", 2, "inspect %s --weights %s",
           fixture_network("net.onnx", NET, ""), ten);
    do_run("none.safetensors: no such file", 6, "inspect " NET " --weights none.safetensors");
    do_run("--weights: is for one network of the zoo", 2, "bench resnet20 plain20 --weights %s", ten);
}

/* Every command that builds a network takes it. */
static void every_command_takes_weights(void **state)
{
    const char *w = path("w.safetensors");
    (void)state;
    do_run(NULL, 0, "export " NET " --init golden:1 --out %s" QUIET, w);
    do_run(NULL, 0, "inspect " NET " --weights %s --tensors --quiet", w);
    do_run(NULL, 0, "predict " NET " %s --weights %s --quiet", fixture_picture("p.ppm", 40, 50, 3), w);
    /* Not NULL: of a busy machine it warns. */
    do_run("", 0, "bench " NET " --weights %s --reps 1 --min-time 1ms --quiet", w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_keep_every_bit),
        cmocka_unit_test(half_is_half),
        cmocka_unit_test(what_does_not_fit_is_listed),
        cmocka_unit_test(every_command_takes_weights),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
