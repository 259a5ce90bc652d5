#include "random_graph.h"
#include "base/philox.h"

#include <stdio.h>
#include <stdlib.h>

struct maker {
    struct cz_graph *g;
    uint64_t seed, draws;
    int n_names;
    int value; /* the current one */
    int64_t c, h, w;
};

float random_value(uint64_t seed, uint64_t index)
{
    uint32_t r[4];
    cz_random4(seed, CZ_STREAM_INIT, 0, index, 0, r);
    return cz_unit_float(r[0]) * 2 - 1;
}

static int64_t pick(struct maker *m, int64_t low, int64_t high)
{
    uint32_t r[4];
    cz_random4(m->seed, CZ_STREAM_SHUFFLE, 0, m->draws++, 0, r);
    return low + (int64_t)(r[0] % (uint64_t)(high - low + 1));
}

static void must(cz_status status, const cz_error *err)
{
    if (status != CZ_OK) {
        fprintf(stderr, "random_graph: %s\n", err->message);
        exit(2);
    }
}

static char *name_of(struct maker *m, const char *what)
{
    return cz_arena_printf(m->g->arena, "%s%d", what, m->n_names++);
}

/* A parameter with values centre + spread * [-1, 1]. */
static int param(struct maker *m, enum cz_role role, struct cz_shape shape, float centre, float spread)
{
    cz_error err;
    int value;
    must(cz_graph_add_param(m->g, name_of(m, "p"), role, &shape, NULL, &value, &err), &err);
    struct cz_param *p = &m->g->params.items[m->g->params.count - 1];
    must(cz_param_allocate(p, &err), &err);
    for (int64_t i = 0; i < cz_shape_count(&shape); i++)
        ((float *)p->value.data)[i] = centre + spread * random_value(m->seed + (uint64_t)value, (uint64_t)i);
    return value;
}

static int node(struct maker *m, const char *op, const struct cz_attr_list *attrs, const int *in, int n_in)
{
    cz_error err;
    int out;
    const char *out_name = name_of(m, "v");
    must(cz_graph_add_node(m->g, op, name_of(m, op), attrs, in, n_in, &out_name, 1, &out, &err), &err);
    return out;
}

static void ints(struct maker *m, struct cz_attr_list *list, const char *name, const int64_t *values, int n)
{
    if (cz_attrs_add_ints(m->g->arena, list, name, values, n))
        exit(2);
}

/* Output channels and groups that fit each other. */
static void pick_channels(struct maker *m, int64_t *out_c, int64_t *groups)
{
    *out_c = pick(m, 1, 40);
    *groups = 1;
    if (pick(m, 0, 3) == 0) { /* depthwise */
        *groups = *out_c = m->c;
    } else if (m->c % 4 == 0 && pick(m, 0, 2) == 0) {
        *groups = 4;
        *out_c = 4 * pick(m, 1, 10);
    }
}

static void conv(struct maker *m, int64_t out_c, int64_t groups, int64_t k, int64_t stride, int64_t dilation)
{
    struct cz_attr_list a = {0};
    int64_t reach = (k - 1) * dilation, pad_begin = pick(m, 0, reach), pad_end = reach - pad_begin;
    int64_t pads[4] = {pad_begin, reach - pad_begin, pad_end, pad_begin};
    ints(m, &a, "pads", pads, 4);
    ints(m, &a, "strides", (int64_t[]){stride, stride}, 2);
    ints(m, &a, "dilations", (int64_t[]){dilation, dilation}, 2);
    ints(m, &a, "kernel_shape", (int64_t[]){k, k}, 2);
    if (cz_attrs_add_int(m->g->arena, &a, "group", groups))
        exit(2);
    float fan = (float)(m->c / groups * k * k);
    int in[3] = {m->value, param(m, CZ_WEIGHT, cz_shape_of(CZ_F32, 4, out_c, m->c / groups, k, k), 0,
                                 2.0f / fan + 0.1f)};
    int n_in = 2;
    if (pick(m, 0, 1))
        in[n_in++] = param(m, CZ_BIAS, cz_shape_of(CZ_F32, 1, out_c), 0, 0.5f);
    m->value = node(m, "Conv", &a, in, n_in);
    m->c = out_c;
    m->h = (m->h - 1) / stride + 1;
    m->w = (m->w - 1) / stride + 1;
}

