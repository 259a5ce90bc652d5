/*
 * Graphs at the edges of what an operator accepts, where a rewriting or a fast path must hold back: each is
 * planned, run, and compared with the operators' references.
 */
#include "engine/plan.h"
#include "engine/reference.h"
#include "engine/session.h"
#include "random_graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct made {
    struct cz_graph *g;
    int x, n_names;
};

static const char *name_of(struct made *m)
{
    return cz_arena_printf(m->g->arena, "v%d", m->n_names++);
}

static struct made start(int opset, struct cz_shape x)
{
    struct made m = {0};
    assert_int_equal(cz_graph_create(opset, &m.g, NULL), CZ_OK);
    assert_int_equal(cz_graph_add_input(m.g, "x", &x, &m.x, NULL), CZ_OK);
    return m;
}

/* Values in [-1, 1]. */
static int param(struct made *m, struct cz_shape shape)
{
    int value;
    assert_int_equal(cz_graph_add_param(m->g, name_of(m), CZ_WEIGHT, &shape, NULL, &value, NULL), CZ_OK);
    struct cz_param *p = &m->g->params.items[m->g->params.count - 1];
    assert_int_equal(cz_param_allocate(p, NULL), CZ_OK);
    for (int64_t i = 0; i < cz_shape_count(&shape); i++)
        ((float *)p->value.data)[i] = random_value((uint64_t)value, (uint64_t)i);
    return value;
}

static int int_constant(struct made *m, const int64_t *values, int n)
{
    int value;
    struct cz_shape s = cz_shape_of(CZ_I64, 1, (int64_t)n);
    cz_tensor t = cz_tensor_view((void *)values, &s);
    assert_int_equal(cz_graph_add_constant(m->g, name_of(m), &t, &value, NULL), CZ_OK);
    return value;
}

/* With outputs 0..n_out-1 of which `wanted` has a name; returns that one. */
static int node_with(struct made *m, const char *op, const struct cz_attr_list *attrs, const int *in,
                     int n_in, int n_out, int wanted)
{
    cz_error err;
    int out[4];
    const char *names[4] = {"", "", "", ""};
    names[wanted] = name_of(m);
    if (cz_graph_add_node(m->g, op, name_of(m), attrs, in, n_in, names, n_out, out, &err) != CZ_OK)
        fail_msg("%s", err.message);
    return out[wanted];
}

static int node(struct made *m, const char *op, const struct cz_attr_list *attrs, const int *in, int n_in)
{
    return node_with(m, op, attrs, in, n_in, 1, 0);
}

static int unary(struct made *m, const char *op, int in)
{
    return node(m, op, NULL, &in, 1);
}

static void output(struct made *m, int value)
{
    assert_int_equal(cz_graph_add_output(m->g, value, NULL), CZ_OK);
}

static void add_ints(struct made *m, struct cz_attr_list *list, const char *name, const int64_t *v, int n)
{
    assert_int_equal(cz_attrs_add_ints(m->g->arena, list, name, v, n), 0);
}

static void add_int(struct made *m, struct cz_attr_list *list, const char *name, int64_t v)
{
    assert_int_equal(cz_attrs_add_int(m->g->arena, list, name, v), 0);
}

/* Sums of at most a few hundred terms of size 1: 1e-4 is a hundred times their rounding. */
static void expect_close(const cz_tensor *found, const cz_tensor *wanted)
{
    struct cz_shape f = cz_tensor_shape(found), w = cz_tensor_shape(wanted);
    assert_true(cz_shape_equal(&f, &w));
    for (int64_t i = 0; i < cz_shape_count(&w); i++) {
        double a = cz_tensor_double(found, i), b = cz_tensor_double(wanted, i);
        if (a != b && !(fabs(a - b) <= 1e-4))
            fail_msg("element %lld: %g, wanted %g", (long long)i, a, b);
    }
}

static void run(struct made *m, cz_runtime *rt, const cz_tensor *x, const struct cz_reference *wanted)
{
    cz_error err = {0};
    cz_plan *plan = NULL;
    cz_session *session = NULL;
    cz_tensor y[4] = {{0}};
    if (cz_plan_create(rt, m->g, NULL, &plan, &err) != CZ_OK ||
        cz_session_create(plan, &session, &err) != CZ_OK)
        fail_msg("%s", err.message);
    memset(session->arena, 0xFF, plan->arena_bytes);
    memset(session->scratch, 0xFF, plan->scratch_bytes * (size_t)cz_runtime_threads(rt));
    if (cz_session_run(session, x, 1, y, (size_t)m->g->n_outputs, &err) != CZ_OK)
        fail_msg("%s", err.message);
    for (int i = 0; i < m->g->n_outputs; i++)
        expect_close(&y[i], cz_reference_output(wanted, i));
    cz_session_destroy(session);
    cz_plan_destroy(plan);
}

