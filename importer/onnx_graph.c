/*
 * Builds the graph: inputs, then the nodes in order with each parameter at its first use, then outputs.
 *
 * An input of another float width gets a Cast behind it and consumers read "NAME/float32"; an output of one
 * is computed as "NAME/float32" and cast to NAME. A parameter that is a graph output is kept as
 * "NAME/constant", with an Identity, so that outputs are always produced by a node or fed by the caller.
 */
#include "importer/onnx_model.h"

#include <stdlib.h>
#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory building the graph");
}

static cz_status map_value(struct onnx_model *m, const char *name, int value, cz_error *err)
{
    return cz_strmap_set(&m->values, name, value) ? no_memory(err) : CZ_OK;
}

static int is_widened_output(const struct onnx_model *m, const char *name)
{
    struct cz_onnx_value value;
    int i = cz_strmap_get(&m->output_index, name), producer = cz_strmap_get(&m->producers, name);
    if (i < 0 || (producer >= 0 && onnx_is_output_cast(m, m->nodes[producer].proto)))
        return 0;
    onnx_describe_value(m->graph->output[i], &value);
    return value.type_known && onnx_is_widened(value.shape.dtype);
}

static cz_status inner_name(struct onnx_model *m, const char *name, const char **out, cz_error *err)
{
    *out = name;
    if (is_widened_output(m, name))
        *out = cz_arena_printf(m->out->arena, "%s/float32", name);
    else if (cz_strmap_get(&m->output_index, name) >= 0 && cz_strmap_get(&m->constant_index, name) >= 0)
        *out = cz_arena_printf(m->out->arena, "%s/constant", name);
    return *out ? CZ_OK : no_memory(err);
}

/* One of ours: `op` from value `in` to a new value `name`. */
static cz_status add_helper(struct onnx_model *m, const char *op, const char *name, int in, cz_dtype to,
                            int *out, cz_error *err)
{
    struct cz_arena *arena = m->out->arena;
    struct cz_attr_list attrs = {0};
    int is_cast = strcmp(op, "Cast") == 0;
    const char *label = cz_arena_printf(arena, "%s/to_%s", name, is_cast ? cz_dtype_name(to) : "output");
    if (!label || (is_cast && cz_attrs_add_int(arena, &attrs, "to", onnx_type_of(to))))
        return no_memory(err);
    return cz_graph_add_node(m->out, op, label, &attrs, &in, 1, &name, 1, out, err);
}

static cz_status copy_dims(struct onnx_model *m, const struct cz_onnx_value *from, int value, cz_error *err)
{
    for (int i = 0; i < from->shape.rank; i++) {
        const char *name = from->dim_name[i];
        if (name && !(name = cz_arena_strdup(m->out->arena, name)))
            return no_memory(err);
        m->out->values[value].dim_name[i] = name;
    }
    return CZ_OK;
}

static cz_status add_input(struct onnx_model *m, const Onnx__ValueInfoProto *proto, cz_error *err)
{
    struct cz_onnx_value in;
    int value;
    onnx_describe_value(proto, &in);
    if (!in.type_known)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "input '%s': type %s is not supported", in.name, in.type);
    CZ_TRY(cz_graph_add_input(m->out, in.name, &in.shape, &value, err));
    CZ_TRY(copy_dims(m, &in, value, err));
    int readers = cz_strmap_get(&m->readers, in.name);
    if (onnx_is_widened(in.shape.dtype) && readers > 0 && readers & ONNX_READ_BY_OTHERS) {
        const char *name = cz_arena_printf(m->out->arena, "%s/float32", in.name);
        if (!name)
            return no_memory(err);
        CZ_TRY(add_helper(m, "Cast", name, value, CZ_F32, &value, err));
    }
    return map_value(m, in.name, value, err);
}

static cz_status bind_constant(struct onnx_model *m, struct onnx_constant *c, cz_error *err)
{
    struct onnx_constant *origin = c->same_as < 0 ? c : &m->constants[c->same_as];
    if (!origin->is_bound)
        CZ_TRY(onnx_tensor_values(&m->source, origin->tensor, 1, &origin->value, err));
    origin->is_bound = c->is_bound = 1;
    c->value = origin->value;
    return CZ_OK;
}

static cz_status add_param(struct onnx_model *m, const char *name, int index, int *value, cz_error *err)
{
    struct onnx_constant *c = &m->constants[index];
    const char *inner;
    CZ_TRY(bind_constant(m, c, err));
    CZ_TRY(inner_name(m, name, &inner, err));
    struct cz_shape shape = cz_tensor_shape(&c->value);
    enum cz_role role = c->role < 0 ? CZ_CONSTANT : (enum cz_role)c->role;
    CZ_TRY(cz_graph_add_param(m->out, inner, role, &shape, c->value.data, value, err));
    return map_value(m, name, *value, err);
}

