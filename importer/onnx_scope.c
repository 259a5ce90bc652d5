/*
 * Names in bodies, and nodes made of nodes: what writing functions and control flow out works with.
 */
#include "importer/onnx_scope.h"

#include <stdlib.h>
#include <string.h>

/* What the copies' lists hold in all. */
enum { MAX_NAMES = ONNX_MAX_ATTRIBUTES };

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory expanding functions");
}

cz_status onnx_too_much(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "functions and loops written out give more than %d nodes",
            ONNX_MAX_NODES);
}

/* -- names ------------------------------------------------------------------------------------------------
 */

cz_status onnx_scope_bind(struct onnx_expander *e, struct onnx_scope *s, const char *inner, const char *name,
                          cz_error *err)
{
    if (e->n_texts >= MAX_NAMES)
        return onnx_too_much(err);
    if (!name || cz_grow(&e->texts, &e->text_capacity, e->n_texts, sizeof *e->texts))
        return no_memory(err);
    e->texts[e->n_texts] = name;
    return cz_strmap_set(&s->names, inner, (int)e->n_texts++) ? no_memory(err) : CZ_OK;
}

/* The name in the finished graph. At the top a name is itself; one that no scope knows stays, and is reported
 * later as coming from nowhere. */
const char *onnx_scope_resolve(const struct onnx_expander *e, const struct onnx_scope *s, const char *name)
{
    for (; s && name[0]; s = s->outer) {
        int i = cz_strmap_get(&s->names, name);
        if (i >= 0)
            return e->texts[i];
    }
    return name;
}

char *onnx_prefixed(struct onnx_expander *e, const char *prefix, const char *name)
{
    return cz_arena_printf(e->arena, "%s/%s", prefix, name);
}

/* What a body computes, named before its nodes are copied: uses may stand in front of definitions. */
cz_status onnx_scope_bind_outputs(struct onnx_expander *e, struct onnx_scope *s,
                                  Onnx__NodeProto *const *nodes, size_t n, const char *prefix, cz_error *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < nodes[i]->n_output; k++) {
            const char *name = nodes[i]->output[k];
            if (name[0] && cz_strmap_get(&s->names, name) < 0)
                CZ_TRY(onnx_scope_bind(e, s, name, onnx_prefixed(e, prefix, name), err));
        }
    return CZ_OK;
}

/* -- building ---------------------------------------------------------------------------------------------
 */

cz_status onnx_append_node(struct onnx_expander *e, const Onnx__NodeProto *node, cz_error *err)
{
    if (e->n_nodes >= ONNX_MAX_NODES)
        return onnx_too_much(err);
    if (cz_grow(&e->nodes, &e->node_capacity, e->n_nodes, sizeof *e->nodes))
        return no_memory(err);
    e->nodes[e->n_nodes++] = (Onnx__NodeProto *)node;
    return CZ_OK;
}

Onnx__AttributeProto *onnx_new_attribute(struct onnx_expander *e, const char *name,
                                         Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = cz_arena_alloc(e->arena, sizeof *a);
    if (!a)
        return NULL;
    onnx__attribute_proto__init(a);
    a->name = cz_arena_strdup(e->arena, name);
    a->has_type = 1;
    a->type = type;
    return a->name ? a : NULL;
}

/* A node of ours with up to one attribute. */
cz_status onnx_emit(struct onnx_expander *e, const char *op, const char *const *inputs, size_t n_inputs,
                    const char *output, Onnx__AttributeProto *attribute, cz_error *err)
{
    Onnx__NodeProto *n = cz_arena_alloc(e->arena, sizeof *n);
    char **lists = cz_arena_alloc(e->arena, sizeof *lists * (n_inputs + 1));
    Onnx__AttributeProto **attributes = cz_arena_alloc(e->arena, sizeof *attributes);
    char *name = cz_arena_strdup(e->arena, op);
    if (!n || !lists || !attributes || !name)
        return no_memory(err);
    onnx__node_proto__init(n);
    for (size_t i = 0; i < n_inputs; i++)
        lists[i] = (char *)inputs[i];
    lists[n_inputs] = (char *)output;
    n->op_type = name;
    n->input = lists;
    n->n_input = n_inputs;
    n->output = lists + n_inputs;
    n->n_output = 1;
    attributes[0] = attribute;
    n->attribute = attributes;
    n->n_attribute = attribute ? 1 : 0;
    return onnx_append_node(e, n, err);
}

