/*
 * Operators on 8-bit codes in the plan, against their references, to the bit: whole sums are exact in float32
 * where the plan says so and in int32 everywhere, so there is nothing to tolerate.
 */
#include "base/cpu.h"
#include "engine/plan.h"
#include "engine/reference.h"
#include "engine/session.h"
#include "random_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(cz_status status, const cz_error *err)
{
    if (status != CZ_OK)
        fail_msg("%s", err->message);
}

struct build {
    struct cz_graph *g;
    uint64_t seed;
    int n_names;
    char names[64][16];
};

static const char *new_name(struct build *b)
{
    assert_true(b->n_names < 64);
    sprintf(b->names[b->n_names], "v%d", b->n_names);
    return b->names[b->n_names++];
}

/* Codes from `low` up to low + span - 1. */
static int codes(struct build *b, struct cz_shape shape, int low, int span)
{
    cz_error err = {0};
    int64_t n = cz_shape_count(&shape);
    uint8_t *data = malloc((size_t)n + 1);
    int value;
    for (int64_t i = 0; i < n; i++)
        data[i] = (uint8_t)(low + (int)((double)(random_value(b->seed, (uint64_t)i) + 1) / 2 * (span - 1)));
    b->seed++;
    cz_tensor t = cz_tensor_view(data, &shape);
    check(cz_graph_add_constant(b->g, new_name(b), &t, &value, &err), &err);
    free(data);
    return value;
}

/* Positive floats, about `size`. */
static int scales(struct build *b, int64_t n, float size)
{
    cz_error err = {0};
    float data[64];
    struct cz_shape shape = n ? cz_shape_of(CZ_F32, 1, n) : cz_shape_of(CZ_F32, 0);
    int value;
    for (int64_t i = 0; i < (n ? n : 1); i++)
        data[i] = size * (1.5f + random_value(b->seed, (uint64_t)i));
    b->seed++;
    cz_tensor t = cz_tensor_view(data, &shape);
    check(cz_graph_add_constant(b->g, new_name(b), &t, &value, &err), &err);
    return value;
}

static int input(struct build *b, struct cz_shape shape)
{
    cz_error err = {0};
    int value;
    check(cz_graph_add_input(b->g, "x", &shape, &value, &err), &err);
    return value;
}

static int node(struct build *b, const char *op, const struct cz_attr_list *attrs, const int *in, int n_in)
{
    cz_error err = {0};
    const char *name = new_name(b);
    int value;
    check(cz_graph_add_node(b->g, op, name, attrs, in, n_in, &name, 1, &value, &err), &err);
    return value;
}

/* All outputs of `op`, the first `n_out`. */
static void node_n(struct build *b, const char *op, const int *in, int n_in, int *out, int n_out)
{
    cz_error err = {0};
    const char *names[3];
    for (int i = 0; i < n_out; i++)
        names[i] = new_name(b);
    check(cz_graph_add_node(b->g, op, names[0], NULL, in, n_in, names, n_out, out, &err), &err);
}

static void output(struct build *b, int value)
{
    cz_error err = {0};
    check(cz_graph_add_output(b->g, value, &err), &err);
}

static cz_tensor input_data(const struct cz_graph *g, uint64_t seed)
{
    struct cz_shape s = g->values[g->inputs[0]].shape;
    int64_t n = cz_shape_count(&s);
    void *x = malloc(cz_shape_bytes(&s));
    for (int64_t i = 0; i < n; i++)
        if (s.dtype == CZ_F32)
            ((float *)x)[i] = 5 * random_value(seed, (uint64_t)i);
        else
            ((uint8_t *)x)[i] = (uint8_t)(128 + (int)(random_value(seed, (uint64_t)i) * 128));
    return cz_tensor_view(x, &s);
}

/* What a case expects of the plan: an algorithm with these words, or NULL. */
static void expect_algorithm(const cz_plan *plan, const char *words)
{
    for (int s = 0; words && s < plan->n_steps; s++)
        if (strstr(plan->steps[s].algorithm, words))
            return;
    if (words)
        fail_msg("no step is '%s'", words);
}

static void run_plan(struct cz_graph *g, cz_tensor x, const char *isa, int threads, int no_fuse,
                     const char *words, const struct cz_reference *want)
{
    cz_error err = {0};
    cz_runtime_options o = {.struct_size = sizeof o, .n_threads = threads, .isa = isa};
    cz_plan_options po = {.struct_size = sizeof po, .no_fuse = no_fuse};
    cz_runtime *rt;
    cz_plan *plan;
    cz_session *session;
    cz_tensor y[8] = {{0}};
    check(cz_runtime_create(&o, &rt, &err), &err);
    check(cz_plan_create(rt, g, &po, &plan, &err), &err);
    expect_algorithm(plan, words);
    check(cz_session_create(plan, &session, &err), &err);
    memset(session->arena, 0xFF, plan->arena_bytes);
    check(cz_session_run(session, &x, 1, y, (size_t)g->n_outputs, &err), &err);
    for (int i = 0; i < g->n_outputs; i++) {
        const cz_tensor *w = cz_reference_output(want, i);
        struct cz_shape a = cz_tensor_shape(&y[i]), b = cz_tensor_shape(w);
        assert_true(cz_shape_equal(&a, &b));
        for (int64_t k = 0; k < cz_shape_count(&a); k++)
            if (cz_tensor_double(&y[i], k) != cz_tensor_double(w, k))
                fail_msg("%s, %s: output %d, element %lld is %.9g, wanted %.9g", isa ? isa : "best",
                         no_fuse ? "not fused" : "fused", i, (long long)k, cz_tensor_double(&y[i], k),
                         cz_tensor_double(w, k));
    }
    cz_session_destroy(session);
    cz_plan_destroy(plan);
    cz_runtime_destroy(rt);
}

