#include "engine/graph.h"
#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

static cz_status out_of_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "model: out of memory building the graph");
}

cz_status cz_graph_create(int opset, struct cz_graph **out, cz_error *err)
{
    struct cz_graph *g = calloc(1, sizeof *g);
    struct cz_arena *arena = cz_arena_create();
    if (!g || !arena) {
        free(g);
        cz_arena_destroy(arena);
        return out_of_memory(err);
    }
    g->refs = 1;
    g->arena = arena;
    g->opset = opset;
    g->info = (cz_model_info){"", "", -1, -1, -1, -1};
    *out = g;
    return CZ_OK;
}

struct cz_graph *cz_graph_retain(struct cz_graph *g)
{
    __atomic_fetch_add(&g->refs, 1, __ATOMIC_RELAXED);
    return g;
}

void cz_graph_release(struct cz_graph *g)
{
    if (!g || __atomic_fetch_sub(&g->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    for (int i = 0; i < g->params.count; i++)
        if (g->params.items[i].owned)
            free(g->params.items[i].value.data);
    free(g->params.items);
    free(g->values);
    free(g->nodes);
    free(g->inputs);
    free(g->outputs);
    free(g->metadata);
    cz_strmap_deinit(&g->value_index);
    cz_arena_destroy(g->arena);
    if (g->release)
        g->release(g->release_data);
    free(g);
}

static cz_status add_value(struct cz_graph *g, const char *name, enum cz_value_kind kind, int *out,
                           cz_error *err)
{
    if (cz_strmap_get(&g->value_index, name) >= 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "value '%s': defined twice; names must be unique", name);
    char *copy = cz_arena_strdup(g->arena, name);
    if (!copy || cz_grow(&g->values, &g->value_capacity, (size_t)g->n_values, sizeof *g->values) ||
        cz_strmap_set(&g->value_index, copy, g->n_values))
        return out_of_memory(err);
    struct cz_value *v = &g->values[g->n_values];
    memset(v, 0, sizeof *v);
    v->name = copy;
    v->kind = kind;
    v->shape.rank = -1;
    v->param = v->producer = -1;
    *out = g->n_values++;
    return CZ_OK;
}

static cz_status append_index(int **list, size_t *capacity, int *count, int value, cz_error *err)
{
    if (cz_grow(list, capacity, (size_t)*count, sizeof **list))
        return out_of_memory(err);
    (*list)[(*count)++] = value;
    return CZ_OK;
}

cz_status cz_graph_add_input(struct cz_graph *g, const char *name, const struct cz_shape *shape, int *out,
                             cz_error *err)
{
    int value;
    CZ_TRY(add_value(g, name, CZ_INPUT, &value, err));
    g->values[value].shape = *shape;
    if (out)
        *out = value;
    return append_index(&g->inputs, &g->input_capacity, &g->n_inputs, value, err);
}

cz_status cz_graph_add_param(struct cz_graph *g, const char *name, enum cz_role role,
                             const struct cz_shape *shape, void *data, int *out, cz_error *err)
{
    int value;
    CZ_TRY(cz_shape_check(shape, name, err));
    CZ_TRY(add_value(g, name, CZ_PARAM, &value, err));
    if (cz_grow(&g->params.items, &g->params.capacity, (size_t)g->params.count, sizeof *g->params.items))
        return out_of_memory(err);
    struct cz_param *p = &g->params.items[g->params.count];
    memset(p, 0, sizeof *p);
    p->name = g->values[value].name;
    p->role = role;
    p->value = cz_tensor_view(data, shape);
    p->trainable = role != CZ_RUNNING_STAT && role != CZ_CONSTANT;
    g->values[value].shape = *shape;
    g->values[value].param = g->params.count++;
    if (out)
        *out = value;
    return CZ_OK;
}

cz_status cz_graph_add_constant(struct cz_graph *g, const char *name, const cz_tensor *t, int *out,
                                cz_error *err)
{
    struct cz_shape shape = cz_tensor_shape(t);
    CZ_TRY(cz_shape_check(&shape, name, err));
    void *data = cz_arena_memdup(g->arena, t->data, cz_shape_bytes(&shape));
    if (!data)
        return out_of_memory(err);
    return cz_graph_add_param(g, name, CZ_CONSTANT, &shape, data, out, err);
}

static cz_status find_op(const struct cz_graph *g, const char *op_name, const char *name,
                         const struct cz_op **op, cz_error *err)
{
    int known;
    *op = cz_op_find(op_name, g->opset, &known);
    if (*op)
        return CZ_OK;
    if (known)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "node '%s' (%s): not supported at opset %d; `convzoo info --ops` lists ours", name, op_name,
                g->opset);
    CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "node '%s' (%s): unknown operator; `convzoo info --ops` lists ours",
            name, op_name);
}

