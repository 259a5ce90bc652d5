/*
 * What is no node of the graph but a way of writing nodes, written out before anything else looks at them:
 * functions of the model's own, If whose condition is known, Loop whose number of turns is.
 *
 * The result is a copy of the graph that shares everything but the lists it changes. A value inside gets the
 * name of the first output of the node that it came from in front, and that body's number, since bodies in
 * one another may end in one output ("y/3/inner"); one that becomes an output of that node takes the output's
 * name. What cannot be resolved stays as it is and is refused by name later. Copies are counted, since
 * functions that call functions twice grow without limit.
 *
 * Source: the ONNX specification, IR.md (functions, name scopes), operators If-16 and Loop-16.
 */
#include "importer/onnx_scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * LARGEST_LOOP turns of one Loop. A visit is a node looked at in some body: calls of empty functions give no
 * nodes but take time.
 */
enum { LARGEST_LOOP = 4096, MAX_VISITS = ONNX_MAX_NODES + ONNX_MAX_NODES / 2, MAX_KEY = 512 };

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory expanding functions");
}

/* Names of subgraphs' inputs and outputs may be missing in a broken file. */
static const char *name_of(const Onnx__ValueInfoProto *v)
{
    return v->name ? v->name : "";
}

static int is_op(const Onnx__NodeProto *n, const char *op)
{
    return n->op_type && strcmp(n->op_type, op) == 0 && onnx_is_default_domain(n->domain);
}

static cz_status remember(struct onnx_expander *e, const char *name, const Onnx__TensorProto *t,
                          cz_error *err)
{
    if (cz_grow(&e->tensors, &e->tensor_capacity, e->n_tensors, sizeof *e->tensors))
        return no_memory(err);
    e->tensors[e->n_tensors] = t;
    return cz_strmap_set(&e->known, name, (int)e->n_tensors++) ? no_memory(err) : CZ_OK;
}

/* What stands in front of a body's names; NULL when memory ran out. */
static const char *new_prefix(struct onnx_expander *e, const Onnx__NodeProto *call)
{
    return cz_arena_printf(e->arena, "%s/%lld", onnx_first_output(call), (long long)++e->n_bodies);
}

static cz_status expand_nodes(struct onnx_expander *, Onnx__NodeProto *const *, size_t n, struct onnx_scope *,
                              cz_error *);

/* -- functions --------------------------------------------------------------------------------------------
 */

/* Key of a function; 0 where the names are longer than any sane one. */
static int function_key(const char *domain, const char *name, char *key)
{
    int n = snprintf(key, MAX_KEY, "%s\n%s", onnx_is_default_domain(domain) ? "" : domain, name ? name : "");
    return n > 0 && n < MAX_KEY;
}

static cz_status index_functions(struct onnx_expander *e, cz_error *err)
{
    char key[MAX_KEY];
    for (size_t i = 0; i < e->m->proto->n_functions && i < INT32_MAX; i++) {
        const Onnx__FunctionProto *f = e->m->proto->functions[i];
        if (!f->name || !function_key(f->domain, f->name, key))
            continue;
        const char *copy = cz_arena_strdup(e->arena, key);
        if (!copy || cz_strmap_set(&e->functions, copy, (int)i))
            return no_memory(err);
    }
    return CZ_OK;
}

static const Onnx__FunctionProto *find_function(const struct onnx_expander *e, const Onnx__NodeProto *n)
{
    char key[MAX_KEY];
    int i = function_key(n->domain, n->op_type, key) ? cz_strmap_get(&e->functions, key) : -1;
    return i >= 0 ? e->m->proto->functions[i] : NULL;
}

/* A body of another opset could mean other things by the same operators. */
static int has_our_opset(const struct onnx_model *m, const Onnx__FunctionProto *f)
{
    for (size_t i = 0; i < f->n_opset_import; i++)
        if (onnx_is_default_domain(f->opset_import[i]->domain) && f->opset_import[i]->version != m->opset)
            return 0;
    return 1;
}

