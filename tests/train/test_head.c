/*
 * Finding and exchanging classifiers: graphs by hand for every form, all networks of the zoo, and files of
 * five exporters.
 */
#include "base/math.h"
#include "engine/plan.h"
#include "finetune/graph_hash.h"
#include "finetune/head.h"
#include "importer/importer.h"
#include "zoo/zoo.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void check(cz_status status, const cz_error *err)
{
    if (status != CZ_OK)
        fail_msg("%s: %s", cz_status_name(status), err->message);
}

static struct cz_infer *shapes_of(const struct cz_graph *g, int64_t batch)
{
    struct cz_infer *infer;
    cz_error err;
    check(cz_infer_create(g, NULL, 0, batch, 0, &infer, &err), &err);
    return infer;
}

/* Graphs by hand: an input [N,4,3,3] and a few words. */
struct draft {
    struct cz_graph *g;
    int value;
};

static struct draft start_at(int opset)
{
    struct draft d;
    const struct cz_shape s = cz_shape_of(CZ_F32, 4, INT64_C(-1), INT64_C(4), INT64_C(3), INT64_C(3));
    assert_int_equal(cz_graph_create(opset, &d.g, NULL), CZ_OK);
    assert_int_equal(cz_graph_add_input(d.g, "x", &s, &d.value, NULL), CZ_OK);
    return d;
}

static struct draft start(void)
{
    return start_at(17);
}

static int weight(struct draft *d, const char *name, int rank, int64_t a, int64_t b, int64_t h)
{
    struct cz_shape s = cz_shape_of(CZ_F32, 4, a, b, h, h);
    int v;
    s.rank = rank;
    assert_int_equal(cz_graph_add_param(d->g, name, CZ_WEIGHT, &s, NULL, &v, NULL), CZ_OK);
    struct cz_param *p = &d->g->params.items[d->g->params.count - 1];
    assert_int_equal(cz_param_allocate(p, NULL), CZ_OK);
    for (int64_t i = 0; i < cz_shape_count(&s); i++)
        ((float *)p->value.data)[i] = (float)(i % 7) - 3;
    return v;
}

static void node(struct draft *d, const char *op, const char *name, int second)
{
    char out[64];
    const char *outs[] = {out};
    snprintf(out, sizeof out, "%s:0", name);
    const int in[2] = {d->value, second};
    cz_error err;
    check(cz_graph_add_node(d->g, op, name, NULL, in, second < 0 ? 1 : 2, outs, 1, &d->value, &err), &err);
}

static struct cz_head_site find(const struct draft *d, const char *name, cz_status want, const char *message)
{
    struct cz_head_site site = {0};
    cz_error err = {0};
    if (d->g->n_outputs == 0)
        assert_int_equal(cz_graph_add_output(d->g, d->value, NULL), CZ_OK);
    struct cz_infer *infer = shapes_of(d->g, 2);
    const cz_status status = cz_head_find(d->g, infer, name, &site, &err);
    cz_infer_destroy(infer);
    if (status != want || !strstr(err.message, message))
        fail_msg("status %d, message '%s', wanted %d and '%s'", status, err.message, want, message);
    return site;
}

static void expect_site(const struct draft *d, struct cz_head_site site, const char *name,
                        const char *features, int n_features, int average, int64_t n_old)
{
    assert_string_equal(site.node < 0 ? "-" : d->g->nodes[site.node].name, name);
    assert_string_equal(d->g->values[site.features].name, features);
    assert_int_equal(site.n_features, n_features);
    assert_int_equal(site.average, average);
    assert_int_equal(site.n_old_classes, n_old);
}

static void matmul_with_a_bias(void **state)
{
    (void)state;
    struct draft d = start();
    node(&d, "GlobalAveragePool", "pool", -1);
    node(&d, "Flatten", "flat", -1);
    node(&d, "MatMul", "fc", weight(&d, "w", 2, 4, 10, 0));
    node(&d, "Add", "bias", weight(&d, "b", 1, 10, 0, 0));
    node(&d, "Softmax", "prob", -1);
    expect_site(&d, find(&d, NULL, CZ_OK, ""), "fc", "flat:0", 4, 0, 10);
    cz_graph_release(d.g);
}

