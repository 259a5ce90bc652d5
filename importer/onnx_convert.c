#include "importer/onnx_convert.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_INPUTS = 8 };

/* A node on its way: its inputs are values of the new graph, -1 left out. */
struct draft {
    struct converter *c;
    const struct cz_node *from;
    const char *op;
    struct cz_attr_list attrs;
    int *in; /* room for MAX_INPUTS more */
    int n_in;
};

struct converter {
    struct cz_graph *from, *to;
    struct cz_infer *shapes; /* of `from`, made at first need; NULL: they cannot be known */
    int *map;                /* values of `from` in `to` */
    int opset;
};

typedef cz_status step(struct draft *, cz_error *);

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory converting the graph");
}

static cz_status no_equal(const struct draft *d, const char *what, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s has no equal at opset %d; choose another --opset", what,
            d->c->opset);
}

/* ---- what steps are made of ---- */

static cz_status set_input(struct draft *d, int index, int value)
{
    while (d->n_in <= index)
        d->in[d->n_in++] = -1;
    d->in[index] = value;
    return CZ_OK;
}

/* A constant as input `index`, called "NODE/what". */
static cz_status make_input(struct draft *d, int index, const char *what, const cz_tensor *value,
                            cz_error *err)
{
    int made;
    char *name = cz_arena_printf(d->c->to->arena, "%s/%s", d->from->name, what);
    if (!name)
        return no_memory(err);
    CZ_TRY(cz_graph_add_constant(d->c->to, name, value, &made, err));
    return set_input(d, index, made);
}

static cz_status ints_input(struct draft *d, int index, const char *what, const int64_t *ints, int n,
                            cz_error *err)
{
    cz_tensor t = {.data = (void *)ints, .dtype = CZ_I64, .rank = 1, .dim = {n}};
    return make_input(d, index, what, &t, err);
}

static cz_status float_input(struct draft *d, int index, const char *what, float value, cz_error *err)
{
    cz_tensor t = {.data = &value, .dtype = CZ_F32, .rank = 0};
    return make_input(d, index, what, &t, err);
}

static void drop(struct draft *d, const char *name)
{
    cz_attrs_remove(&d->attrs, name);
}

/* The attribute of whole numbers as an input, if it is there. */
static cz_status move_ints(struct draft *d, const char *name, int index, cz_error *err)
{
    const struct cz_attr *a = cz_attr_find(&d->attrs, name);
    if (!a)
        return CZ_OK;
    CZ_TRY(a->kind == CZ_ATTR_INTS ? ints_input(d, index, name, a->ints, a->n, err)
                                   : ints_input(d, index, name, &a->i, 1, err));
    drop(d, name);
    return CZ_OK;
}

static cz_status need_shapes(struct draft *d, cz_error *err)
{
    if (!d->c->shapes && cz_infer_create(d->c->from, NULL, 0, 0, 1 << 16, &d->c->shapes, NULL) != CZ_OK)
        return no_equal(d, "this form, in a network whose shapes are open,", err);
    return CZ_OK;
}

/* The whole numbers of a constant input back into an attribute. */
static cz_status take_ints(struct draft *d, int index, const char *name, cz_error *err)
{
    int64_t ints[CZ_MAX_RANK];
    if (index >= d->n_in || d->in[index] < 0)
        return CZ_OK;
    CZ_TRY(need_shapes(d, err));
    const cz_tensor *t = &d->c->shapes->constant[d->from->in[index]];
    if (!t->data || t->rank > 1 || (t->rank == 1 && t->dim[0] > CZ_MAX_RANK))
        return no_equal(d, "an input that is computed", err);
    int n = t->rank ? (int)t->dim[0] : 1;
    for (int i = 0; i < n; i++)
        ints[i] = cz_tensor_int(t, i);
    if (cz_attrs_add_ints(d->c->to->arena, &d->attrs, name, ints, n))
        return no_memory(err);
    d->n_in = index;
    return CZ_OK;
}

/* ---- steps up ---- */

