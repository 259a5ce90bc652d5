/*
 * Broken and hostile files given to the program as a user would give them. A row per case: the code it ends
 * with, its line, the time and the memory. Every case ends with one line "WHERE: CAUSE; REMEDY" that names
 * the file and holds the words given here, within 2 s and 256 MiB.
 *
 * Time is the program's own, user and system: a busy machine must not decide. Sanitizers multiply both, so
 * under one only the answers count.
 */
#include "fixtures.h"
#include "run.h"
#include "../data/support.h"
#include "../importer/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { LIMIT_MS = 2000, LIMIT_KIB = 256 * 1024, CUTS = 64 };

static int n_rows;

/* The part of stderr from the program's error on; NULL unless there is exactly one error line. */
static const char *only_error(const struct run *r)
{
    static const char start[] = "convzoo: error: ";
    const char *line = strstr(r->err, start);
    return line && !strstr(line + 1, start) ? line + strlen(start) : NULL;
}

static void must_end(const char *what, const char *command, int code, const char *words)
{
    struct run r = run("%s", command);
    const char *line = only_error(&r);
    const size_t n = line ? strcspn(line, "\n") : 0;
    if (n_rows++ == 0)
        printf("%-34s %4s %7s %6s  %s\n", "case", "exit", "ms", "MiB", "message");
    printf("%-34s %4d %7.0f %6.1f  %.*s\n", what, r.code, r.cpu_ms, (double)r.peak_kib / 1024, (int)n,
           line ? line : "");
    if (r.code != code || !line || !strstr(line, words) || !strstr(line, ": ") || !strstr(line, "; ") ||
        line[n] != '\n' || line[n + 1] != '\0')
        fail_msg("%s: exit %d, wanted %d with '%s' in one line WHERE: CAUSE; REMEDY\n%.1500s", what, r.code,
                 code, words, r.err);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (r.cpu_ms > LIMIT_MS || r.peak_kib > LIMIT_KIB)
        fail_msg("%s: %.0f ms and %ld KiB, allowed are %d and %d", what, r.cpu_ms, r.peak_kib, (int)LIMIT_MS,
                 (int)LIMIT_KIB);
#endif
    run_free(&r);
}

static const char *command_for(const char *before, const char *file, const char *after)
{
    static char line[1024];
    snprintf(line, sizeof line, "%s%s/%s%s", before, run_folder(), file, after);
    return line;
}

static void must_refuse(const char *what, struct msg model, int code, const char *words)
{
    run_file("evil.onnx", model.bytes, model.size);
    msg_free(&model);
    must_end(what, command_for("inspect ", "evil.onnx", ""), code, words);
}

/* The graph y = x W on which the cases work. */
static const int64_t square[] = {2, 2}, batch[] = {-1, 2};
static const float weights[] = {1, 2, 3, 4};

static struct msg graph_of(struct msg weight)
{
    struct msg g = {0};
    msg_take(&g, 1, make_node("MatMul", "fc", "x,w", "y"));
    msg_take(&g, INITIALIZER, weight);
    msg_take(&g, INPUT, make_value("x", F32, 2, batch));
    msg_take(&g, OUTPUT, make_value("y", F32, 2, batch));
    return g;
}

static struct msg good_graph(void)
{
    return graph_of(make_tensor("w", F32, 2, square, weights, sizeof weights));
}

static struct msg good_model(void)
{
    return make_model(8, 13, good_graph());
}

static struct msg with_node(const char *op, const char *name, const char *in, const char *out)
{
    struct msg g = good_graph();
    msg_take(&g, NODE, make_node(op, name, in, out));
    return make_model(8, 13, g);
}

static void a_model_cut_at_64_places(void **state)
{
    (void)state;
    static unsigned char bytes[1 << 20];
    FILE *f = fopen(fixture_network("net.onnx", "lenet5", ""), "rb");
    assert_non_null(f);
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(size > 100000 && size < sizeof bytes);
    for (size_t i = 0; i < CUTS; i++) {
        char what[64];
        snprintf(what, sizeof what, "cut at %zu/64, %zu bytes", i, size * i / CUTS);
        run_file("evil.onnx", bytes, size * i / CUTS);
        must_end(what, command_for("inspect ", "evil.onnx", ""), 4, i ? "byte" : "empty (0 bytes)");
    }
}

