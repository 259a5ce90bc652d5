/*
 * Opsets: whatever opset a network is written in, it computes the same bits when it is read again; a form
 * without equal is refused by its node's name.
 *
 * That the files mean the same to other programs, compare_export.py asks ONNX Runtime.
 */
#include "importer/importer.h"
#include "importer/onnx_convert.h"
#include "importer/onnx_export.h"
#include "support.h"
#include "zoo/zoo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Values in [-1, 1) for every element of the first input, batch 1. */
static cz_tensor any_input(const struct cz_graph *g)
{
    const struct cz_value *v = &g->values[g->inputs[0]];
    struct cz_shape shape = v->shape;
    uint32_t state = 12345;
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0)
            shape.dim[i] = i == 0 ? 1 : 64;
    shape.dtype = CZ_F32;
    int64_t n = cz_shape_count(&shape);
    float *data = malloc((size_t)n * sizeof *data);
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = (float)(state >> 8) / (float)(1 << 23) - 1;
    }
    return cz_tensor_view(data, &shape);
}

static void same_bits(struct cz_graph *a, struct cz_graph *b, const char *what, int opset)
{
    cz_tensor x = any_input(a), ya = run_model(a, &x), yb = run_model(b, &x);
    struct cz_shape sa = cz_tensor_shape(&ya), sb = cz_tensor_shape(&yb);
    if (!cz_shape_equal(&sa, &sb) || memcmp(ya.data, yb.data, cz_shape_bytes(&sa)) != 0)
        fail_msg("%s at opset %d: other bits, distance %g", what, opset, distance(&yb, &ya));
    free(x.data);
    free(ya.data);
    free(yb.data);
}

static void every_opset(struct cz_graph *g, const char *what)
{
    char path[] = "/tmp/convzoo-convert-XXXXXX";
    cz_error err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (int opset = CZ_EXPORT_OPSET_MIN; opset <= CZ_EXPORT_OPSET_MAX; opset++) {
        struct cz_graph *again = NULL;
        if (cz_onnx_export_as(g, path, &(struct cz_onnx_export_options){.opset = opset}, &err) != CZ_OK ||
            cz_onnx_load(path, NULL, &again, NULL, &err) != CZ_OK)
            fail_msg("%s at opset %d: %s", what, opset, err.message);
        assert_int_equal(again->opset, opset);
        if (opset == 13 || opset == 18 || opset == 21) /* between those no operator changes its form */
            same_bits(g, again, what, opset);
        cz_graph_release(again);
    }
    unlink(path);
}

static void zoo_networks(void **state)
{
    static const char *const names[] = {"lenet5", "resnet20", "squeezenet1_1", "mobilenet_v2"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct cz_graph *g;
        cz_error err = {0};
        struct cz_zoo_options options = {
            .side_px = i < 2 ? 0 : 64, .n_classes = 10, .init = {CZ_INIT_GOLDEN, 1}};
        if (cz_zoo_build(names[i], &options, &g, &err) != CZ_OK)
            fail_msg("%s", err.message);
        every_opset(g, names[i]);
        cz_graph_release(g);
    }
}

/* Opsets 7, 11, 12 and 18 of four exporters: Clip's attributes, Unsqueeze, Softmax over [N,1000,1,1],
 * ReduceMean. */
static void files(void **state)
{
    static const char *const names[] = {
        "models/squeezenet11_caffe2_f32.onnx", "models/mobilenetv1_075_keras.onnx",
        "models/mobilenetv2_torch_op12.onnx", "models/mobilenetv2_torch_op18_ext/mobilenet_v2_fp32.onnx"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cz_model *g = load_model(data_file(names[i]));
        every_opset(g, names[i]);
        cz_graph_release(g);
    }
}

/* One node at `opset` with one float input of 2 x 3 x 4, and an attribute or two. */
static struct cz_graph *one_node(int opset, const char *op, const struct cz_attr *attrs, int n, int n_out)
{
    struct cz_graph *g;
    struct cz_shape shape = cz_shape_of(CZ_F32, 3, (int64_t)2, (int64_t)3, (int64_t)4);
    cz_error err = {0};
    int in, out[4];
    static const char *const names[] = {"y0", "y1", "y2", "y3"};
    assert_int_equal(cz_graph_create(opset, &g, &err), CZ_OK);
    struct cz_attr_list list = {cz_arena_memdup(g->arena, attrs, (size_t)n * sizeof *attrs), n};
    assert_int_equal(cz_graph_add_input(g, "x", &shape, &in, &err), CZ_OK);
    if (cz_graph_add_node(g, op, "node", &list, &in, 1, names, n_out, out, &err) != CZ_OK)
        fail_msg("%s: %s", op, err.message);
    for (int i = 0; i < n_out; i++)
        assert_int_equal(cz_graph_add_output(g, out[i], &err), CZ_OK);
    return g;
}