static void convolution_before_pooling(void **state)
{
    (void)state;
    struct draft d = start();
    node(&d, "Dropout", "drop", -1);
    node(&d, "Conv", "conv10", weight(&d, "w", 4, 10, 4, 1));
    node(&d, "Relu", "relu", -1);
    node(&d, "GlobalAveragePool", "pool", -1);
    node(&d, "Softmax", "prob", -1);
    expect_site(&d, find(&d, NULL, CZ_OK, ""), "conv10", "drop:0", 4, 1, 10);
    cz_graph_release(d.g);
}

static void convolution_behind_pooling(void **state)
{
    (void)state;
    struct draft d = start();
    node(&d, "GlobalAveragePool", "pool", -1);
    node(&d, "Conv", "preds", weight(&d, "w", 4, 10, 4, 1));
    node(&d, "Flatten", "flat", -1);
    const struct cz_head_site site = find(&d, NULL, CZ_OK, "");
    expect_site(&d, site, "preds", "pool:0", 4, 0, 10);
    assert_int_equal(site.flatten, 1);
    cz_graph_release(d.g);
}

/* A bottleneck's last 1x1 convolution, its residual Add, Relu and pooling: no classifier, a feature vector.
 */
static void a_residual_end_is_a_feature_vector(void **state)
{
    (void)state;
    struct draft d = start();
    const int shortcut = d.value;
    node(&d, "Conv", "conv3", weight(&d, "w", 4, 4, 4, 1));
    node(&d, "Add", "plus", shortcut);
    node(&d, "Relu", "relu", -1);
    node(&d, "GlobalAveragePool", "pool", -1);
    node(&d, "Flatten", "flat", -1);
    expect_site(&d, find(&d, NULL, CZ_OK, ""), "-", "flat:0", 4, 0, -1);
    cz_graph_release(d.g);
}

static void a_map_is_averaged(void **state)
{
    (void)state;
    struct draft d = start();
    node(&d, "Conv", "conv", weight(&d, "w", 4, 5, 4, 3));
    node(&d, "Relu", "relu", -1);
    const struct cz_head_site site = find(&d, NULL, CZ_OK, "");
    expect_site(&d, site, "-", "relu:0", 5, 0, -1); /* 3x3 on 3x3: one pixel already */
    cz_graph_release(d.g);
    d = start();
    node(&d, "Relu", "relu", -1);
    expect_site(&d, find(&d, NULL, CZ_OK, ""), "-", "relu:0", 4, 1, -1);
    cz_graph_release(d.g);
}

/* The hidden layer of a two-layer classifier is not taken, but can be named. */
static void the_last_of_two_layers(void **state)
{
    (void)state;
    struct draft d = start();
    node(&d, "Flatten", "flat", -1);
    node(&d, "MatMul", "fc1", weight(&d, "w1", 2, 36, 8, 0));
    node(&d, "Relu", "relu", -1);
    node(&d, "MatMul", "fc2", weight(&d, "w2", 2, 8, 3, 0));
    expect_site(&d, find(&d, NULL, CZ_OK, ""), "fc2", "relu:0", 8, 0, 3);
    expect_site(&d, find(&d, "fc1", CZ_OK, ""), "fc1", "flat:0", 36, 0, 8);
    find(&d, "relu", CZ_ERR_ARGUMENT,
         "--head relu: is a Relu, no classifier; the network ends in 'fc2' (MatMul)");
    find(&d, "fc3", CZ_ERR_ARGUMENT, "--head fc3: no such node");
    cz_graph_release(d.g);
}

