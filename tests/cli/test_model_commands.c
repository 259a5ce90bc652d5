/*
 * inspect, run, predict and export from outside: documents, refusals, exit codes, and the same bits for any
 * threads and batch. Networks are made with seeded weights; what needs real weights skips without
 * CONVZOO_TEST_DATA.
 */
#include "run.h"
#include "fixtures.h"
#include "importer/npy.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* Paths of the fixtures, copied: run_text's live only for a few calls. */
static char lenet[256], net[256], sum[256], picture[256], other_picture[256], digit[256];

static int make_files(void **state)
{
    (void)state;
    static const long long dims[] = {5, 1, 32, 32};
    snprintf(lenet, sizeof lenet, "%s", fixture_network("lenet.onnx", "lenet5", ""));
    snprintf(net, sizeof net, "%s", fixture_network("net.onnx", "squeezenet1_1", "--size 96 --classes 12"));
    snprintf(sum, sizeof sum, "%s", fixture_sum("sum.onnx"));
    snprintf(picture, sizeof picture, "%s", fixture_picture("a.jpg", 120, 140, 1));
    snprintf(other_picture, sizeof other_picture, "%s", fixture_picture("b.jpg", 200, 90, 2));
    snprintf(digit, sizeof digit, "%s", fixture_tensor("digit.npy", dims, 4, 3));
    return 0;
}

/* The document on stdout; fails when it is none. */
static json_t *document(const struct run *r, const char *schema)
{
    json_error_t why;
    json_t *root = json_loads(r->out, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        fail_msg("not JSON: %s\n%.2000s\n%.1000s", why.text, r->out, r->err);
    assert_string_equal(json_string_value(json_object_get(root, "schema")), schema);
    return root;
}

/* Reads an NPY file of float32; the caller frees. */
static float *values_of(const char *path, int64_t *n)
{
    cz_tensor t;
    cz_error err;
    if (cz_npy_read(path, &t, &err) != CZ_OK)
        fail_msg("%s", err.message);
    struct cz_shape shape = cz_tensor_shape(&t);
    assert_int_equal(shape.dtype, CZ_F32);
    *n = cz_shape_count(&shape);
    return t.data;
}

static void same_file(const char *a, const char *b)
{
    char command[640];
    snprintf(command, sizeof command, "cmp '%s' '%s'", a, b);
    assert_int_equal(system(command), 0);
}

/* 1 LeNet-5: conv 1->6 5x5, 6->16 5x5; 400->120->84->10. Parameters from the literature: 61,706. */
static void inspect_describes_a_network(void **state)
{
    (void)state;
    struct run r = run("inspect %s --json --plan", lenet);
    run_expect(&r, 0, NULL);
    json_t *root = document(&r, "convzoo.inspect/1");
    json_int_t parameters, macs, nodes, bytes;
    json_t *stages, *unsupported, *plan;
    assert_int_equal(json_unpack(root, "{s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "n_parameters", &parameters,
                                 "macs", &macs, "n_nodes", &nodes, "arena_bytes", &bytes, "stages", &stages,
                                 "unsupported", &unsupported, "plan", &plan),
                     0);
    assert_int_equal(parameters, 61706);
    /* 28*28*6*25 + 10*10*16*150 + 400*120 + 120*84 + 84*10 */
    assert_int_equal(macs, 416520);
    assert_true(bytes > 0);
    assert_int_equal(json_array_size(unsupported), 0);
    assert_true(json_array_size(plan) > 0);
    json_int_t stage_parameters = 0, stage_nodes = 0;
    for (size_t i = 0; i < json_array_size(stages); i++) {
        json_t *stage = json_array_get(stages, i);
        stage_parameters += json_integer_value(json_object_get(stage, "n_parameters"));
        stage_nodes += json_integer_value(json_object_get(stage, "n_nodes"));
    }
    assert_int_equal(stage_parameters, parameters);
    assert_int_equal(stage_nodes, nodes);
    json_decref(root);
    run_free(&r);
}

/* Stages of an inverted residual network: cut at the narrow values. Figures of MobileNetV2's published
 * layers. */
static void stages_of_mobilenet(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int stride, parameters;
    } want[] = {{"stage1", 2, 1824},    {"stage2", 4, 13968},    {"stage3", 8, 39696},
                {"stage4", 16, 488384}, {"stage5", 32, 1680000}, {"head", 0, 1281000}};
    struct run r = run("inspect mobilenet_v2 --json");
    json_t *root = document(&r, "convzoo.inspect/1"), *stages = json_object_get(root, "stages");
    assert_int_equal(json_array_size(stages), 6);
    json_int_t total = 0;
    for (size_t i = 0; i < 6; i++) {
        json_t *s = json_array_get(stages, i);
        assert_string_equal(json_string_value(json_object_get(s, "name")), want[i].name);
        assert_int_equal(json_integer_value(json_object_get(s, "stride")), want[i].stride);
        total += json_integer_value(json_object_get(s, "n_parameters"));
    }
    assert_int_equal(total, 3504872); /* torchvision's count */
    json_decref(root);
    run_free(&r);
}

