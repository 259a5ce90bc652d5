/* What a file holds, for `inspect`, and the one line that refuses what we cannot run. */
#include "base/memory.h"
#include "importer/onnx_model.h"

#include <stdlib.h>
#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory describing the file");
}

static const char *type_in_words(const Onnx__TypeProto *type)
{
    if (!type)
        return "undefined";
    switch (type->value_case) {
    case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
        return onnx_type_name(type->tensor_type->elem_type);
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
        return "sequence";
    case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
        return "map";
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
        return "optional";
    case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
        return "sparse tensor";
    default:
        return "undefined";
    }
}

/* Zero and below stand for "any" in some writers' files. */
static void describe_dims(const Onnx__TensorShapeProto *proto, struct cz_onnx_value *out)
{
    if (!proto || proto->n_dim > CZ_MAX_RANK)
        return;
    out->shape.rank = (int)proto->n_dim;
    for (int i = 0; i < out->shape.rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d = proto->dim[i];
        int is_fixed =
            d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && d->dim_value > 0;
        out->shape.dim[i] = is_fixed ? d->dim_value : -1;
        if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && d->dim_param[0])
            out->dim_name[i] = d->dim_param;
    }
}

void onnx_describe_value(const Onnx__ValueInfoProto *proto, struct cz_onnx_value *out)
{
    memset(out, 0, sizeof *out);
    out->name = proto->name ? proto->name : "";
    out->type = type_in_words(proto->type);
    out->shape.rank = -1;
    if (!proto->type || proto->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return;
    out->type_known = onnx_type_to_dtype(proto->type->tensor_type->elem_type, &out->shape.dtype);
    describe_dims(proto->type->tensor_type->shape, out);
}

/* The report outlives the file, so all text is copied. */
static cz_status copy_values(const struct onnx_model *m, struct cz_onnx_report *r,
                             Onnx__ValueInfoProto **from, size_t n, const struct cz_onnx_value **list,
                             int *count, cz_error *err)
{
    struct cz_onnx_value *out = cz_arena_alloc(r->arena, sizeof *out * (n + 1));
    if (!out)
        return no_memory(err);
    *list = out;
    for (size_t i = 0; i < n; i++) {
        if (from == m->graph->input && cz_strmap_get(&m->constant_index, from[i]->name) >= 0)
            continue;
        onnx_describe_value(from[i], out);
        if (!(out->name = cz_arena_strdup(r->arena, out->name)))
            return no_memory(err);
        for (int d = 0; d < out->shape.rank; d++)
            if (out->dim_name[d] && !(out->dim_name[d] = cz_arena_strdup(r->arena, out->dim_name[d])))
                return no_memory(err);
        out++;
    }
    *count = (int)(out - *list);
    return CZ_OK;
}

static cz_status copy_metadata(const struct onnx_model *m, struct cz_onnx_report *r, cz_error *err)
{
    size_t n = m->proto->n_metadata_props;
    struct cz_metadata *out = cz_arena_alloc(r->arena, sizeof *out * (n + 1));
    if (!out)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const Onnx__StringStringEntryProto *e = m->proto->metadata_props[i];
        out[i].key = cz_arena_strdup(r->arena, e->key ? e->key : "");
        out[i].value = cz_arena_strdup(r->arena, e->value ? e->value : "");
        if (!out[i].key || !out[i].value)
            return no_memory(err);
    }
    r->metadata = out;
    r->n_metadata = (int)n;
    return CZ_OK;
}

static int by_count(const void *a, const void *b)
{
    const struct cz_onnx_op_count *x = a, *y = b;
    return x->n_nodes != y->n_nodes ? (x->n_nodes < y->n_nodes) - (x->n_nodes > y->n_nodes)
                                    : strcmp(x->op, y->op);
}

static cz_status count_ops(const struct onnx_model *m, struct cz_onnx_report *r, cz_error *err)
{
    struct cz_strmap index = {0};
    struct cz_onnx_op_count *ops = NULL;
    size_t n = 0, capacity = 0;
    int failed = 0;
    for (int i = 0; i < m->n_nodes && !failed; i++) {
        const char *op = onnx_op_label(m->nodes[i].proto, r->arena);
        int k = op ? cz_strmap_get(&index, op) : -1;
        if (op && k < 0) {
            k = (int)n;
            op = cz_arena_strdup(r->arena, op);
            failed = !op || cz_grow(&ops, &capacity, n, sizeof *ops) || cz_strmap_set(&index, op, k);
            if (!failed)
                ops[n++] = (struct cz_onnx_op_count){op, 0, 0};
        }
        failed |= !op;
        if (!failed) {
            ops[k].n_nodes++;
            ops[k].n_unsupported += m->nodes[i].refused != NULL;
        }
    }
    if (n > 0)
        qsort(ops, n, sizeof *ops, by_count);
    if (!failed)
        r->ops = cz_arena_memdup(r->arena, ops, sizeof *ops * n);
    r->n_ops = (int)n;
    cz_strmap_deinit(&index);
    free(ops);
    return r->ops ? CZ_OK : no_memory(err);
}

