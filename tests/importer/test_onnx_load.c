/*
 * Files that must load, in every form the format allows, and files that must be refused, each with its
 * message. The network is y = x W + b with x [N,2], so that answers can be worked out by hand.
 */
#include "engine/tensor.h"
#include "importer/importer.h"
#include "tests/importer/support.h"
#include "tests/importer/wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t square[] = {2, 2}, row[] = {2}, batch[] = {-1, 2}, one[] = {1};
static const float weights[] = {1, 2, 3, 4}, bias[] = {10, 20};
static const float x[] = {5, 7}, y[] = {5 * 1 + 7 * 3 + 10, 5 * 2 + 7 * 4 + 20};

/* What a variant changes of the plain graph; the flags leave a part out so that a test can put its own. */
enum { NO_WEIGHTS = 1, NO_NODE = 2, NO_INPUT = 4, NO_OUTPUT = 8 };

static struct msg graph_without(int parts)
{
    struct msg g = {0};
    if (!(parts & NO_NODE))
        msg_take(&g, NODE, make_node("Gemm", "fc", "x,w,b", "y"));
    if (!(parts & NO_WEIGHTS)) {
        msg_take(&g, INITIALIZER, make_tensor("w", F32, 2, square, weights, sizeof weights));
        msg_take(&g, INITIALIZER, make_tensor("b", F32, 1, row, bias, sizeof bias));
    }
    if (!(parts & NO_INPUT))
        msg_take(&g, INPUT, make_value("x", F32, 2, batch));
    if (!(parts & NO_OUTPUT))
        msg_take(&g, OUTPUT, make_value("y", F32, 2, batch));
    return g;
}

static struct msg plain_graph(void)
{
    return graph_without(0);
}

static struct msg with_weight(struct msg w)
{
    struct msg g = graph_without(NO_WEIGHTS);
    msg_take(&g, INITIALIZER, make_tensor("b", F32, 1, row, bias, sizeof bias));
    msg_take(&g, INITIALIZER, w);
    return g;
}

/* Loads from memory of exactly the message's size, so that ASan sees a read beyond it. */
static cz_status load(const struct msg *m, struct cz_graph **graph, cz_error *err)
{
    return cz_onnx_load_memory(m->bytes, m->size, "net.onnx", NULL, NULL, graph, NULL, err);
}

static struct cz_graph *must_load(const struct msg *m)
{
    struct cz_graph *graph = NULL;
    cz_error err = {0};
    if (load(m, &graph, &err) != CZ_OK)
        fail_msg("%s", err.message);
    return graph;
}

static void must_give(struct msg model, const float *want)
{
    struct cz_graph *graph = must_load(&model);
    cz_tensor in = {(void *)x, CZ_F32, 2, {1, 2}}, out = run_model(graph, &in);
    for (int i = 0; i < 2; i++)
        if (((float *)out.data)[i] != want[i])
            fail_msg("output %d is %g, wanted %g", i, (double)((float *)out.data)[i], (double)want[i]);
    free(out.data);
    cz_model_destroy(graph);
    msg_free(&model);
}

static void must_refuse(const char *what, struct msg model, cz_status want, const char *words)
{
    struct cz_graph *graph = NULL;
    cz_error err = {0};
    unsigned char *exact = malloc(model.size + 1);
    if (model.size > 0)
        memcpy(exact, model.bytes, model.size);
    cz_status got = cz_onnx_load_memory(exact, model.size, "net.onnx", NULL, NULL, &graph, NULL, &err);
    if (got != want || !strstr(err.message, words) || strncmp(err.message, "net.onnx: ", 10) != 0)
        fail_msg("%s: wanted status %d with '%s', got %d: %s", what, want, words, got, err.message);
    free(exact);
    msg_free(&model);
}

/* Forms that must load. */

static void loads_the_plain_form(void **state)
{
    (void)state;
    for (int ir = 3; ir <= 11; ir++) /* 11: newer than ours, a warning */
        must_give(make_model(ir, 13, plain_graph()), y);
    struct msg m = make_model(8, 0, plain_graph());
    msg_take(&m, 8, make_opset("ai.onnx", 13));
    msg_take(&m, 8, make_opset("com.example.unused", 3));
    must_give(m, y);
}

static void loads_inputs_that_are_initializers(void **state)
{
    (void)state;
    struct msg g = plain_graph();
    msg_take(&g, INPUT, make_value("w", F32, 2, square));
    msg_take(&g, INPUT, make_value("b", F32, 1, row));
    struct msg m = make_model(3, 9, g);
    struct cz_graph *graph = must_load(&m);
    assert_int_equal(cz_model_n_inputs(graph), 1);
    cz_model_destroy(graph);
    must_give(m, y);
}