static cz_status check_counts(const struct cz_op *op, int n_in, int n_out, cz_error *err)
{
    if (n_in < op->n_in_min || (op->n_in_max >= 0 && n_in > op->n_in_max))
        CZ_FAIL(err, CZ_ERR_FORMAT, "%d inputs; from %d to %d are allowed", n_in, op->n_in_min, op->n_in_max);
    if (n_out < op->n_out_min || (op->n_out_max >= 0 && n_out > op->n_out_max))
        CZ_FAIL(err, CZ_ERR_FORMAT, "%d outputs; from %d to %d are allowed", n_out, op->n_out_min,
                op->n_out_max);
    return CZ_OK;
}

/* Operators and the planner look at their required inputs without asking whether they are there. */
static cz_status check_present(const struct cz_node *node, cz_error *err)
{
    int required = node->op->n_in_max < 0 ? node->n_in : node->op->n_in_min;
    for (int i = 0; i < required; i++)
        if (node->in[i] < 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "input %d is left out; it is required", i);
    return CZ_OK;
}

static cz_status parse_node(struct cz_graph *g, struct cz_node *node, cz_error *err)
{
    CZ_TRY(check_counts(node->op, node->n_in, node->n_out, err));
    CZ_TRY(check_present(node, err));
    node->attrs = cz_arena_alloc(g->arena, node->op->attrs_size);
    if (!node->attrs)
        return out_of_memory(err);
    return node->op->parse ? node->op->parse(&node->attributes, g->opset, node->attrs, err) : CZ_OK;
}

static cz_status add_node_outputs(struct cz_graph *g, struct cz_node *node, const char *const *names,
                                  cz_error *err)
{
    for (int i = 0; i < node->n_out; i++) {
        node->out[i] = -1;
        if (!names[i] || !names[i][0])
            continue;
        CZ_TRY(add_value(g, names[i], CZ_ACTIVATION, &node->out[i], err));
        g->values[node->out[i]].producer = g->n_nodes;
    }
    return CZ_OK;
}

cz_status cz_graph_add_node(struct cz_graph *g, const char *op_name, const char *name,
                            const struct cz_attr_list *attributes, const int *in, int n_in,
                            const char *const *out_names, int n_out, int *out_values, cz_error *err)
{
    struct cz_node node = {0};
    CZ_TRY(find_op(g, op_name, name, &node.op, err));
    node.name = cz_arena_strdup(g->arena, name);
    node.n_in = n_in;
    node.n_out = n_out;
    if (attributes)
        node.attributes = *attributes;
    node.in = cz_arena_memdup(g->arena, in, sizeof *in * (size_t)n_in);
    node.out = cz_arena_alloc(g->arena, sizeof *node.out * (size_t)n_out);
    if (!node.name || !node.in || !node.out ||
        cz_grow(&g->nodes, &g->node_capacity, (size_t)g->n_nodes, sizeof *g->nodes))
        return out_of_memory(err);
    cz_status status = parse_node(g, &node, err);
    if (status != CZ_OK)
        return cz_error_prefix(err, status, "node '%s' (%s)", name, op_name);
    CZ_TRY(add_node_outputs(g, &node, out_names, err));
    if (out_values)
        memcpy(out_values, node.out, sizeof *out_values * (size_t)n_out);
    g->nodes[g->n_nodes++] = node;
    return CZ_OK;
}

cz_status cz_graph_add_output(struct cz_graph *g, int value, cz_error *err)
{
    return append_index(&g->outputs, &g->output_capacity, &g->n_outputs, value, err);
}

