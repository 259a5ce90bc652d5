/* Building, inferring and cutting graphs: what is refused, and with which words. */
#include "engine/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cz_graph *new_graph(int *x)
{
    struct cz_graph *g;
    struct cz_shape s = cz_shape_of(CZ_F32, 4, INT64_C(-1), INT64_C(3), INT64_C(8), INT64_C(8));
    assert_int_equal(cz_graph_create(17, &g, NULL), CZ_OK);
    assert_int_equal(cz_graph_add_input(g, "x", &s, x, NULL), CZ_OK);
    return g;
}

static int add_node(struct cz_graph *g, const char *op, const char *name, int in, cz_error *err)
{
    int out = -1;
    char out_name[64];
    snprintf(out_name, sizeof out_name, "%s_out", name);
    const char *names[] = {out_name};
    if (cz_graph_add_node(g, op, name, NULL, &in, 1, names, 1, &out, err) != CZ_OK)
        return -1;
    return out;
}

static void refuses_by_name(void **state)
{
    (void)state;
    int x;
    cz_error err = {0};
    struct cz_graph *g = new_graph(&x);
    assert_int_equal(add_node(g, "NoSuchOp", "n", x, &err), -1);
    assert_string_equal(err.message,
                        "node 'n' (NoSuchOp): unknown operator; `convzoo info --ops` lists ours");
    assert_int_equal(add_node(g, "Gemm", "fc", x, &err), -1);
    assert_non_null(strstr(err.message, "node 'fc' (Gemm): 1 inputs"));
    struct cz_shape s = cz_shape_of(CZ_F32, 1, INT64_C(4));
    assert_int_equal(cz_graph_add_input(g, "x", &s, NULL, &err), CZ_ERR_FORMAT);
    assert_string_equal(err.message, "value 'x': defined twice; names must be unique");
    cz_graph_release(g);
}

static void symbolic_batch_is_resolved(void **state)
{
    (void)state;
    int x;
    struct cz_graph *g = new_graph(&x);
    int y = add_node(g, "Relu", "r", x, NULL);
    assert_int_equal(cz_graph_add_output(g, y, NULL), CZ_OK);
    struct cz_infer *infer;
    assert_int_equal(cz_infer_create(g, NULL, 0, 5, 0, &infer, NULL), CZ_OK);
    assert_int_equal(infer->shape[y].dim[0], 5);
    cz_infer_destroy(infer);
    cz_error err = {0};
    cz_input_shape wrong = {.name = "z", .rank = 4, .dim = {1, 3, 8, 8}};
    assert_int_equal(cz_infer_create(g, &wrong, 1, 0, 0, &infer, &err), CZ_ERR_ARGUMENT);
    assert_string_equal(err.message, "input 'z': the model has no such input");
    cz_graph_release(g);
}

/* A cut keeps what the values need, shares the parameters, and outlives its source. */
static void cut_outlives_its_source(void **state)
{
    (void)state;
    int x, w, middle, end;
    float *weights = calloc(2 * 3, sizeof *weights);
    struct cz_graph *g = new_graph(&x), *cut;
    struct cz_shape s = cz_shape_of(CZ_F32, 4, INT64_C(2), INT64_C(3), INT64_C(1), INT64_C(1));
    assert_int_equal(cz_graph_add_param(g, "w", CZ_WEIGHT, &s, weights, &w, NULL), CZ_OK);
    const char *name = "middle";
    assert_int_equal(cz_graph_add_node(g, "Conv", "c", NULL, (int[]){x, w}, 2, &name, 1, &middle, NULL),
                     CZ_OK);
    end = add_node(g, "Relu", "r", middle, NULL);
    assert_int_equal(cz_graph_add_output(g, end, NULL), CZ_OK);
    assert_int_equal(cz_graph_set_metadata(g, "key", "value", NULL), CZ_OK);
    assert_int_equal(cz_graph_cut(g, &middle, 1, &cut, NULL), CZ_OK);
    cz_graph_release(g);
    assert_int_equal(cut->n_nodes, 1);
    assert_int_equal(cut->params.count, 1);
    assert_ptr_equal(cut->params.items[0].value.data, weights);
    assert_string_equal(cz_graph_metadata(cut, "key"), "value");
    assert_string_equal(cut->values[cut->outputs[0]].name, "middle");
    cz_graph_release(cut);
    free(weights);
}

static void impossible_shapes_are_refused(void **state)
{
    (void)state;
    int x;
    cz_error err = {0};
    struct cz_graph *g = new_graph(&x);
    struct cz_shape huge = cz_shape_of(CZ_F32, 3, INT64_MAX, INT64_MAX, INT64_C(4));
    assert_int_equal(cz_graph_add_param(g, "w", CZ_WEIGHT, &huge, NULL, NULL, &err), CZ_ERR_SHAPE);
    struct cz_shape negative = cz_shape_of(CZ_F32, 1, INT64_C(-3));
    assert_int_equal(cz_graph_add_param(g, "v", CZ_WEIGHT, &negative, NULL, NULL, &err), CZ_ERR_SHAPE);
    cz_graph_release(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(symbolic_batch_is_resolved),
        cmocka_unit_test(cut_outlives_its_source),
        cmocka_unit_test(impossible_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