static void files_that_are_no_model(void **state)
{
    (void)state;
    struct run r = run("inspect nets/none.onnx");
    run_expect(
        &r, 6,
        "convzoo: error: nets/none.onnx: no such file; built-in models are named without '/' or '.onnx', see "
        "`convzoo zoo list`\n");
    run_free(&r);
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"lfs.onnx", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 133\n",
         "git-LFS pointer"},
        {"empty.onnx", "", "lfs"},
        {"text.onnx", "hello, this is no model\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        r = run("inspect %s", run_text(cases[i].name, cases[i].text));
        run_expect(&r, 4, i == 1 ? cases[i].name : cases[i].want);
        assert_int_equal(r.out_bytes, 0);
        run_free(&r);
    }
    r = run("inspect resnet5O");
    run_expect(&r, 2, "convzoo: error: model 'resnet5O': not in the zoo; nearest is 'resnet50'\n");
    run_free(&r);
    r = run("inspect resnet50:v9");
    run_expect(&r, 2,
               "convzoo: error: model 'resnet50': has no weights 'v9'; there are: v2, v1, timm.a1_in1k\n");
    run_free(&r);
}

static void unsupported_operators_are_listed_and_give_5(void **state)
{
    (void)state;
    if (!run_data())
        skip();
    struct run r = run("inspect %s/models/odd/squeezenet_custom_op_fp16.onnx --json", run_data());
    run_expect(&r, 5, "1 operator unsupported: ");
    json_t *root = document(&r, "convzoo.inspect/1");
    assert_int_equal(json_array_size(json_object_get(root, "unsupported")), 67);
    json_decref(root);
    run_free(&r);
    r = run("inspect %s/models/odd/squeezenet_custom_op_fp16.onnx", run_data());
    run_expect(&r, 5, "Debug (67 nodes: ");
    assert_non_null(strstr(r.out, "unknown operator"));
    run_free(&r);
    r = run("run %s/models/odd/squeezenet_custom_op_fp16.onnx --input x.npy", run_data());
    run_expect(&r, 5, "1 operator unsupported: ");
    run_free(&r);
}

/* Which arithmetic a quantised node gets is no secret. */
static void exact_sums_are_named_in_the_plan(void **state)
{
    (void)state;
    if (!run_data())
        skip();
    struct run r = run("inspect %s/models/mobilenetv2_op12_dynint8.onnx --plan", run_data());
    run_expect(&r, 0, "");
    assert_non_null(strstr(r.out, "depthwise, exact in float32"));
    assert_non_null(strstr(r.out, "weights stream, exact in float32"));
    run_free(&r);
    r = run("inspect %s/models/mobilenetv2-12-qdq.onnx --plan", run_data());
    run_expect(&r, 0, "");
    assert_non_null(strstr(r.out, "elements, to codes and back"));
    run_free(&r);
}