/* Runs on every tier and compares; releases the graph. */
static void check(struct made *m)
{
    const char *tiers[8];
    cz_error err = {0};
    struct cz_shape s = m->g->values[m->x].shape;
    int64_t n = cz_shape_count(&s);
    float *data = malloc(n ? sizeof *data * (size_t)n : 1); /* exactly, for the sanitizer */
    for (int64_t i = 0; i < n; i++)
        data[i] = random_value(99, (uint64_t)i);
    cz_tensor x = cz_tensor_view(data, &s);
    struct cz_reference *wanted;
    if (cz_reference_run(m->g, &x, 1, &wanted, &err) != CZ_OK)
        fail_msg("%s", err.message);
    for (int i = 0, n_tiers = cz_runtime_tiers(tiers, 8); i < n_tiers; i++) {
        cz_runtime_options o = {.struct_size = sizeof o, .n_threads = 2, .isa = tiers[i]};
        cz_runtime *rt;
        assert_int_equal(cz_runtime_create(&o, &rt, NULL), CZ_OK);
        run(m, rt, &x, wanted);
        cz_runtime_destroy(rt);
    }
    cz_reference_destroy(wanted);
    cz_graph_release(m->g);
    free(data);
}

/* An activation or a scale must not be taken in by a product that the reference computes. */
static void gemm_left_to_the_reference(void **state)
{
    (void)state;
    struct cz_shape c_shapes[] = {cz_shape_of(CZ_F32, 2, INT64_C(3), INT64_C(1)),
                                  cz_shape_of(CZ_F32, 2, INT64_C(3), INT64_C(5)),
                                  cz_shape_of(CZ_F32, 1, INT64_C(5)), cz_shape_of(CZ_F32, 0)};
    for (int trans_a = 0; trans_a < 2; trans_a++)
        for (size_t i = 0; i < sizeof c_shapes / sizeof *c_shapes; i++) {
            struct made m = start(17, trans_a ? cz_shape_of(CZ_F32, 2, INT64_C(4), INT64_C(3))
                                              : cz_shape_of(CZ_F32, 2, INT64_C(3), INT64_C(4)));
            struct cz_attr_list a = {0};
            add_int(&m, &a, "transA", trans_a);
            int in[3] = {m.x, param(&m, cz_shape_of(CZ_F32, 2, INT64_C(4), INT64_C(5))),
                         param(&m, c_shapes[i])};
            int y = node(&m, "Gemm", &a, in, 3);
            int scaled[2] = {y, param(&m, cz_shape_of(CZ_F32, 1, INT64_C(5)))};
            output(&m, unary(&m, "Relu", node(&m, "Mul", NULL, scaled, 2)));
            check(&m);
        }
}

static void gemm_with_computed_c(void **state)
{
    (void)state;
    struct made m = start(17, cz_shape_of(CZ_F32, 2, INT64_C(3), INT64_C(4)));
    int in[3] = {m.x, param(&m, cz_shape_of(CZ_F32, 2, INT64_C(4), INT64_C(4))), unary(&m, "Tanh", m.x)};
    output(&m, unary(&m, "Relu", node(&m, "Gemm", NULL, in, 3)));
    check(&m);
}

/* Dilations and pads of 2^31: one output pixel, and no room for the input with its padding. */
static void convolution_of_any_reach(void **state)
{
    (void)state;
    static const int64_t reach[] = {INT32_MAX, (int64_t)1 << 30, 1 << 20};
    for (size_t i = 0; i < sizeof reach / sizeof *reach; i++)
        for (int64_t groups = 1; groups <= 2; groups++) {
            struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(2), INT64_C(1), INT64_C(1)));
            struct cz_attr_list a = {0};
            int64_t r = reach[i], pads[4] = {r, r, 0, 0};
            add_ints(&m, &a, "dilations", (int64_t[]){r, r}, 2);
            add_ints(&m, &a, "pads", pads, 4);
            add_int(&m, &a, "group", groups);
            int in[2] = {m.x,
                         param(&m, cz_shape_of(CZ_F32, 4, INT64_C(2), 2 / groups, INT64_C(2), INT64_C(2)))};
            output(&m, unary(&m, "Relu", node(&m, "Conv", &a, in, 2)));
            check(&m);
        }
}

