/*
 * Judges every node: Constants and Identities of parameters become parameters, the rest must be an operator
 * we have, at this opset, with attributes we take. All refusals are collected before anything is said.
 */
#include "importer/onnx_attrs.h"
#include "importer/onnx_model.h"

#include <stdlib.h>
#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading nodes");
}

static int is_op(const struct onnx_node *node, const char *op)
{
    return strcmp(node->proto->op_type, op) == 0 && onnx_is_default_domain(node->proto->domain);
}

/* value_float, value_ints ... of Constant since opset 12: a scalar or a list. */
static cz_status value_of_list(struct onnx_model *m, const struct cz_attr *a, cz_tensor *out, cz_error *err)
{
    int is_float = a->kind == CZ_ATTR_FLOAT || a->kind == CZ_ATTR_FLOATS;
    int is_scalar = a->kind == CZ_ATTR_FLOAT || a->kind == CZ_ATTR_INT;
    struct cz_shape shape = {is_float ? CZ_F32 : CZ_I64, is_scalar ? 0 : 1, {a->n}};
    const void *from = a->kind == CZ_ATTR_FLOAT  ? (const void *)&a->f
                       : a->kind == CZ_ATTR_INT  ? (const void *)&a->i
                       : a->kind == CZ_ATTR_INTS ? (const void *)a->ints
                                                 : (const void *)a->floats;
    void *data = cz_arena_memdup(m->out->arena, from, cz_shape_bytes(&shape));
    *out = cz_tensor_view(data, &shape);
    return data ? CZ_OK : no_memory(err);
}

/* A Constant's one attribute as a parameter's value; a kind we lack refuses the node. */
static cz_status read_constant(struct onnx_model *m, struct onnx_node *node, struct onnx_constant *c,
                               cz_error *err)
{
    const Onnx__NodeProto *proto = node->proto;
    if (proto->n_attribute != 1 || onnx_trimmed_count(proto->output, proto->n_output) != 1)
        CZ_FAIL(err, CZ_ERR_FORMAT, "one value and one output are wanted");
    const Onnx__AttributeProto *a = proto->attribute[0];
    *c = (struct onnx_constant){.same_as = -1, .is_node = 1};
    if (a->name && strcmp(a->name, "value") == 0 && a->t) {
        cz_dtype dtype;
        c->tensor = a->t;
        if (!onnx_type_to_dtype(a->t->data_type, &dtype))
            node->refused =
                cz_arena_printf(m->out->arena, "a constant of type %s", onnx_type_name(a->t->data_type));
        return CZ_OK;
    }
    CZ_TRY(onnx_read_attrs(&m->source, proto, m->out->arena, &node->attrs, &node->refused, err));
    if (node->refused)
        return CZ_OK;
    c->is_bound = 1;
    if (node->attrs.items[0].kind == CZ_ATTR_STRING || node->attrs.items[0].kind == CZ_ATTR_TENSOR) {
        node->refused = "a constant that is no number";
        return CZ_OK;
    }
    return value_of_list(m, &node->attrs.items[0], &c->value, err);
}

static cz_status judge_constant(struct onnx_model *m, struct onnx_node *node, cz_error *err)
{
    struct onnx_constant c;
    CZ_TRY(read_constant(m, node, &c, err));
    node->kind = ONNX_CONSTANT;
    return node->refused ? CZ_OK : onnx_add_constant(m, node->proto->output[0], &c, err);
}

/* A Cast to float32 of a float tensor: we widen those anyway, so it is another name for the same values. */
static int is_widening(const struct onnx_node *node, const struct onnx_constant *c)
{
    cz_dtype dtype;
    if (!is_op(node, "Cast") || !c->tensor || !onnx_type_to_dtype(c->tensor->data_type, &dtype))
        return 0;
    int is_float = dtype == CZ_F32 || onnx_is_widened(dtype);
    for (size_t i = 0; i < node->proto->n_attribute; i++)
        if (strcmp(node->proto->attribute[i]->name, "to") == 0)
            return is_float && node->proto->attribute[i]->i == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    return 0;
}

/*
 * Exporters merge equal tensors and name them again with Identity, and put a Cast behind those that they keep
 * in float16; a parameter each, so that names are those of the network and training moves them apart. One
 * that is a graph output stays a node.
 */