static void run_ways(struct build *b, const char *words)
{
    const char *tiers[8];
    int n = cz_runtime_tiers(tiers, 8);
    cz_error err = {0};
    struct cz_reference *want;
    cz_tensor x = input_data(b->g, b->seed);
    check(cz_reference_run(b->g, &x, 1, &want, &err), &err);
    for (int i = 0; i < n; i++)
        for (int no_fuse = 0; no_fuse < 2; no_fuse++)
            run_plan(b->g, x, tiers[i], 1 + no_fuse, no_fuse, words, want);
    cz_reference_destroy(want);
    cz_graph_release(b->g);
    free(x.data);
}

static struct build start(uint64_t seed)
{
    struct build b = {.seed = seed * 100};
    cz_error err = {0};
    check(cz_graph_create(13, &b.g, &err), &err);
    return b;
}

/*
 * Sizes that leave lanes unused and pixels over. span 255 with 8 channels of 3x3 can reach 8*9*255*255
 * = 4.7e6 < 2^24; 400 channels of 1x1 with all weights 255 apart from their zero point reach 2.6e7.
 */
static const struct conv_form {
    cz_dtype x, w;
    int64_t in_c, out_c, groups, kernel, stride, pad, side;
    int w_low, w_span, by_channel;
    const char *algorithm;
} conv_forms[] = {
    {CZ_U8, CZ_I8, 8, 21, 1, 3, 1, 1, 9, -128, 256, 0, "direct from NCHW, exact in float32"},
    {CZ_U8, CZ_I8, 8, 21, 1, 3, 2, 1, 9, -128, 256, 1, "exact in float32"},
    {CZ_I8, CZ_I8, 37, 19, 1, 1, 1, 0, 23, -128, 256, 1, "pointwise, exact in float32"},
    {CZ_U8, CZ_U8, 21, 21, 21, 3, 1, 1, 30, 0, 256, 1, "depthwise, exact in float32"},
    {CZ_I8, CZ_U8, 8, 12, 4, 3, 1, 0, 7, 0, 256, 0, "exact in float32"},
    {CZ_U8, CZ_U8, 400, 5, 1, 1, 1, 0, 4, 255, 1, 0, "sums in int32"},
    {CZ_U8, CZ_U8, 400, 6, 2, 3, 2, 1, 5, 200, 56, 1, "sums in int32"},
};

static struct cz_attr_list conv_attrs(struct build *b, const struct conv_form *f)
{
    struct cz_attr_list attrs = {0};
    int64_t strides[2] = {f->stride, f->stride}, pads[4] = {f->pad, f->pad, f->pad, f->pad};
    assert_int_equal(cz_attrs_add_int(b->g->arena, &attrs, "group", f->groups), 0);
    assert_int_equal(cz_attrs_add_ints(b->g->arena, &attrs, "strides", strides, 2), 0);
    assert_int_equal(cz_attrs_add_ints(b->g->arena, &attrs, "pads", pads, 4), 0);
    return attrs;
}

/* One code below the weights' own, so that the zero point never makes them small by chance. */
static int weight_zero(struct build *b, const struct conv_form *f)
{
    struct cz_shape shape = f->by_channel ? cz_shape_of(f->w, 1, f->out_c) : cz_shape_of(f->w, 0);
    return f->w == CZ_I8 ? codes(b, shape, -5, 10) : codes(b, shape, 0, f->w_low ? 1 : 255);
}

static void convolutions_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conv_forms / sizeof *conv_forms; i++) {
        const struct conv_form *f = &conv_forms[i];
        struct build b = start(i + 1);
        struct cz_attr_list attrs = conv_attrs(&b, f);
        int x = input(&b, cz_shape_of(f->x, 4, (int64_t)2, f->in_c, f->side, f->side));
        int w = codes(&b, cz_shape_of(f->w, 4, f->out_c, f->in_c / f->groups, f->kernel, f->kernel), f->w_low,
                      f->w_span);
        int x_zero = codes(&b, cz_shape_of(f->x, 0), 3, 1), w_zero = weight_zero(&b, f);
        int sums = node(&b, "ConvInteger", &attrs, (int[]){x, w, x_zero, w_zero}, 4);
        int y_zero = codes(&b, cz_shape_of(CZ_U8, 0), 100, 1);
        int q =
            node(&b, "QLinearConv", &attrs,
                 (int[]){x, scales(&b, 0, 0.01f), x_zero, w, scales(&b, f->by_channel ? f->out_c : 0, 0.01f),
                         w_zero, scales(&b, 0, 0.05f), y_zero},
                 8);
        output(&b, sums);
        output(&b, q);
        run_ways(&b, f->algorithm);
    }
}