/* An image of one pixel in row-major order: its channels are neighbours, and few. */
static void convolution_of_one_pixel(void **state)
{
    (void)state;
    for (int rank = 3; rank <= 4; rank++) {
        struct made m = start(17, (struct cz_shape){CZ_F32, rank, {1, 3, 1, 1}});
        struct cz_attr_list a = {0};
        add_ints(&m, &a, "pads", (int64_t[]){1, 1, 1, 1}, 2 * (rank - 2));
        int in[2] = {m.x, param(&m, (struct cz_shape){CZ_F32, rank, {5, 3, 2, 2}})};
        output(&m, node(&m, "Conv", &a, in, 2));
        check(&m);
    }
}

static void convolution_without_channels(void **state)
{
    (void)state;
    struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(3), INT64_C(4), INT64_C(4)));
    int in[2] = {m.x, param(&m, cz_shape_of(CZ_F32, 4, INT64_C(0), INT64_C(3), INT64_C(1), INT64_C(1)))};
    output(&m, unary(&m, "Relu", node(&m, "Conv", NULL, in, 2)));
    check(&m);
}

/* Kernels whose taps, times the bytes kept for each, come to 2^64 and to 2^34. */
static void pool_of_any_window(void **state)
{
    (void)state;
    static const char *const ops[] = {"MaxPool", "AveragePool"};
    for (int i = 0; i < 4; i++) {
        struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(2), INT64_C(3), INT64_C(3)));
        struct cz_attr_list a = {0};
        int64_t k = i < 2 ? (int64_t)1 << 30 : 1 << 15;
        int64_t pads[4] = {k / 2, k / 2, k / 2, k / 2};
        add_ints(&m, &a, "kernel_shape", (int64_t[]){k, k}, 2);
        add_ints(&m, &a, "pads", pads, 4);
        output(&m, node(&m, ops[i % 2], &a, &m.x, 1));
        check(&m);
    }
}

/* Dilation can put every tap of a window into the padding. */
static void pool_of_empty_windows(void **state)
{
    (void)state;
    static const char *const ops[] = {"MaxPool", "AveragePool"};
    for (int i = 0; i < 2; i++) {
        struct made m = start(19, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(2), INT64_C(1), INT64_C(1)));
        struct cz_attr_list a = {0};
        add_ints(&m, &a, "kernel_shape", (int64_t[]){2, 2}, 2);
        add_ints(&m, &a, "dilations", (int64_t[]){2, 2}, 2);
        add_ints(&m, &a, "pads", (int64_t[]){1, 1, 1, 1}, 4);
        output(&m, node(&m, ops[i], &a, &m.x, 1));
        check(&m);
    }
}

/* A last window that starts in a Pad's zeros stays; one that starts in the pool's own pads is dropped. */
static void pad_before_ceil_mode(void **state)
{
    (void)state;
    static const char *const ops[] = {"AveragePool", "Conv"};
    for (int i = 0; i < 2; i++)
        for (int64_t ceil_mode = 0; ceil_mode < 2; ceil_mode++) {
            struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(3), INT64_C(4), INT64_C(4)));
            struct cz_attr_list a = {0};
            int pad[2] = {m.x, int_constant(&m, (int64_t[]){0, 0, 0, 0, 0, 0, 2, 2}, 8)};
            int in[2] = {node(&m, "Pad", NULL, pad, 2),
                         param(&m, cz_shape_of(CZ_F32, 4, INT64_C(2), INT64_C(3), INT64_C(3), INT64_C(3)))};
            add_ints(&m, &a, "kernel_shape", (int64_t[]){3, 3}, 2);
            add_ints(&m, &a, "strides", (int64_t[]){2, 2}, 2);
            add_int(&m, &a, "ceil_mode", ceil_mode);
            output(&m, node(&m, ops[i], &a, in, 1 + i));
            check(&m);
        }
}

/* Nothing, padded, is something; the convolution alone would refuse the empty input. */
static void pad_of_nothing(void **state)
{
    (void)state;
    struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(2), INT64_C(0), INT64_C(3)));
    int pad[2] = {m.x, int_constant(&m, (int64_t[]){0, 0, 1, 1, 0, 0, 1, 1}, 8)};
    int in[3] = {node(&m, "Pad", NULL, pad, 2),
                 param(&m, cz_shape_of(CZ_F32, 4, INT64_C(4), INT64_C(2), INT64_C(2), INT64_C(2))),
                 param(&m, cz_shape_of(CZ_F32, 1, INT64_C(4)))};
    output(&m, node(&m, "Conv", NULL, in, 3));
    check(&m);
}