static cz_status bind_function(struct onnx_expander *e, struct onnx_scope *s, const Onnx__FunctionProto *f,
                               const Onnx__NodeProto *call, cz_error *err)
{
    for (size_t i = 0; i < f->n_input; i++)
        CZ_TRY(onnx_scope_bind(e, s, f->input[i], i < call->n_input ? call->input[i] : "", err));
    for (size_t i = 0; i < f->n_output && i < call->n_output; i++) {
        int is_input = cz_strmap_get(&s->names, f->output[i]);
        if (call->output[i][0] && is_input >= 0)
            CZ_TRY(onnx_emit(e, "Identity", &e->texts[is_input], 1, call->output[i], NULL, err));
        else if (call->output[i][0])
            CZ_TRY(onnx_scope_bind(e, s, f->output[i], call->output[i], err));
    }
    const char *prefix = new_prefix(e, call);
    return prefix ? onnx_scope_bind_outputs(e, s, f->node, f->n_node, prefix, err) : no_memory(err);
}

static cz_status inline_function(struct onnx_expander *e, const Onnx__FunctionProto *f,
                                 const Onnx__NodeProto *call, int depth, cz_error *err)
{
    struct onnx_scope s = {.call = call, .depth = depth + 1};
    if (call->n_input > f->n_input || call->n_output > f->n_output)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "node '%s': %zu inputs and %zu outputs for function '%s', which has %zu and %zu",
                onnx_first_output(call), call->n_input, call->n_output, f->name, f->n_input, f->n_output);
    cz_status status = bind_function(e, &s, f, call, err);
    if (status == CZ_OK)
        status = expand_nodes(e, f->node, f->n_node, &s, err);
    cz_strmap_deinit(&s.names);
    return status;
}

/* -- subgraphs --------------------------------------------------------------------------------------------
 */

/* The one element of a value that is known here; 0 where it is not. */
static int known_scalar(struct onnx_expander *e, const char *name, int64_t *value)
{
    int i = cz_strmap_get(&e->known, name);
    cz_tensor t;
    struct cz_shape shape;
    if (i < 0 || onnx_tensor_values(&e->m->source, e->tensors[i], 0, &t, NULL) != CZ_OK)
        return 0;
    shape = cz_tensor_shape(&t);
    if (cz_shape_count(&shape) != 1)
        return 0;
    *value = cz_tensor_int(&t, 0);
    return 1;
}

static cz_status add_initializers(struct onnx_expander *e, struct onnx_scope *s, const Onnx__GraphProto *g,
                                  const char *prefix, cz_error *err)
{
    for (size_t i = 0; i < g->n_initializer; i++) {
        Onnx__TensorProto *t = cz_arena_memdup(e->arena, g->initializer[i], sizeof *t);
        if (!t || !t->name ||
            cz_grow(&e->initializers, &e->initializer_capacity, e->n_initializers, sizeof *e->initializers))
            return no_memory(err);
        const char *inner = t->name;
        t->name = onnx_prefixed(e, prefix, inner);
        CZ_TRY(onnx_scope_bind(e, s, inner, t->name, err));
        CZ_TRY(remember(e, t->name, t, err));
        e->initializers[e->n_initializers++] = t;
    }
    return CZ_OK;
}

/* A body's nodes, its names bound already as far as they come from outside. */
static cz_status inline_graph(struct onnx_expander *e, struct onnx_scope *s, const Onnx__GraphProto *g,
                              const char *prefix, cz_error *err)
{
    CZ_TRY(add_initializers(e, s, g, prefix, err));
    CZ_TRY(onnx_scope_bind_outputs(e, s, g->node, g->n_node, prefix, err));
    return expand_nodes(e, g->node, g->n_node, s, err);
}

static const Onnx__GraphProto *subgraph(const Onnx__NodeProto *n, const char *name)
{
    const Onnx__AttributeProto *a = onnx_find_attribute(n, name);
    return a ? a->g : NULL;
}

static cz_status identity(struct onnx_expander *e, const char *from, const char *to, cz_error *err)
{
    return to[0] ? onnx_emit(e, "Identity", &from, 1, to, NULL, err) : CZ_OK;
}

