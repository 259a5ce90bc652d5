#include "random_graph.h"
#include "base/philox.h"

#include <stdio.h>
#include <stdlib.h>

struct maker {
    struct cz_graph *g;
    uint64_t seed, draws;
    int n_names;
    int value;   /* the current one */
    int spatial; /* dimensions behind the channels: 2, or 1 with h = 1 */
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

static void nodes(struct maker *m, const char *op, const struct cz_attr_list *attrs, const int *in, int n_in,
                  int *out, int n_out)
{
    cz_error err;
    const char *names[2];
    for (int i = 0; i < n_out; i++)
        names[i] = name_of(m, "v");
    must(cz_graph_add_node(m->g, op, name_of(m, op), attrs, in, n_in, names, n_out, out, &err), &err);
}

static int node(struct maker *m, const char *op, const struct cz_attr_list *attrs, const int *in, int n_in)
{
    int out;
    nodes(m, op, attrs, in, n_in, &out, 1);
    return out;
}

static void ints(struct maker *m, struct cz_attr_list *list, const char *name, const int64_t *values, int n)
{
    if (cz_attrs_add_ints(m->g->arena, list, name, values, n))
        exit(2);
}

/* Values by dimension, h first, h[n] and w[n]: for one spatial dimension w alone. */
static void by_axis(struct maker *m, struct cz_attr_list *list, const char *name, const int64_t *h,
                    const int64_t *w, int n)
{
    int64_t values[4];
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (m->spatial == 2)
            values[count++] = h[i];
        values[count++] = w[i];
    }
    ints(m, list, name, values, count);
}

/* [first][second][h][w] or [first][second][w]; a first of 0 is left out. */
static struct cz_shape shaped(const struct maker *m, int64_t first, int64_t second, int64_t h, int64_t w)
{
    struct cz_shape s = {CZ_F32, 0, {0}};
    if (first)
        s.dim[s.rank++] = first;
    s.dim[s.rank++] = second;
    if (m->spatial == 2)
        s.dim[s.rank++] = h;
    s.dim[s.rank++] = w;
    return s;
}

