/*
 * Networks against the float64 goldens, and networks with one mistake, which must be found.
 *
 * test_verify            one network of each family, and the mistakes
 * test_verify --full     all of them, at all sizes
 * test_verify NAME...    these, at all sizes
 */
#include "engine/ops/batchnorm.h"
#include "engine/ops/pool.h"
#include "zoo/verify.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static cz_runtime *runtime;

static int create_runtime(void **state)
{
    (void)state;
    cz_runtime_options options = {.struct_size = sizeof options, .n_threads = 2};
    return cz_runtime_create(&options, &runtime, NULL) != CZ_OK;
}

static int destroy_runtime(void **state)
{
    (void)state;
    cz_runtime_destroy(runtime);
    return 0;
}

static void check_passes(const char *model, int full)
{
    struct cz_verify_row row;
    struct cz_verify_options options = {.full = full};
    cz_error err = {0};
    if (cz_verify(runtime, model, &options, &row, &err) != CZ_OK)
        fail_msg("%s: %s", model, err.message);
    if (row.has_reference && !row.pass)
        fail_msg("%s: %s; repeat: test_verify %s", model, row.detail, model);
    print_message("%-20s %d/%d goldens, worst %.1e\n", model, row.passed, row.n_goldens, row.worst_diff);
}

static void one_of_each_family(void **state)
{
    (void)state;
    static const char *const models[] = {
        "lenet5",
        "lenet5_tanh",
        "alexnet",
        "vgg11_bn",
        "resnet18",
        "densenet121",
        "googlenet",
        "inception_v3",
        "mobilenet_v2",
        "mobilenet_v3_small",
        "squeezenet1_0",
        "efficientnet_b0",
        "efficientnet_lite0",
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        check_passes(models[i], 0);
}

static void all_at_all_sizes(void **state)
{
    (void)state;
    for (int i = 0; i < cz_zoo_count(); i++)
        check_passes(cz_zoo_at(i)->name, 1);
}

/* ---- mistakes ---- */

static struct cz_node *node_of(struct cz_graph *g, const char *op, int index)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(g->nodes[i].op->name, op) == 0 && index-- == 0)
            return &g->nodes[i];
    fail_msg("no node %s", op);
    return NULL;
}

static struct cz_node *named(struct cz_graph *g, const char *name)
{
    int node = cz_graph_find_node(g, name);
    if (node < 0)
        fail_msg("no node '%s'", name);
    return &g->nodes[node];
}

static void one_eps(struct cz_graph *g)
{
    ((struct cz_batchnorm_attrs *)node_of(g, "BatchNormalization", 3)->attrs)->epsilon = 1e-3f;
}

static void all_eps(struct cz_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(g->nodes[i].op->name, "BatchNormalization") == 0)
            ((struct cz_batchnorm_attrs *)g->nodes[i].attrs)->epsilon = 1e-3f;
}

/* Two convolutions of one shape change places. */
static void swapped_layers(struct cz_graph *g)
{
    struct cz_node *a = named(g, "layer1.0.conv1"), *b = named(g, "layer1.1.conv2");
    int weight = a->in[1];
    a->in[1] = b->in[1];
    b->in[1] = weight;
}

static void swapped_statistics(struct cz_graph *g)
{
    int *in = named(g, "layer4.1.bn2")->in, mean = in[3];
    in[3] = in[2];
    in[2] = mean;
}

static void floor_for_ceil(struct cz_graph *g)
{
    ((struct cz_pool_attrs *)node_of(g, "MaxPool", 0)->attrs)->window.ceil_mode = 0;
}

static void padding_not_counted(struct cz_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(g->nodes[i].op->name, "AveragePool") == 0)
            ((struct cz_pool_attrs *)g->nodes[i].attrs)->count_include_pad = 0;
}

static void addition_left_out(struct cz_graph *g)
{
    struct cz_node *add = node_of(g, "Add", 0);
    add->in[1] = add->in[0];
}

static void wrong_name(struct cz_graph *g)
{
    g->params.items[5].name = "layer1.0.bn1.scale";
}

static void wrong_rule(struct cz_graph *g)
{
    g->params.items[1].golden_rule = g->params.items[2].golden_rule;
}