static cz_status find_value(struct onnx_model *m, const char *name, int *value, cz_error *err)
{
    *value = -1;
    if (!name[0])
        return CZ_OK;
    *value = cz_strmap_get(&m->values, name);
    if (*value >= 0)
        return CZ_OK;
    int c = cz_strmap_get(&m->constant_index, name);
    if (c < 0)
        CZ_FAIL(err, CZ_ERR_INTERNAL, "value '%s': not built", name);
    return add_param(m, name, c, value, err);
}

struct node_lists {
    int *in, *out;
    const char **names;
};

static cz_status fill_lists(struct onnx_model *m, const Onnx__NodeProto *proto, int n_in, int n_out,
                            struct node_lists *l, cz_error *err)
{
    for (int i = 0; i < n_in; i++)
        CZ_TRY(find_value(m, proto->input[i], &l->in[i], err));
    for (int i = 0; i < n_out; i++) {
        l->names[i] = "";
        if (proto->output[i][0])
            CZ_TRY(inner_name(m, proto->output[i], &l->names[i], err));
    }
    return CZ_OK;
}

static cz_status add_node_with(struct onnx_model *m, const struct onnx_node *node, int n_in, int n_out,
                               struct node_lists *l, cz_error *err)
{
    const Onnx__NodeProto *proto = node->proto;
    CZ_TRY(fill_lists(m, proto, n_in, n_out, l, err));
    CZ_TRY(cz_graph_add_node(m->out, proto->op_type, node->label, &node->attrs, l->in, n_in, l->names, n_out,
                             l->out, err));
    for (int i = 0; i < n_out; i++)
        if (l->out[i] >= 0)
            CZ_TRY(map_value(m, proto->output[i], l->out[i], err));
    return CZ_OK;
}

static cz_status add_node(struct onnx_model *m, const struct onnx_node *node, cz_error *err)
{
    int n_in = onnx_trimmed_count(node->proto->input, node->proto->n_input);
    int n_out = onnx_trimmed_count(node->proto->output, node->proto->n_output);
    struct node_lists l = {calloc((size_t)n_in + 1, sizeof *l.in), calloc((size_t)n_out + 1, sizeof *l.out),
                           calloc((size_t)n_out + 1, sizeof *l.names)};
    cz_status status =
        l.in && l.out && l.names ? add_node_with(m, node, n_in, n_out, &l, err) : no_memory(err);
    free(l.in);
    free(l.out);
    free(l.names);
    return status;
}

/* Shapes in the file are hints for people who look at the graph; what runs is inferred. */
static cz_status add_hint(struct onnx_model *m, const Onnx__ValueInfoProto *proto, cz_error *err)
{
    struct cz_onnx_value hint;
    int value = proto->name ? cz_graph_find_value(m->out, proto->name) : -1;
    if (value < 0 || m->out->values[value].kind != CZ_ACTIVATION)
        return CZ_OK;
    onnx_describe_value(proto, &hint);
    if (!hint.type_known)
        return CZ_OK;
    if (onnx_is_widened(hint.shape.dtype) && cz_strmap_get(&m->output_index, proto->name) < 0)
        hint.shape.dtype = CZ_F32;
    m->out->values[value].shape = hint.shape;
    return copy_dims(m, &hint, value, err);
}

static cz_status add_output(struct onnx_model *m, const Onnx__ValueInfoProto *proto, cz_error *err)
{
    struct cz_onnx_value declared;
    int value;
    onnx_describe_value(proto, &declared);
    CZ_TRY(find_value(m, proto->name, &value, err));
    int is_input = cz_strmap_get(&m->inputs, proto->name) >= 0;
    if (is_input)
        value = cz_graph_find_value(m->out, proto->name);
    else if (is_widened_output(m, proto->name))
        CZ_TRY(add_helper(m, "Cast", proto->name, value, declared.shape.dtype, &value, err));
    else if (m->out->values[value].kind == CZ_PARAM)
        CZ_TRY(add_helper(m, "Identity", proto->name, value, CZ_F32, &value, err));
    CZ_TRY(add_hint(m, proto, err));
    return cz_graph_add_output(m->out, value, err);
}

