/*
 * Real networks as five exporters write them, against outputs that ONNX Runtime computed from the same files;
 * and files that must be refused with everything that is missing.
 */
#include "importer/importer.h"
#include "importer/npy.h"
#include "tests/importer/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Bounds, of the largest output: float32 differs in the order of sums, a few 1e-6 through 50 layers; 1e-4
 * would already hide no wrong operator. float16 files: the reference rounds every activation to 11 bits, we
 * only the weights and the ends. Dynamic int8: whole sums and one-step roundings leave no difference but in
 * the means before the classifier; a single code that falls to the other side of a half would show as 1e-3.
 */
static const struct network {
    const char *file, *input, *output;
    double bound;
    int classes;
} networks[] = {
    {"models/SqueezeNet_fp16.onnx", "squeezenet11_fp16_input", "squeezenet11_fp16_output", 2e-3, 1000},
    {"models/squeezenet11_caffe2_f32.onnx", "squeezenet11_caffe2_f32_input", "squeezenet11_caffe2_f32_output",
     1e-4, 1000},
    {"models/squeezenet11_mxnet.onnx", "squeezenet11_mxnet_input", "squeezenet11_mxnet_output", 1e-4, 1000},
    {"models/mobilenetv2_torch_op12.onnx", "mobilenetv2_torch_op12_input", "mobilenetv2_torch_op12_output",
     1e-4, 1000},
    {"models/mobilenetv2_torch_op18_ext/mobilenet_v2_fp32.onnx", "mobilenetv2_torch_op18_input",
     "mobilenetv2_torch_op18_output", 1e-4, 1000},
    {"models/mobilenetv1_075_keras.onnx", "mobilenetv1_075_keras_input", "mobilenetv1_075_keras_output", 1e-4,
     1000},
    {"models/mobilenetv2_op12_dynint8.onnx", "mobilenetv2_op12_dynint8_input",
     "mobilenetv2_op12_dynint8_output", 1e-4, 1000},
    /* Static codes amplify where a sum rounds: ONNX Runtime itself moves by 8 % of the largest when the
     * scales move by one unit in the last place (compare_quantized.py measures both). */
    {"models/mobilenetv2-12-qdq.onnx", "mobilenetv2_qdq_input", "mobilenetv2_qdq_output", 0.1, 1000},
    {"models/resnet50v2_trunk.onnx", "squeezenet11_mxnet_input", "resnet50v2_trunk_output", 1e-4, 1024},
};

static cz_tensor read_npy(const char *name)
{
    char path[256];
    cz_tensor t;
    cz_error err = {0};
    snprintf(path, sizeof path, "tensors/%s.npy", name);
    if (cz_npy_read(data_file(path), &t, &err) != CZ_OK)
        fail_msg("%s", err.message);
    return t;
}

static void gives_reference_outputs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        const struct network *n = &networks[i];
        cz_tensor input = read_npy(n->input), want = read_npy(n->output);
        cz_model *model = load_model(data_file(n->file));
        cz_tensor got = run_model(model, &input);
        double d = distance(&got, &want);
        cz_model_info info;
        cz_model_get_info(model, &info);
        printf("%-60s %.1e of at most %.0e\n", n->file, d, n->bound);
        if (!(d <= n->bound))
            fail_msg("%s: output differs by %g of the largest", n->file, d);
        assert_int_equal(info.n_classes, n->classes);
        assert_int_equal(info.in_c, 3);
        assert_int_equal(info.in_h, 224);
        free(input.data);
        free(want.data);
        free(got.data);
        cz_model_destroy(model);
    }
}

/* ONNX Runtime differs from these pairs by 0.0035 itself; outputs are in the thousands. */
static void gives_mnist_pairs(void **state)
{
    (void)state;
    cz_model *model = load_model(data_file("models/mnist-8/model.onnx"));
    for (int i = 0; i < 3; i++) {
        char name[128];
        cz_tensor input, want;
        snprintf(name, sizeof name, "models/mnist-8/test_data_set_%d/input_0.pb", i);
        assert_int_equal(cz_onnx_tensor_read(data_file(name), &input, NULL), CZ_OK);
        snprintf(name, sizeof name, "models/mnist-8/test_data_set_%d/output_0.pb", i);
        assert_int_equal(cz_onnx_tensor_read(data_file(name), &want, NULL), CZ_OK);
        cz_tensor got = run_model(model, &input);
        for (int k = 0; k < 10; k++)
            if (!(cz_tensor_double(&got, k) - cz_tensor_double(&want, k) < 0.004 &&
                  cz_tensor_double(&want, k) - cz_tensor_double(&got, k) < 0.004))
                fail_msg("pair %d, class %d: %g, wanted %g", i, k, cz_tensor_double(&got, k),
                         cz_tensor_double(&want, k));
        free(input.data);
        free(want.data);
        free(got.data);
    }
    cz_model_destroy(model);
}

