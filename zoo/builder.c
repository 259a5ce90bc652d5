#include "zoo/builder.h"
#include "zoo/golden.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int failed(const struct cz_net *net)
{
    return net->status != CZ_OK;
}

/* Takes over the status of a call that may have failed. */
static void check(struct cz_net *net, cz_status status)
{
    if (net->status == CZ_OK)
        net->status = status;
}

void cz_net_fail(struct cz_net *net, cz_status code, const char *fmt, ...)
{
    char text[sizeof net->err->message];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!failed(net))
        net->status = cz_error_set(net->err, code, "%s", text);
}

static void out_of_memory(struct cz_net *net)
{
    cz_net_fail(net, CZ_ERR_MEMORY, "model: out of memory building the network");
}

void cz_net_enter(struct cz_net *net, const char *fmt, ...)
{
    size_t length = strlen(net->scope), room = sizeof net->scope - length;
    if (net->depth == CZ_NET_DEPTH || room < 2) {
        cz_net_fail(net, CZ_ERR_INTERNAL, "scope '%s': nested too deeply", net->scope);
        return;
    }
    net->scope_length[net->depth++] = length;
    va_list args;
    va_start(args, fmt);
    int dot = length ? snprintf(net->scope + length, room, ".") : 0;
    int n = vsnprintf(net->scope + length + dot, room - (size_t)dot, fmt, args);
    va_end(args);
    if ((size_t)(n + dot) >= room)
        cz_net_fail(net, CZ_ERR_INTERNAL, "scope '%s': name too long", net->scope);
}

void cz_net_leave(struct cz_net *net)
{
    if (net->depth == 0)
        cz_net_fail(net, CZ_ERR_INTERNAL, "scope: left more often than entered");
    else
        net->scope[net->scope_length[--net->depth]] = 0;
}

/* A name behind the open scopes, in the graph's memory. */
static const char *scoped(struct cz_net *net, const char *name, char separator)
{
    char *s = net->scope[0] ? cz_arena_printf(net->graph->arena, "%s%c%s", net->scope, separator, name)
                            : cz_arena_strdup(net->graph->arena, name);
    if (!s)
        out_of_memory(net);
    return s ? s : "";
}

/* "layer1.0/Relu", and from the second one on "layer1.0/Relu_1". */
static const char *unique(struct cz_net *net, const char *op)
{
    const char *base = scoped(net, op, '/'), *name = base;
    for (int i = 1; !failed(net) && cz_graph_find_value(net->graph, name) >= 0; i++) {
        name = cz_arena_printf(net->graph->arena, "%s_%d", base, i);
        if (!name)
            out_of_memory(net);
    }
    return name ? name : "";
}

static int add_param(struct cz_net *net, const char *layer, const char *field, enum cz_role role,
                     enum cz_fill rule, struct cz_shape shape)
{
    int value = -1;
    if (failed(net))
        return value;
    const char *name = cz_arena_printf(net->graph->arena, "%s.%s", layer, field);
    if (!name)
        out_of_memory(net);
    else
        check(net, cz_graph_add_param(net->graph, name, role, &shape, NULL, &value, net->err));
    if (!failed(net))
        net->graph->params.items[net->graph->params.count - 1].golden_rule = (int)rule;
    return value;
}

static int add_scalar(struct cz_net *net, const char *name, float number)
{
    int value = -1;
    cz_tensor scalar = {.data = &number, .dtype = CZ_F32, .rank = 0};
    if (!failed(net))
        check(net, cz_graph_add_constant(net->graph, name, &scalar, &value, net->err));
    return value;
}

static void add_int(struct cz_net *net, struct cz_attr_list *list, const char *name, int64_t value)
{
    if (cz_attrs_add_int(net->graph->arena, list, name, value))
        out_of_memory(net);
}

static void add_float(struct cz_net *net, struct cz_attr_list *list, const char *name, float value)
{
    if (cz_attrs_add_float(net->graph->arena, list, name, value))
        out_of_memory(net);
}

static void add_ints(struct cz_net *net, struct cz_attr_list *list, const char *name, const int64_t *values,
                     int n)
{
    if (cz_attrs_add_ints(net->graph->arena, list, name, values, n))
        out_of_memory(net);
}

static void add_pair(struct cz_net *net, struct cz_attr_list *list, const char *name, int64_t h, int64_t w)
{
    add_ints(net, list, name, (int64_t[]){h, w}, 2);
}

/* ONNX order: the beginnings of all axes, then their ends. */
static void add_pads(struct cz_net *net, struct cz_attr_list *list, int64_t h, int64_t w)
{
    add_ints(net, list, "pads", (int64_t[]){h, w, h, w}, 4);
}