static cz_status clip_11(struct draft *d, cz_error *err)
{
    static const char *const names[] = {"min", "max"};
    for (int i = 0; i < 2; i++)
        if (cz_attr_find(&d->attrs, names[i])) {
            CZ_TRY(float_input(d, 1 + i, names[i], cz_attr_float(&d->attrs, names[i], 0), err));
            drop(d, names[i]);
        }
    return CZ_OK;
}

static cz_status dropout_12(struct draft *d, cz_error *err)
{
    CZ_TRY(float_input(d, 1, "ratio", cz_attr_float(&d->attrs, "ratio", 0.5f), err));
    drop(d, "ratio");
    drop(d, "is_test");
    return CZ_OK;
}

static cz_status batchnorm_9(struct draft *d, cz_error *err)
{
    if (cz_attr_int(&d->attrs, "spatial", 1) != 1)
        return no_equal(d, "spatial=0", err);
    drop(d, "spatial");
    drop(d, "is_test");
    drop(d, "consumed_inputs");
    return CZ_OK;
}

static cz_status broadcast_7(struct draft *d, cz_error *err)
{
    if (cz_attr_int(&d->attrs, "broadcast", 0) != 0 && cz_attr_find(&d->attrs, "axis"))
        return no_equal(d, "broadcast along an axis", err);
    drop(d, "broadcast");
    drop(d, "axis");
    drop(d, "consumed_inputs");
    return CZ_OK;
}

static cz_status slope_7(struct draft *d, cz_error *err)
{
    return no_equal(d, "a slope per channel without its axes", err);
}

static cz_status axes_to_input(struct draft *d, cz_error *err)
{
    return move_ints(d, "axes", 1, err);
}

static cz_status slice_10(struct draft *d, cz_error *err)
{
    CZ_TRY(move_ints(d, "starts", 1, err));
    CZ_TRY(move_ints(d, "ends", 2, err));
    return move_ints(d, "axes", 3, err);
}

static cz_status pad_11(struct draft *d, cz_error *err)
{
    const char *mode = cz_attr_string(&d->attrs, "mode", "constant");
    CZ_TRY(move_ints(d, "pads", 1, err));
    if (strcmp(mode, "constant") == 0)
        CZ_TRY(float_input(d, 2, "value", cz_attr_float(&d->attrs, "value", 0), err));
    drop(d, "value");
    return CZ_OK;
}

/* Over all dimensions from the axis on, until 12; over one since. The same where only one of them is not 1.
 */
static cz_status softmax_13(struct draft *d, cz_error *err)
{
    CZ_TRY(need_shapes(d, err));
    const struct cz_shape *s = &d->c->shapes->shape[d->from->in[0]];
    int axis, wide = 0, only;
    CZ_TRY(cz_normalize_axis(cz_attr_int(&d->attrs, "axis", 1), s->rank, &axis, err));
    only = axis;
    for (int i = axis; i < s->rank; i++)
        if (s->dim[i] != 1) {
            only = i;
            wide++;
        }
    if (wide > 1)
        return no_equal(d, "the sum over several axes", err);
    drop(d, "axis");
    return cz_attrs_add_int(d->c->to->arena, &d->attrs, "axis", only) ? no_memory(err) : CZ_OK;
}

static cz_status split_13(struct draft *d, cz_error *err)
{
    return move_ints(d, "split", 1, err);
}

static cz_status split_18(struct draft *d, cz_error *err)
{
    if (d->n_in > 1 && d->in[1] >= 0)
        return CZ_OK;
    return cz_attrs_add_int(d->c->to->arena, &d->attrs, "num_outputs", d->from->n_out) ? no_memory(err)
                                                                                       : CZ_OK;
}

static cz_status topk_10(struct draft *d, cz_error *err)
{
    return move_ints(d, "k", 1, err);
}

