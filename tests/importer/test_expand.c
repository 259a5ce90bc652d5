/*
 * Functions, If and Loop written out: answers by hand, what stays unresolved, and files that would grow
 * without limit. More forms are compared with ONNX Runtime in tests/ops/ort_vectors.py.
 */
#include "importer/importer.h"
#include "tests/importer/support.h"
#include "tests/importer/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Fields of messages: ModelProto.functions, FunctionProto's, NodeProto's, AttributeProto's. */
enum { FUNCTIONS = 25, FN_NAME = 1, FN_INPUT = 4, FN_OUTPUT = 5, FN_NODE = 7, FN_OPSET = 9, FN_DOMAIN = 10 };
enum { NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7, ATTRIBUTE_NAME = 1, ATTRIBUTE_GRAPH = 6, ATTRIBUTE_TYPE = 20 };

static const int64_t pair[] = {1, 2}, none[] = {0};

static struct msg call(const char *function, const char *in, const char *out)
{
    struct msg n = make_node(function, "", in, out);
    msg_text(&n, NODE_DOMAIN, "own");
    return n;
}

/* A function whose body is the given nodes; takes them over. */
static struct msg function(const char *name, const char *in, const char *out, struct msg *nodes, int n)
{
    struct msg f = {0};
    msg_text(&f, FN_NAME, name);
    msg_names(&f, FN_INPUT, in);
    msg_names(&f, FN_OUTPUT, out);
    for (int i = 0; i < n; i++)
        msg_take(&f, FN_NODE, nodes[i]);
    msg_take(&f, FN_OPSET, make_opset("", 13));
    msg_text(&f, FN_DOMAIN, "own");
    return f;
}

/* y = node(x) */
static struct msg graph_of(struct msg node)
{
    struct msg g = {0};
    msg_take(&g, NODE, node);
    msg_take(&g, INPUT, make_value("x", F32, 2, pair));
    msg_take(&g, OUTPUT, make_value("y", F32, 2, pair));
    return g;
}

static struct msg model_of(struct msg graph)
{
    struct msg m = make_model(8, 13, graph);
    msg_take(&m, 8, make_opset("own", 1));
    return m;
}

static struct msg with_graph(struct msg node, const char *name, struct msg graph)
{
    struct msg a = {0};
    msg_text(&a, ATTRIBUTE_NAME, name);
    msg_take(&a, ATTRIBUTE_GRAPH, graph);
    msg_int(&a, ATTRIBUTE_TYPE, 5);
    msg_take(&node, NODE_ATTRIBUTE, a);
    return node;
}

static cz_status load(struct msg *m, struct cz_graph **graph, cz_error *err)
{
    cz_status status = cz_onnx_load_memory(m->bytes, m->size, "net.onnx", NULL, NULL, graph, NULL, err);
    return status;
}

static void must_give(struct msg m, float first, float second)
{
    struct cz_graph *graph = NULL;
    cz_error err = {0};
    float x[] = {3, -5};
    cz_tensor in = {x, CZ_F32, 2, {1, 2}};
    if (load(&m, &graph, &err) != CZ_OK)
        fail_msg("%s", err.message);
    cz_tensor out = run_model(graph, &in);
    assert_true(((float *)out.data)[0] == first && ((float *)out.data)[1] == second);
    free(out.data);
    cz_model_destroy(graph);
    msg_free(&m);
}

/* A limit has to act before the work is done: without one it would take years, with it a second, with a
 * sanitizer some. */
static void must_refuse(struct msg m, cz_status want, const char *words)
{
    struct cz_graph *graph = NULL;
    cz_error err = {0};
    clock_t before = clock();
    cz_status got = load(&m, &graph, &err);
    if (got != want || !strstr(err.message, words))
        fail_msg("wanted status %d with '%s', got %d: %s", want, words, got, err.message);
    assert_true(clock() - before < 60 * CLOCKS_PER_SEC);
    msg_free(&m);
}

static void a_function_is_written_out(void **state)
{
    (void)state;
    struct msg inner[] = {make_node("Abs", "", "a", "t"), make_node("Add", "", "t,a", "b")};
    struct msg outer[] = {call("Ramp", "a", "t"), call("Ramp", "t", "b")};
    struct msg m = model_of(graph_of(call("Twice", "x", "y")));
    msg_take(&m, FUNCTIONS, function("Ramp", "a", "b", inner, 2));
    msg_take(&m, FUNCTIONS, function("Twice", "a", "b", outer, 2));
    must_give(m, 12, 0);
}