static void lengths_that_lie(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint64_t length;
    } cases[] = {
        {"length 2^31-1", INT32_MAX},  {"length 2^31", UINT64_C(1) << 31},
        {"length 2^32-1", UINT32_MAX}, {"length 2^32", UINT64_C(1) << 32},
        {"length 2^63-1", INT64_MAX},  {"length 2^63", UINT64_C(1) << 63},
        {"length 2^64-1", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct msg m = good_model();
        char words[64];
        msg_varint(&m, 4 << 3 | 2);
        msg_varint(&m, cases[i].length);
        snprintf(words, sizeof words, "claims %llu bytes", (unsigned long long)cases[i].length);
        must_refuse(cases[i].what, m, 4, words);
    }
}

static void shapes_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        const char *what, *words;
        int64_t dims[4];
        int rank;
    } cases[] = {
        {"product 2^64", "impossible shape", {65536, 65536, 65536, 65536}, 4},
        {"product wraps to 16", "impossible shape", {INT64_C(1) << 62, 4, 4}, 3},
        {"dimension 2^63-1", "impossible shape", {INT64_MAX, 2}, 2},
        {"dimension -1", "impossible shape", {-1, 2}, 2},
        {"dimension -2^63", "impossible shape", {INT64_MIN, 2}, 2},
        {"2^32 values, 16 bytes", "16 bytes, float32", {INT64_C(1) << 31, 2}, 2},
        {"dimension 0, 16 bytes", "needs 0", {0, 2}, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        must_refuse(
            cases[i].what,
            make_model(8, 13, graph_of(make_tensor("w", F32, cases[i].rank, cases[i].dims, weights, 16))), 4,
            cases[i].words);
}

static struct msg nested(int depth)
{
    struct msg graph = {0};
    for (int i = 0; i < depth; i++) {
        struct msg node = {0}, attr = {0}, outer = {0};
        msg_take(&attr, 6, graph);
        msg_take(&node, 5, attr);
        msg_take(&outer, NODE, node);
        graph = outer;
    }
    return make_model(8, 13, graph);
}

static struct msg nested_types(int depth)
{
    struct msg type = {0}, value = {0}, g = good_graph();
    for (int i = 0; i < depth; i++) {
        struct msg sequence = {0}, outer = {0};
        msg_take(&sequence, 1, type);
        msg_take(&outer, 4, sequence);
        type = outer;
    }
    msg_text(&value, 1, "s");
    msg_take(&value, 2, type);
    msg_take(&g, INPUT, value);
    return make_model(8, 13, g);
}

static struct msg many(int field, int n)
{
    struct msg g = good_graph();
    for (int i = 0; i < n; i++)
        msg_bytes(&g, field, "", 0);
    return make_model(8, 13, g);
}

static void graphs_that_are_none(void **state)
{
    (void)state;
    struct msg g = good_graph();
    msg_take(&g, NODE, make_node("Relu", "a", "u", "v"));
    msg_take(&g, NODE, make_node("Relu", "b", "v", "u"));
    must_refuse("cycle of two nodes", make_model(8, 13, g), 4, "in a cycle");
    must_refuse("node reads its own output", with_node("Relu", "r", "z", "z"), 4, "reads its own output");
    must_refuse("output name twice", with_node("Relu", "r", "x", "y"), 4, "output 'y' is defined twice");
    must_refuse("output named as a weight", with_node("Relu", "r", "x", "w"), 4,
                "output 'w' is defined twice");
    must_refuse("input from nowhere", with_node("Relu", "r", "ghost", "z"), 4, "'ghost' comes from nowhere");
    must_refuse("too few inputs", with_node("MatMul", "m", "x", "z"), 4, "'m'");
    must_refuse("200,001 nodes", many(NODE, 200001), 5, "more than 200000 nodes");
    must_refuse("a million empty tensors", many(INITIALIZER, 1000000), 5, "more than");
    must_refuse("9 sub-graphs deep", nested(9), 5, "sub-graphs nested more than 8 deep");
    must_refuse("10,000 sub-graphs deep", nested(10000), 5, "sub-graphs nested more than 8 deep");
    must_refuse("10,000 messages deep", nested_types(10000), 5, "messages nested more than 100 deep");
}

struct external {
    const char *what, *location, *offset, *length;
    int code;
    const char *words;
};

static void external_case(const struct external *c)
{
    const char *const keys[] = {"location", "offset", "length"}, *const values[] = {c->location, c->offset,
                                                                                    c->length};
    struct msg w = make_tensor("w", F32, 2, square, NULL, 0);
    for (int i = 0; i < 3; i++)
        if (values[i]) {
            struct msg entry = {0};
            msg_text(&entry, 1, keys[i]);
            msg_text(&entry, 2, values[i]);
            msg_take(&w, 13, entry);
        }
    msg_int(&w, 14, 1);
    must_refuse(c->what, make_model(8, 13, graph_of(w)), c->code, c->words);
}

static void external_data_from_elsewhere(void **state)
{
    (void)state;
    char link[256];
    run_file("w.bin", weights, sizeof weights);
    snprintf(link, sizeof link, "%s/link.bin", run_folder());
    assert_int_equal(symlink("w.bin", link), 0);
    static const struct external cases[] = {
        {"external: ../", "../w.bin", NULL, NULL, 4, "'../w.bin'"},
        {"external: a/../../", "a/../../w.bin", NULL, NULL, 4, "'a/../../w.bin'"},
        {"external: absolute", "/etc/passwd", NULL, NULL, 4, "'/etc/passwd'"},
        {"external: symbolic link", "link.bin", NULL, NULL, 4, "'link.bin'"},
        {"external: the folder", ".", NULL, NULL, 4, "'.'"},
        {"external: offset past the end", "w.bin", "16", "16", 4, "w.bin"},
        {"external: offset 2^63", "w.bin", "9223372036854775808", "16", 4, "offset"},
        {"external: offset + length wraps", "w.bin", "9223372036854775807", "9223372036854775807", 4,
         "w.bin"},
        {"external: offset -1", "w.bin", "-1", "16", 4, "offset"},
        {"external: length too small", "w.bin", "0", "8", 4, "length 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        external_case(&cases[i]);
}

static void must_refuse_image(const char *what, const char *name, const void *bytes, size_t size,
                              const char *words)
{
    char line[512];
    run_file(name, bytes, size);
    snprintf(line, sizeof line, "predict %s/net.onnx %s/%s --preprocess %s/gray.json --on-bad-image fail",
             run_folder(), run_folder(), name, run_folder());
    must_end(what, line, 4, words);
}

static void put_be32(unsigned char *p, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(x >> (24 - 8 * i));
}

static uint32_t crc_of(const unsigned char *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (; n > 0; n--, p++) {
        crc ^= *p;
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static void pictures(void **state)
{
    (void)state;
    fixture_network("net.onnx", "lenet5", "");
    run_text(
        "gray.json",
        "{\"schema\": \"convzoo.preprocess/1\", \"exif\": true, \"channels\": \"GRAY\", \"scale\": 0.0078125,"
        " \"resize\": {\"mode\": \"squash\", \"size_px\": [32, 32], \"filter\": \"bilinear\"},"
        " \"crop\": {\"mode\": \"none\", \"size_px\": [0, 0]}, \"mean\": [0.5], \"std\": [0.25],"
        " \"layout\": \"NCHW\"}");
    struct cz_image image = random_image(40, 48, 3, 1), gray = random_image(40, 48, 1, 2);
    struct buffer png = encode_png(image.pixels, 40 * 48 * 3, 40, 48, &(struct png_options){8, 2, 0, NULL});
    struct buffer jpeg = encode_jpeg(&image, &(struct jpeg_options){.components = 3});
    struct buffer scans = encode_jpeg(&gray, &(struct jpeg_options){.components = 1, .many_scans = 1});
    must_refuse_image("PNG cut in half", "evil.png", png.data, png.size / 2, "PNG ends at byte");
    put_be32(png.data + 16, 100000); /* width, height, then the check sum of type and header */
    put_be32(png.data + 20, 100000);
    put_be32(png.data + 29, crc_of(png.data + 12, 17));
    must_refuse_image("PNG of 100000 x 100000", "evil.png", png.data, png.size, "100000 x 100000");
    must_refuse_image("JPEG cut in half", "evil.jpg", jpeg.data, jpeg.size / 2, "JPEG ends at byte");
    must_refuse_image("JPEG of over 100 scans", "evil.jpg", scans.data, scans.size, "scans");
    for (size_t i = 0; i + 9 < jpeg.size; i++)
        if (jpeg.data[i] == 0xFF && jpeg.data[i + 1] == 0xC0) {
            memset(jpeg.data + i + 5, 0xFF, 4);
            break;
        }
    must_refuse_image("JPEG of 65535 x 65535", "evil.jpg", jpeg.data, jpeg.size, "65500 pixels");
    must_refuse_image("empty picture", "evil.jpg", "", 0, "evil.jpg");
    buffer_deinit(&png);
    buffer_deinit(&jpeg);
    buffer_deinit(&scans);
    cz_image_deinit(&image);
    cz_image_deinit(&gray);
}

static void npy_case(const char *what, const char *shape, const char *descr, int code)
{
    char header[128], file[160], line[512];
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    int n = snprintf(file, sizeof file, "%cNUMPY%c%c%c%c%-117s\n", 0x93, 1, 0, 118, 0, header);
    /* snprintf stops at the first 0 byte only in %s; %c writes them */
    run_file("evil.npy", file, (size_t)n);
    snprintf(line, sizeof line, "run %s/net.onnx --input %s/evil.npy", run_folder(), run_folder());
    must_end(what, line, code, "evil.npy");
}

static void arrays(void **state)
{
    (void)state;
    fixture_network("net.onnx", "lenet5", "");
    npy_case("NPY of 2^62 values, no data", "(4611686018427387904, 4)", "<f4", 4);
    npy_case("NPY of 2^31 values, no data", "(2147483648,)", "<f4", 4);
    npy_case("NPY of -1 values", "(-1, 2)", "<f4", 4);
    npy_case("NPY of Python objects", "(1,)", "|O", 5);
    run_file("evil.npy", "\x93NUMPY\x01\x00\xff\xff", 10);
    char line[512];
    snprintf(line, sizeof line, "run %s/net.onnx --input %s/evil.npy", run_folder(), run_folder());
    must_end("NPY header of 65535, none there", line, 4, "evil.npy");
}

static void data_sets(void **state)
{
    (void)state;
    static const unsigned char images[] = {0, 0,    8,    3, 0x7F, 0xFF, 0xFF, 0xFF, 0,
                                           0, 0xFF, 0xFF, 0, 0,    0xFF, 0xFF, 1,    2},
                               labels[] = {0, 0, 8, 1, 0x7F, 0xFF, 0xFF, 0xFF, 5};
    scratch_write(run_folder(), "idx/train-images-idx3-ubyte", images, sizeof images);
    scratch_write(run_folder(), "idx/train-labels-idx1-ubyte", labels, sizeof labels);
    must_end("IDX of 2^31 images, 2 bytes", command_for("data check ", "idx", ""), 4, "idx");
    scratch_write(run_folder(), "cifar/data_batch_1.bin", images, sizeof images);
    must_end("CIFAR of 18 bytes", command_for("data check ", "cifar", ""), 4, "data_batch_1.bin");
}

static void json_without_end(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    static char text[DEPTH];
    fixture_network("net.onnx", "lenet5", "");
    fixture_picture("a.jpg", 8, 8, 1);
    char line[512];
    snprintf(line, sizeof line, "predict %s/net.onnx %s/a.jpg --preprocess %s/deep.json", run_folder(),
             run_folder(), run_folder());
    memset(text, '[', DEPTH);
    run_file("deep.json", text, DEPTH);
    must_end("preprocessing 100,000 lists deep", line, 4, "deep.json");
    run_file("deep.json", text, 60000); /* below the limit of the size */
    must_end("preprocessing 60,000 lists deep", line, 4, "deep.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_cut_at_64_places),
        cmocka_unit_test(lengths_that_lie),
        cmocka_unit_test(shapes_that_cannot_be),

        cmocka_unit_test(graphs_that_are_none),
        cmocka_unit_test(external_data_from_elsewhere),
        cmocka_unit_test(pictures),
        cmocka_unit_test(arrays),
        cmocka_unit_test(data_sets),
        cmocka_unit_test(json_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