/* From rank 1 to 6, with an activation behind. */
static void batchnorm_of_any_rank(void **state)
{
    (void)state;
    for (int rank = 1; rank <= CZ_MAX_RANK; rank++) {
        struct cz_shape s = {CZ_F32, rank, {2, 3, 2, 2, 2, 2}};
        struct made m = start(17, s);
        struct cz_shape c = cz_shape_of(CZ_F32, 1, rank > 1 ? INT64_C(3) : INT64_C(1));
        int in[5] = {m.x, param(&m, c), param(&m, c), param(&m, c), param(&m, c)};
        float *variance = m.g->params.items[3].value.data;
        for (int64_t i = 0; i < c.dim[0]; i++)
            variance[i] += 2;
        output(&m, unary(&m, "Relu", node(&m, "BatchNormalization", NULL, in, 5)));
        check(&m);
    }
}

static void only_the_second_output(void **state)
{
    (void)state;
    struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(2), INT64_C(4), INT64_C(4)));
    struct cz_attr_list a = {0};
    add_ints(&m, &a, "kernel_shape", (int64_t[]){2, 2}, 2);
    output(&m, node_with(&m, "Dropout", NULL, &m.x, 1, 2, 1));
    output(&m, node_with(&m, "MaxPool", &a, &m.x, 1, 2, 1));
    check(&m);
}

/* Outputs that are an input, a parameter, a constant, each other. */
static void outputs_that_nobody_computes(void **state)
{
    (void)state;
    struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(2), INT64_C(3), INT64_C(3)));
    int p = param(&m, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(2), INT64_C(3), INT64_C(3)));
    output(&m, m.x);
    output(&m, p);
    output(&m, unary(&m, "Relu", p));
    output(&m, unary(&m, "Relu", m.x));
    check(&m);
    m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(2), INT64_C(3), INT64_C(3)));
    int y = unary(&m, "Relu", unary(&m, "Flatten", m.x)), z = unary(&m, "Identity", y);
    output(&m, z);
    output(&m, y);
    output(&m, z);
    output(&m, unary(&m, "Tanh", y));
    check(&m);
}

/* y feeds an output and two readers, r is read twice by one: no rule may take them in or write over them. */
static void values_read_more_than_once(void **state)
{
    (void)state;
    struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(2), INT64_C(3), INT64_C(5), INT64_C(5)));
    int in[2] = {m.x, param(&m, cz_shape_of(CZ_F32, 4, INT64_C(3), INT64_C(3), INT64_C(1), INT64_C(1)))};
    int y = node(&m, "Conv", NULL, in, 2), r = unary(&m, "Relu", y);
    output(&m, y);
    output(&m, node(&m, "Add", NULL, (int[]){r, r}, 2));
    output(&m, node(&m, "Sub", NULL, (int[]){unary(&m, "Sigmoid", y), y}, 2));
    output(&m, node(&m, "Mul", NULL, (int[]){m.x, m.x}, 2));
    check(&m);
}

/* Constants whose broadcasting is not one value per channel, though their size is. */
static void constants_that_are_no_channels(void **state)
{
    (void)state;
    struct cz_shape shapes[] = {
        cz_shape_of(CZ_F32, 1, INT64_C(4)),
        cz_shape_of(CZ_F32, 2, INT64_C(4), INT64_C(1)),
        cz_shape_of(CZ_F32, 3, INT64_C(4), INT64_C(1), INT64_C(1)),
        cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(4), INT64_C(1), INT64_C(1)),
        cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(1), INT64_C(1), INT64_C(1)),
        cz_shape_of(CZ_F32, 4, INT64_C(4), INT64_C(1), INT64_C(1), INT64_C(1)),
        cz_shape_of(CZ_F32, 5, INT64_C(1), INT64_C(1), INT64_C(4), INT64_C(1), INT64_C(1)),
        cz_shape_of(CZ_F32, 5, INT64_C(4), INT64_C(1), INT64_C(1), INT64_C(1), INT64_C(1)),
    };
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
        struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(4), INT64_C(4), INT64_C(4), INT64_C(4)));
        int in[2] = {m.x, param(&m, cz_shape_of(CZ_F32, 4, INT64_C(4), INT64_C(4), INT64_C(1), INT64_C(1)))};
        int operands[2] = {node(&m, "Conv", NULL, in, 2), param(&m, shapes[i / 2])};
        if (i % 2)
            operands[0] = operands[1], operands[1] = m.g->n_values - 2;
        output(&m, node(&m, i % 2 ? "Add" : "Mul", NULL, operands, 2));
        check(&m);
    }
}