static void several_classifiers_are_listed(void **state)
{
    (void)state;
    struct draft d = start();
    node(&d, "Flatten", "flat", -1);
    const int features = d.value;
    node(&d, "MatMul", "main", weight(&d, "w1", 2, 36, 8, 0));
    assert_int_equal(cz_graph_add_output(d.g, d.value, NULL), CZ_OK);
    d.value = features;
    node(&d, "MatMul", "aux", weight(&d, "w2", 2, 36, 8, 0));
    assert_int_equal(cz_graph_add_output(d.g, d.value, NULL), CZ_OK);
    find(&d, NULL, CZ_ERR_ARGUMENT, "2 classifiers: 'main' (MatMul), 'aux' (MatMul); say which with --head");
    expect_site(&d, find(&d, "aux", CZ_OK, ""), "aux", "flat:0", 36, 0, 8);
    d.g->head = "main"; /* what the zoo's builder knows */
    expect_site(&d, find(&d, NULL, CZ_OK, ""), "main", "flat:0", 36, 0, 8);
    cz_graph_release(d.g);
}

static void a_softmax_without_classifier_is_refused(void **state)
{
    (void)state;
    struct draft d = start();
    node(&d, "Flatten", "flat", -1);
    node(&d, "Sigmoid", "gate", -1);
    node(&d, "Softmax", "prob", -1);
    find(&d, NULL, CZ_ERR_UNSUPPORTED, "name the classifier with --head");
    cz_graph_release(d.g);
}

/* One image through a graph; out has room. */
static void run(struct cz_runtime *rt, struct cz_graph *g, const cz_tensor *in, float *out, int64_t n)
{
    cz_plan *plan;
    cz_session *session;
    cz_error err;
    cz_tensor result = {0};
    cz_input_shape shape = {g->values[g->inputs[0]].name, in->rank, {0}};
    memcpy(shape.dim, in->dim, sizeof in->dim);
    const cz_plan_options options = {
        .struct_size = sizeof options, .batch = in->dim[0], .inputs = &shape, .n_inputs = 1};
    check(cz_plan_create(rt, g, &options, &plan, &err), &err);
    check(cz_session_create(plan, &session, &err), &err);
    check(cz_session_run(session, in, 1, &result, 1, &err), &err);
    assert_int_equal(cz_shape_count(&(struct cz_shape){CZ_F32, result.rank, {result.dim[0], result.dim[1]}}),
                     n);
    memcpy(out, result.data, (size_t)n * sizeof *out);
    cz_session_destroy(session);
    cz_plan_destroy(plan);
}

enum { NEW_CLASSES = 3, IMAGES = 2 };

static struct cz_linear some_head(int n_features)
{
    struct cz_linear h = {n_features, NEW_CLASSES,
                          malloc(sizeof(double) * (size_t)(NEW_CLASSES * n_features)),
                          calloc(NEW_CLASSES, sizeof(double))};
    for (int i = 0; i < NEW_CLASSES * n_features; i++)
        h.weight[i] = (i * 37 % 101 - 50) / 50.0;
    h.bias[1] = 0.5;
    return h;
}

/* ONNX before opset 7: a Gemm's bias is a whole matrix unless `broadcast` says otherwise. */
static void an_old_opset_is_told_to_broadcast(void **state)
{
    (void)state;
    for (int opset = 6; opset <= 7; opset++) {
        struct draft d = start_at(opset);
        struct cz_graph *whole;
        cz_error err;
        node(&d, "Flatten", "flat", -1);
        const struct cz_head_site site = find(&d, NULL, CZ_OK, "");
        struct cz_linear h = some_head(site.n_features);
        check(cz_head_attach(d.g, &site, &h, &whole, &err), &err);
        const struct cz_node *gemm = &whole->nodes[whole->n_nodes - 1];
        assert_string_equal(gemm->op->name, "Gemm");
        assert_int_equal(cz_attr_int(&gemm->attributes, "broadcast", 0), opset < 7);
        free(h.weight);
        free(h.bias);
        cz_graph_release(whole);
        cz_graph_release(d.g);
    }
}

/*
 * The exchanged network gives, bit for bit, what the head alone gives of the trunk's features: stored
 * features stand for the network. Against double sums the error of float32 dot products is bounded as gamma_n
 * |w| |x|.
 */