static int int_list(struct maker *m, const int64_t *values, int n)
{
    cz_error err;
    int value;
    struct cz_shape s = cz_shape_of(CZ_I64, 1, (int64_t)n);
    cz_tensor t = cz_tensor_view((void *)values, &s);
    must(cz_graph_add_constant(m->g, name_of(m, "ints"), &t, &value, &err), &err);
    return value;
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
    by_axis(m, &a, "pads", (int64_t[]){pad_begin, pad_end}, (int64_t[]){pad_end, pad_begin}, 2);
    by_axis(m, &a, "strides", &stride, &stride, 1);
    by_axis(m, &a, "dilations", &dilation, &dilation, 1);
    by_axis(m, &a, "kernel_shape", &k, &k, 1);
    if (cz_attrs_add_int(m->g->arena, &a, "group", groups))
        exit(2);
    float fan = (float)(m->c / groups * k * (m->spatial == 2 ? k : 1));
    int in[3] = {m->value, param(m, CZ_WEIGHT, shaped(m, out_c, m->c / groups, k, k), 0, 2.0f / fan + 0.1f)};
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
    int64_t stride = pick(m, 1, 2), ceil_mode = pick(m, 0, 1), ones[2] = {1, 1}, k = 3;
    if ((m->spatial == 2 && m->h < 3) || m->w < 3)
        return;
    by_axis(m, &a, "kernel_shape", &k, &k, 1);
    by_axis(m, &a, "strides", &stride, &stride, 1);
    by_axis(m, &a, "pads", ones, ones, 2);
    int average = (int)pick(m, 0, 1);
    if (cz_attrs_add_int(m->g->arena, &a, "ceil_mode", ceil_mode) ||
        (average && cz_attrs_add_int(m->g->arena, &a, "count_include_pad", pick(m, 0, 1))))
        exit(2);
    m->value = node(m, average ? "AveragePool" : "MaxPool", &a, &m->value, 1);
    /* 3, pad 1: what stride 1 keeps; with stride 2 the last window may start inside in ceil_mode only. */
    if (m->spatial == 2)
        m->h = (m->h + 2 - 3 + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    m->w = (m->w + 2 - 3 + (ceil_mode ? stride - 1 : 0)) / stride + 1;
}

/* As exporters write an average pool that counts its padding; or a padded convolution. */
static void padded(struct maker *m)
{
    int64_t top = m->spatial == 2 ? pick(m, 0, 1) : 0, bottom = m->spatial == 2 ? pick(m, 0, 1) : 0;
    int64_t left = pick(m, 0, 1), right = pick(m, 0, 1), k = 2;
    int64_t two[8] = {0, 0, top, left, 0, 0, bottom, right}, one[6] = {0, 0, left, 0, 0, right};
    int in[2] = {m->value, m->spatial == 2 ? int_list(m, two, 8) : int_list(m, one, 6)};
    m->value = node(m, "Pad", NULL, in, 2);
    m->h += top + bottom;
    m->w += left + right;
    if (pick(m, 0, 1) || (m->spatial == 2 && m->h < 2) || m->w < 2) {
        any_conv(m);
        return;
    }
    struct cz_attr_list a = {0};
    by_axis(m, &a, "kernel_shape", &k, &k, 1);
    if (cz_attrs_add_int(m->g->arena, &a, "ceil_mode", pick(m, 0, 1)))
        exit(2);
    m->value = node(m, "AveragePool", &a, &m->value, 1);
    m->h -= m->spatial == 2;
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
    int in[2] = {m->value, param(m, CZ_WEIGHT, shaped(m, 0, m->c, 1, 1), 1, 0.5f)};
    m->value = node(m, pick(m, 0, 1) ? "Mul" : "Add", NULL, in, 2);
}

/* Any order of the dimensions behind the batch. */
static void transpose(struct maker *m)
{
    static const int64_t orders[][4] = {{0, 1, 3, 2}, {0, 2, 3, 1}, {0, 3, 1, 2}, {0, 2, 1, 3}};
    static const int64_t swap[] = {0, 2, 1};
    const int64_t *order = m->spatial == 2 ? orders[pick(m, 0, 3)] : swap;
    int64_t size[4] = {0, m->c, m->spatial == 2 ? m->h : m->w, m->w};
    struct cz_attr_list a = {0};
    ints(m, &a, "perm", order, m->spatial + 2);
    m->value = node(m, "Transpose", &a, &m->value, 1);
    m->c = size[order[1]];
    m->w = size[order[m->spatial + 1]];
    m->h = m->spatial == 2 ? size[order[2]] : 1;
}

/* Along the channels; the parts go on in the other order, or one of them alone. */
static void split(struct maker *m)
{
    if (m->c < 2)
        return;
    struct cz_attr_list a = {0};
    int64_t sizes[2] = {pick(m, 1, m->c - 1), 0};
    sizes[1] = m->c - sizes[0];
    int parts[2], in[2] = {m->value, int_list(m, sizes, 2)};
    if (cz_attrs_add_int(m->g->arena, &a, "axis", 1))
        exit(2);
    nodes(m, "Split", &a, in, 2, parts, 2);
    m->value = parts[1];
    m->c = sizes[1];
    if (pick(m, 0, 1)) {
        m->value = node(m, "Concat", &a, (int[]){parts[1], parts[0]}, 2);
        m->c += sizes[0];
    }
}

/* The last dimension times a matrix, then a value per column. */
static void product(struct maker *m)
{
    int64_t n = pick(m, 1, 20);
    int in[2] = {m->value, param(m, CZ_WEIGHT, cz_shape_of(CZ_F32, 2, m->w, n), 0, 0.5f)};
    in[0] = node(m, "MatMul", NULL, in, 2);
    in[1] = param(m, CZ_BIAS, cz_shape_of(CZ_F32, 1, n), 0, 0.5f);
    m->value = node(m, "Add", NULL, in, 2);
    m->w = n;
}

/* Another output of the graph; what follows reads the value too. */
static void tap(struct maker *m)
{
    cz_error err;
    if (m->g->n_outputs < RANDOM_GRAPH_OUTPUTS - 1)
        must(cz_graph_add_output(m->g, m->value, &err), &err);
}

/* Nodes that change nothing, or only what an element is divided by or compared with. */
static void elements(struct maker *m)
{
    static const char *const same[] = {"Identity", "Dropout"}, *const ops[] = {"Sub", "Div", "Mul", "Add"};
    int x = m->value, y = node(m, same[pick(m, 0, 1)], NULL, &x, 1), gate = node(m, "Sigmoid", NULL, &y, 1);
    int in[2] = {pick(m, 0, 1) ? x : y, gate};
    m->value = node(m, ops[pick(m, 0, 3)], NULL, in, 2);
}

/* A classifier as Gemm, or as MatMul with everything that exporters put behind it. */
static void head(struct maker *m)
{
    struct cz_attr_list a = {0};
    m->value = node(m, "GlobalAveragePool", NULL, &m->value, 1);
    m->value = node(m, "Flatten", NULL, &m->value, 1);
    int64_t n = pick(m, 1, 70), trans = pick(m, 0, 1);
    struct cz_shape w = trans ? cz_shape_of(CZ_F32, 2, n, m->c) : cz_shape_of(CZ_F32, 2, m->c, n);
    int in[3] = {m->value, param(m, CZ_WEIGHT, w, 0, 0.5f),
                 param(m, CZ_BIAS, cz_shape_of(CZ_F32, 1, n), 0, 0.5f)};
    if (cz_attrs_add_int(m->g->arena, &a, "transB", trans))
        exit(2);
    if (trans || pick(m, 0, 1)) {
        m->value = node(m, "Gemm", &a, in, 3);
    } else {
        m->value = node(m, "MatMul", NULL, in, 2);
        m->value = node(m, "Add", NULL, (int[]){in[2], m->value}, 2);
    }
    m->c = n;
    if (pick(m, 0, 1))
        batchnorm(m);
    if (pick(m, 0, 1))
        activation(m);
}

static void (*const layers[])(struct maker *) = {any_conv, any_conv, batchnorm, activation, silu,   pool,
                                                 residual, gate,     branches,  scale,      padded, transpose,
                                                 split,    product,  tap,       elements};

struct cz_graph *random_graph(uint64_t seed)
{
    cz_error err;
    struct maker m = {.seed = seed};
    must(cz_graph_create(17, &m.g, &err), &err);
    m.spatial = pick(&m, 0, 3) ? 2 : 1;
    m.c = pick(&m, 1, 20);
    m.h = m.spatial == 2 ? pick(&m, 4, 20) : 1;
    m.w = pick(&m, 4, 20);
    struct cz_shape s = shaped(&m, -1, m.c, m.h, m.w);
    must(cz_graph_add_input(m.g, "x", &s, &m.value, &err), &err);
    for (int64_t i = 0, n = pick(&m, 1, 8); i < n; i++)
        layers[pick(&m, 0, (int64_t)(sizeof layers / sizeof *layers) - 1)](&m);
    if (pick(&m, 0, 1))
        head(&m);
    must(cz_graph_add_output(m.g, m.value, &err), &err);
    return m.g;
}