static void a_function_that_calls_itself_is_refused(void **state)
{
    (void)state;
    struct msg body[] = {call("Self", "a", "b")};
    struct msg m = model_of(graph_of(call("Self", "x", "y")));
    msg_take(&m, FUNCTIONS, function("Self", "a", "b", body, 1));
    must_refuse(m, CZ_ERR_UNSUPPORTED, "own.Self");
}

/* f0 calls f1 `fan` times, f1 calls f2 ...; the last one holds `n_last` nodes. */
static struct msg laughing(int levels, int fan, int n_last)
{
    struct msg m = model_of(graph_of(call("f0", "x", "y")));
    for (int level = 0; level < levels; level++) {
        int n = level == levels - 1 ? n_last : fan;
        struct msg *nodes = calloc((size_t)n + 1, sizeof *nodes);
        char name[16], next[16], out[16];
        snprintf(name, sizeof name, "f%d", level);
        snprintf(next, sizeof next, "f%d", level + 1);
        for (int i = 0; i < n; i++) {
            snprintf(out, sizeof out, i == 0 ? "b" : "t%d", i);
            nodes[i] = level == levels - 1 ? make_node("Abs", "", "a", out) : call(next, "a", out);
        }
        msg_take(&m, FUNCTIONS, function(name, "a", "b", nodes, n));
        free(nodes);
    }
    return m;
}

static void functions_do_not_grow_without_limit(void **state)
{
    (void)state;
    must_refuse(laughing(8, 50, 1), CZ_ERR_UNSUPPORTED, "more than 200000 nodes");
    /* Empty at the end: calls alone take time. */
    must_refuse(laughing(8, 50, 0), CZ_ERR_UNSUPPORTED, "more than 200000 nodes");
}

static struct msg branch(const char *op)
{
    struct msg g = {0};
    msg_take(&g, NODE, make_node(op, "", "x", "o"));
    msg_take(&g, OUTPUT, make_value("o", F32, 2, pair));
    return g;
}

static struct msg choice(const char *condition)
{
    struct msg n = make_node("If", "which", condition, "y");
    return with_graph(with_graph(n, "then_branch", branch("Neg")), "else_branch", branch("Abs"));
}

static void an_if_takes_the_branch_that_is_known(void **state)
{
    (void)state;
    for (unsigned char yes = 0; yes < 2; yes++) {
        struct msg g = graph_of(choice("c"));
        msg_take(&g, INITIALIZER, make_tensor("c", BOOL, 0, none, &yes, 1));
        must_give(model_of(g), yes ? -3 : 3, 5);
    }
}

static void an_if_that_hangs_on_data_is_refused(void **state)
{
    (void)state;
    struct msg g = graph_of(choice("c"));
    msg_take(&g, INPUT, make_value("c", BOOL, 0, none));
    must_refuse(model_of(g), CZ_ERR_UNSUPPORTED, "If (1 node: which; control flow");
}

/* v becomes v + x in every turn. */
static struct msg loop_of(int64_t turns, int has_names)
{
    struct msg body = {0};
    msg_take(&body, NODE, make_node("Add", "", "v,x", "w"));
    msg_take(&body, NODE, make_node("Identity", "", "go", "on"));
    msg_take(&body, INPUT, make_value(has_names ? "i" : "", I64, 0, none));
    msg_take(&body, INPUT, make_value("go", BOOL, 0, none));
    msg_take(&body, INPUT, make_value("v", F32, 2, pair));
    msg_take(&body, OUTPUT, make_value("on", BOOL, 0, none));
    msg_take(&body, OUTPUT, make_value(has_names ? "w" : "", F32, 2, pair));
    struct msg g = graph_of(with_graph(make_node("Loop", "turn", "n,,x", "y"), "body", body));
    msg_take(&g, INITIALIZER, make_tensor("n", I64, 0, none, &turns, sizeof turns));
    return model_of(g);
}

static void a_loop_of_known_length_is_unrolled(void **state)
{
    (void)state;
    must_give(loop_of(0, 1), 3, -5);
    must_give(loop_of(3, 1), 12, -20);
    must_refuse(loop_of((int64_t)1 << 40, 1), CZ_ERR_UNSUPPORTED, "Loop (1 node: turn; control flow");
    must_refuse(loop_of(2, 0), CZ_ERR_FORMAT, ""); /* names that are missing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_written_out),
        cmocka_unit_test(a_function_that_calls_itself_is_refused),
        cmocka_unit_test(functions_do_not_grow_without_limit),
        cmocka_unit_test(an_if_takes_the_branch_that_is_known),
        cmocka_unit_test(an_if_that_hangs_on_data_is_refused),
        cmocka_unit_test(a_loop_of_known_length_is_unrolled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