/* Against the formula, on whole and on cut inputs. */
static void run_adds_two_inputs(void **state)
{
    (void)state;
    static const long long dims[] = {3, 4};
    char a[256], b[256], c[256];
    int64_t n;
    snprintf(a, sizeof a, "%s", fixture_tensor("a.npy", dims, 2, 1));
    snprintf(b, sizeof b, "%s", fixture_tensor("b.npy", dims, 2, 2));
    snprintf(c, sizeof c, "%s/c.npy", run_folder());
    static const char *const batches[] = {"", "--batch 1", "--batch 2", "--batch 3", "--batch 64"};
    float *x = values_of(a, &n), *y = values_of(b, &n);
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
        struct run r =
            run("run %s --input b=%s --input a=%s --output c=%s --force %s", sum, b, a, c, batches[k]);
        run_expect(&r, 0, "2 threads");
        float *z = values_of(c, &n);
        assert_int_equal(n, 12);
        for (int i = 0; i < 12; i++)
            assert_true(z[i] == x[i] + y[i]); /* one addition: exact */
        free(z);
        run_free(&r);
    }
    free(x);
    free(y);
}

static void run_gives_the_same_bits(void **state)
{
    (void)state;
    char base[256], again[256];
    snprintf(base, sizeof base, "%s/base.npy", run_folder());
    snprintf(again, sizeof again, "%s/again.npy", run_folder());
    struct run r = run("run %s --input %s --output %s --threads 1", lenet, digit, base);
    run_expect(&r, 0, "1 threads");
    run_free(&r);
    static const char *const ways[] = {"--threads 2", "--threads 7", "--batch 1", "--batch 2 --threads 3",
                                       "--batch 4"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        r = run("run %s --input %s --output %s --force %s", lenet, digit, again, ways[i]);
        run_expect(&r, 0, "threads");
        same_file(base, again);
        run_free(&r);
    }
}

static void expect_says_pass_or_fail(void **state)
{
    (void)state;
    char good[256];
    int64_t n;
    cz_error err;
    snprintf(good, sizeof good, "%s/good.npy", run_folder());
    struct run r = run("run %s --input %s --output %s", lenet, digit, good);
    run_expect(&r, 0, "lenet.onnx");
    run_free(&r);
    r = run("run %s --input %s --expect %s --tolerance 0 --json", lenet, digit, good);
    run_expect(&r, 0, "lenet.onnx");
    json_t *root = document(&r, "convzoo.run/1"), *out = json_array_get(json_object_get(root, "outputs"), 0);
    assert_true(json_is_true(json_object_get(out, "within")));
    assert_true(json_real_value(json_object_get(out, "max_abs_diff")) == 0);
    json_decref(root);
    run_free(&r);

    /* One value moved by 1 % of the largest: over 1e-4, under 0.1. */
    float *v = values_of(good, &n), largest = 0;
    for (int64_t i = 0; i < n; i++)
        largest = fabsf(v[i]) > largest ? fabsf(v[i]) : largest;
    v[3] += 0.01f * largest;
    struct cz_shape shape = cz_shape_of(CZ_F32, 2, (int64_t)5, (int64_t)10);
    cz_tensor t = cz_tensor_view(v, &shape);
    const char *moved = run_file("moved.npy", "", 0);
    assert_int_equal(cz_npy_write(moved, &t, &err), CZ_OK);
    free(v);
    r = run("run %s --input %s --expect %s", lenet, digit, moved);
    run_expect(&r, 1, "lenet.onnx");
    assert_non_null(strstr(r.out, "> 1e-04  FAIL"));
    run_free(&r);
    r = run("run %s --input %s --expect %s --tolerance 0.1", lenet, digit, moved);
    run_expect(&r, 0, "lenet.onnx");
    run_free(&r);
}