static cz_status judge_alias(struct onnx_model *m, struct onnx_node *node, cz_error *err)
{
    const Onnx__NodeProto *proto = node->proto;
    if (proto->n_input != 1 || proto->n_output != 1 || cz_strmap_get(&m->output_index, proto->output[0]) >= 0)
        return CZ_OK;
    int from = cz_strmap_get(&m->constant_index, proto->input[0]);
    if (from < 0 || (!is_op(node, "Identity") && !is_widening(node, &m->constants[from])))
        return CZ_OK;
    node->kind = ONNX_ALIAS;
    struct onnx_constant alias = m->constants[from];
    if (alias.same_as < 0)
        alias.same_as = from;
    return onnx_add_constant(m, proto->output[0], &alias, err);
}

/* Attributes that the operator itself calls unsupported count as such; broken ones are for cz_graph_add_node.
 */
static cz_status try_parse(struct onnx_model *m, struct onnx_node *node, const struct cz_op *op,
                           cz_error *err)
{
    cz_error reason = {0};
    if (!op->parse)
        return CZ_OK;
    void *attrs = calloc(1, op->attrs_size + 1);
    if (!attrs)
        return no_memory(err);
    if (op->parse(&node->attrs, m->opset, attrs, &reason) == CZ_ERR_UNSUPPORTED)
        node->refused = cz_arena_strdup(m->out->arena, reason.message);
    free(attrs);
    return CZ_OK;
}

static int is_local_function(const struct onnx_model *m, const Onnx__NodeProto *node)
{
    const char *domain = node->domain ? node->domain : "";
    for (size_t i = 0; i < m->proto->n_functions; i++) {
        const Onnx__FunctionProto *f = m->proto->functions[i];
        if (f->name && strcmp(f->name, node->op_type) == 0 && strcmp(f->domain ? f->domain : "", domain) == 0)
            return 1;
    }
    return 0;
}

/* Our range of opsets for an operator, over all its descriptors. */
static void opset_range(const char *op, int *low, int *high)
{
    *low = INT32_MAX;
    *high = 0;
    for (int i = 0; i < cz_op_count(); i++) {
        const struct cz_op *o = cz_op_at(i);
        if (strcmp(o->name, op) != 0 || o->flags & CZ_OP_INTERNAL)
            continue;
        *low = o->opset_min < *low ? o->opset_min : *low;
        *high = o->opset_max > *high ? o->opset_max : *high;
    }
}

static cz_status judge_operator(struct onnx_model *m, struct onnx_node *node, cz_error *err)
{
    struct cz_arena *arena = m->out->arena;
    int known = 0, low, high;
    const struct cz_op *op = NULL;
    if (m->proto->n_functions > 0 && is_local_function(m, node->proto)) {
        node->refused = "a function of the model's own";
        return CZ_OK;
    }
    if (onnx_is_default_domain(node->proto->domain))
        op = cz_op_find(node->proto->op_type, m->opset, &known);
    CZ_TRY(onnx_read_attrs(&m->source, node->proto, arena, &node->attrs, &node->refused, err));
    CZ_TRY(onnx_fix_attrs(m, node->proto, &node->attrs, err));
    if (op && !(op->flags & CZ_OP_INTERNAL))
        return node->refused ? CZ_OK : try_parse(m, node, op, err);
    opset_range(node->proto->op_type, &low, &high);
    if (known && low <= high)
        node->refused = cz_arena_printf(arena, "opset %d, ours are %d to %d", m->opset, low, high);
    else if (!node->refused)
        node->refused = "unknown operator";
    return node->refused ? CZ_OK : no_memory(err);
}

static cz_status judge(struct onnx_model *m, struct onnx_node *node, cz_error *err)
{
    if (is_op(node, "Constant"))
        return judge_constant(m, node, err);
    if (is_op(node, "Identity") || is_op(node, "Cast"))
        CZ_TRY(judge_alias(m, node, err));
    return node->kind == ONNX_NODE ? judge_operator(m, node, err) : CZ_OK;
}

cz_status onnx_judge_nodes(struct onnx_model *m, cz_error *err)
{
    for (int i = 0; i < m->n_nodes; i++) {
        struct onnx_node *node = &m->nodes[m->order[i]];
        cz_status status = judge(m, node, err);
        if (status != CZ_OK)
            return cz_error_prefix(err, status, "node '%s' (%s)", node->label, node->proto->op_type);
    }
    return CZ_OK;
}