/* One node of one output, whose value has the node's name. */
static struct cz_map emit(struct cz_net *net, const char *op, const char *name,
                          const struct cz_attr_list *attrs, const int *in, int n_in, int64_t channels)
{
    struct cz_map out = {-1, channels};
    if (failed(net))
        return out;
    const char *value = net->next_value ? net->next_value : name;
    net->next_value = NULL;
    check(net, cz_graph_add_node(net->graph, op, name, attrs, in, n_in, &value, 1, &out.value, net->err));
    return out;
}

/* A node without parameters on one value. */
static struct cz_map emit_unary(struct cz_net *net, const char *op, const struct cz_attr_list *attrs,
                                struct cz_map x)
{
    return emit(net, op, unique(net, op), attrs, &x.value, 1, x.channels);
}

/* ---- layers with parameters ---- */

static struct cz_attr_list conv_attributes(struct cz_net *net, const struct cz_conv *c, int64_t k_h,
                                           int64_t k_w)
{
    struct cz_attr_list attrs = {0};
    int64_t pad_h = c->pad == CZ_PAD_HALF ? k_h / 2 : c->pad == CZ_PAD_NONE ? 0 : c->pad;
    int64_t pad_w = c->pad == CZ_PAD_HALF ? k_w / 2 : c->pad == CZ_PAD_NONE ? 0 : c->pad;
    int64_t stride = c->stride ? c->stride : 1;
    add_pair(net, &attrs, "dilations", 1, 1);
    add_int(net, &attrs, "group", c->groups ? c->groups : 1);
    add_pair(net, &attrs, "kernel_shape", k_h, k_w);
    add_pads(net, &attrs, pad_h, pad_w);
    add_pair(net, &attrs, "strides", stride, stride);
    return attrs;
}

static struct cz_map conv_node(struct cz_net *net, struct cz_map x, const char *layer,
                               const struct cz_conv *c)
{
    const char *name = scoped(net, layer, '.');
    int64_t k_h = c->kernel, k_w = c->kernel_w ? c->kernel_w : c->kernel, groups = c->groups ? c->groups : 1;
    int in[3] = {x.value};
    in[1] = add_param(net, name, "weight", CZ_WEIGHT, CZ_FILL_WEIGHT,
                      cz_shape_of(CZ_F32, 4, c->out, x.channels / groups, k_h, k_w));
    /* The gate of squeeze-and-excitation; a rule of the reference fill (golden.h). */
    enum cz_fill bias_rule = strcmp(layer, "fc2") == 0 ? CZ_FILL_GATE_BIAS : CZ_FILL_BIAS;
    if (!c->no_bias)
        in[2] = add_param(net, name, "bias", CZ_BIAS, bias_rule, cz_shape_of(CZ_F32, 1, c->out));
    struct cz_attr_list attrs = conv_attributes(net, c, k_h, k_w);
    return emit(net, "Conv", name, &attrs, in, c->no_bias ? 2 : 3, c->out);
}

struct cz_map cz_net_conv(struct cz_net *net, struct cz_map x, const char *name, struct cz_conv c)
{
    return cz_net_activate(net, conv_node(net, x, name, &c), c.act);
}

struct cz_map cz_net_conv_norm(struct cz_net *net, struct cz_map x, const char *conv, const char *norm,
                               struct cz_conv c)
{
    c.no_bias = 1; /* BatchNorm's shift would take it up */
    struct cz_map y = conv_node(net, x, conv, &c);
    return cz_net_activate(net, cz_net_norm(net, y, norm, c.closes), c.act);
}

struct cz_map cz_net_norm(struct cz_net *net, struct cz_map x, const char *layer, int closes)
{
    const char *name = scoped(net, layer, '.');
    struct cz_shape shape = cz_shape_of(CZ_F32, 1, x.channels);
    int in[5] = {x.value};
    in[1] = add_param(net, name, "weight", CZ_NORM_SCALE, closes ? CZ_FILL_NORM_CLOSE : CZ_FILL_NORM_WEIGHT,
                      shape);
    in[2] = add_param(net, name, "bias", CZ_NORM_SHIFT, CZ_FILL_NORM_BIAS, shape);
    in[3] = add_param(net, name, "running_mean", CZ_RUNNING_STAT, CZ_FILL_NORM_MEAN, shape);
    in[4] = add_param(net, name, "running_var", CZ_RUNNING_STAT, CZ_FILL_NORM_VAR, shape);
    struct cz_attr_list attrs = {0};
    add_float(net, &attrs, "epsilon", net->norm_eps);
    add_float(net, &attrs, "momentum", 0.9f);
    return emit(net, "BatchNormalization", name, &attrs, in, 5, x.channels);
}