static cz_status copy_unsupported(const struct onnx_model *m, struct cz_onnx_report *r, cz_error *err)
{
    struct cz_onnx_unsupported *out = cz_arena_alloc(r->arena, sizeof *out * (size_t)(m->n_nodes + 1));
    if (!out)
        return no_memory(err);
    r->unsupported = out;
    for (int i = 0; i < m->n_nodes; i++) {
        const struct onnx_node *node = &m->nodes[i];
        if (!node->refused)
            continue;
        *out = (struct cz_onnx_unsupported){cz_arena_strdup(r->arena, node->label),
                                            onnx_op_label(node->proto, r->arena), m->opset,
                                            cz_arena_strdup(r->arena, node->refused)};
        if (out->op == node->proto->op_type)
            out->op = cz_arena_strdup(r->arena, out->op);
        for (size_t k = 0; k < m->proto->n_opset_import && !onnx_is_default_domain(node->proto->domain); k++)
            if (m->proto->opset_import[k]->domain &&
                strcmp(m->proto->opset_import[k]->domain, node->proto->domain) == 0)
                out->opset = (int)m->proto->opset_import[k]->version;
        if (!out->node || !out->op || !out->reason)
            return no_memory(err);
        out++;
    }
    r->n_unsupported = (int)(out - r->unsupported);
    return CZ_OK;
}

static int64_t count_elements(const Onnx__TensorProto *t, cz_dtype *dtype)
{
    struct cz_shape shape;
    if (onnx_tensor_shape(t, &shape, NULL) != CZ_OK)
        return 0;
    *dtype = shape.dtype;
    return cz_shape_count(&shape);
}

/* By role where every operator is known, else whatever looks like a weight. */
static int is_counted(const struct onnx_constant *c, cz_dtype dtype, int64_t count, int has_roles)
{
    if (has_roles)
        return c->role >= 0 && c->role != CZ_RUNNING_STAT && c->role != CZ_CONSTANT;
    return !c->is_node && c->same_as < 0 && count > 1 && dtype != CZ_I32 && dtype != CZ_I64 &&
           dtype != CZ_BOOL;
}

static void count_weights(const struct onnx_model *m, struct cz_onnx_report *r)
{
    for (size_t i = 0; i < m->n_constants; i++) {
        const struct onnx_constant *c = &m->constants[i];
        cz_dtype dtype = CZ_F32;
        int64_t count = c->tensor ? count_elements(c->tensor, &dtype) : 0;
        if (c->same_as < 0) {
            size_t bytes = (size_t)count * cz_dtype_size(dtype);
            r->weights_bytes += (int64_t)bytes;
            if (c->tensor && c->tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
                r->external_bytes += bytes;
        }
        r->n_parameters += is_counted(c, dtype, count, r->n_unsupported == 0) ? count : 0;
    }
}

static cz_status fill_report(const struct onnx_model *m, size_t file_bytes, struct cz_onnx_report *r,
                             cz_error *err)
{
    const Onnx__ModelProto *p = m->proto;
    r->file_bytes = file_bytes;
    r->ir_version = m->ir_version;
    r->opset = m->opset;
    r->producer = cz_arena_printf(r->arena, "%s%s%s", p->producer_name ? p->producer_name : "",
                                  p->producer_version && p->producer_version[0] ? " " : "",
                                  p->producer_version ? p->producer_version : "");
    r->graph_name = cz_arena_strdup(r->arena, m->graph->name ? m->graph->name : "");
    r->n_nodes = m->n_nodes;
    r->n_unknown_fields = m->source.scan->n_unknown;
    for (int i = 0; i < m->n_nodes; i++)
        r->n_constant_nodes += m->nodes[i].kind != ONNX_NODE;
    if (!r->producer || !r->graph_name)
        return no_memory(err);
    CZ_TRY(copy_values(m, r, m->graph->input, m->graph->n_input, &r->inputs, &r->n_inputs, err));
    CZ_TRY(copy_values(m, r, m->graph->output, m->graph->n_output, &r->outputs, &r->n_outputs, err));
    CZ_TRY(copy_metadata(m, r, err));
    CZ_TRY(count_ops(m, r, err));
    CZ_TRY(copy_unsupported(m, r, err));
    count_weights(m, r);
    return CZ_OK;
}

cz_status onnx_make_report(const struct onnx_model *m, size_t file_bytes, struct cz_onnx_report **out,
                           cz_error *err)
{
    struct cz_arena *arena = cz_arena_create();
    struct cz_onnx_report *r = arena ? cz_arena_alloc(arena, sizeof *r) : NULL;
    if (!r) {
        cz_arena_destroy(arena);
        return no_memory(err);
    }
    r->arena = arena;
    cz_status status = fill_report(m, file_bytes, r, err);
    if (status != CZ_OK) {
        cz_arena_destroy(arena);
        return status;
    }
    *out = r;
    return CZ_OK;
}

void cz_onnx_report_destroy(struct cz_onnx_report *r)
{
    if (r)
        cz_arena_destroy(r->arena);
}