static void run_refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const long long swapped[] = {1, 32, 32, 1}, four[] = {3, 4};
    char nhwc[256], a[256], y[256];
    snprintf(nhwc, sizeof nhwc, "%s", fixture_tensor("nhwc.npy", swapped, 4, 1));
    snprintf(a, sizeof a, "%s", fixture_tensor("a4.npy", four, 2, 1));
    snprintf(y, sizeof y, "%s", run_text("exists.npy", "old"));
    struct {
        int code;
        const char *want;
        struct run r;
    } cases[] = {
        {4, "wants float32 [?,1,32,32], found float32 [1,32,32,1]; transpose to NCHW\n",
         run("run %s --input %s", lenet, nhwc)},
        {2, "run: input 'input' is missing; give --input FILE\n", run("run %s", lenet)},
        {2, "which input? The model has a, b; write --input NAME=", run("run %s --input %s", sum, a)},
        {2, "run: input 'b' is missing; give --input b=FILE\n", run("run %s --input a=%s", sum, a)},
        {6, "none.npy: no such file", run("run %s --input none.npy", lenet)},
        {4, "lenet.onnx", run("run %s --input %s", lenet, lenet)},
        {2, "exists.npy: exists; choose another --output, or --force to replace it\n",
         run("run %s --input %s --output %s", lenet, digit, y)},
        {2, "y.txt: the suffix says what is written; give --output FILE.npy\n",
         run("run %s --input %s --output y.txt", lenet, digit)},
        {2, "output 'logits' has a.npy already; give one file\n",
         run("run %s --input %s --output a.npy --output logits=b.npy", lenet, digit)},
        {2, "input 'input' has ", run("run %s --input %s --input %s", lenet, digit, digit)},
        {6, "cannot write in '/nonexistent': no such folder; choose another --output\n",
         run("run %s --input %s --output /nonexistent/y.npy", lenet, digit)},
        {4, "expects float32 [3,4], output 'logits' is float32 [5,10]; give the file of this output\n",
         run("run %s --input %s --expect %s", lenet, digit, a)},
        {6,
         "convzoo: error: lenet5: no weights here; give --weights FILE, or --init kaiming:S for random "
         "weights\n",
         run("run lenet5 --input %s", digit)},
        {2, "no golden rule; --init golden is for networks of the zoo",
         run("run %s --init golden:1 --input %s", lenet, digit)},
        {2, "--init kaimin:1: ", run("run lenet5 --init kaimin:1 --input %s", digit)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_expect(&cases[i].r, cases[i].code, cases[i].want);
        assert_int_equal(cases[i].r.out_bytes, 0);
        run_free(&cases[i].r);
    }
    char command[320];
    snprintf(command, sizeof command, "test \"$(cat '%s')\" = old", y);
    assert_int_equal(system(command), 0);
}

/* An input of NaN gives NaN: written all the same, but not called a success. */
static void nan_in_an_output_gives_8(void **state)
{
    (void)state;
    float v[8] = {0, 1, NAN, 3, 4, 5, 6, 7};
    struct cz_shape shape = cz_shape_of(CZ_F32, 2, (int64_t)2, (int64_t)4);
    cz_tensor t = cz_tensor_view(v, &shape);
    cz_error err;
    const char *path = run_file("nan.npy", "", 0);
    assert_int_equal(cz_npy_write(path, &t, &err), CZ_OK);
    struct run r = run("run %s --input a=%s --input b=%s", sum, path, path);
    run_expect(&r, 8, "output 'c': 1 of 8 values are NaN or Inf, the first at 2; ");
    run_free(&r);
}

/* Real weights against the outputs of another runtime. float16 weights and activations are rounded by it, not
 * by us: 2e-3; the rest is float32 in another order of sums: 1e-4. */
static void real_networks_give_the_reference_outputs(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"mobilenetv2_torch_op12.onnx", "mobilenetv2_torch_op12", "1e-4"},
        {"mobilenetv1_075_keras.onnx", "mobilenetv1_075_keras", "1e-4"},
        {"squeezenet11_mxnet.onnx", "squeezenet11_mxnet", "1e-4"},
        {"SqueezeNet_fp16.onnx", "squeezenet11_fp16", "2e-3"},
    };
    if (!run_data())
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r =
            run("run %s/models/%s --input %s/tensors/%s_input.npy --expect %s/tensors/%s_output.npy "
                "--tolerance %s",
                run_data(), cases[i][0], run_data(), cases[i][1], run_data(), cases[i][1], cases[i][2]);
        run_expect(&r, 0, i == 3 ? "float32 converted to the float16 of input 'data_0'" : "threads");
        run_free(&r);
    }
}

