/*
 * Reference mode: values of every node, shapes that depend on data, and messages that name the node.
 */
#include "engine/reference.h"
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct cz_graph *graph;
    struct cz_arena *arena; /* of texts */
    cz_error err;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.arena = cz_arena_create()};
    *state = &f;
    return !f.arena || cz_graph_create(13, &f.graph, &f.err) != CZ_OK;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cz_graph_release(f->graph);
    cz_arena_destroy(f->arena);
    return 0;
}

static int add_input(struct fixture *f, const char *name, struct cz_shape shape)
{
    int v;
    assert_int_equal(cz_graph_add_input(f->graph, name, &shape, &v, &f->err), CZ_OK);
    return v;
}

static int add_node(struct fixture *f, const char *op, const char *attrs, int a, int b)
{
    int in[2] = {a, b}, out;
    const char *name = cz_arena_printf(f->arena, "n%d", f->graph->n_nodes);
    struct cz_attr_list list = text_parse_attrs(f->arena, attrs);
    assert_int_equal(cz_graph_add_node(f->graph, op, name, &list, in, b < 0 ? 1 : 2, &name, 1, &out, &f->err),
                     CZ_OK);
    return out;
}

static void test_keeps_every_value(void **state)
{
    struct fixture *f = *state;
    struct cz_reference *r;
    struct text_tensors in = text_parse_tensors(f->arena, "f[1,2]: 1 -2 | f[2,2]: 1 2 3 4");
    int x = add_input(f, "x", cz_shape_of(CZ_F32, 2, (int64_t)-1, (int64_t)2));
    int w = add_input(f, "w", cz_shape_of(CZ_F32, 2, (int64_t)2, (int64_t)2));
    int product = add_node(f, "MatMul", "", x, w);
    int y = add_node(f, "Relu", "", product, -1);
    assert_int_equal(cz_graph_add_output(f->graph, y, &f->err), CZ_OK);
    assert_int_equal(cz_reference_run(f->graph, in.tensor, 2, &r, &f->err), CZ_OK);
    const float *between = r->value[product].data, *out = cz_reference_output(r, 0)->data;
    assert_true(between[0] == -5 && between[1] == -6);
    assert_true(out[0] == 0 && out[1] == 0);
    assert_true(r->macs[0] == 4 && r->macs[1] == 0);
    assert_ptr_equal(r->value[x].data, in.tensor[0].data);
    cz_reference_destroy(r);
}

/* No plan can have this; the reference knows the value when it gets there. */
static void test_shape_from_data(void **state)
{
    struct fixture *f = *state;
    struct cz_reference *r;
    struct text_tensors in = text_parse_tensors(f->arena, "f[6]: 0.. | l[2]: 2 -1");
    int x = add_input(f, "x", cz_shape_of(CZ_F32, 1, (int64_t)6));
    int shape = add_input(f, "shape", cz_shape_of(CZ_I64, 1, (int64_t)2));
    assert_int_equal(cz_graph_add_output(f->graph, add_node(f, "Reshape", "", x, shape), &f->err), CZ_OK);
    assert_int_equal(cz_reference_run(f->graph, in.tensor, 2, &r, &f->err), CZ_OK);
    const cz_tensor *y = cz_reference_output(r, 0);
    assert_true(y->rank == 2 && y->dim[0] == 2 && y->dim[1] == 3);
    cz_reference_destroy(r);
}

static void refuse(struct fixture *f, const char *inputs, cz_status status, const char *message)
{
    struct cz_reference *r = NULL;
    struct text_tensors in = text_parse_tensors(f->arena, inputs);
    assert_int_equal(cz_reference_run(f->graph, in.tensor, in.n, &r, &f->err), status);
    assert_null(r);
    if (!strstr(f->err.message, message))
        fail_msg("wanted '%s' in '%s'", message, f->err.message);
}

static void test_errors_name_the_place(void **state)
{
    struct fixture *f = *state;
    int x = add_input(f, "x", cz_shape_of(CZ_F32, 1, (int64_t)-1));
    int i = add_input(f, "i", cz_shape_of(CZ_I64, 1, (int64_t)-1));
    add_node(f, "Gather", "", x, i);
    refuse(f, "f[3]: 0.. | l[1]: 3", CZ_ERR_ARGUMENT, "node 'n0' (Gather): index 3");
    refuse(f, "f[3]: 0..", CZ_ERR_ARGUMENT, "1 inputs given; the model has 2");
    refuse(f, "f[3]: 0.. | i[1]: 1", CZ_ERR_SHAPE, "input 'i' is int32 [1]; int64 [?] wanted");
    refuse(f, "f[1,3]: 0.. | l[1]: 1", CZ_ERR_SHAPE, "input 'x' is float32 [1,3]; float32 [?] wanted");
}

static void test_parameter_without_values(void **state)
{
    struct fixture *f = *state;
    struct cz_shape shape = cz_shape_of(CZ_F32, 1, (int64_t)2);
    int w;
    assert_int_equal(cz_graph_add_param(f->graph, "w", CZ_WEIGHT, &shape, NULL, &w, &f->err), CZ_OK);
    add_node(f, "Relu", "", w, -1);
    refuse(f, "", CZ_ERR_STATE, "parameter 'w' has no values yet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keeps_every_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shape_from_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_name_the_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parameter_without_values, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