static void check_exchange(struct cz_runtime *rt, struct cz_graph *g, const struct cz_head_site *site,
                           const cz_tensor *images, const char *what)
{
    struct cz_graph *trunk, *whole, *alone;
    cz_error err;
    struct cz_linear h = some_head(site->n_features);
    check(cz_head_trunk(g, site, &trunk, &err), &err);
    check(cz_head_attach(g, site, &h, &whole, &err), &err);
    check(cz_head_alone(&h, &alone, &err), &err);
    const size_t n = (size_t)site->n_features;
    float *x = malloc(IMAGES * n * sizeof *x), a[IMAGES * NEW_CLASSES], b[IMAGES * NEW_CLASSES];
    run(rt, trunk, images, x, (int64_t)(IMAGES * n));
    run(rt, whole, images, a, IMAGES * NEW_CLASSES);
    const cz_tensor features = {x, CZ_F32, 2, {IMAGES, site->n_features}};
    run(rt, alone, &features, b, IMAGES * NEW_CLASSES);
    if (memcmp(a, b, sizeof a) != 0)
        fail_msg("%s: whole network %.9g, head on its features %.9g", what, a[0], b[0]);
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < NEW_CLASSES; k++) {
            double sum = h.bias[k], size = fabs(h.bias[k]);
            for (size_t c = 0; c < n; c++) {
                sum += h.weight[(size_t)k * n + c] * x[(size_t)i * n + c];
                size += fabs(h.weight[(size_t)k * n + c] * x[(size_t)i * n + c]);
            }
            const double bound = ((double)n + 2) * 0x1p-24 * size;
            if (!(fabs(a[i * NEW_CLASSES + k] - sum) <= bound))
                fail_msg("%s: logit %.9g, wanted %.9g within %g", what, a[i * NEW_CLASSES + k], sum, bound);
        }
    assert_int_equal(whole->info.n_classes, NEW_CLASSES);
    assert_non_null(whole->head);
    char before[CZ_SHA256_HEX], after[CZ_SHA256_HEX];
    int n_before, n_after;
    check(cz_graph_params_hash(g, trunk, before, &n_before, NULL, &err), &err);
    check(cz_graph_params_hash(whole, trunk, after, &n_after, NULL, &err), &err);
    assert_string_equal(before, after);
    assert_int_equal(n_before, n_after);
    free(x);
    free(h.weight);
    free(h.bias);
    cz_graph_release(trunk);
    cz_graph_release(whole);
    cz_graph_release(alone);
}

static cz_tensor make_images(const struct cz_shape *shape)
{
    const int64_t n = cz_shape_count(shape);
    float *data = malloc((size_t)n * sizeof *data);
    for (int64_t i = 0; i < n; i++)
        data[i] = (float)(i * 2654435761u % 1000) / 500 - 1;
    return cz_tensor_view(data, shape);
}

static void forms_compute_the_same(void **state)
{
    (void)state;
    struct cz_runtime *rt;
    const cz_runtime_options options = {.struct_size = sizeof options, .n_threads = 2};
    assert_int_equal(cz_runtime_create(&options, &rt, NULL), CZ_OK);
    struct cz_shape shape = cz_shape_of(CZ_F32, 4, (int64_t)IMAGES, INT64_C(4), INT64_C(3), INT64_C(3));
    cz_tensor images = make_images(&shape);
    for (int form = 0; form < 3; form++) {
        struct draft d = start();
        if (form == 0) {
            node(&d, "Conv", "conv10", weight(&d, "w", 4, 10, 4, 1));
            node(&d, "GlobalAveragePool", "pool", -1);
        } else if (form == 1) {
            node(&d, "Flatten", "flat", -1);
            node(&d, "MatMul", "fc", weight(&d, "w", 2, 36, 8, 0));
        } else {
            node(&d, "Conv", "conv", weight(&d, "w", 4, 20, 4, 3));
            node(&d, "Relu", "logits", -1);
        }
        const struct cz_head_site site = find(&d, NULL, CZ_OK, "");
        check_exchange(rt, d.g, &site, &images, "form");
        cz_graph_release(d.g);
    }
    free(images.data);
    cz_runtime_destroy(rt);
}

