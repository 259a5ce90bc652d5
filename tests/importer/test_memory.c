/*
 * What loading costs: at most 1.3 times the file in resident memory, wherever the tensors lie. Aligned ones
 * are views and cost nothing until used, misaligned ones are copied and their pages of the file given back.
 */
#define _GNU_SOURCE
#include "engine/graph.h"
#include "tests/importer/support.h"
#include "tests/importer/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAYERS = 32, SIDE = 1024 }; /* 32 matrices of 4 MiB */

/* In kB, from /proc: the peak since it was reset, and the present. */
static long status_kb(const char *key)
{
    char line[256];
    long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            kb = atol(line + strlen(key) + 1);
    if (f)
        fclose(f);
    return kb;
}

/* 1 where the kernel forgot the old peak. */
static int reset_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (!f)
        return 0;
    int written = fputs("5", f) >= 0;
    return fclose(f) == 0 && written;
}

/* Padded so that all raw data of one file has the same alignment. */
static struct msg tensor_head(int layer, char name[32])
{
    static const int64_t square[] = {SIDE, SIDE};
    size_t bytes = (size_t)SIDE * SIDE * 4;
    struct msg t = {0}, described;
    for (int pad = 0;; pad++) {
        snprintf(name, 32, "w%02d%.*s", layer, pad, "____");
        described = make_tensor(name, F32, 2, square, NULL, 0);
        msg_varint(&described, 9 << 3 | 2);
        msg_varint(&described, bytes);
        msg_varint(&t, INITIALIZER << 3 | 2);
        msg_varint(&t, described.size + bytes);
        msg_raw(&t, described.bytes, described.size);
        msg_free(&described);
        if (t.size % 4 == 0)
            return t;
        msg_free(&t);
    }
}

/* The file grows layer by layer, so that the test itself never holds it; `shift` moves raw data off
 * alignment. */
static void write_model(FILE *f, int shift)
{
    static const int64_t batch[] = {-1, SIDE};
    size_t bytes = (size_t)SIDE * SIDE * 4;
    float *values = malloc(bytes);
    for (size_t i = 0; i < bytes / 4; i++)
        values[i] = (float)(i % 251);
    struct msg rest = {0}, head = {0}, tensors[LAYERS];
    char name[32], in[64], out[32];
    size_t total = 0;
    for (int i = 0; i < LAYERS; i++) {
        tensors[i] = tensor_head(i, name);
        total += tensors[i].size + bytes;
        snprintf(in, sizeof in, "v%d,%s", i, name);
        snprintf(out, sizeof out, "v%d", i + 1);
        msg_take(&rest, NODE, make_node("MatMul", out, in, out));
    }
    msg_take(&rest, INPUT, make_value("v0", F32, 2, batch));
    msg_take(&rest, OUTPUT, make_value(out, F32, 2, batch));
    total += rest.size;
    msg_int(&head, 1, 8);
    msg_take(&head, 8, make_opset("", 13));
    msg_bytes(&head, 2, "shift", (size_t)shift);
    msg_varint(&head, 7 << 3 | 2);
    msg_varint(&head, total);
    fwrite(head.bytes, 1, head.size, f);
    fwrite(rest.bytes, 1, rest.size, f);
    for (int i = 0; i < LAYERS; i++) {
        fwrite(tensors[i].bytes, 1, tensors[i].size, f);
        fwrite(values, 1, bytes, f);
        msg_free(&tensors[i]);
    }
    free(values);
    msg_free(&rest);
    msg_free(&head);
}

static void loading_takes_at_most_1_3_files(void **state)
{
    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        char path[] = "/tmp/convzoo-memory-XXXXXX";
        int fd = mkstemp(path);
        FILE *f = fdopen(fd, "wb");
        write_model(f, shift);
        long file_kb = ftell(f) / 1024;
        fclose(f);
        if (!reset_peak()) {
            unlink(path);
            skip();
        }
        long before = status_kb("VmRSS:");
        cz_model *model = load_model(path);
        long peak = status_kb("VmHWM:") - before;
        unlink(path);
        printf("shift %d: file %ld kB, peak while loading %ld kB\n", shift, file_kb, peak);
        assert_int_equal(model->params.count, LAYERS);
        assert_true(((const float *)model->params.items[LAYERS - 1].value.data)[252] == 1.0f);
        cz_model_destroy(model);
        if (peak * 10 > file_kb * 13)
            fail_msg("peak %ld kB for a file of %ld kB", peak, file_kb);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_takes_at_most_1_3_files),
    };
    assert_non_null(runtime()); /* threads and kernels are there before anything is measured */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cz_runtime_destroy(runtime());
    return failed;
}