/*
 * ONNX's own light graphs: real topologies of old exporters whose weights are ConstantOfShape nodes. The
 * input is x[i] = i / count. Most answers are 0.001 everywhere, so this proves shapes and operators; numbers
 * are proved by compare_light.py. Bound: outputs near 1e-3 in float32, of the largest.
 */
static const char *const light[] = {"bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50",
                                    "shufflenet",   "squeezenet",  "vgg19",        "zfnet512"};

static void gives_light_outputs(void **state)
{
    (void)state;
    enum { COUNT = 3 * 224 * 224 };
    float *values = malloc(COUNT * sizeof *values);
    for (int i = 0; i < COUNT; i++)
        values[i] = (float)i / (float)COUNT;
    cz_tensor input = {values, CZ_F32, 4, {1, 3, 224, 224}}, want;
    for (size_t i = 0; i < sizeof light / sizeof *light; i++) {
        char name[128];
        snprintf(name, sizeof name, "light/light_%s.onnx", light[i]);
        cz_model *model = load_model(data_file(name));
        snprintf(name, sizeof name, "light/light_%s_output_0.pb", light[i]);
        assert_int_equal(cz_onnx_tensor_read(data_file(name), &want, NULL), CZ_OK);
        cz_tensor got = run_model(model, &input);
        double d = distance(&got, &want);
        printf("light_%-20s %.1e\n", light[i], d);
        if (!(d <= 1e-5))
            fail_msg("light_%s: output differs by %g of the largest", light[i], d);
        free(want.data);
        free(got.data);
        cz_model_destroy(model);
    }
    free(values);
}

static const struct refused {
    const char *file;
    const char *words; /* of the message */
    const struct {
        const char *op;
        int count;
    } ops[5];
} refused[] = {
    {"models/odd/squeezenet_custom_op_fp16.onnx",
     "1 operator unsupported: Debug (67 nodes: ",
     {{"Debug", 67}}},
};

static void check_refusal(const struct refused *r)
{
    struct cz_graph *graph = NULL;
    struct cz_onnx_report *report = NULL;
    cz_error err = {0};
    int wanted = 0;
    assert_int_equal(cz_onnx_load(data_file(r->file), NULL, &graph, &report, &err), CZ_ERR_UNSUPPORTED);
    assert_null(graph);
    assert_non_null(report);
    printf("%s\n", err.message);
    if (!strstr(err.message, r->words) || !strstr(err.message, "; `convzoo info --ops` lists ours"))
        fail_msg("wanted '%s', got: %s", r->words, err.message);
    for (int k = 0; k < 5 && r->ops[k].op; k++) {
        wanted += r->ops[k].count;
        for (int i = 0; i < report->n_ops; i++)
            if (strcmp(report->ops[i].op, r->ops[k].op) == 0) {
                assert_int_equal(report->ops[i].n_nodes, r->ops[k].count);
                assert_int_equal(report->ops[i].n_unsupported, r->ops[k].count);
            }
        assert_non_null(strstr(err.message, r->ops[k].op));
    }
    assert_int_equal(report->n_unsupported, wanted);
    for (int i = 0; i < report->n_unsupported; i++)
        assert_true(report->unsupported[i].node[0] && report->unsupported[i].reason[0]);
    cz_onnx_report_destroy(report);
}

static void refuses_with_the_full_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check_refusal(&refused[i]);
}

/* The graph can be looked at, only running needs the file that is missing. */
static void names_missing_external_data(void **state)
{
    (void)state;
    struct cz_graph *graph = NULL;
    struct cz_onnx_report *report = NULL;
    cz_error err = {0};
    const char *path = data_file("models/graphs/resnet18_torch211_a.onnx");
    assert_int_equal(cz_onnx_load(path, NULL, NULL, &report, &err), CZ_OK);
    assert_true(report->external_bytes > 40000000);
    cz_onnx_report_destroy(report);
    assert_int_equal(cz_onnx_load(path, NULL, &graph, NULL, &err), CZ_ERR_IO);
    printf("%s\n", err.message);
    assert_non_null(strstr(err.message, "no such file; it belongs beside the model"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_reference_outputs),     cmocka_unit_test(gives_mnist_pairs),
        cmocka_unit_test(gives_light_outputs),         cmocka_unit_test(refuses_with_the_full_list),
        cmocka_unit_test(names_missing_external_data),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cz_runtime_destroy(getenv("CONVZOO_TEST_DATA") ? runtime() : NULL);
    return failed;
}