static cz_status upsample_9(struct draft *d, cz_error *err)
{
    const struct cz_attr *a = cz_attr_find(&d->attrs, "scales");
    if (!a || a->kind != CZ_ATTR_FLOATS)
        return CZ_OK;
    cz_tensor t = {.data = (void *)a->floats, .dtype = CZ_F32, .rank = 1, .dim = {a->n}};
    CZ_TRY(make_input(d, 1, "scales", &t, err));
    drop(d, "scales");
    return CZ_OK;
}

static cz_status upsample_10(struct draft *d, cz_error *err)
{
    (void)err;
    d->op = "Resize";
    return CZ_OK;
}

/* The only coordinates and rounding there were. */
static cz_status resize_11(struct draft *d, cz_error *err)
{
    struct cz_arena *arena = d->c->to->arena;
    int scales = d->n_in > 1 ? d->in[1] : -1;
    set_input(d, 1, -1);
    set_input(d, 2, scales);
    return cz_attrs_add_string(arena, &d->attrs, "coordinate_transformation_mode", "asymmetric") ||
                   cz_attrs_add_string(arena, &d->attrs, "nearest_mode", "floor")
               ? no_memory(err)
               : CZ_OK;
}

/* ---- steps down ---- */

static cz_status refuse_input(struct draft *d, int index, const char *what, cz_error *err)
{
    return index < d->n_in && d->in[index] >= 0 ? no_equal(d, what, err) : CZ_OK;
}

/* Attributes that may go while they have the value that was always meant. */
static cz_status drop_usual(struct draft *d, const char *name, int64_t usual, cz_error *err)
{
    if (cz_attr_int(&d->attrs, name, usual) != usual)
        return no_equal(d, name, err);
    drop(d, name);
    return CZ_OK;
}

static cz_status batchnorm_below_14(struct draft *d, cz_error *err)
{
    return drop_usual(d, "training_mode", 0, err);
}

/* allowzero=1 says that a zero means none, not "as before"; without a zero it says nothing. */
static cz_status reshape_below_14(struct draft *d, cz_error *err)
{
    if (cz_attr_int(&d->attrs, "allowzero", 0) != 0) {
        CZ_TRY(need_shapes(d, err));
        const cz_tensor *shape = &d->c->shapes->constant[d->from->in[1]];
        int has_zero = !shape->data || shape->rank != 1;
        for (int64_t i = 0; !has_zero && i < shape->dim[0]; i++)
            has_zero = cz_tensor_int(shape, i) == 0;
        if (has_zero)
            return no_equal(d, "allowzero", err);
    }
    drop(d, "allowzero");
    return CZ_OK;
}

/* A part of a shape: the whole one, and a Slice in the node's place. */
static cz_status shape_below_15(struct draft *d, cz_error *err)
{
    const int64_t start = cz_attr_int(&d->attrs, "start", 0), end = cz_attr_int(&d->attrs, "end", INT64_MAX);
    const char *name = cz_arena_printf(d->c->to->arena, "%s/all", d->from->name);
    const struct cz_attr_list none = {0};
    int whole;
    drop(d, "start");
    drop(d, "end");
    if (start == 0 && end == INT64_MAX)
        return CZ_OK;
    if (!name)
        return no_memory(err);
    CZ_TRY(cz_graph_add_node(d->c->to, "Shape", name, &none, d->in, 1, &name, 1, &whole, err));
    d->op = "Slice";
    set_input(d, 0, whole);
    CZ_TRY(ints_input(d, 1, "starts", &start, 1, err));
    return ints_input(d, 2, "ends", &end, 1, err);
}

static cz_status reduce_below_18(struct draft *d, cz_error *err)
{
    CZ_TRY(take_ints(d, 1, "axes", err));
    return drop_usual(d, "noop_with_empty_axes", 0, err);
}

/* num_outputs allows a smaller last part, so the sizes are said. */
static cz_status split_below_18(struct draft *d, cz_error *err)
{
    int64_t sizes[64], axis = cz_attr_int(&d->attrs, "axis", 0);
    int n = d->from->n_out;
    drop(d, "num_outputs");
    if (d->n_in > 1 && d->in[1] >= 0)
        return CZ_OK;
    CZ_TRY(need_shapes(d, err));
    for (int i = 0; i < n && n <= 64; i++) {
        const struct cz_shape *s = &d->c->shapes->shape[d->from->out[i]];
        sizes[i] = s->dim[axis < 0 ? axis + s->rank : axis];
    }
    return n <= 64 ? ints_input(d, 1, "split", sizes, n, err) : no_equal(d, "so many outputs", err);
}