/* The zero point comes from the data, the Cast goes into the write-back. */
static void dynamic_codes_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conv_forms / sizeof *conv_forms; i++) {
        const struct conv_form *f = &conv_forms[i];
        struct build b = start(i + 51);
        struct cz_attr_list attrs = conv_attrs(&b, f), to = {0};
        int x = input(&b, cz_shape_of(CZ_F32, 4, (int64_t)2, f->in_c, f->side, f->side)), q[3];
        int w = codes(&b, cz_shape_of(f->w, 4, f->out_c, f->in_c / f->groups, f->kernel, f->kernel), f->w_low,
                      f->w_span);
        node_n(&b, "DynamicQuantizeLinear", &x, 1, q, 3);
        assert_int_equal(cz_attrs_add_int(b.g->arena, &to, "to", 1), 0);
        int sums = node(&b, "ConvInteger", &attrs, (int[]){q[0], w, q[2], weight_zero(&b, f)}, 4);
        int real = node(&b, "Cast", &to, &sums, 1);
        int scaled = node(&b, "Mul", NULL, (int[]){real, q[1]}, 2);
        int biased = node(&b, "Add", NULL, (int[]){scaled, scales(&b, 0, 1)}, 2);
        output(&b, biased);
        output(&b, q[0]);
        run_ways(&b, f->algorithm);
    }
}

/* 300 rows of at most 255*255 pass 2^24, 100 do not. */
static void products_are_exact(void **state)
{
    static const struct {
        int64_t m, n, k;
        int low, span;
        const char *algorithm;
    } forms[] = {{1, 70, 100, -128, 256, "weights stream, exact in float32"},
                 {5, 37, 100, -128, 256, "panels, exact in float32"},
                 {3, 300, 600, 120, 8, "sums in int32"}};
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct build b = start(i + 101);
        int x = input(&b, cz_shape_of(CZ_U8, 2, forms[i].m, forms[i].k));
        int w = codes(&b, cz_shape_of(CZ_I8, 2, forms[i].k, forms[i].n), forms[i].low, forms[i].span);
        int x_zero = codes(&b, cz_shape_of(CZ_U8, 0), 0, 1), w_zero = codes(&b, cz_shape_of(CZ_I8, 0), -3, 1);
        output(&b, node(&b, "MatMulInteger", NULL, (int[]){x, w, x_zero, w_zero}, 4));
        int y_zero = codes(&b, cz_shape_of(CZ_I8, 0), -7, 1);
        output(&b, node(&b, "QLinearMatMul", NULL,
                        (int[]){x, scales(&b, 0, 0.01f), x_zero, w, scales(&b, 0, 0.01f), w_zero,
                                scales(&b, 0, 0.5f), y_zero},
                        8));
        run_ways(&b, forms[i].algorithm);
    }
}

/* One quantizer with two readers, one with other codes, and one by channels; 20000 elements are two chunks.
 */
static void pairs_are_exact(void **state)
{
    struct build b = start(201);
    struct cz_attr_list axis = {0};
    (void)state;
    int x = input(&b, cz_shape_of(CZ_F32, 4, (int64_t)1, (int64_t)5, (int64_t)50, (int64_t)80));
    int scale = scales(&b, 0, 0.03f), zero = codes(&b, cz_shape_of(CZ_U8, 0), 90, 1);
    int q = node(&b, "QuantizeLinear", NULL, (int[]){x, scale, zero}, 3);
    output(&b, node(&b, "DequantizeLinear", NULL, (int[]){q, scale, zero}, 3));
    output(&b, node(&b, "DequantizeLinear", NULL, (int[]){q, scales(&b, 0, 0.03f), zero}, 3));
    int once = node(&b, "QuantizeLinear", NULL, (int[]){x, scale, zero}, 3);
    output(&b, node(&b, "DequantizeLinear", NULL, (int[]){once, scale, zero}, 3));
    assert_int_equal(cz_attrs_add_int(b.g->arena, &axis, "axis", 1), 0);
    int by_channel = scales(&b, 5, 0.02f), zeros = codes(&b, cz_shape_of(CZ_I8, 1, (int64_t)5), -90, 100);
    int p = node(&b, "QuantizeLinear", &axis, (int[]){x, by_channel, zeros}, 3);
    output(&b, node(&b, "DequantizeLinear", &axis, (int[]){p, by_channel, zeros}, 3));
    output(&b, p);
    run_ways(&b, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_are_exact),
        cmocka_unit_test(dynamic_codes_are_exact),
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(pairs_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