static void counts_unknown_fields(void **state)
{
    (void)state;
    struct msg g = plain_graph();
    struct cz_onnx_report *report;
    msg_text(&g, 99, "from a newer schema");
    struct msg m = make_model(8, 13, g);
    msg_int(&m, 4000, 7);
    assert_int_equal(cz_onnx_load_memory(m.bytes, m.size, "net.onnx", NULL, NULL, NULL, &report, NULL),
                     CZ_OK);
    assert_int_equal(report->n_unknown_fields, 2);
    assert_int_equal(report->n_nodes, 1);
    assert_int_equal(report->n_parameters, 6);
    assert_int_equal(report->weights_bytes, 24);
    cz_onnx_report_destroy(report);
    must_give(m, y);
}

static void loads_unsorted_nodes(void **state)
{
    (void)state;
    struct msg g = graph_without(NO_NODE);
    msg_take(&g, NODE, make_node("Relu", "last", "b2", "y"));
    msg_take(&g, NODE, make_node("Identity", "middle", "a", "b2"));
    msg_take(&g, NODE, make_node("Gemm", "fc", "x,w,b", "a"));
    struct msg m = make_model(8, 13, g);
    struct cz_graph *graph = must_load(&m);
    assert_string_equal(graph->nodes[0].name, "fc");
    assert_string_equal(graph->nodes[2].name, "last");
    cz_model_destroy(graph);
    must_give(m, y);
}

/* A chain of 100,000 nodes in reverse order: recursion would end the process, a quadratic sort the patience.
 */
static void sorts_a_long_chain(void **state)
{
    (void)state;
    enum { LENGTH = 100000 };
    struct msg g = graph_without(NO_NODE | NO_INPUT | NO_OUTPUT);
    char in[32], out[32];
    for (int i = LENGTH; i > 0; i--) {
        snprintf(in, sizeof in, "v%d", i - 1);
        snprintf(out, sizeof out, "v%d", i);
        msg_take(&g, NODE, make_node("Relu", out, in, out));
    }
    msg_take(&g, INPUT, make_value("v0", F32, 2, batch));
    snprintf(out, sizeof out, "v%d", LENGTH);
    msg_take(&g, OUTPUT, make_value(out, F32, 2, batch));
    struct msg m = make_model(8, 13, g);
    struct cz_graph *graph = must_load(&m);
    assert_int_equal(graph->n_nodes, LENGTH);
    assert_string_equal(graph->nodes[0].name, "v1");
    cz_model_destroy(graph);
    msg_free(&m);
}

static struct msg typed_tensor(int type, int field, const void *packed, size_t size)
{
    struct msg t = make_tensor("w", type, 2, square, NULL, 0);
    msg_bytes(&t, field, packed, size);
    return t;
}

static void reads_every_kind_of_values(void **state)
{
    (void)state;
    static const uint16_t half[] = {0x3C00, 0x4000, 0x4200, 0x4400},
                          brain[] = {0x3F80, 0x4000, 0x4040, 0x4080};
    static const double wide[] = {1, 2, 3, 4};
    must_give(make_model(8, 13, with_weight(make_tensor("w", F16, 2, square, half, sizeof half))), y);
    must_give(make_model(8, 13, with_weight(make_tensor("w", BF16, 2, square, brain, sizeof brain))), y);
    must_give(make_model(8, 13, with_weight(make_tensor("w", F64, 2, square, wide, sizeof wide))), y);
    must_give(make_model(8, 13, with_weight(typed_tensor(F32, 4, weights, sizeof weights))), y);
    must_give(make_model(8, 13, with_weight(typed_tensor(F64, 10, wide, sizeof wide))), y);
    /* float16 in int32_data: varints of the bit patterns. */
    struct msg packed = {0};
    for (int i = 0; i < 4; i++)
        msg_varint(&packed, half[i]);
    must_give(make_model(8, 13, with_weight(typed_tensor(F16, 5, packed.bytes, packed.size))), y);
    msg_free(&packed);
    /* A list in two pieces and one element outside them, as protobuf allows. */
    struct msg t = typed_tensor(F32, 4, weights, 8);
    msg_varint(&t, 4 << 3 | 5);
    msg_raw(&t, &weights[2], 4);
    msg_bytes(&t, 4, &weights[3], 4);
    must_give(make_model(8, 13, with_weight(t)), y);
    /* Every offset of raw data relative to a word: a name in front shifts it. */
    for (int shift = 0; shift < 4; shift++) {
        struct msg g = {0};
        msg_bytes(&g, 2, "name", (size_t)shift);
        struct msg rest = plain_graph();
        msg_raw(&g, rest.bytes, rest.size);
        msg_free(&rest);
        must_give(make_model(8, 13, g), y);
    }
}