static cz_status add_all(struct onnx_model *m, cz_error *err)
{
    for (size_t i = 0; i < m->graph->n_input; i++)
        if (cz_strmap_get(&m->constant_index, m->graph->input[i]->name) < 0)
            CZ_TRY(add_input(m, m->graph->input[i], err));
    for (int i = 0; i < m->n_nodes; i++)
        if (m->nodes[m->order[i]].kind == ONNX_NODE)
            CZ_TRY(add_node(m, &m->nodes[m->order[i]], err));
    for (size_t i = 0; i < m->graph->n_value_info; i++)
        CZ_TRY(add_hint(m, m->graph->value_info[i], err));
    for (size_t i = 0; i < m->graph->n_output; i++)
        CZ_TRY(add_output(m, m->graph->output[i], err));
    return CZ_OK;
}

/* Of a metadata list a later entry replaces an earlier one of its name, each by a search: so few are let in.
 */
enum { MAX_METADATA = 1000 };

static cz_status add_metadata(struct onnx_model *m, cz_error *err)
{
    if (m->proto->n_metadata_props > MAX_METADATA)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%zu metadata entries; up to %d are read",
                m->proto->n_metadata_props, MAX_METADATA);
    for (size_t i = 0; i < m->proto->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *e = m->proto->metadata_props[i];
        if (e->key && e->key[0])
            CZ_TRY(cz_graph_set_metadata(m->out, e->key, e->value ? e->value : "", err));
    }
    return CZ_OK;
}

/* "dir/net.onnx" -> "net", unless the file says what it is. */
static const char *model_name(struct onnx_model *m)
{
    const char *given = cz_graph_metadata(m->out, "convzoo.model"), *slash = strrchr(m->name, '/');
    const char *base = slash ? slash + 1 : m->name;
    size_t n = strlen(base);
    if (given && given[0])
        return given;
    return cz_arena_strndup(m->out->arena, base, n > 5 && strcmp(base + n - 5, ".onnx") == 0 ? n - 5 : n);
}

/* An image is [N,C,H,W], or [N,H,W,C] where only the last axis can be colours. */
static void describe_image(const struct cz_shape *s, cz_model_info *info)
{
    if (s->rank != 4)
        return;
    int is_nhwc = (s->dim[3] == 1 || s->dim[3] == 3) && s->dim[1] != 1 && s->dim[1] != 3;
    const int64_t *d = s->dim;
    int64_t chw[3] = {is_nhwc ? d[3] : d[1], is_nhwc ? d[1] : d[2], is_nhwc ? d[2] : d[3]};
    for (int i = 0; i < 3; i++)
        chw[i] = chw[i] > 0 && chw[i] <= INT32_MAX ? chw[i] : -1;
    info->in_c = (int)chw[0];
    info->in_h = (int)chw[1];
    info->in_w = (int)chw[2];
}

/* The class axis: the one dimension behind the batch that is not 1. */
static int count_classes(const struct cz_shape *s)
{
    int64_t classes = 1;
    for (int i = 1; i < s->rank; i++) {
        if (s->dim[i] < 0 || (s->dim[i] != 1 && classes != 1))
            return -1;
        classes = s->dim[i] != 1 ? s->dim[i] : classes;
    }
    return s->rank >= 2 && classes <= INT32_MAX ? (int)classes : -1;
}

/* Shape sub-graphs fold in a few bytes; whole weights need not be computed to know a shape. */
enum { FOLD_BYTES = 64 << 10 };

static void find_classes(struct onnx_model *m)
{
    struct cz_graph *g = m->out;
    struct cz_infer *shapes;
    g->info.n_classes = count_classes(&g->values[g->outputs[0]].shape);
    if (g->info.n_classes >= 0 || cz_infer_create(g, NULL, 0, 0, FOLD_BYTES, &shapes, NULL) != CZ_OK)
        return; /* the file does not say, and not every size is fixed */
    g->info.n_classes = count_classes(&shapes->shape[g->outputs[0]]);
    cz_infer_destroy(shapes);
}

cz_status onnx_build_graph(struct onnx_model *m, cz_error *err)
{
    struct cz_graph *g = m->out;
    CZ_TRY(add_metadata(m, err));
    CZ_TRY(add_all(m, err));
    g->ir_version = m->ir_version;
    g->info.name = model_name(m);
    g->info.source = cz_arena_strdup(g->arena, m->name);
    g->producer = cz_arena_printf(g->arena, "%s%s%s", m->proto->producer_name ? m->proto->producer_name : "",
                                  m->proto->producer_version && m->proto->producer_version[0] ? " " : "",
                                  m->proto->producer_version ? m->proto->producer_version : "");
    if (!g->info.name || !g->info.source || !g->producer)
        return no_memory(err);
    if (g->n_inputs > 0)
        describe_image(&g->values[g->inputs[0]].shape, &g->info);
    find_classes(m);
    return CZ_OK;
}