cz_status onnx_emit_int(struct onnx_expander *e, const char *output, int64_t value, cz_error *err)
{
    Onnx__AttributeProto *a = onnx_new_attribute(e, "value_int", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!output || !a)
        return no_memory(err);
    a->has_i = 1;
    a->i = value;
    return onnx_emit(e, "Constant", NULL, 0, output, a, err);
}

/* -- copying ----------------------------------------------------------------------------------------------
 */

const Onnx__AttributeProto *onnx_find_attribute(const Onnx__NodeProto *n, const char *name)
{
    for (size_t i = 0; n && i < n->n_attribute; i++)
        if (n->attribute[i]->name && strcmp(n->attribute[i]->name, name) == 0)
            return n->attribute[i];
    return NULL;
}

/* A reference to an attribute of the call becomes what the call says; one that it leaves out is left out. */
static cz_status copy_attributes(struct onnx_expander *e, const struct onnx_scope *s,
                                 const Onnx__NodeProto *from, Onnx__NodeProto *to, cz_error *err)
{
    to->attribute = cz_arena_alloc(e->arena, sizeof *to->attribute * (from->n_attribute + 1));
    to->n_attribute = 0;
    if (!to->attribute)
        return no_memory(err);
    for (size_t i = 0; i < from->n_attribute; i++) {
        Onnx__AttributeProto *a = from->attribute[i];
        if (a->ref_attr_name && a->ref_attr_name[0]) {
            const Onnx__AttributeProto *given = onnx_find_attribute(s->call, a->ref_attr_name);
            Onnx__AttributeProto *copy = given ? cz_arena_memdup(e->arena, given, sizeof *copy) : NULL;
            if (!given)
                continue;
            if (!copy)
                return no_memory(err);
            copy->name = a->name;
            a = copy;
        }
        to->attribute[to->n_attribute++] = a;
    }
    return CZ_OK;
}

static cz_status copy_names(struct onnx_expander *e, const struct onnx_scope *s, char *const *from, size_t n,
                            char ***to, cz_error *err)
{
    *to = cz_arena_alloc(e->arena, sizeof **to * (n + 1));
    if (!*to)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        (*to)[i] = (char *)onnx_scope_resolve(e, s, from[i]);
    return CZ_OK;
}

const char *onnx_first_output(const Onnx__NodeProto *n)
{
    for (size_t i = 0; i < n->n_output; i++)
        if (n->output[i][0])
            return n->output[i];
    return "";
}

/* The node with the names and attributes that it has in this scope. */
cz_status onnx_copy_node(struct onnx_expander *e, const struct onnx_scope *s, const Onnx__NodeProto *from,
                         Onnx__NodeProto **out, cz_error *err)
{
    Onnx__NodeProto *to = cz_arena_memdup(e->arena, from, sizeof *to);
    if (!to)
        return no_memory(err);
    *out = to;
    if (!s->outer && s->depth == 0)
        return CZ_OK;
    e->n_names += (int64_t)(from->n_input + from->n_output + from->n_attribute);
    if (e->n_names > MAX_NAMES)
        return onnx_too_much(err);
    CZ_TRY(copy_attributes(e, s, from, to, err));
    CZ_TRY(copy_names(e, s, from->input, from->n_input, &to->input, err));
    CZ_TRY(copy_names(e, s, from->output, from->n_output, &to->output, err));
    to->name = cz_arena_strdup(e->arena, onnx_first_output(to));
    return to->name ? CZ_OK : no_memory(err);
}