static cz_status pad_below_18(struct draft *d, cz_error *err)
{
    return refuse_input(d, 3, "an input of axes", err);
}

static cz_status pad_below_19(struct draft *d, cz_error *err)
{
    return strcmp(cz_attr_string(&d->attrs, "mode", "constant"), "wrap") == 0
               ? no_equal(d, "mode 'wrap'", err)
               : CZ_OK;
}

static cz_status resize_below_18(struct draft *d, cz_error *err)
{
    if (cz_attr_find(&d->attrs, "axes"))
        return no_equal(d, "axes", err);
    if (strcmp(cz_attr_string(&d->attrs, "keep_aspect_ratio_policy", "stretch"), "stretch") != 0)
        return no_equal(d, "keep_aspect_ratio_policy", err);
    drop(d, "keep_aspect_ratio_policy");
    return drop_usual(d, "antialias", 0, err);
}

static cz_status resize_below_19(struct draft *d, cz_error *err)
{
    const char *mode = cz_attr_string(&d->attrs, "coordinate_transformation_mode", "half_pixel");
    return strcmp(mode, "half_pixel_symmetric") == 0 ? no_equal(d, mode, err) : CZ_OK;
}

static cz_status cast_below_19(struct draft *d, cz_error *err)
{
    (void)err; /* of float8 alone, which we do not have */
    drop(d, "saturate");
    return CZ_OK;
}

static cz_status averagepool_below_19(struct draft *d, cz_error *err)
{
    int64_t dilations[CZ_MAX_RANK];
    int n = cz_attr_ints(&d->attrs, "dilations", dilations, CZ_MAX_RANK);
    for (int i = 0; i < n; i++)
        if (dilations[i] != 1)
            return no_equal(d, "dilations", err);
    drop(d, "dilations");
    return CZ_OK;
}

static cz_status groupnorm_21(struct draft *d, cz_error *err)
{
    return no_equal(d, "scale and bias per group", err);
}

static cz_status scatter_below_16(struct draft *d, cz_error *err)
{
    if (strcmp(cz_attr_string(&d->attrs, "reduction", "none"), "none") != 0)
        return no_equal(d, "reduction", err);
    drop(d, "reduction");
    return CZ_OK;
}

static cz_status scatter_below_18(struct draft *d, cz_error *err)
{
    const char *how = cz_attr_string(&d->attrs, "reduction", "none");
    return strcmp(how, "min") == 0 || strcmp(how, "max") == 0 ? no_equal(d, "reduction", err) : CZ_OK;
}

/* ---- the table ---- */