static void mistakes_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        void (*mistake)(struct cz_graph *);
        const char *found; /* in the words of the row */
    } cases[] = {
        {"resnet18", one_eps, "relative error"},
        {"mobilenet_v2", all_eps, "relative error"},
        {"resnet18", swapped_layers, "relative error"},
        {"resnet18", swapped_statistics, "relative error"},
        {"squeezenet1_1", floor_for_ceil, "relative error"},
        {"inception_v3", padding_not_counted, "relative error"},
        {"mobilenet_v2", addition_left_out, "relative error"},
        {"resnet18", wrong_name, "names or shapes"},
        {"resnet18", wrong_rule, "names or shapes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_graph *g = NULL;
        struct cz_verify_row row;
        cz_error err = {0};
        assert_int_equal(cz_zoo_build(cases[i].model, NULL, &g, &err), CZ_OK);
        cases[i].mistake(g);
        if (cz_verify_graph(runtime, cz_zoo_find(cases[i].model), g, NULL, &row, &err) != CZ_OK)
            fail_msg("%s, case %zu: %s", cases[i].model, i, err.message);
        if (row.pass || !strstr(row.detail, cases[i].found))
            fail_msg("%s, case %zu: pass %d, '%s', wanted '%s'", cases[i].model, i, row.pass, row.detail,
                     cases[i].found);
        cz_graph_release(g);
    }
}

/* The comparison itself: a golden that is off by 2e-4, one that is not a number, and one of another size. */
static void goldens_decide(void **state)
{
    (void)state;
    struct cz_golden_list all = cz_goldens();
    struct cz_golden changed[2] = {all.items[0], all.items[1]};
    assert_string_equal(changed[0].model, "lenet5");
    struct cz_verify_options options = {.list = {changed, 2}};
    struct cz_verify_row row;
    assert_int_equal(cz_verify(runtime, "lenet5", &options, &row, NULL), CZ_OK);
    assert_true(row.pass && row.n_goldens == 2);
    for (int i = 0; i < changed[0].n_logits; i++)
        changed[0].logits[i] *= 1 + 2e-4;
    assert_int_equal(cz_verify(runtime, "lenet5", &options, &row, NULL), CZ_OK);
    assert_true(!row.pass && row.passed == 1);
    changed[0].logits[3] = (double)NAN;
    assert_int_equal(cz_verify(runtime, "lenet5", &options, &row, NULL), CZ_OK);
    assert_true(!row.pass && row.passed == 1 && row.worst_diff != row.worst_diff);
    changed[1].model = "plain20"; /* no figures of its own, but here is a golden: not its logits, though */
    assert_int_equal(cz_verify(runtime, "plain20", &options, &row, NULL), CZ_OK);
    assert_true(row.has_reference && !row.pass && row.n_goldens == 1 && row.passed == 0);
    options.list.count = 0;
    assert_int_equal(cz_verify(runtime, "lenet5", &options, &row, NULL), CZ_OK);
    assert_true(!row.pass);
}

static void networks_without_reference(void **state)
{
    (void)state;
    struct cz_verify_row row;
    assert_int_equal(cz_verify(runtime, "plain56", NULL, &row, NULL), CZ_OK);
    assert_true(!row.has_reference && row.parameters == 853018 && row.macs == 125485696);
}

static int run_named(int n, char **names)
{
    if (create_runtime(NULL) != 0)
        return 1;
    int failed = 0;
    for (int i = 0; i < n; i++) {
        struct cz_verify_row row;
        cz_error err = {0};
        cz_status status = cz_verify(runtime, names[i], &(struct cz_verify_options){.full = 1}, &row, &err);
        printf("%s: %s\n", names[i], status != CZ_OK ? err.message : row.pass ? "pass" : row.detail);
        failed |= status != CZ_OK || (row.has_reference && !row.pass);
    }
    cz_runtime_destroy(runtime);
    return failed;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest quick[] = {
        cmocka_unit_test(one_of_each_family),
        cmocka_unit_test(mistakes_are_found),
        cmocka_unit_test(goldens_decide),
        cmocka_unit_test(networks_without_reference),
    };
    const struct CMUnitTest full[] = {cmocka_unit_test(all_at_all_sizes)};
    if (argc == 2 && strcmp(argv[1], "--full") == 0)
        return cmocka_run_group_tests(full, create_runtime, destroy_runtime);
    if (argc > 1)
        return run_named(argc - 1, argv + 1);
    return cmocka_run_group_tests(quick, create_runtime, destroy_runtime);
}