/* What may be left out is the operator's business; what may not is refused before anybody looks. */
static void required_inputs_are_there(void **state)
{
    (void)state;
    static const char *const ops[] = {"Add", "Conv", "Gemm", "MatMul", "Concat", "Mul"};
    struct cz_attr_list a = {0};
    struct made m = start(17, cz_shape_of(CZ_F32, 4, INT64_C(1), INT64_C(1), INT64_C(1), INT64_C(1)));
    add_int(&m, &a, "axis", 1);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        for (int missing = 0; missing < 2; missing++) {
            cz_error err = {0};
            int in[2] = {missing ? m.x : -1, missing ? -1 : m.x};
            const char *out = name_of(&m);
            assert_int_equal(
                cz_graph_add_node(m.g, ops[i], "n", i == 4 ? &a : NULL, in, 2, &out, 1, NULL, &err),
                CZ_ERR_FORMAT);
            assert_non_null(strstr(err.message, "is left out; it is required"));
        }
    cz_graph_release(m.g);
}

/* Products over some of the dimensions must stay in range, whatever a zero makes of the whole. */
static void zeros_hide_no_sizes(void **state)
{
    (void)state;
    const int64_t large = (int64_t)1 << 30;
    struct cz_shape s = cz_shape_of(CZ_F32, 5, INT64_C(0), INT64_C(1), large, large, large);
    assert_int_equal(cz_shape_check(&s, "s", NULL), CZ_ERR_SHAPE);
    s = cz_shape_of(CZ_F32, 3, INT64_C(0), INT64_C(3), INT64_C(0));
    assert_int_equal(cz_shape_check(&s, "s", NULL), CZ_OK);
}

/* A chain of constants is folded up to the limit of the whole, small ones always, a large product never. */
static void folding_has_limits(void **state)
{
    (void)state;
    struct made m = start(17, cz_shape_of(CZ_F32, 1, INT64_C(1)));
    int chain = unary(&m, "ConstantOfShape", int_constant(&m, (int64_t[]){128, 128}, 2)), last = chain;
    for (int i = 0; i < 80; i++)
        last = unary(&m, "Identity", last);
    int matrix = unary(&m, "ConstantOfShape", int_constant(&m, (int64_t[]){1024, 1024}, 2));
    int product = node(&m, "MatMul", NULL, (int[]){matrix, matrix}, 2), size = unary(&m, "Shape", product);
    struct cz_infer *infer;
    assert_int_equal(cz_infer_create(m.g, NULL, 0, 0, 128 * 128 * 4, &infer, NULL), CZ_OK);
    assert_non_null(infer->constant[chain].data);
    assert_null(infer->constant[last].data);
    assert_non_null(infer->constant[size].data);
    assert_true(infer->folded_bytes <= 64 * 128 * 128 * 4 + 1024);
    cz_infer_destroy(infer);
    assert_int_equal(cz_infer_create(m.g, NULL, 0, 0, 0, &infer, NULL), CZ_OK);
    assert_non_null(infer->constant[last].data);
    assert_non_null(infer->constant[matrix].data);
    assert_null(infer->constant[product].data);
    cz_infer_destroy(infer);
    cz_graph_release(m.g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm_left_to_the_reference),
        cmocka_unit_test(gemm_with_computed_c),
        cmocka_unit_test(convolution_of_any_reach),
        cmocka_unit_test(convolution_without_channels),
        cmocka_unit_test(convolution_of_one_pixel),
        cmocka_unit_test(pool_of_any_window),
        cmocka_unit_test(pool_of_empty_windows),
        cmocka_unit_test(pad_before_ceil_mode),
        cmocka_unit_test(pad_of_nothing),
        cmocka_unit_test(batchnorm_of_any_rank),
        cmocka_unit_test(only_the_second_output),
        cmocka_unit_test(outputs_that_nobody_computes),
        cmocka_unit_test(values_read_more_than_once),
        cmocka_unit_test(constants_that_are_no_channels),
        cmocka_unit_test(required_inputs_are_there),
        cmocka_unit_test(zeros_hide_no_sizes),
        cmocka_unit_test(folding_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