static json_t *predict(const char *options, int code)
{
    struct run r = run("predict %s %s %s --json --logits %s", net, picture, other_picture, options);
    if (r.code != code)
        run_expect(&r, code, "");
    json_t *root = document(&r, "convzoo.predict/1");
    run_free(&r);
    return root;
}

static void predict_gives_the_same_bits(void **state)
{
    (void)state;
    static const char *const ways[] = {"--threads 2", "--batch 1", "--batch 8 --threads 3", "--top 3"};
    json_t *base = predict("--preprocess torchvision --size 96 --threads 1", 0);
    json_t *results = json_object_get(base, "results");
    assert_int_equal(json_array_size(results), 2);
    json_t *logits = json_object_get(json_array_get(results, 0), "logits");
    assert_int_equal(json_array_size(logits), 12);
    assert_false(json_equal(logits, json_object_get(json_array_get(results, 1), "logits")));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char options[128];
        snprintf(options, sizeof options, "--preprocess torchvision --size 96 %s", ways[i]);
        json_t *again = predict(options, 0);
        for (size_t k = 0; k < 2; k++)
            if (!json_equal(json_object_get(json_array_get(results, k), "logits"),
                            json_object_get(json_array_get(json_object_get(again, "results"), k), "logits")))
                fail_msg("%s: image %zu has other logits", ways[i], k);
        json_decref(again);
    }
    json_decref(base);
}

/* The 9 digits name a float32; only that is exact. */
static double as_float(const json_t *number)
{
    return (double)(float)json_number_value(number);
}

/* Top classes in falling order, probabilities of a softmax over the logits. */
static void predict_ranks_by_probability(void **state)
{
    (void)state;
    json_t *root = predict("--preprocess torchvision --size 96 --top 12", 0);
    json_t *result = json_array_get(json_object_get(root, "results"), 0),
           *top = json_object_get(result, "top");
    json_t *logits = json_object_get(result, "logits");
    double sum_exp = 0, sum_p = 0, last = 2;
    assert_int_equal(json_array_size(top), 12);
    for (size_t i = 0; i < 12; i++)
        sum_exp += exp(as_float(json_array_get(logits, i)));
    for (size_t i = 0; i < 12; i++) {
        json_t *entry = json_array_get(top, i);
        double p = json_number_value(json_object_get(entry, "probability"));
        size_t index = (size_t)json_integer_value(json_object_get(entry, "index"));
        char name[32];
        snprintf(name, sizeof name, "class %zu", index);
        assert_string_equal(json_string_value(json_object_get(entry, "name")), name);
        assert_true(p <= last);
        /* Both are sums of doubles in other orders: a few units of 2^-53 each. */
        assert_true(fabs(p - exp(as_float(json_array_get(logits, index))) / sum_exp) < 1e-13);
        last = p;
        sum_p += p;
    }
    assert_true(fabs(sum_p - 1) < 1e-13);
    json_decref(root);
}

static void predict_skips_or_fails(void **state)
{
    (void)state;
    char html[256];
    snprintf(html, sizeof html, "%s", run_text("notes.jpg", "<!DOCTYPE html><html></html>"));
    struct run r =
        run("predict %s %s %s --top 1 --classes %s", net, picture, html, fixture_names("n12.txt", 12));
    run_expect(&r, 3, "1 of 2 images skipped\n");
    assert_non_null(strstr(r.out, " %  name "));
    assert_non_null(strstr(r.out, "notes.jpg  skipped: "));
    run_free(&r);
    r = run("predict %s %s %s --on-bad-image fail", net, picture, html);
    run_expect(&r, 4, "give --on-bad-image skip\n");
    run_free(&r);
    r = run("predict %s %s %s --json", net, html, picture);
    run_expect(&r, 3, "1 of 2 images skipped\n");
    json_t *root = document(&r, "convzoo.predict/1");
    assert_int_equal(json_array_size(json_object_get(root, "results")), 1);
    json_t *skipped = json_array_get(json_object_get(root, "skipped"), 0);
    assert_string_equal(json_string_value(json_object_get(skipped, "image")), html);
    assert_non_null(json_string_value(json_object_get(skipped, "reason")));
    json_decref(root);
    run_free(&r);
}

