/*
 * Names: every value has one origin (graph input, initializer or node output) and every use an origin.
 *
 * Before IR 4 each initializer is a graph input too, since then it may be one with a default: in both cases
 * the value is the initializer's, and nobody is asked for it.
 */
#include "base/memory.h"
#include "importer/onnx_model.h"

#include <stdlib.h>
#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory indexing names");
}

static cz_status set(struct cz_strmap *map, const char *name, int value, cz_error *err)
{
    return cz_strmap_set(map, name, value) ? no_memory(err) : CZ_OK;
}

cz_status onnx_add_constant(struct onnx_model *m, const char *name, const struct onnx_constant *c,
                            cz_error *err)
{
    if (cz_grow(&m->constants, &m->constant_capacity, m->n_constants, sizeof *m->constants))
        return no_memory(err);
    m->constants[m->n_constants] = *c;
    m->constants[m->n_constants].role = -1;
    return set(&m->constant_index, name, (int)m->n_constants++, err);
}

static cz_status index_initializers(struct onnx_model *m, cz_error *err)
{
    for (size_t i = 0; i < m->graph->n_initializer; i++) {
        const Onnx__TensorProto *t = m->graph->initializer[i];
        if (!t->name || !t->name[0])
            CZ_FAIL(err, CZ_ERR_FORMAT, "initializer %zu has no name", i);
        if (cz_strmap_get(&m->constant_index, t->name) >= 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "initializer '%s': defined twice", t->name);
        CZ_TRY(onnx_add_constant(m, t->name, &(struct onnx_constant){.tensor = t, .same_as = -1}, err));
    }
    return CZ_OK;
}

static cz_status index_inputs(struct onnx_model *m, cz_error *err)
{
    for (size_t i = 0; i < m->graph->n_input; i++) {
        const char *name = m->graph->input[i]->name;
        if (!name || !name[0])
            CZ_FAIL(err, CZ_ERR_FORMAT, "graph input %zu has no name", i);
        if (cz_strmap_get(&m->inputs, name) >= 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "graph input '%s': defined twice", name);
        if (cz_strmap_get(&m->constant_index, name) < 0)
            CZ_TRY(set(&m->inputs, name, (int)i, err));
    }
    return CZ_OK;
}

static int is_defined(const struct onnx_model *m, const char *name)
{
    return cz_strmap_get(&m->producers, name) >= 0 || cz_strmap_get(&m->inputs, name) >= 0 ||
           cz_strmap_get(&m->constant_index, name) >= 0;
}

static cz_status index_node(struct onnx_model *m, int n, cz_error *err)
{
    const Onnx__NodeProto *proto = m->graph->node[n];
    struct onnx_node *node = &m->nodes[n];
    node->proto = proto;
    node->label = proto->name && proto->name[0] ? proto->name : NULL;
    for (size_t i = 0; i < proto->n_output; i++) {
        if (!proto->output[i][0])
            continue;
        if (!node->label)
            node->label = proto->output[i];
        if (is_defined(m, proto->output[i]))
            CZ_FAIL(err, CZ_ERR_FORMAT, "node '%s': output '%s' is defined twice", node->label,
                    proto->output[i]);
        CZ_TRY(set(&m->producers, proto->output[i], n, err));
    }
    if (!node->label)
        CZ_FAIL(err, CZ_ERR_FORMAT, "node %d has neither a name nor an output", n);
    if (!proto->op_type || !proto->op_type[0])
        CZ_FAIL(err, CZ_ERR_FORMAT, "node '%s': no operator", node->label);
    return CZ_OK;
}

static cz_status index_uses(struct onnx_model *m, cz_error *err)
{
    for (int n = 0; n < m->n_nodes; n++) {
        const Onnx__NodeProto *proto = m->nodes[n].proto;
        int reader = strcmp(proto->op_type, "Cast") == 0 ? ONNX_READ_BY_CAST : ONNX_READ_BY_OTHERS;
        for (size_t i = 0; i < proto->n_input; i++) {
            int before = cz_strmap_get(&m->readers, proto->input[i]);
            if (proto->input[i][0] && !is_defined(m, proto->input[i]))
                CZ_FAIL(err, CZ_ERR_FORMAT, "node '%s' (%s): input '%s' comes from nowhere",
                        m->nodes[n].label, proto->op_type, proto->input[i]);
            CZ_TRY(set(&m->readers, proto->input[i], (before < 0 ? 0 : before) | reader, err));
        }
    }
    return CZ_OK;
}

static cz_status index_outputs(struct onnx_model *m, cz_error *err)
{
    for (size_t i = 0; i < m->graph->n_output; i++) {
        const char *name = m->graph->output[i]->name;
        if (!name || !name[0])
            CZ_FAIL(err, CZ_ERR_FORMAT, "graph output %zu has no name", i);
        if (cz_strmap_get(&m->output_index, name) >= 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "graph output '%s': given twice", name);
        if (!is_defined(m, name))
            CZ_FAIL(err, CZ_ERR_FORMAT, "graph output '%s': produced by no node", name);
        CZ_TRY(set(&m->output_index, name, (int)i, err));
    }
    return m->graph->n_output ? CZ_OK : cz_error_set(err, CZ_ERR_FORMAT, "the graph has no outputs");
}

cz_status onnx_index_names(struct onnx_model *m, cz_error *err)
{
    m->n_nodes = (int)m->graph->n_node;
    m->nodes = calloc(m->graph->n_node + 1, sizeof *m->nodes);
    m->order = calloc(m->graph->n_node + 1, sizeof *m->order);
    if (!m->nodes || !m->order)
        return no_memory(err);
    CZ_TRY(index_initializers(m, err));
    CZ_TRY(index_inputs(m, err));
    for (int n = 0; n < m->n_nodes; n++)
        CZ_TRY(index_node(m, n, err));
    CZ_TRY(index_uses(m, err));
    return index_outputs(m, err);
}

int onnx_trimmed_count(char *const *names, size_t n)
{
    while (n > 0 && !names[n - 1][0])
        n--;
    return (int)n;
}

int onnx_is_default_domain(const char *domain)
{
    return !domain || !domain[0] || strcmp(domain, "ai.onnx") == 0;
}

const char *onnx_op_label(const Onnx__NodeProto *node, struct cz_arena *arena)
{
    if (onnx_is_default_domain(node->domain))
        return node->op_type;
    return cz_arena_printf(arena, "%s.%s", node->domain, node->op_type);
}
