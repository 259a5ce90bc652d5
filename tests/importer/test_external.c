/*
 * External data: files beside and below the model are read, everything that leaves its folder or could is
 * not, whatever it is called.
 */
#include "importer/importer.h"
#include "tests/importer/support.h"
#include "tests/importer/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t square[] = {2, 2}, batch[] = {-1, 2};
static const float weights[] = {1, 2, 3, 4};

/* folder/inner is where the model lies; folder/secret is what it must not reach. */
static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/convzoo-external-XXXXXX");
    assert_non_null(mkdtemp(folder));
    mkdir(in_folder("inner"), 0755);
    mkdir(in_folder("inner/below"), 0755);
    write_bytes("secret", weights, sizeof weights);
    write_bytes("inner/w.bin", weights, sizeof weights);
    write_bytes("inner/below/w.bin", weights, sizeof weights);
    write_bytes("inner/linked.bin", weights, sizeof weights);
    char from[256];
    snprintf(from, sizeof from, "%s", in_folder("inner/linked.bin"));
    assert_int_equal(link(from, in_folder("inner/linked2.bin")), 0);
    assert_int_equal(symlink("../secret", in_folder("inner/symbolic")), 0);
    assert_int_equal(symlink("w.bin", in_folder("inner/harmless")), 0);
    assert_int_equal(symlink("..", in_folder("inner/up")), 0);
    assert_int_equal(mkfifo(in_folder("inner/fifo"), 0644), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

struct entry {
    const char *key, *value;
};

/* x * w with w in external data, n_tensors times over the same bytes. */
static struct msg make_file(const struct entry *entries, int n_entries, int n_tensors, int with_raw)
{
    struct msg g = {0};
    char name[32], in[64], out[32];
    for (int i = 0; i < n_tensors; i++) {
        snprintf(name, sizeof name, "w%d", i);
        struct msg t = make_tensor(name, F32, 2, square, with_raw ? weights : NULL, sizeof weights);
        for (int k = 0; k < n_entries; k++) {
            struct msg e = {0};
            msg_text(&e, 1, entries[k].key);
            msg_text(&e, 2, entries[k].value);
            msg_take(&t, 13, e);
        }
        msg_int(&t, 14, 1);
        msg_take(&g, INITIALIZER, t);
        snprintf(in, sizeof in, "v%d,w%d", i, i);
        snprintf(out, sizeof out, "v%d", i + 1);
        msg_take(&g, NODE, make_node("MatMul", out, in, out));
    }
    msg_take(&g, INPUT, make_value("v0", F32, 2, batch));
    snprintf(out, sizeof out, "v%d", n_tensors);
    msg_take(&g, OUTPUT, make_value(out, F32, 2, batch));
    return make_model(8, 13, g);
}

static cz_status load_file(struct msg m, struct cz_graph **graph, cz_error *err)
{
    write_bytes("inner/net.onnx", m.bytes, m.size);
    msg_free(&m);
    *graph = NULL;
    return cz_onnx_load(in_folder("inner/net.onnx"), NULL, graph, NULL, err);
}

static void check(const struct entry *entries, int n, cz_status want, const char *words)
{
    struct cz_graph *graph;
    cz_error err = {0};
    cz_status got = load_file(make_file(entries, n, 1, 0), &graph, &err);
    if (got != want || (want != CZ_OK && !strstr(err.message, words)))
        fail_msg("%s=%s: wanted status %d with '%s', got %d: %s", entries[0].key, entries[0].value, want,
                 words, got, err.message);
    if (got == CZ_OK)
        assert_memory_equal(graph->params.items[0].value.data, weights, sizeof weights);
    cz_graph_release(graph);
}

static void reads_beside_and_below(void **state)
{
    (void)state;
    static const char *const good[] = {"w.bin", "below/w.bin", "./w.bin", "./below/./w.bin"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check((struct entry[]){{"location", good[i]}}, 1, CZ_OK, "");
    check(
        (struct entry[]){
            {"location", "w.bin"}, {"offset", "0"}, {"length", "16"}, {"checksum", "x"}, {"basepath", "/"}},
        5, CZ_OK, "");
}

static void reads_at_any_offset(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 9; offset++) {
        unsigned char bytes[32] = {0};
        char text[8];
        memcpy(bytes + offset, weights, sizeof weights);
        write_bytes("inner/shifted.bin", bytes, offset + sizeof weights);
        snprintf(text, sizeof text, "%zu", offset);
        check((struct entry[]){{"location", "shifted.bin"}, {"offset", text}}, 2, CZ_OK, "");
    }
}

static void refuses_to_leave_the_folder(void **state)
{
    (void)state;
    char absolute[256];
    snprintf(absolute, sizeof absolute, "%s", in_folder("secret"));
    const char *const outside[] = {"../secret",
                                   "below/../../secret",
                                   "below/../w.bin",
                                   absolute,
                                   "/etc/passwd",
                                   "C:\\x",
                                   "C:/x",
                                   "a\\b",
                                   "",
                                   ".",
                                   "..",
                                   "w.bin/",
                                   "below//w.bin",
                                   "./"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        check((struct entry[]){{"location", outside[i]}}, 1, CZ_ERR_FORMAT,
              "not a file beside or below the model");
}

static void refuses_what_is_no_plain_file(void **state)
{
    (void)state;
    check((struct entry[]){{"location", "symbolic"}}, 1, CZ_ERR_FORMAT, "a link");
    check((struct entry[]){{"location", "harmless"}}, 1, CZ_ERR_FORMAT, "a link");
    check((struct entry[]){{"location", "up/secret"}}, 1, CZ_ERR_FORMAT, "a link");
    check((struct entry[]){{"location", "w.bin/x"}}, 1, CZ_ERR_FORMAT, "no folder on the way");
    check((struct entry[]){{"location", "linked.bin"}}, 1, CZ_ERR_FORMAT, "2 hard links");
    check((struct entry[]){{"location", "below"}}, 1, CZ_ERR_FORMAT, "not a regular file");
    check((struct entry[]){{"location", "fifo"}}, 1, CZ_ERR_FORMAT, "not a regular file");
    check((struct entry[]){{"location", "absent.bin"}}, 1, CZ_ERR_IO,
          "no such file; it belongs beside the model");
}

static void refuses_bad_entries(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "-1", "1e9", "0x10", "", " 1", "1 ", "9223372036854775808", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check((struct entry[]){{"offset", bad[i]}, {"location", "w.bin"}}, 2, CZ_ERR_FORMAT,
              "not a whole number");
        check((struct entry[]){{"length", bad[i]}, {"location", "w.bin"}}, 2, CZ_ERR_FORMAT,
              "not a whole number");
    }
    check((struct entry[]){{"__class__", "x"}, {"location", "w.bin"}}, 2, CZ_ERR_FORMAT,
          "unknown key '__class__'");
    check((struct entry[]){{"location", "w.bin"}, {"location", "w.bin"}}, 2, CZ_ERR_FORMAT,
          "'location' given twice");
    check((struct entry[]){{"offset", "0"}}, 1, CZ_ERR_FORMAT, "no location");
    check((struct entry[]){{"offset", "9223372036854775807"}, {"location", "w.bin"}}, 2, CZ_ERR_FORMAT,
          "cut short");
    check((struct entry[]){{"offset", "1"}, {"location", "w.bin"}}, 2, CZ_ERR_FORMAT, "the file has 16");
    check((struct entry[]){{"length", "15"}, {"location", "w.bin"}}, 2, CZ_ERR_FORMAT, "its shape needs 16");
    check((struct entry[]){{"length", "17"}, {"location", "w.bin"}}, 2, CZ_ERR_FORMAT, "its shape needs 16");
    struct cz_graph *graph;
    cz_error err = {0};
    assert_int_equal(load_file(make_file((struct entry[]){{"location", "w.bin"}}, 1, 1, 1), &graph, &err),
                     CZ_ERR_FORMAT);
    assert_non_null(strstr(err.message, "values given twice"));
}

static void refuses_a_sparse_terabyte(void **state)
{
    (void)state;
    int fd = open(in_folder("inner/sparse.bin"), O_CREAT | O_WRONLY, 0644);
    int made = ftruncate(fd, (off_t)1 << 40);
    close(fd);
    if (made == 0)
        check((struct entry[]){{"location", "sparse.bin"}}, 1, CZ_ERR_UNSUPPORTED, "larger than 64 GiB");
}

/* One mapping serves them all; misaligned ones are copied, but not beyond proportion. */
static void maps_shared_bytes_once(void **state)
{
    (void)state;
    struct cz_graph *graph;
    cz_error err = {0};
    if (load_file(make_file((struct entry[]){{"location", "w.bin"}}, 1, 10000, 0), &graph, &err) != CZ_OK)
        fail_msg("%s", err.message);
    for (int i = 1; i < 10000; i++)
        assert_ptr_equal(graph->params.items[i].value.data, graph->params.items[0].value.data);
    cz_graph_release(graph);
}

static void needs_a_folder(void **state)
{
    (void)state;
    struct msg m = make_file((struct entry[]){{"location", "w.bin"}}, 1, 1, 0);
    struct cz_graph *graph = NULL;
    cz_error err = {0};
    assert_int_equal(cz_onnx_load_memory(m.bytes, m.size, "net", NULL, NULL, &graph, NULL, &err),
                     CZ_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "this model has no folder"));
    assert_int_equal(
        cz_onnx_load_memory(m.bytes, m.size, "net", in_folder("inner"), NULL, &graph, NULL, &err), CZ_OK);
    cz_graph_release(graph);
    msg_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_beside_and_below),      cmocka_unit_test(reads_at_any_offset),
        cmocka_unit_test(refuses_to_leave_the_folder), cmocka_unit_test(refuses_what_is_no_plain_file),
        cmocka_unit_test(refuses_bad_entries),         cmocka_unit_test(refuses_a_sparse_terabyte),
        cmocka_unit_test(maps_shared_bytes_once),      cmocka_unit_test(needs_a_folder),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