/* Same image as a file, on standard input, in a folder, in a list: same document but for the name. */
static void predict_takes_images_from_everywhere(void **state)
{
    (void)state;
    char command[2048], list[256], folder[256];
    snprintf(folder, sizeof folder, "%s/folder", run_folder());
    snprintf(list, sizeof list, "%s", run_text("list.txt", ""));
    snprintf(command, sizeof command, "mkdir %s && cp %s %s/x.png && cp %s %s/ignored.txt && echo %s > %s",
             folder, picture, folder, lenet, folder, picture, list);
    assert_int_equal(system(command), 0);
    struct run file = run("predict %s %s --jsonl", net, picture),
               in_folder = run("predict %s %s --jsonl", net, folder),
               in_list = run("predict %s --list %s --jsonl", net, list);
    run_expect(&file, 0, "from the file");
    run_expect(&in_folder, 0, "from the file");
    run_expect(&in_list, 0, "from the file");
    snprintf(command, sizeof command, "'%s' predict %s - --jsonl < %s 2>/dev/null", CZ_PROGRAM, net, picture);
    FILE *p = popen(command, "r");
    char line[4096] = "";
    assert_non_null(p);
    assert_non_null(fgets(line, sizeof line, p));
    assert_int_equal(pclose(p), 0);
    const char *sha = strstr(file.out, "\"sha256\"");
    assert_non_null(sha);
    assert_string_equal(in_list.out, file.out);
    assert_string_equal(strstr(in_folder.out, "\"sha256\""), sha);
    assert_string_equal(strstr(line, "\"sha256\""), sha);
    assert_non_null(strstr(line, "{\"image\": \"-\""));
    run_free(&file);
    run_free(&in_folder);
    run_free(&in_list);
}

