/*
 * Cutting: the part of a graph that some of its values need, as a graph of its own. The new graph keeps the
 * old one alive, because its parameters are views of the old one's.
 */
#include "engine/graph.h"

#include <stdlib.h>
#include <string.h>

static void release_source(void *source)
{
    cz_graph_release(source);
}

/* needed[value] = 1 for the values and everything upstream of them. Nodes are in topological order. */
static void mark_needed(const struct cz_graph *g, const int *values, int n_values, char *needed)
{
    for (int i = 0; i < n_values; i++)
        needed[values[i]] = 1;
    for (int n = g->n_nodes - 1; n >= 0; n--) {
        const struct cz_node *node = &g->nodes[n];
        int wanted = 0;
        for (int i = 0; i < node->n_out; i++)
            wanted |= node->out[i] >= 0 && needed[node->out[i]];
        for (int i = 0; wanted && i < node->n_in; i++)
            if (node->in[i] >= 0)
                needed[node->in[i]] = 1;
    }
}

static cz_status copy_source_value(const struct cz_graph *g, struct cz_graph *to, int value, int *map,
                                   cz_error *err)
{
    const struct cz_value *v = &g->values[value];
    if (v->kind == CZ_INPUT) {
        CZ_TRY(cz_graph_add_input(to, v->name, &v->shape, &map[value], err));
        for (int i = 0; i < CZ_MAX_RANK; i++)
            if (v->dim_name[i])
                to->values[map[value]].dim_name[i] = cz_arena_strdup(to->arena, v->dim_name[i]);
        return CZ_OK;
    }
    const struct cz_param *p = &g->params.items[v->param];
    struct cz_shape shape = cz_tensor_shape(&p->value);
    CZ_TRY(cz_graph_add_param(to, v->name, p->role, &shape, p->value.data, &map[value], err));
    struct cz_param *copy = &to->params.items[to->params.count - 1];
    copy->trainable = p->trainable;
    copy->golden_rule = p->golden_rule;
    return CZ_OK;
}

static cz_status copy_node(const struct cz_graph *g, struct cz_graph *to, const struct cz_node *node,
                           int *map, cz_error *err)
{
    int *in = cz_arena_alloc(to->arena, sizeof *in * (size_t)(node->n_in + 1));
    int *out = cz_arena_alloc(to->arena, sizeof *out * (size_t)(node->n_out + 1));
    const char **names = cz_arena_alloc(to->arena, sizeof *names * (size_t)(node->n_out + 1));
    if (!in || !out || !names)
        CZ_FAIL(err, CZ_ERR_MEMORY, "model: out of memory cutting the graph");
    for (int i = 0; i < node->n_in; i++)
        in[i] = node->in[i] < 0 ? -1 : map[node->in[i]];
    for (int i = 0; i < node->n_out; i++)
        names[i] = node->out[i] < 0 ? NULL : g->values[node->out[i]].name;
    CZ_TRY(cz_graph_add_node(to, node->op->name, node->name, &node->attributes, in, node->n_in, names,
                             node->n_out, out, err));
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] >= 0)
            map[node->out[i]] = out[i];
    return CZ_OK;
}

static cz_status fill_cut(struct cz_graph *g, struct cz_graph *to, const char *needed, int *map,
                          cz_error *err)
{
    for (int v = 0; v < g->n_values; v++)
        if (g->values[v].kind != CZ_ACTIVATION && needed[v])
            CZ_TRY(copy_source_value(g, to, v, map, err));
    for (int n = 0; n < g->n_nodes; n++) {
        const struct cz_node *node = &g->nodes[n];
        int wanted = 0;
        for (int i = 0; i < node->n_out; i++)
            wanted |= node->out[i] >= 0 && needed[node->out[i]];
        if (wanted)
            CZ_TRY(copy_node(g, to, node, map, err));
    }
    for (int i = 0; i < g->n_metadata; i++)
        CZ_TRY(cz_graph_set_metadata(to, g->metadata[i].key, g->metadata[i].value, err));
    return CZ_OK;
}

cz_status cz_graph_cut(struct cz_graph *g, const int *values, int n_values, struct cz_graph **out,
                       cz_error *err)
{
    struct cz_graph *to = NULL;
    char *needed = calloc((size_t)g->n_values + 1, 1);
    int *map = calloc((size_t)g->n_values + 1, sizeof *map);
    cz_status status = CZ_ERR_MEMORY;
    if (needed && map)
        status = cz_graph_create(g->opset, &to, err);
    else
        cz_error_set(err, status, "model: out of memory cutting the graph");
    if (status == CZ_OK) {
        /* Attributes, names in info and parameter data stay the source's. */
        to->release = release_source;
        to->release_data = cz_graph_retain(g);
        to->info = g->info;
        to->ir_version = g->ir_version;
        to->producer = g->producer;
        mark_needed(g, values, n_values, needed);
        status = fill_cut(g, to, needed, map, err);
    }
    for (int i = 0; status == CZ_OK && i < n_values; i++)
        status = cz_graph_add_output(to, map[values[i]], err);
    free(needed);
    free(map);
    if (status != CZ_OK) {
        cz_graph_release(to);
        return status;
    }
    *out = to;
    return CZ_OK;
}