/* At `opset` the operator changed; NULL: nothing to do in that direction. Sorted by operator, then opset. */
static const struct rule {
    const char *op;
    int opset;
    step *up, *down;
} rules[] = {
    {"Add", 7, broadcast_7, NULL},
    {"And", 7, broadcast_7, NULL},
    {"AveragePool", 19, NULL, averagepool_below_19},
    {"BatchNormalization", 9, batchnorm_9, NULL},
    {"BatchNormalization", 14, NULL, batchnorm_below_14},
    {"Cast", 19, NULL, cast_below_19},

    {"Clip", 11, clip_11, NULL},
    {"Div", 7, broadcast_7, NULL},
    {"Dropout", 12, dropout_12, NULL},
    {"Equal", 7, broadcast_7, NULL},
    {"Gemm", 7, broadcast_7, NULL},
    {"Greater", 7, broadcast_7, NULL},
    {"GroupNormalization", 21, groupnorm_21, groupnorm_21},
    {"Hardmax", 13, softmax_13, NULL},
    {"Less", 7, broadcast_7, NULL},
    {"LogSoftmax", 13, softmax_13, NULL},
    {"Mul", 7, broadcast_7, NULL},
    {"Or", 7, broadcast_7, NULL},
    {"PRelu", 7, slope_7, NULL},
    {"Pad", 11, pad_11, NULL},
    {"Pad", 18, NULL, pad_below_18},
    {"Pad", 19, NULL, pad_below_19},
    {"Pow", 7, broadcast_7, NULL},
    {"ReduceL1", 18, axes_to_input, reduce_below_18},
    {"ReduceL2", 18, axes_to_input, reduce_below_18},
    {"ReduceLogSum", 18, axes_to_input, reduce_below_18},
    {"ReduceLogSumExp", 18, axes_to_input, reduce_below_18},
    {"ReduceMax", 18, axes_to_input, reduce_below_18},
    {"ReduceMean", 18, axes_to_input, reduce_below_18},
    {"ReduceMin", 18, axes_to_input, reduce_below_18},
    {"ReduceProd", 18, axes_to_input, reduce_below_18},
    {"ReduceSum", 13, axes_to_input, NULL},
    {"ReduceSumSquare", 18, axes_to_input, reduce_below_18},
    {"Reshape", 14, NULL, reshape_below_14},
    {"Resize", 11, resize_11, NULL},
    {"Resize", 18, NULL, resize_below_18},
    {"Resize", 19, NULL, resize_below_19},
    {"ScatterElements", 16, NULL, scatter_below_16},
    {"ScatterElements", 18, NULL, scatter_below_18},
    {"ScatterND", 16, NULL, scatter_below_16},
    {"ScatterND", 18, NULL, scatter_below_18},
    {"Shape", 15, NULL, shape_below_15},
    {"Slice", 10, slice_10, NULL},
    {"Softmax", 13, softmax_13, NULL},
    {"Split", 13, split_13, NULL},
    {"Split", 18, split_18, split_below_18},
    {"Squeeze", 13, axes_to_input, NULL},
    {"Sub", 7, broadcast_7, NULL},
    {"TopK", 10, topk_10, NULL},
    {"Unsqueeze", 13, axes_to_input, NULL},
    {"Upsample", 9, upsample_9, NULL},
    {"Upsample", 10, upsample_10, NULL},
    {"Xor", 7, broadcast_7, NULL},
};
enum { N_RULES = sizeof rules / sizeof *rules };

/* One version after another; a step may rename the operator, whose later steps follow. */
static cz_status apply_rules(struct draft *d, int from, int to, cz_error *err)
{
    for (int at = from + 1; at <= to; at++)
        for (int i = 0; i < N_RULES; i++)
            if (rules[i].opset == at && rules[i].up && strcmp(rules[i].op, d->op) == 0)
                CZ_TRY(rules[i].up(d, err));
    /* Upsample became Resize at 10, and that changed at 11: the loop above has met both. */
    for (int at = from; at > to; at--)
        for (int i = 0; i < N_RULES; i++)
            if (rules[i].opset == at && rules[i].down && strcmp(rules[i].op, d->op) == 0)
                CZ_TRY(rules[i].down(d, err));
    return CZ_OK;
}

/* ---- the graph ---- */

static cz_status copy_source(struct converter *c, int value, cz_error *err)
{
    const struct cz_value *v = &c->from->values[value];
    if (v->kind == CZ_INPUT) {
        CZ_TRY(cz_graph_add_input(c->to, v->name, &v->shape, &c->map[value], err));
        memcpy(c->to->values[c->map[value]].dim_name, v->dim_name, sizeof v->dim_name);
        return CZ_OK;
    }
    const struct cz_param *p = &c->from->params.items[v->param];
    struct cz_shape shape = cz_tensor_shape(&p->value);
    return cz_graph_add_param(c->to, v->name, p->role, &shape, p->value.data, &c->map[value], err);
}