static void predict_refuses_what_it_would_have_to_guess(void **state)
{
    (void)state;
    char names[256], gap[256];
    snprintf(names, sizeof names, "%s", fixture_names("n11.txt", 11));
    snprintf(gap, sizeof gap, "%s", run_text("gap.txt", "one\n\nthree\n"));
    struct {
        int code;
        const char *want;
        struct run r;
    } cases[] = {
        {4,
         "input 'input' is 96 x 96 px, the preprocessing of --preprocess caffe gives 224 x 224; give --size "
         "96\n",
         run("predict %s %s --preprocess caffe", net, picture)},
        {2, "preprocessing 'caff': not known; nearest is 'caffe'",
         run("predict %s %s --preprocess caff", net, picture)},
        {4, "n11.txt: 11 names, output 'logits' of ", run("predict %s %s --classes %s", net, picture, names)},
        {4, "gap.txt: line 2 is empty; write one class name a line\n",
         run("predict %s %s --classes %s", net, picture, gap)},
        {4, "--classes", run("predict %s %s --classes 11", net, picture)},
        {6, "nowhere.jpg: no such file", run("predict %s %s nowhere.jpg", net, picture)},
        {4, "is no picture of", run("predict %s %s --preprocess torchvision --size 32", lenet, picture)},
        {2,
         "sum.onnx: no preprocessing in the file; give --preprocess "
         "torchvision|torchvision-v2|caffe|tf|keras-caffe|none|FILE.json\n",
         run("predict %s %s", sum, picture)},
        {4, "no images in it", run("predict %s --list %s", net, run_text("empty.txt", "\n"))},
        {2, "--json, --jsonl: one form at a time", run("predict %s %s --json --jsonl", net, picture)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_expect(&cases[i].r, cases[i].code, cases[i].want);
        run_free(&cases[i].r);
    }
}

static void predict_writes_its_document(void **state)
{
    (void)state;
    char out[256], text[65536];
    snprintf(out, sizeof out, "%s/out.json", run_folder());
    struct run r = run("predict %s %s -o %s --json", net, picture, out);
    run_expect(&r, 0, "net.onnx");
    FILE *f = fopen(out, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(text, r.out);
    run_free(&r);
    r = run("predict %s %s --out %s", net, picture, out);
    run_expect(&r, 2, "out.json: exists; choose another --out, or --force to replace it\n");
    run_free(&r);
    r = run("predict %s %s --out out.csv", net, picture);
    run_expect(&r, 2, "out.csv: the suffix says what is written; give --out FILE.json\n");
    run_free(&r);
}

static void export_writes_the_same_bytes(void **state)
{
    (void)state;
    char one[256], two[256];
    snprintf(one, sizeof one, "%s/one.onnx", run_folder());
    snprintf(two, sizeof two, "%s/two.onnx", run_folder());
    struct run r = run("export resnet20 --init kaiming:3 --out %s --json", one);
    run_expect(&r, 0, NULL);
    json_t *root = document(&r, "convzoo.export/1");
    json_t *file = json_array_get(json_object_get(root, "files"), 0);
    assert_int_equal(strlen(json_string_value(json_object_get(file, "sha256"))), 64);
    json_decref(root);
    run_free(&r);
    r = run("export resnet20 --init kaiming:3 -o %s", two);
    run_expect(&r, 0, NULL);
    same_file(one, two);
    run_free(&r);
    r = run("export resnet20 --init kaiming:4 -o %s --force", two);
    run_expect(&r, 0, NULL);
    run_free(&r);
    char command[640];
    snprintf(command, sizeof command, "cmp -s '%s' '%s'", one, two);
    assert_int_not_equal(system(command), 0);
    struct {
        int code;
        const char *want;
        struct run r;
    } cases[] = {
        {2, "export: --out is missing; give --out FILE.onnx or FILE.safetensors\n",
         run("export resnet20 --init kaiming:3")},
        {2, "two.onnx: exists; choose another --out", run("export resnet20 --init kaiming:3 --out %s", two)},
        {2, "a.txt: the suffix says what is written", run("export resnet20 --init kaiming:3 --out a.txt")},
        {4, "lenet5: node 'fc1' (Gemm): A is",
         run("export lenet5 --init kaiming:3 --size 64 --out never.onnx")},
        {4, "; choose another --size\n",
         run("export squeezenet1_1 --init kaiming:3 --size 8 --out never.onnx")},
        {6, "resnet20: no weights here; give --weights FILE, or --init",
         run("export resnet20 --out none.onnx")},
        {2, "--classes: is for networks of the zoo", run("export %s --classes 3 --out none.onnx", one)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_expect(&cases[i].r, cases[i].code, cases[i].want);
        run_free(&cases[i].r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inspect_describes_a_network),
        cmocka_unit_test(stages_of_mobilenet),
        cmocka_unit_test(files_that_are_no_model),
        cmocka_unit_test(unsupported_operators_are_listed_and_give_5),
        cmocka_unit_test(exact_sums_are_named_in_the_plan),
        cmocka_unit_test(run_adds_two_inputs),
        cmocka_unit_test(run_gives_the_same_bits),
        cmocka_unit_test(expect_says_pass_or_fail),
        cmocka_unit_test(run_refuses_what_does_not_fit),
        cmocka_unit_test(nan_in_an_output_gives_8),
        cmocka_unit_test(real_networks_give_the_reference_outputs),
        cmocka_unit_test(predict_gives_the_same_bits),
        cmocka_unit_test(predict_ranks_by_probability),
        cmocka_unit_test(predict_skips_or_fails),
        cmocka_unit_test(predict_takes_images_from_everywhere),
        cmocka_unit_test(predict_refuses_what_it_would_have_to_guess),
        cmocka_unit_test(predict_writes_its_document),
        cmocka_unit_test(export_writes_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, make_files, run_clean);
}