static void single_nodes(void **state)
{
    static const int64_t axes[] = {1}, pads[] = {0, 1, 0, 0, 0, 2}, starts[] = {1}, ends[] = {3},
                         parts[] = {1, 2};
    static const struct {
        int opset;
        const char *op;
        struct cz_attr attrs[3];
        int n_attrs, n_out;
    } cases[] = {
        {10, "Clip", {{"min", CZ_ATTR_FLOAT, .f = -0.5f}, {"max", CZ_ATTR_FLOAT, .f = 0.25f}}, 2, 1},
        {10, "Clip", {{"max", CZ_ATTR_FLOAT, .f = 0.25f}}, 1, 1},
        {7, "Dropout", {{"ratio", CZ_ATTR_FLOAT, .f = 0.3f}}, 1, 1},
        {11, "Unsqueeze", {{"axes", CZ_ATTR_INTS, .n = 1, .ints = axes}}, 1, 1},
        {11, "ReduceSum", {{"axes", CZ_ATTR_INTS, .n = 1, .ints = axes}}, 1, 1},
        {17,
         "ReduceMax",
         {{"axes", CZ_ATTR_INTS, .n = 1, .ints = axes}, {"keepdims", CZ_ATTR_INT, .i = 0}},
         2,
         1},
        {10, "Pad", {{"pads", CZ_ATTR_INTS, .n = 6, .ints = pads}, {"value", CZ_ATTR_FLOAT, .f = 3}}, 2, 1},
        {10,
         "Pad",
         {{"pads", CZ_ATTR_INTS, .n = 6, .ints = pads}, {"mode", CZ_ATTR_STRING, .s = "edge"}},
         2,
         1},
        {9,
         "Slice",
         {{"starts", CZ_ATTR_INTS, .n = 1, .ints = starts},
          {"ends", CZ_ATTR_INTS, .n = 1, .ints = ends},
          {"axes", CZ_ATTR_INTS, .n = 1, .ints = axes}},
         3,
         1},
        {11, "Split", {{"axis", CZ_ATTR_INT, .i = 1}, {"split", CZ_ATTR_INTS, .n = 2, .ints = parts}}, 2, 2},
        {18, "Split", {{"axis", CZ_ATTR_INT, .i = 1}, {"num_outputs", CZ_ATTR_INT, .i = 2}}, 2, 2},
        {17, "Split", {{"axis", CZ_ATTR_INT, .i = 2}}, 1, 2},
        {11, "Softmax", {{"axis", CZ_ATTR_INT, .i = 2}}, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_graph *g =
            one_node(cases[i].opset, cases[i].op, cases[i].attrs, cases[i].n_attrs, cases[i].n_out);
        every_opset(g, cases[i].op);
        cz_graph_release(g);
    }
}

static void what_has_no_equal(void **state)
{
    static const struct {
        int opset, to;
        const char *op;
        struct cz_attr attrs[1];
        int n_attrs;
        const char *words;
    } cases[] = {
        {11,
         13,
         "Softmax",
         {{"axis", CZ_ATTR_INT, .i = 1}},
         1,
         "node 'node' (Softmax): the sum over several axes"},
        {20, 17, "Gelu", {{0}}, 0, "Gelu"},
        {17, 12, "Relu", {{0}}, 0, "13 to 21 are written"},
        {17, 22, "Relu", {{0}}, 0, "13 to 21 are written"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_graph *g = one_node(cases[i].opset, cases[i].op, cases[i].attrs, cases[i].n_attrs, 1), *out;
        cz_error err = {0};
        cz_status status = onnx_convert(g, cases[i].to, &out, &err);
        if (status == CZ_OK || !strstr(err.message, cases[i].words))
            fail_msg("%s: wanted '%s', got %s", cases[i].op, cases[i].words,
                     status ? err.message : "a graph");
        cz_graph_release(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zoo_networks),
        cmocka_unit_test(single_nodes),
        cmocka_unit_test(what_has_no_equal),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