static cz_status inline_if(struct onnx_expander *e, const struct onnx_scope *outer, const Onnx__GraphProto *g,
                           const Onnx__NodeProto *node, cz_error *err)
{
    struct onnx_scope s = {.outer = outer, .call = outer->call, .depth = outer->depth + 1};
    if (g->n_output < node->n_output)
        CZ_FAIL(err, CZ_ERR_FORMAT, "node '%s' (If): %zu outputs, the branch has %zu",
                onnx_first_output(node), node->n_output, g->n_output);
    const char *prefix = new_prefix(e, node);
    cz_status status = prefix ? inline_graph(e, &s, g, prefix, err) : no_memory(err);
    for (size_t i = 0; status == CZ_OK && i < node->n_output; i++)
        status = identity(e, onnx_scope_resolve(e, &s, name_of(g->output[i])), node->output[i], err);
    cz_strmap_deinit(&s.names);
    return status;
}

/* -- Loop -------------------------------------------------------------------------------------------------
 */

struct loop {
    const struct onnx_scope *outer;
    const Onnx__NodeProto *node;
    const Onnx__GraphProto *body;
    size_t n_carried, n_scanned;
    const char **carried; /* [n_carried]: their names before the next turn */
    const char **scanned; /* [n_scanned][turns] */
    int64_t turns;
};

static const Onnx__NodeProto *producer_in(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_output; k++)
            if (strcmp(g->node[i]->output[k], name) == 0)
                return g->node[i];
    return NULL;
}

/* Identities that a condition goes through. */
enum { LONGEST_CHAIN = 16 };

/* 1 if the body never ends the loop: its condition is the one it was given, or constantly true. */
static int goes_on(struct onnx_expander *e, const Onnx__GraphProto *g)
{
    const char *name = name_of(g->output[0]);
    for (int steps = 0; steps < LONGEST_CHAIN; steps++) {
        const Onnx__NodeProto *p = producer_in(g, name);
        if (strcmp(name, name_of(g->input[1])) == 0)
            return 1;
        if (!p)
            return 0;
        const Onnx__AttributeProto *value = onnx_find_attribute(p, "value");
        cz_tensor t;
        if (is_op(p, "Constant") && value && value->t)
            return onnx_tensor_values(&e->m->source, value->t, 0, &t, NULL) == CZ_OK && t.rank == 0 &&
                   cz_tensor_int(&t, 0) != 0;
        if (!is_op(p, "Identity") || p->n_input != 1)
            return 0;
        name = p->input[0];
    }
    return 0;
}

/* Sets the number of turns where it is known; 0 where the Loop must stay one. */
static int is_unrollable(struct onnx_expander *e, struct loop *l)
{
    const Onnx__NodeProto *n = l->node;
    int64_t starts = 1;
    if (!l->body || n->n_input < 2 || l->body->n_input != n->n_input || l->body->n_output + 1 < n->n_input ||
        l->body->n_output != n->n_output + 1)
        return 0;
    l->n_carried = n->n_input - 2;
    l->n_scanned = n->n_output - l->n_carried;
    if (!n->input[0][0] || !known_scalar(e, n->input[0], &l->turns))
        return 0;
    if (n->input[1][0] && !known_scalar(e, n->input[1], &starts))
        return 0;
    l->turns = starts && l->turns > 0 ? l->turns : 0;
    if (l->turns == 0) /* outputs of rows would have no shape */
        return l->n_scanned == 0;
    return l->turns <= LARGEST_LOOP && goes_on(e, l->body);
}

static cz_status bind_turn(struct onnx_expander *e, struct onnx_scope *s, const struct loop *l,
                           const char *prefix, int64_t turn, cz_error *err)
{
    Onnx__ValueInfoProto **in = l->body->input;
    char *count = onnx_prefixed(e, prefix, name_of(in[0])),
         *condition = onnx_prefixed(e, prefix, name_of(in[1]));
    Onnx__AttributeProto *to = onnx_new_attribute(e, "to", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!count || !condition || !to)
        return no_memory(err);
    to->has_i = 1;
    to->i = ONNX__TENSOR_PROTO__DATA_TYPE__BOOL;
    char *one = onnx_prefixed(e, condition, "int64");
    const char *from = one;
    CZ_TRY(onnx_emit_int(e, count, turn, err));
    CZ_TRY(onnx_emit_int(e, one, 1, err));
    CZ_TRY(onnx_emit(e, "Cast", &from, 1, condition, to, err));
    CZ_TRY(onnx_scope_bind(e, s, name_of(in[0]), count, err));
    CZ_TRY(onnx_scope_bind(e, s, name_of(in[1]), condition, err));
    for (size_t i = 0; i < l->n_carried; i++)
        CZ_TRY(onnx_scope_bind(e, s, name_of(in[2 + i]), l->carried[i], err));
    return CZ_OK;
}

