/*
 * `export FILE --init`: a file's network with other weights, the twin of the pretrained one in the demo.
 */
#include "run.h"

#include "base/status.h"
#include "importer/importer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define NETWORK CZ_SOURCE_DIR "/zoo/embedded/resnet20_fashion6.onnx"

static struct cz_graph *load(const char *path)
{
    struct cz_graph *g = NULL;
    struct cz_onnx_report *report = NULL;
    struct cz_onnx_options options = {0};
    cz_error err = {0};
    if (cz_onnx_load(path, &options, &g, &report, &err) != CZ_OK)
        fail_msg("%s", err.message);
    cz_onnx_report_destroy(report);
    return g;
}

/* First value of a parameter; the file's names are PyTorch's. */
static float first(const struct cz_graph *g, const char *name)
{
    int value = cz_graph_find_value(g, name);
    assert_true(value >= 0 && g->values[value].param >= 0);
    return ((const float *)g->params.items[g->values[value].param].value.data)[0];
}

static void a_file_takes_seeded_weights(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s/twin.onnx", run_folder());
    struct run r = run("export '%s' --init kaiming:7 --out '%s'", NETWORK, path);
    run_expect(&r, 0, NULL);
    run_free(&r);
    struct cz_graph *pretrained = load(NETWORK), *twin = load(path);
    assert_int_equal(twin->n_nodes, pretrained->n_nodes);
    assert_true(first(twin, "layer3.2.conv2.weight") != first(pretrained, "layer3.2.conv2.weight"));
    /* A BatchNormalization that does nothing. A variance of 0 would multiply by 316. */
    assert_true(first(twin, "layer2.0.bn1.weight") == 1 && first(twin, "layer2.0.bn1.bias") == 0);
    assert_true(first(twin, "layer2.0.bn1.running_mean") == 0 &&
                first(twin, "layer2.0.bn1.running_var") == 1);
    /* The pixels are prepared as before; the accuracy was the other weights'. */
    assert_string_equal(cz_graph_metadata(twin, "convzoo.preprocess"),
                        cz_graph_metadata(pretrained, "convzoo.preprocess"));
    assert_non_null(cz_graph_metadata(pretrained, "convzoo.metrics"));
    assert_null(cz_graph_metadata(twin, "convzoo.metrics"));
    cz_graph_release(pretrained);
    cz_graph_release(twin);
}

static void golden_is_for_the_zoo(void **state)
{
    (void)state;
    struct run r = run("export '%s' --init golden:1 --out '%s/golden.onnx'", NETWORK, run_folder());
    run_expect(&r, 2, "--init golden is for networks of the zoo");
    run_free(&r);
    r = run("export '%s' --size 32 --out '%s/size.onnx'", NETWORK, run_folder());
    run_expect(&r, 2, "option --size: is for networks of the zoo");
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_takes_seeded_weights),
        cmocka_unit_test(golden_is_for_the_zoo),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