struct cz_map cz_net_linear(struct cz_net *net, struct cz_map x, const char *layer, int64_t out)
{
    const char *name = scoped(net, layer, '.');
    int in[3] = {x.value};
    in[1] =
        add_param(net, name, "weight", CZ_WEIGHT, CZ_FILL_WEIGHT, cz_shape_of(CZ_F32, 2, out, x.channels));
    in[2] = add_param(net, name, "bias", CZ_BIAS, CZ_FILL_BIAS, cz_shape_of(CZ_F32, 1, out));
    struct cz_attr_list attrs = {0};
    add_int(net, &attrs, "transB", 1);
    return emit(net, "Gemm", name, &attrs, in, 3, out);
}

/* ---- activations ---- */

/* ReLU6; its bounds are two constants that all of a graph share. */
static struct cz_map clip_to_six(struct cz_net *net, struct cz_map x)
{
    if (net->zero < 0) {
        net->zero = add_scalar(net, "relu6.min", 0);
        net->six = add_scalar(net, "relu6.max", 6);
    }
    return emit(net, "Clip", unique(net, "Clip"), NULL, (int[]){x.value, net->zero, net->six}, 3, x.channels);
}

static struct cz_map multiply(struct cz_net *net, struct cz_map a, struct cz_map b)
{
    return emit(net, "Mul", unique(net, "Mul"), NULL, (int[]){a.value, b.value}, 2, a.channels);
}

/* max(0, min(1, x/6 + 1/2)), the form of MobileNet v3; ONNX's own default slope is 0.2. */
static struct cz_map hard_sigmoid(struct cz_net *net, struct cz_map x)
{
    struct cz_attr_list attrs = {0};
    add_float(net, &attrs, "alpha", 1.0f / 6);
    add_float(net, &attrs, "beta", 0.5f);
    return emit_unary(net, "HardSigmoid", &attrs, x);
}

struct cz_map cz_net_activate(struct cz_net *net, struct cz_map x, enum cz_activation act)
{
    static const char *const plain[] = {[CZ_ACT_RELU] = "Relu",
                                        [CZ_ACT_HARDSWISH] = "HardSwish",
                                        [CZ_ACT_SIGMOID] = "Sigmoid",
                                        [CZ_ACT_TANH] = "Tanh"};
    if (act == CZ_ACT_NONE)
        return x;
    if (act == CZ_ACT_RELU6)
        return clip_to_six(net, x);
    if (act == CZ_ACT_SILU) /* x * sigmoid(x): ONNX 17 has no node of its own */
        return multiply(net, x, emit_unary(net, "Sigmoid", NULL, x));
    if (act == CZ_ACT_HARDSIGMOID)
        return hard_sigmoid(net, x);
    return emit_unary(net, plain[act], NULL, x);
}

/* ---- pools and shapes ---- */

static struct cz_attr_list window_attributes(struct cz_net *net, const struct cz_pooling *w)
{
    struct cz_attr_list attrs = {0};
    int64_t stride = w->stride ? w->stride : 1;
    add_int(net, &attrs, "ceil_mode", w->ceil);
    add_pair(net, &attrs, "kernel_shape", w->kernel, w->kernel);
    add_pads(net, &attrs, w->pad, w->pad);
    add_pair(net, &attrs, "strides", stride, stride);
    return attrs;
}

struct cz_map cz_net_max_pool(struct cz_net *net, struct cz_map x, struct cz_pooling w)
{
    struct cz_attr_list attrs = window_attributes(net, &w);
    return emit_unary(net, "MaxPool", &attrs, x);
}

struct cz_map cz_net_average_pool(struct cz_net *net, struct cz_map x, struct cz_pooling w)
{
    struct cz_attr_list attrs = window_attributes(net, &w);
    add_int(net, &attrs, "count_include_pad", 1);
    return emit_unary(net, "AveragePool", &attrs, x);
}

struct cz_map cz_net_global_pool(struct cz_net *net, struct cz_map x)
{
    return emit_unary(net, "GlobalAveragePool", NULL, x);
}

struct cz_map cz_net_adaptive_pool(struct cz_net *net, struct cz_map x, int64_t side)
{
    struct cz_attr_list attrs = {0};
    add_pair(net, &attrs, "output_size", side, side);
    return emit_unary(net, "AdaptiveAveragePool", &attrs, x);
}