cz_status cz_graph_set_metadata(struct cz_graph *g, const char *key, const char *value, cz_error *err)
{
    char *copy = cz_arena_strdup(g->arena, value);
    if (!copy)
        return out_of_memory(err);
    for (int i = 0; i < g->n_metadata; i++)
        if (strcmp(g->metadata[i].key, key) == 0) {
            g->metadata[i].value = copy;
            return CZ_OK;
        }
    char *name = cz_arena_strdup(g->arena, key);
    if (!name || cz_grow(&g->metadata, &g->metadata_capacity, (size_t)g->n_metadata, sizeof *g->metadata))
        return out_of_memory(err);
    g->metadata[g->n_metadata++] = (struct cz_metadata){name, copy};
    return CZ_OK;
}

void cz_graph_drop_metadata(struct cz_graph *g, const char *key)
{
    int kept = 0;
    for (int i = 0; i < g->n_metadata; i++)
        if (strcmp(g->metadata[i].key, key) != 0)
            g->metadata[kept++] = g->metadata[i];
    g->n_metadata = kept;
}

const char *cz_graph_metadata(const struct cz_graph *g, const char *key)
{
    for (int i = 0; i < g->n_metadata; i++)
        if (strcmp(g->metadata[i].key, key) == 0)
            return g->metadata[i].value;
    return NULL;
}

int cz_graph_find_value(const struct cz_graph *g, const char *name)
{
    return cz_strmap_get(&g->value_index, name);
}

int cz_graph_find_node(const struct cz_graph *g, const char *name)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(g->nodes[i].name, name) == 0)
            return i;
    return -1;
}

cz_status cz_param_allocate(struct cz_param *p, cz_error *err)
{
    struct cz_shape shape = cz_tensor_shape(&p->value);
    size_t bytes = cz_shape_bytes(&shape);
    if (p->owned)
        return CZ_OK;
    void *data = cz_calloc_aligned(bytes);
    if (!data)
        CZ_FAIL(err, CZ_ERR_MEMORY, "parameter '%s': no memory for %zu bytes", p->name, bytes);
    if (p->value.data)
        memcpy(data, p->value.data, bytes);
    p->value.data = data;
    p->owned = 1;
    return CZ_OK;
}

int64_t cz_graph_parameter_count(const struct cz_graph *g)
{
    int64_t n = 0;
    for (int i = 0; i < g->params.count; i++) {
        const struct cz_param *p = &g->params.items[i];
        struct cz_shape shape = cz_tensor_shape(&p->value);
        if (p->role != CZ_RUNNING_STAT && p->role != CZ_CONSTANT)
            n += cz_shape_count(&shape);
    }
    return n;
}

/* The public view: cz_model is this graph. */
void cz_model_destroy(cz_model *model)
{
    cz_graph_release(model);
}

void cz_model_get_info(const cz_model *model, cz_model_info *out)
{
    *out = model->info;
}

const char *cz_model_metadata(const cz_model *model, const char *key)
{
    return cz_graph_metadata(model, key);
}

int cz_model_n_inputs(const cz_model *model)
{
    return model->n_inputs;
}

int cz_model_n_outputs(const cz_model *model)
{
    return model->n_outputs;
}

static cz_status describe(const cz_model *model, const char *what, const int *list, int count, int i,
                          const char **name, cz_input_shape *shape, cz_dtype *dtype, cz_error *err)
{
    if (i < 0 || i >= count)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s %d: the model has %d", what, i, count);
    const struct cz_value *v = &model->values[list[i]];
    if (name)
        *name = v->name;
    if (dtype)
        *dtype = v->shape.rank < 0 ? CZ_F32 : v->shape.dtype;
    if (shape) {
        *shape = (cz_input_shape){.name = v->name, .rank = v->shape.rank};
        memcpy(shape->dim, v->shape.dim, sizeof shape->dim);
    }
    return CZ_OK;
}

cz_status cz_model_input(const cz_model *model, int i, const char **name, cz_input_shape *shape,
                         cz_dtype *dtype, cz_error *err)
{
    return describe(model, "input", model->inputs, model->n_inputs, i, name, shape, dtype, err);
}

cz_status cz_model_output(const cz_model *model, int i, const char **name, cz_input_shape *shape,
                          cz_dtype *dtype, cz_error *err)
{
    return describe(model, "output", model->outputs, model->n_outputs, i, name, shape, dtype, err);
}