static void keeps_the_types_of_constants(void **state)
{
    (void)state;
    static const struct {
        int type;
        cz_dtype dtype;
        size_t size;
    } cases[] = {{U8, CZ_U8, 1}, {I8, CZ_I8, 1}, {I32, CZ_I32, 4}, {I64, CZ_I64, 8}, {BOOL, CZ_BOOL, 1}};
    static const unsigned char ones[8] = {1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct msg g = plain_graph();
        msg_take(&g, INITIALIZER, make_tensor("c", cases[i].type, 1, one, ones, cases[i].size));
        msg_take(&g, NODE, make_node("Identity", "copy", "c", "z"));
        msg_take(&g, OUTPUT, make_value("z", cases[i].type, 1, one));
        struct msg m = make_model(8, 13, g);
        struct cz_graph *graph = must_load(&m);
        int value = cz_graph_find_value(graph, "c");
        assert_int_equal(graph->values[value].shape.dtype, cases[i].dtype);
        assert_int_equal(graph->params.items[graph->values[value].param].role, CZ_CONSTANT);
        assert_int_equal(cz_tensor_int(&graph->params.items[graph->values[value].param].value, 0), 1);
        cz_model_destroy(graph);
        msg_free(&m);
    }
}

/* float16 and float64 networks keep the types of their ends and compute in float32 between. */
static void computes_other_floats_in_float32(void **state)
{
    (void)state;
    static const int types[] = {F16, F64};
    for (int i = 0; i < 2; i++) {
        struct msg g = graph_without(NO_INPUT | NO_OUTPUT);
        msg_take(&g, INPUT, make_value("x", types[i], 2, batch));
        msg_take(&g, OUTPUT, make_value("y", types[i], 2, batch));
        struct msg m = make_model(8, 13, g);
        struct cz_graph *graph = must_load(&m);
        cz_dtype dtype;
        assert_int_equal(cz_model_input(graph, 0, NULL, NULL, &dtype, NULL), CZ_OK);
        assert_int_equal(dtype, types[i] == F16 ? CZ_F16 : CZ_F64);
        assert_int_equal(cz_model_output(graph, 0, NULL, NULL, &dtype, NULL), CZ_OK);
        assert_int_equal(dtype, types[i] == F16 ? CZ_F16 : CZ_F64);
        cz_model_destroy(graph);
        must_give(m, y);
    }
}

static void gives_parameters_roles_and_names(void **state)
{
    (void)state;
    static const float scale[] = {1, 1};
    struct msg g = graph_without(NO_NODE);
    msg_take(&g, INITIALIZER, make_tensor("ones", F32, 1, row, scale, sizeof scale));
    msg_take(&g, INITIALIZER, make_tensor("zeros", F32, 1, row, bias, sizeof bias));
    msg_take(&g, INITIALIZER, make_tensor("unused", F32, 1, row, bias, sizeof bias));
    msg_take(&g, NODE, make_node("Identity", "", "ones", "bn.running_var"));
    msg_take(&g, NODE, make_node("Identity", "", "ones", "bn.weight"));
    msg_take(&g, NODE, make_node("Transpose", "t", "w", "wt"));
    msg_take(&g, NODE, make_node("Gemm", "fc", "x,wt,b", "a"));
    msg_take(&g, NODE, make_node("BatchNormalization", "bn", "a,bn.weight,zeros,zeros,bn.running_var", "y"));
    struct msg m = make_model(8, 13, g);
    struct cz_graph *graph = must_load(&m);
    static const struct {
        const char *name;
        enum cz_role role;
    } want[] = {{"w", CZ_WEIGHT},
                {"b", CZ_BIAS},
                {"bn.weight", CZ_NORM_SCALE},
                {"zeros", CZ_RUNNING_STAT}, /* shift and mean at once: a statistic must not be trained */
                {"bn.running_var", CZ_RUNNING_STAT}};
    assert_int_equal(graph->params.count, 5);
    for (int i = 0; i < 5; i++) {
        int value = cz_graph_find_value(graph, want[i].name);
        assert_true(value >= 0 && graph->values[value].param >= 0);
        if (graph->params.items[graph->values[value].param].role != want[i].role)
            fail_msg("%s: role %d, wanted %d", want[i].name,
                     graph->params.items[graph->values[value].param].role, want[i].role);
    }
    assert_ptr_equal(
        graph->params.items[graph->values[cz_graph_find_value(graph, "bn.weight")].param].value.data,
        graph->params.items[graph->values[cz_graph_find_value(graph, "bn.running_var")].param].value.data);
    cz_model_destroy(graph);
    msg_free(&m);
}