struct cz_map cz_net_flatten(struct cz_net *net, struct cz_map x, int64_t pixels)
{
    struct cz_attr_list attrs = {0};
    add_int(net, &attrs, "axis", 1);
    struct cz_map y = emit_unary(net, "Flatten", &attrs, x);
    y.channels = x.channels * pixels;
    return y;
}

struct cz_map cz_net_add(struct cz_net *net, struct cz_map a, struct cz_map b)
{
    return emit(net, "Add", unique(net, "Add"), NULL, (int[]){a.value, b.value}, 2, a.channels);
}

struct cz_map cz_net_concat(struct cz_net *net, const struct cz_map *maps, int n)
{
    enum { MAX_MAPS = 8 };
    int in[MAX_MAPS];
    int64_t channels = 0;
    if (n > MAX_MAPS)
        cz_net_fail(net, CZ_ERR_INTERNAL, "concat: %d maps, at most %d", n, MAX_MAPS);
    for (int i = 0; i < n && i < MAX_MAPS; i++) {
        in[i] = maps[i].value;
        channels += maps[i].channels;
    }
    struct cz_attr_list attrs = {0};
    add_int(net, &attrs, "axis", 1);
    return emit(net, "Concat", unique(net, "Concat"), &attrs, in, n, channels);
}

/* ---- composites ---- */

struct cz_map cz_net_squeeze_excite(struct cz_net *net, struct cz_map x, int64_t squeezed,
                                    enum cz_activation act, enum cz_activation gate)
{
    struct cz_map s = cz_net_global_pool(net, x);
    s = cz_net_conv(net, s, "fc1", (struct cz_conv){squeezed, 1, .act = act});
    s = cz_net_conv(net, s, "fc2", (struct cz_conv){x.channels, 1, .act = gate});
    return multiply(net, x, s);
}

struct cz_map cz_net_unit(struct cz_net *net, struct cz_map x, const char *name, struct cz_conv c)
{
    cz_net_enter(net, "%s", name);
    x = cz_net_conv_norm(net, x, "0", "1", c);
    cz_net_leave(net);
    return x;
}

/* The next unit of a block: "block.0", "block.1", ... */
static struct cz_map block_unit(struct cz_net *net, struct cz_map x, int *number, struct cz_conv c)
{
    cz_net_enter(net, "block.%d", (*number)++);
    x = cz_net_conv_norm(net, x, "0", "1", c);
    cz_net_leave(net);
    return x;
}

struct cz_map cz_net_inverted(struct cz_net *net, struct cz_map x, const struct cz_inverted *b)
{
    int adds = b->stride == 1 && x.channels == b->out, unit = 0;
    struct cz_map y = x;
    if (b->expanded != x.channels)
        y = block_unit(net, y, &unit, (struct cz_conv){b->expanded, 1, .act = b->act});
    y = block_unit(
        net, y, &unit,
        (struct cz_conv){b->expanded, b->kernel, .stride = b->stride, .groups = b->expanded, .act = b->act});
    if (b->squeezed) {
        cz_net_enter(net, "block.%d", unit++);
        y = cz_net_squeeze_excite(net, y, b->squeezed, b->squeeze_act, b->gate);
        cz_net_leave(net);
    }
    y = block_unit(net, y, &unit, (struct cz_conv){b->out, 1, .closes = adds});
    return adds ? cz_net_add(net, y, x) : y;
}

struct cz_map cz_net_dropout(struct cz_net *net, struct cz_map x, float ratio)
{
    const char *name = unique(net, "Dropout");
    const char *constant = cz_arena_printf(net->graph->arena, "%s.ratio", name);
    if (!constant)
        out_of_memory(net);
    int in[2] = {x.value, add_scalar(net, constant, ratio)};
    return emit(net, "Dropout", name, NULL, in, 2, x.channels);
}

void cz_net_last(struct cz_net *net)
{
    net->next_value = "logits";
}

void cz_net_output(struct cz_net *net, struct cz_map x, const char *head)
{
    if (failed(net))
        return;
    net->graph->head = scoped(net, head, '.');
    check(net, cz_graph_add_output(net->graph, x.value, net->err));
}

void cz_net_classifier(struct cz_net *net, struct cz_map x, const char *name)
{
    cz_net_last(net);
    cz_net_output(net, cz_net_linear(net, x, name, net->n_classes), name);
}

int64_t cz_round_channels(double channels)
{
    int64_t rounded = (int64_t)(channels + 4) / 8 * 8;
    if (rounded < 8)
        rounded = 8;
    return (double)rounded < 0.9 * channels ? rounded + 8 : rounded;
}