static cz_status start_draft(struct converter *c, const struct cz_node *node, struct draft *d, cz_error *err)
{
    *d = (struct draft){.c = c, .from = node, .op = node->op->name, .n_in = node->n_in};
    d->attrs.count = node->attributes.count;
    d->attrs.items = cz_arena_memdup(c->to->arena, node->attributes.items,
                                     (size_t)node->attributes.count * sizeof *d->attrs.items);
    d->in = cz_arena_alloc(c->to->arena, (size_t)(node->n_in + MAX_INPUTS) * sizeof *d->in);
    if (!d->attrs.items || !d->in)
        return no_memory(err);
    for (int i = 0; i < node->n_in; i++)
        d->in[i] = node->in[i] < 0 ? -1 : c->map[node->in[i]];
    return CZ_OK;
}

static cz_status add_node(struct converter *c, const struct draft *d, cz_error *err)
{
    const struct cz_node *node = d->from;
    const char **names = cz_arena_alloc(c->to->arena, (size_t)(node->n_out + 1) * sizeof *names);
    int *out = cz_arena_alloc(c->to->arena, (size_t)(node->n_out + 1) * sizeof *out);
    if (!names || !out)
        return no_memory(err);
    for (int i = 0; i < node->n_out; i++)
        names[i] = node->out[i] < 0 ? NULL : c->from->values[node->out[i]].name;
    CZ_TRY(
        cz_graph_add_node(c->to, d->op, node->name, &d->attrs, d->in, d->n_in, names, node->n_out, out, err));
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] >= 0)
            c->map[node->out[i]] = out[i];
    return CZ_OK;
}

static cz_status convert_node(struct converter *c, const struct cz_node *node, cz_error *err)
{
    struct draft d;
    CZ_TRY(start_draft(c, node, &d, err));
    cz_status status = apply_rules(&d, c->from->opset, c->opset, err);
    if (status != CZ_OK)
        return cz_error_prefix(err, status, "node '%s' (%s)", node->name, node->op->name);
    return add_node(c, &d,
                    err); /* says the node's name itself, also where its operator is younger than the opset */
}

static cz_status convert_all(struct converter *c, cz_error *err)
{
    const struct cz_graph *g = c->from;
    for (int v = 0; v < g->n_values; v++)
        if (g->values[v].kind != CZ_ACTIVATION)
            CZ_TRY(copy_source(c, v, err));
    for (int n = 0; n < g->n_nodes; n++)
        CZ_TRY(convert_node(c, &g->nodes[n], err));
    for (int i = 0; i < g->n_outputs; i++)
        CZ_TRY(cz_graph_add_output(c->to, c->map[g->outputs[i]], err));
    for (int i = 0; i < g->n_metadata; i++)
        CZ_TRY(cz_graph_set_metadata(c->to, g->metadata[i].key, g->metadata[i].value, err));
    return CZ_OK;
}

static void release_source(void *source)
{
    cz_graph_release(source);
}

static cz_status make_graph(struct converter *c, cz_error *err)
{
    CZ_TRY(cz_graph_create(c->opset, &c->to, err));
    c->to->release = release_source;
    c->to->release_data = cz_graph_retain(c->from);
    c->to->info = c->from->info;
    c->to->producer = c->from->producer;
    c->to->head = c->from->head;
    return convert_all(c, err);
}

cz_status onnx_convert(struct cz_graph *g, int opset, struct cz_graph **out, cz_error *err)
{
    struct converter c = {.from = g, .opset = opset};
    if (opset == g->opset) {
        *out = cz_graph_retain(g);
        return CZ_OK;
    }
    if (opset < CZ_EXPORT_OPSET_MIN || opset > CZ_EXPORT_OPSET_MAX)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "opset %d; %d to %d are written", opset, CZ_EXPORT_OPSET_MIN,
                CZ_EXPORT_OPSET_MAX);
    c.map = calloc((size_t)g->n_values + 1, sizeof *c.map);
    cz_status status = c.map ? make_graph(&c, err) : no_memory(err);
    cz_infer_destroy(c.shapes);
    free(c.map);
    if (status == CZ_OK)
        *out = c.to;
    else
        cz_graph_release(c.to);
    return status;
}