static void any_conv(struct maker *m)
{
    int64_t out_c, groups;
    pick_channels(m, &out_c, &groups);
    conv(m, out_c, groups, 2 * pick(m, 0, 2) + 1, pick(m, 1, 2), pick(m, 1, 2));
}

static void batchnorm(struct maker *m)
{
    struct cz_shape s = cz_shape_of(CZ_F32, 1, m->c);
    int in[5] = {m->value, param(m, CZ_NORM_SCALE, s, 1, 0.5f), param(m, CZ_NORM_SHIFT, s, 0, 0.5f),
                 param(m, CZ_RUNNING_STAT, s, 0, 0.5f), param(m, CZ_RUNNING_STAT, s, 1, 0.5f)};
    m->value = node(m, "BatchNormalization", NULL, in, 5);
}

static void activation(struct maker *m)
{
    static const char *const names[] = {"Relu", "Sigmoid", "HardSwish", "Tanh", "LeakyRelu"};
    m->value = node(m, names[pick(m, 0, 4)], NULL, &m->value, 1);
}

static void silu(struct maker *m)
{
    int in[2] = {m->value, node(m, "Sigmoid", NULL, &m->value, 1)};
    m->value = node(m, "Mul", NULL, in, 2);
}

static void pool(struct maker *m)
{
    struct cz_attr_list a = {0};
    int64_t stride = pick(m, 1, 2), ceil_mode = pick(m, 0, 1);
    if (m->h < 3 || m->w < 3)
        return;
    ints(m, &a, "kernel_shape", (int64_t[]){3, 3}, 2);
    ints(m, &a, "strides", (int64_t[]){stride, stride}, 2);
    ints(m, &a, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    int average = (int)pick(m, 0, 1);
    if (cz_attrs_add_int(m->g->arena, &a, "ceil_mode", ceil_mode) ||
        (average && cz_attrs_add_int(m->g->arena, &a, "count_include_pad", pick(m, 0, 1))))
        exit(2);
    m->value = node(m, average ? "AveragePool" : "MaxPool", &a, &m->value, 1);
    /* 3, pad 1: what stride 1 keeps; with stride 2 the last window may start inside in ceil_mode only. */
    m->h = (m->h + 2 - 3 + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    m->w = (m->w + 2 - 3 + (ceil_mode ? stride - 1 : 0)) / stride + 1;
}

/* As exporters write an average pool that counts its padding; or a padded convolution. */
static void padded(struct maker *m)
{
    int64_t pads[8] = {0, 0, pick(m, 0, 1), pick(m, 0, 1), 0, 0, pick(m, 0, 1), pick(m, 0, 1)};
    struct cz_shape s = cz_shape_of(CZ_I64, 1, INT64_C(8));
    cz_tensor t = cz_tensor_view(pads, &s);
    cz_error err;
    int in[2] = {m->value, -1};
    must(cz_graph_add_constant(m->g, name_of(m, "pads"), &t, &in[1], &err), &err);
    m->value = node(m, "Pad", NULL, in, 2);
    m->h += pads[2] + pads[6];
    m->w += pads[3] + pads[7];
    if (pick(m, 0, 1) || m->h < 2 || m->w < 2) {
        any_conv(m);
        return;
    }
    struct cz_attr_list a = {0};
    ints(m, &a, "kernel_shape", (int64_t[]){2, 2}, 2);
    m->value = node(m, "AveragePool", &a, &m->value, 1);
    m->h--;
    m->w--;
}

/* x + conv(...): the shortcut may come first or second. */
static void residual(struct maker *m)
{
    int shortcut = m->value;
    conv(m, m->c, 1, 3, 1, 1);
    if (pick(m, 0, 1))
        batchnorm(m);
    int in[2] = {m->value, shortcut};
    if (pick(m, 0, 1))
        in[0] = shortcut, in[1] = m->value;
    m->value = node(m, pick(m, 0, 2) ? "Add" : "Sum", NULL, in, 2);
}

/* Squeeze and excitation. */
static void gate(struct maker *m)
{
    int x = m->value;
    int64_t c = m->c, h = m->h, w = m->w;
    m->value = node(m, "GlobalAveragePool", NULL, &m->value, 1);
    m->h = m->w = 1;
    conv(m, pick(m, 1, 12), 1, 1, 1, 1);
    activation(m);
    conv(m, c, 1, 1, 1, 1);
    int in[2] = {x, node(m, "Sigmoid", NULL, &m->value, 1)};
    m->value = node(m, "Mul", NULL, in, 2);
    m->h = h;
    m->w = w;
}

static void branches(struct maker *m)
{
    int x = m->value, parts[2];
    int64_t c = m->c, total = 0;
    for (int i = 0; i < 2; i++) {
        m->value = x;
        m->c = c;
        conv(m, pick(m, 0, 1) ? 16 : pick(m, 1, 20), 1, i ? 1 : 3, 1, 1);
        parts[i] = m->value;
        total += m->c;
    }
    struct cz_attr_list a = {0};
    if (cz_attrs_add_int(m->g->arena, &a, "axis", 1))
        exit(2);
    m->value = node(m, "Concat", &a, parts, 2);
    m->c = total;
}

/* A Mul or Add with one value per channel, as scale layers have them. */
static void scale(struct maker *m)
{
    int in[2] = {m->value,
                 param(m, CZ_WEIGHT, cz_shape_of(CZ_F32, 3, m->c, INT64_C(1), INT64_C(1)), 1, 0.5f)};
    m->value = node(m, pick(m, 0, 1) ? "Mul" : "Add", NULL, in, 2);
}

static void head(struct maker *m)
{
    struct cz_attr_list a = {0};
    m->value = node(m, "GlobalAveragePool", NULL, &m->value, 1);
    m->value = node(m, "Flatten", NULL, &m->value, 1);
    if (cz_attrs_add_int(m->g->arena, &a, "transB", 1))
        exit(2);
    int64_t n = pick(m, 1, 70);
    int in[3] = {m->value, param(m, CZ_WEIGHT, cz_shape_of(CZ_F32, 2, n, m->c), 0, 0.5f),
                 param(m, CZ_BIAS, cz_shape_of(CZ_F32, 1, n), 0, 0.5f)};
    m->value = node(m, "Gemm", &a, in, 3);
}

static void (*const layers[])(struct maker *) = {any_conv, any_conv, batchnorm, activation, silu,  pool,
                                                 residual, gate,     branches,  scale,      padded};

struct cz_graph *random_graph(uint64_t seed)
{
    cz_error err;
    struct maker m = {.seed = seed};
    must(cz_graph_create(17, &m.g, &err), &err);
    m.c = pick(&m, 1, 20);
    m.h = pick(&m, 4, 20);
    m.w = pick(&m, 4, 20);
    struct cz_shape s = cz_shape_of(CZ_F32, 4, INT64_C(-1), m.c, m.h, m.w);
    must(cz_graph_add_input(m.g, "x", &s, &m.value, &err), &err);
    for (int64_t i = 0, n = pick(&m, 1, 8); i < n; i++)
        layers[pick(&m, 0, (int64_t)(sizeof layers / sizeof *layers) - 1)](&m);
    if (pick(&m, 0, 1))
        head(&m);
    must(cz_graph_add_output(m.g, m.value, &err), &err);
    return m.g;
}