/* A node that is a graph output although it is constant still has a producer. */
static void keeps_constant_outputs(void **state)
{
    (void)state;
    struct msg g = plain_graph(), value = make_tensor("", F32, 1, row, bias, sizeof bias), attr = {0};
    msg_text(&attr, 1, "value");
    msg_take(&attr, 5, value);
    msg_int(&attr, 20, 4);
    struct msg node = make_node("Constant", "c", "", "z");
    msg_take(&node, 5, attr);
    msg_take(&g, NODE, node);
    msg_take(&g, OUTPUT, make_value("z", F32, 1, row));
    msg_take(&g, OUTPUT, make_value("b", F32, 1, row));
    struct msg m = make_model(8, 13, g);
    struct cz_graph *graph = must_load(&m);
    assert_int_equal(graph->n_outputs, 3);
    for (int i = 0; i < 3; i++)
        assert_true(graph->values[graph->outputs[i]].producer >= 0);
    cz_model_destroy(graph);
    must_give(m, y);
}

static void reads_metadata_and_info(void **state)
{
    (void)state;
    struct msg m = make_model(8, 13, plain_graph()), entry = {0};
    msg_text(&m, 2, "by hand");
    msg_text(&m, 3, "1.0");
    msg_text(&entry, 1, "convzoo.classes");
    msg_text(&entry, 2, "[\"a\",\"b\"]");
    msg_take(&m, 14, entry);
    struct cz_graph *graph = must_load(&m);
    cz_model_info info;
    cz_model_get_info(graph, &info);
    assert_string_equal(info.name, "net");
    assert_string_equal(info.source, "net.onnx");
    assert_int_equal(info.n_classes, 2);
    assert_string_equal(graph->producer, "by hand 1.0");
    assert_string_equal(cz_model_metadata(graph, "convzoo.classes"), "[\"a\",\"b\"]");
    assert_int_equal(graph->opset, 13);
    cz_model_destroy(graph);
    msg_free(&m);
}

/* Files that must be refused. */

static struct msg text_file(const char *bytes, size_t n)
{
    struct msg m = {0};
    msg_raw(&m, bytes, n);
    return m;
}