/* Every network of the zoo names its head; the search must come to the same without being told. */
static void zoo_heads_are_found(void **state)
{
    (void)state;
    for (int i = 0; i < cz_zoo_count(); i++) {
        const struct cz_zoo_entry *e = cz_zoo_at(i);
        struct cz_graph *g;
        struct cz_head_site told, found;
        cz_error err;
        check(cz_zoo_build(e->name, NULL, &g, &err), &err);
        struct cz_infer *infer = shapes_of(g, 1);
        check(cz_head_find(g, infer, NULL, &told, &err), &err);
        g->head = NULL;
        check(cz_head_find(g, infer, NULL, &found, &err), &err);
        if (found.node < 0 || found.node != told.node || found.n_old_classes != e->n_classes)
            fail_msg("%s: found node %d of %lld classes, the builder says %d and %d", e->name, found.node,
                     (long long)found.n_old_classes, told.node, e->n_classes);
        cz_infer_destroy(infer);
        cz_graph_release(g);
    }
}

static void files_of_exporters(void **state)
{
    (void)state;
    static const struct {
        const char *file, *node;
        int n_features;
        int64_t n_old;
        int one_by_one; /* a Reshape has the batch fixed */
    } files[] = {
        {"models/squeezenet11_caffe2_f32.onnx", NULL, 512, 1000, 0},
        {"models/SqueezeNet_fp16.onnx", NULL, 512, 1000, 0},
        {"models/squeezenet11_mxnet.onnx", "squeezenet0_conv25_fwd", 512, 1000, 0},
        {"models/mobilenetv2_torch_op12.onnx", "Gemm_0", 1280, 1000, 0},
        {"models/mobilenetv2_torch_op18_ext/mobilenet_v2_fp32.onnx", NULL, 1280, 1000, 0},
        {"models/mobilenetv1_075_keras.onnx", "conv_preds", 768, 1000, 0},
        {"models/resnet50v2_trunk.onnx", "-", 1024, -1, 0},
        {"models/mnist-8/model.onnx", "Times212", 256, 10, 1},
    };
    const char *folder = getenv("CONVZOO_TEST_DATA");
    if (!folder)
        skip();
    struct cz_runtime *rt;
    const cz_runtime_options options = {.struct_size = sizeof options, .n_threads = 2};
    assert_int_equal(cz_runtime_create(&options, &rt, NULL), CZ_OK);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512];
        struct cz_graph *g;
        struct cz_head_site site;
        cz_error err;
        snprintf(path, sizeof path, "%s/%s", folder, files[i].file);
        check(cz_onnx_load(path, NULL, &g, NULL, &err), &err);
        struct cz_infer *infer = shapes_of(g, files[i].one_by_one ? 1 : IMAGES);
        check(cz_head_find(g, infer, NULL, &site, &err), &err);
        const char *name = site.node < 0 ? "-" : g->nodes[site.node].name;
        if ((files[i].node && strcmp(name, files[i].node) != 0) || site.n_features != files[i].n_features ||
            site.n_old_classes != files[i].n_old)
            fail_msg("%s: found '%s' on %d features, %lld classes", files[i].file, name, site.n_features,
                     (long long)site.n_old_classes);
        struct cz_shape shape = infer->shape[g->inputs[0]];
        cz_tensor images = make_images(&shape);
        if (!files[i].one_by_one)
            check_exchange(rt, g, &site, &images, files[i].file);
        free(images.data);
        cz_infer_destroy(infer);
        cz_graph_release(g);
    }
    cz_runtime_destroy(rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matmul_with_a_bias),
        cmocka_unit_test(convolution_before_pooling),
        cmocka_unit_test(convolution_behind_pooling),
        cmocka_unit_test(a_residual_end_is_a_feature_vector),
        cmocka_unit_test(a_map_is_averaged),
        cmocka_unit_test(the_last_of_two_layers),
        cmocka_unit_test(several_classifiers_are_listed),
        cmocka_unit_test(a_softmax_without_classifier_is_refused),
        cmocka_unit_test(an_old_opset_is_told_to_broadcast),
        cmocka_unit_test(forms_compute_the_same),
        cmocka_unit_test(zoo_heads_are_found),
        cmocka_unit_test(files_of_exporters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