static cz_status unroll_turn(struct onnx_expander *e, struct loop *l, int64_t turn, cz_error *err)
{
    struct onnx_scope s = {.outer = l->outer, .call = l->outer->call, .depth = l->outer->depth + 1};
    const char *prefix = new_prefix(e, l->node);
    cz_status status = prefix ? bind_turn(e, &s, l, prefix, turn, err) : no_memory(err);
    if (status == CZ_OK)
        status = inline_graph(e, &s, l->body, prefix, err);
    for (size_t i = 0; status == CZ_OK && i < l->n_carried + l->n_scanned; i++) {
        const char *name = onnx_scope_resolve(e, &s, name_of(l->body->output[1 + i]));
        if (i < l->n_carried)
            l->carried[i] = name;
        else
            l->scanned[(i - l->n_carried) * (size_t)l->turns + (size_t)turn] = name;
    }
    cz_strmap_deinit(&s.names);
    return status;
}

/* One row per turn: a new first axis on each, then all behind one another. */
static cz_status stack(struct onnx_expander *e, const struct loop *l, size_t scan, cz_error *err)
{
    const char **names = &l->scanned[scan * (size_t)l->turns], *to = l->node->output[l->n_carried + scan];
    Onnx__AttributeProto *axis = onnx_new_attribute(e, "axis", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    Onnx__AttributeProto *axes = onnx_new_attribute(e, e->m->opset < 13 ? "axes" : "value_ints",
                                                    ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *zero = cz_arena_alloc(e->arena, sizeof *zero);
    const char *axes_name = onnx_prefixed(e, to, "axes");
    if (!to[0])
        return CZ_OK;
    if (!axis || !axes || !zero || !axes_name)
        return no_memory(err);
    axis->has_i = 1;
    axes->ints = zero;
    axes->n_ints = 1;
    if (e->m->opset >= 13)
        CZ_TRY(onnx_emit(e, "Constant", NULL, 0, axes_name, axes, err));
    for (int64_t t = 0; t < l->turns; t++) {
        const char *in[2] = {names[t], axes_name};
        names[t] = cz_arena_printf(e->arena, "%s/row%lld", to, (long long)t);
        if (!names[t])
            return no_memory(err);
        CZ_TRY(onnx_emit(e, "Unsqueeze", in, e->m->opset < 13 ? 1 : 2, names[t],
                         e->m->opset < 13 ? axes : NULL, err));
    }
    return onnx_emit(e, "Concat", names, (size_t)l->turns, to, axis, err);
}

static cz_status unroll(struct onnx_expander *e, struct loop *l, cz_error *err)
{
    l->carried = cz_arena_alloc(e->arena, sizeof *l->carried * (l->n_carried + 1));
    l->scanned = cz_arena_alloc(e->arena, sizeof *l->scanned * (l->n_scanned * (size_t)l->turns + 1));
    if (!l->carried || !l->scanned)
        return no_memory(err);
    for (size_t i = 0; i < l->n_carried; i++)
        l->carried[i] = l->node->input[2 + i];
    for (int64_t t = 0; t < l->turns; t++)
        CZ_TRY(unroll_turn(e, l, t, err));
    for (size_t i = 0; i < l->n_carried; i++)
        CZ_TRY(identity(e, l->carried[i], l->node->output[i], err));
    for (size_t i = 0; i < l->n_scanned; i++)
        CZ_TRY(stack(e, l, i, err));
    return CZ_OK;
}

/* -- all --------------------------------------------------------------------------------------------------
 */

/* Constants, and what Identity calls them by another name. */
static cz_status note_constant(struct onnx_expander *e, const Onnx__NodeProto *n, cz_error *err)
{
    const Onnx__AttributeProto *value = is_op(n, "Constant") ? onnx_find_attribute(n, "value") : NULL;
    int from = is_op(n, "Identity") && n->n_input == 1 ? cz_strmap_get(&e->known, n->input[0]) : -1;
    const Onnx__TensorProto *t = value ? value->t : from >= 0 ? e->tensors[from] : NULL;
    return t && n->n_output == 1 && n->output[0][0] ? remember(e, n->output[0], t, err) : CZ_OK;
}

static cz_status expand_node(struct onnx_expander *e, const Onnx__NodeProto *node, const struct onnx_scope *s,
                             cz_error *err)
{
    Onnx__NodeProto *n;
    int64_t condition;
    if (++e->n_visits > MAX_VISITS)
        return onnx_too_much(err);
    CZ_TRY(onnx_copy_node(e, s, node, &n, err));
    const Onnx__FunctionProto *f = find_function(e, n);
    int can_go_deeper = s->depth < ONNX_MAX_SUBGRAPH_DEPTH && onnx_first_output(n)[0];
    if (f && can_go_deeper && has_our_opset(e->m, f))
        return inline_function(e, f, n, s->depth, err);
    if (is_op(n, "If") && n->n_input == 1 && can_go_deeper && known_scalar(e, n->input[0], &condition)) {
        const Onnx__GraphProto *branch = subgraph(n, condition ? "then_branch" : "else_branch");
        if (branch)
            return inline_if(e, s, branch, n, err);
    }
    struct loop l = {.outer = s, .node = n, .body = subgraph(n, "body")};
    if (is_op(n, "Loop") && can_go_deeper && is_unrollable(e, &l))
        return unroll(e, &l, err);
    CZ_TRY(note_constant(e, n, err));
    return onnx_append_node(e, n, err);
}

static cz_status expand_nodes(struct onnx_expander *e, Onnx__NodeProto *const *nodes, size_t n,
                              struct onnx_scope *s, cz_error *err)
{
    for (size_t i = 0; i < n; i++)
        CZ_TRY(expand_node(e, nodes[i], s, err));
    return CZ_OK;
}

static int needs_expanding(const struct onnx_model *m)
{
    if (m->proto->n_functions > 0)
        return 1;
    for (size_t i = 0; i < m->graph->n_node; i++)
        if (is_op(m->graph->node[i], "If") || is_op(m->graph->node[i], "Loop"))
            return 1;
    return 0;
}

static cz_status expand_graph(struct onnx_expander *e, cz_error *err)
{
    const Onnx__GraphProto *from = e->m->graph;
    struct onnx_scope top = {0};
    for (size_t i = 0; i < from->n_initializer; i++) {
        Onnx__TensorProto *t = from->initializer[i];
        if (cz_grow(&e->initializers, &e->initializer_capacity, e->n_initializers, sizeof *e->initializers))
            return no_memory(err);
        e->initializers[e->n_initializers++] = t;
        if (t->name && t->name[0])
            CZ_TRY(remember(e, t->name, t, err));
    }
    CZ_TRY(index_functions(e, err));
    CZ_TRY(expand_nodes(e, from->node, from->n_node, &top, err));
    Onnx__GraphProto *to = cz_arena_memdup(e->arena, from, sizeof *to);
    if (!to)
        return no_memory(err);
    to->node = cz_arena_memdup(e->arena, e->nodes, sizeof *e->nodes * e->n_nodes);
    to->initializer = cz_arena_memdup(e->arena, e->initializers, sizeof *e->initializers * e->n_initializers);
    if ((e->n_nodes && !to->node) || (e->n_initializers && !to->initializer))
        return no_memory(err);
    to->n_node = e->n_nodes;
    to->n_initializer = e->n_initializers;
    e->m->graph = to;
    return CZ_OK;
}

cz_status onnx_expand(struct onnx_model *m, cz_error *err)
{
    struct onnx_expander e = {.m = m, .arena = m->out->arena};
    if (!needs_expanding(m))
        return CZ_OK;
    cz_status status = expand_graph(&e, err);
    free(e.nodes);
    free(e.initializers);
    free(e.texts);
    free(e.tensors);
    cz_strmap_deinit(&e.known);
    cz_strmap_deinit(&e.functions);
    return status;
}