static void names_what_a_file_is_instead(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *words;
        size_t size;
    } cases[] = {
        {"", "the file is empty (0 bytes)", 0},
        {"\x08", "byte", 1},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git-LFS pointer", 60},
        {"PK\x03\x04________", "zip archive", 12},
        {"\x80\x02}q\x01________", "Python pickle", 12},
        {"\x1F\x8B________", "gzip archive", 10},
        {"\x89HDF\r\n\x1A\n________", "HDF5", 16},
        {"\x1C\0\0\0TFL3________", "TensorFlow Lite", 16},
        {"<!DOCTYPE html><html></html>", "web page", 28},
        {"\x10\0\0\0\0\0\0\0{\"a\":1}         ", "safetensors", 24},
        {"Dear reader,\nthis is a letter.\n", "text file", 31},
        {"{\"model\": 1}", "text file", 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        must_refuse(cases[i].words, text_file(cases[i].bytes, cases[i].size), CZ_ERR_FORMAT, cases[i].words);
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    struct msg m = make_model(8, 13, plain_graph());
    for (int part = 0; part < 64; part++) {
        struct msg cut = {0};
        msg_raw(&cut, m.bytes, m.size * (size_t)part / 64);
        must_refuse("truncated", cut, CZ_ERR_FORMAT, ";");
    }
    msg_raw(&m, "\x07 trailing", 10);
    must_refuse("trailing garbage", m, CZ_ERR_FORMAT, "byte");
}

static void refuses_broken_wire(void **state)
{
    (void)state;
    struct msg m = make_model(8, 13, plain_graph());
    msg_raw(&m, "\x22\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 10);
    must_refuse("length beyond the file", m, CZ_ERR_FORMAT, "claims 9223372036854775807 bytes");
    m = make_model(8, 13, plain_graph());
    msg_raw(&m, "\x28\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12);
    must_refuse("varint of 11 bytes", m, CZ_ERR_FORMAT, "a number does not end");
    m = make_model(8, 13, plain_graph());
    msg_raw(&m, "\x22\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11);
    must_refuse("negative length", m, CZ_ERR_FORMAT, "claims 18446744073709551615 bytes");
    m = make_model(8, 13, plain_graph());
    msg_raw(&m, "\x23\x24", 2);
    must_refuse("group", m, CZ_ERR_FORMAT, "group");
    m = make_model(8, 13, plain_graph());
    msg_int(&m, 2, 5);
    must_refuse("wrong wire type", m, CZ_ERR_FORMAT, "'producer_name' has the wrong wire type");
    m = make_model(8, 13, plain_graph());
    msg_take(&m, 7, plain_graph());
    must_refuse("two graphs", m, CZ_ERR_FORMAT, "stands twice");
}

static void refuses_bad_names(void **state)
{
    (void)state;
    struct msg g = plain_graph(), node = {0};
    msg_names(&node, 1, "x");
    msg_bytes(&node, 2, "z\0z", 3);
    msg_text(&node, 4, "Relu");
    msg_take(&g, NODE, node);
    must_refuse("NUL in a name", make_model(8, 13, g), CZ_ERR_FORMAT, "'output' is not UTF-8 text");
    static const char *const bad[] = {"\xC0\x80", "\xED\xA0\x80", "\xFF", "\xF5\x80\x80\x80", "\xE2\x82"};
    for (int i = 0; i < 5; i++) {
        g = plain_graph();
        msg_take(&g, NODE, make_node("Relu", bad[i], "x", "z"));
        must_refuse("bad UTF-8", make_model(8, 13, g), CZ_ERR_FORMAT, "'name' is not UTF-8 text");
    }
}

/* attribute > graph > node > attribute ..., `depth` graphs deep; lengths have to be made from the inside. */
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

static void refuses_deep_nesting(void **state)
{
    (void)state;
    must_refuse("9 sub-graphs", nested(9), CZ_ERR_UNSUPPORTED, "sub-graphs nested more than 8 deep");
    must_refuse("10,000 sub-graphs", nested(10000), CZ_ERR_UNSUPPORTED, "sub-graphs nested more than 8 deep");
    struct msg type = {0};
    for (int i = 0; i < 10000; i++) { /* sequence of sequence of ... */
        struct msg sequence = {0}, outer = {0};
        msg_take(&sequence, 1, type);
        msg_take(&outer, 4, sequence);
        type = outer;
    }
    struct msg g = plain_graph(), value = {0};
    msg_text(&value, 1, "s");
    msg_take(&value, 2, type);
    msg_take(&g, INPUT, value);
    must_refuse("10,000 sequences", make_model(8, 13, g), CZ_ERR_UNSUPPORTED,
                "messages nested more than 100 deep");
}

static struct msg many_empty(int field, int count)
{
    struct msg g = plain_graph();
    for (int i = 0; i < count; i++)
        msg_bytes(&g, field, "", 0);
    return make_model(8, 13, g);
}

static void refuses_amplification(void **state)
{
    (void)state;
    must_refuse("a million empty nodes", many_empty(NODE, 1000000), CZ_ERR_UNSUPPORTED,
                "more than 200000 nodes");
    must_refuse("a million empty tensors", many_empty(INITIALIZER, 1000000), CZ_ERR_UNSUPPORTED, "more than");
    must_refuse("a million empty inputs", many_empty(INPUT, 1000000), CZ_ERR_UNSUPPORTED,
                "out of proportion");
    struct msg g = plain_graph(), node = make_node("Relu", "r", "x", "z");
    for (int i = 0; i < 1000000; i++)
        msg_bytes(&node, 5, "", 0);
    msg_take(&g, NODE, node);
    must_refuse("a million empty attributes", make_model(8, 13, g), CZ_ERR_UNSUPPORTED, "out of proportion");
}

static void refuses_bad_tensors(void **state)
{
    (void)state;
    static const float data[8];
    static const struct {
        const char *what, *words;
        int64_t dims[4];
        int rank;
        cz_status status;
    } shapes[] = {
        {"huge dims", "impossible shape", {65536, 65536, 65536, 65536}, 4, CZ_ERR_SHAPE},
        {"more than the file", "bytes, ", {2147483648, 2}, 2, CZ_ERR_FORMAT},
        {"negative", "impossible shape", {-1, 2}, 2, CZ_ERR_SHAPE},
        {"overflow", "impossible shape", {INT64_MAX, 2}, 2, CZ_ERR_SHAPE},
        {"wraps to 16 bytes", "impossible shape", {INT64_C(1) << 62, 4, 4}, 3, CZ_ERR_SHAPE},
        {"zero", "needs 0", {0, 2}, 2, CZ_ERR_FORMAT},
        {"too short", "16 bytes, float32 [2,3] needs 24", {2, 3}, 2, CZ_ERR_FORMAT},
        {"too long", "16 bytes, float32 [2,1] needs 8", {2, 1}, 2, CZ_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        must_refuse(
            shapes[i].what,
            make_model(8, 13, with_weight(make_tensor("w", F32, shapes[i].rank, shapes[i].dims, data, 16))),
            shapes[i].status, shapes[i].words);
    int64_t ones[65];
    for (int i = 0; i < 65; i++)
        ones[i] = 1;
    must_refuse("rank 65", make_model(8, 13, with_weight(make_tensor("w", F32, 65, ones, data, 4))),
                CZ_ERR_UNSUPPORTED, "65 dimensions");
    must_refuse("unknown type", make_model(8, 13, with_weight(make_tensor("w", 99, 2, square, data, 16))),
                CZ_ERR_UNSUPPORTED, "newer than ours (99)");
    must_refuse("string", make_model(8, 13, with_weight(make_tensor("w", STRING, 2, square, NULL, 0))),
                CZ_ERR_UNSUPPORTED, "type string");
    must_refuse("no values", make_model(8, 13, with_weight(make_tensor("w", F32, 2, square, NULL, 0))),
                CZ_ERR_FORMAT, "0 bytes, float32 [2,2] needs 16");
    struct msg t = make_tensor("w", F32, 2, square, data, 16);
    msg_bytes(&t, 4, data, 16);
    must_refuse("raw and list", make_model(8, 13, with_weight(t)), CZ_ERR_FORMAT, "values given twice");
    t = make_tensor("w", F32, 2, square, data, 16);
    msg_bytes(&t, 9, data, 16);
    must_refuse("raw twice", make_model(8, 13, with_weight(t)), CZ_ERR_FORMAT, "values given twice");
    must_refuse("list of the wrong kind", make_model(8, 13, with_weight(typed_tensor(F32, 5, "\1\1\1\1", 4))),
                CZ_ERR_FORMAT, "list of the wrong kind");
    t = typed_tensor(F32, 4, data, 16);
    msg_bytes(&t, 5, "\1", 1);
    must_refuse("lists of two kinds", make_model(8, 13, with_weight(t)), CZ_ERR_FORMAT,
                "values of two types");
    must_refuse("short list", make_model(8, 13, with_weight(typed_tensor(F32, 4, data, 12))), CZ_ERR_FORMAT,
                "3 values, float32 [2,2] needs 4");
    must_refuse("half a value", make_model(8, 13, with_weight(typed_tensor(F32, 4, data, 15))), CZ_ERR_FORMAT,
                "ends inside one");
    must_refuse("float16 of 17 bits",
                make_model(8, 13, with_weight(typed_tensor(F16, 5, "\1\1\1\x80\x80\4", 6))), CZ_ERR_FORMAT,
                "value 65536 is no float16");
}

static void refuses_bad_graphs(void **state)
{
    (void)state;
    struct msg g = graph_without(NO_NODE);
    msg_take(&g, NODE, make_node("Relu", "a", "u", "v"));
    msg_take(&g, NODE, make_node("Relu", "b", "v", "u"));
    msg_take(&g, NODE, make_node("Gemm", "fc", "x,w,b", "y"));
    must_refuse("cycle", make_model(8, 13, g), CZ_ERR_FORMAT, "'a' (Relu) and 'b' (Relu): in a cycle");
    g = plain_graph();
    msg_take(&g, NODE, make_node("Relu", "r", "z", "z"));
    must_refuse("own output", make_model(8, 13, g), CZ_ERR_FORMAT, "'r' (Relu): reads its own output");
    g = plain_graph();
    msg_take(&g, NODE, make_node("Relu", "r", "x", "y"));
    must_refuse("duplicate output", make_model(8, 13, g), CZ_ERR_FORMAT, "'r': output 'y' is defined twice");
    g = plain_graph();
    msg_take(&g, NODE, make_node("Relu", "r", "x", "w"));
    must_refuse("shadows an initializer", make_model(8, 13, g), CZ_ERR_FORMAT,
                "'r': output 'w' is defined twice");
    g = plain_graph();
    msg_take(&g, NODE, make_node("Relu", "r", "x", "x"));
    must_refuse("shadows an input", make_model(8, 13, g), CZ_ERR_FORMAT, "'r': output 'x' is defined twice");
    g = plain_graph();
    msg_take(&g, NODE, make_node("Relu", "r", "ghost", "z"));
    must_refuse("missing input", make_model(8, 13, g), CZ_ERR_FORMAT, "input 'ghost' comes from nowhere");
    g = plain_graph();
    msg_take(&g, OUTPUT, make_value("ghost", F32, 2, batch));
    must_refuse("output never produced", make_model(8, 13, g), CZ_ERR_FORMAT, "'ghost': produced by no node");
    g = plain_graph();
    msg_take(&g, OUTPUT, make_value("y", F32, 2, batch));
    must_refuse("output twice", make_model(8, 13, g), CZ_ERR_FORMAT, "'y': given twice");
    g = plain_graph();
    msg_take(&g, INITIALIZER, make_tensor("w", F32, 2, square, weights, 16));
    must_refuse("initializer twice", make_model(8, 13, g), CZ_ERR_FORMAT, "initializer 'w': defined twice");
    g = plain_graph();
    msg_take(&g, INPUT, make_value("x", F32, 2, batch));
    must_refuse("input twice", make_model(8, 13, g), CZ_ERR_FORMAT, "graph input 'x': defined twice");
    must_refuse("nothing inside", make_model(8, 13, (struct msg){0}), CZ_ERR_FORMAT, "the graph is empty");
    must_refuse("no outputs", make_model(8, 13, graph_without(NO_OUTPUT)), CZ_ERR_FORMAT, "no outputs");
    g = graph_without(NO_NODE | NO_OUTPUT);
    msg_take(&g, OUTPUT, make_value("x", F32, 2, batch));
    struct msg m = make_model(8, 13, g);
    cz_model_destroy(must_load(&m)); /* no nodes, the output is the input: allowed */
    msg_free(&m);
}

static void refuses_bad_versions(void **state)
{
    (void)state;
    struct msg m;
    must_refuse("IR 2", make_model(2, 13, plain_graph()), CZ_ERR_UNSUPPORTED, "IR version 2; 3 to 10");
    must_refuse("IR 0", make_model(0, 13, plain_graph()), CZ_ERR_FORMAT, "IR version 0");
    must_refuse("no opset", make_model(8, 0, plain_graph()), CZ_ERR_FORMAT, "no opset");
    must_refuse("opset -1", make_model(8, -1, plain_graph()), CZ_ERR_FORMAT, "opset -1 does not exist");
    must_refuse("opset 99999", make_model(8, 99999, plain_graph()), CZ_ERR_FORMAT,
                "opset 99999 does not exist");
    must_refuse("opset 500", make_model(8, 500, plain_graph()), CZ_ERR_UNSUPPORTED,
                "Gemm (1 node: fc; opset 500, ours");
    m = make_model(8, 13, plain_graph());
    msg_take(&m, 8, make_opset("ai.onnx", 12));
    must_refuse("two opsets", m, CZ_ERR_FORMAT, "opsets 13 and 12 at once");
    m = (struct msg){0};
    msg_int(&m, 1, 8);
    must_refuse("no graph", m, CZ_ERR_FORMAT, "no graph inside");
}

static void lists_everything_unsupported(void **state)
{
    (void)state;
    struct msg g = plain_graph(), node, attr = {0}, body = {0}, m;
    msg_take(&g, NODE, make_node("RoiAlign", "roi", "x,x,x", "r1"));
    msg_take(&g, NODE, make_node("NonMaxSuppression", "nms", "x,x", "n"));
    msg_take(&g, NODE, make_node("RoiAlign", "", "x,x,x", "roi_1"));
    node = make_node("FusedConv", "fc2", "x,w", "f");
    msg_text(&node, 7, "com.microsoft");
    msg_take(&g, NODE, node);
    msg_text(&attr, 1, "then_branch");
    msg_take(&attr, 6, body);
    msg_int(&attr, 20, 5);
    node = make_node("If", "branch", "x", "i");
    msg_take(&node, 5, attr);
    msg_take(&g, NODE, node);
    m = make_model(8, 13, g);
    struct cz_onnx_report *report;
    assert_int_equal(cz_onnx_load_memory(m.bytes, m.size, "net.onnx", NULL, NULL, NULL, &report, NULL),
                     CZ_ERR_UNSUPPORTED);
    assert_int_equal(report->n_unsupported, 5);
    assert_string_equal(report->unsupported[0].op, "RoiAlign");
    assert_string_equal(report->unsupported[2].node, "roi_1");
    assert_string_equal(report->unsupported[3].op, "com.microsoft.FusedConv");
    cz_onnx_report_destroy(report);
    must_refuse("all at once", m, CZ_ERR_UNSUPPORTED,
                "4 operators unsupported: RoiAlign (2 nodes: roi, roi_1), NonMaxSuppression (1 node: nms), "
                "com.microsoft.FusedConv (1 node: fc2), If (1 node: branch; control flow (sub-graphs)); "
                "`convzoo info --ops` lists ours");
}

/* The line keeps its remedy however long names are, and never more than 511 bytes. */
static void shortens_the_list(void **state)
{
    (void)state;
    struct msg g = plain_graph();
    char name[128], out[32];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "/a/rather/long/path/of/modules/as/exporters/write/them/number.%d/node",
                 i);
        snprintf(out, sizeof out, "o%d", i);
        char op[32];
        snprintf(op, sizeof op, "Unheard%d", i % 7);
        msg_take(&g, NODE, make_node(op, name, "x", out));
    }
    must_refuse("long list", make_model(8, 13, g), CZ_ERR_UNSUPPORTED,
                "(+2 more, -v); `convzoo info --ops` lists ours");
}

static void refuses_rare_inputs(void **state)
{
    (void)state;
    struct msg g = graph_without(NO_INPUT), value = {0}, type = {0};
    msg_take(&type, 4, (struct msg){0});
    msg_text(&value, 1, "x");
    msg_take(&value, 2, type);
    msg_take(&g, INPUT, value);
    must_refuse("sequence", make_model(8, 13, g), CZ_ERR_UNSUPPORTED,
                "input 'x': type sequence is not supported");
    g = graph_without(NO_INPUT);
    msg_take(&g, INPUT, make_value("x", U16, 2, batch));
    must_refuse("uint16", make_model(8, 13, g), CZ_ERR_UNSUPPORTED,
                "input 'x': type uint16 is not supported");
    g = plain_graph();
    struct msg sparse = {0};
    msg_take(&g, 15, sparse);
    must_refuse("sparse", make_model(8, 13, g), CZ_ERR_UNSUPPORTED, "1 sparse initializer");
}

static void reads_tensor_files(void **state)
{
    (void)state;
    static const uint16_t half[] = {0x3C00, 0xC000};
    struct msg m = make_tensor("t", F16, 1, row, half, sizeof half);
    cz_tensor t;
    cz_error err = {0};
    assert_int_equal(cz_onnx_tensor_parse(m.bytes, m.size, "t.pb", &t, &err), CZ_OK);
    assert_int_equal(t.dtype, CZ_F16); /* as stored: `run` decides what to make of it */
    assert_true(cz_tensor_double(&t, 1) == -2);
    free(t.data);
    for (size_t n = 0; n < m.size; n++) {
        unsigned char *cut = malloc(n + 1);
        memcpy(cut, m.bytes, n);
        assert_int_not_equal(cz_onnx_tensor_parse(cut, n, "t.pb", &t, &err), CZ_OK);
        assert_memory_equal(err.message, "t.pb: ", 6);
        free(cut);
    }
    msg_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_the_plain_form),
        cmocka_unit_test(loads_inputs_that_are_initializers),
        cmocka_unit_test(counts_unknown_fields),
        cmocka_unit_test(loads_unsorted_nodes),
        cmocka_unit_test(sorts_a_long_chain),
        cmocka_unit_test(reads_every_kind_of_values),
        cmocka_unit_test(keeps_the_types_of_constants),
        cmocka_unit_test(computes_other_floats_in_float32),
        cmocka_unit_test(gives_parameters_roles_and_names),
        cmocka_unit_test(keeps_constant_outputs),
        cmocka_unit_test(reads_metadata_and_info),
        cmocka_unit_test(names_what_a_file_is_instead),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_broken_wire),
        cmocka_unit_test(refuses_bad_names),
        cmocka_unit_test(refuses_deep_nesting),
        cmocka_unit_test(refuses_amplification),
        cmocka_unit_test(refuses_bad_tensors),
        cmocka_unit_test(refuses_bad_graphs),
        cmocka_unit_test(refuses_bad_versions),
        cmocka_unit_test(lists_everything_unsupported),
        cmocka_unit_test(shortens_the_list),
        cmocka_unit_test(refuses_rare_inputs),
        cmocka_unit_test(reads_tensor_files),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cz_runtime_destroy(runtime());
    return failed;
}
