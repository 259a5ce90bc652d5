#include "importer/onnx_attrs.h"

#include <string.h>

/* ONNX's richest operators have fewer than twenty. */
enum { MAX_ATTRIBUTES = 64 };

#define KIND(name) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

/* The discriminator; files older than it leave it out, then the filled field tells. */
static int attr_type(const Onnx__AttributeProto *a)
{
    if (a->has_type && a->type != KIND(UNDEFINED))
        return (int)a->type;
    return a->has_f       ? KIND(FLOAT)
           : a->has_i     ? KIND(INT)
           : a->has_s     ? KIND(STRING)
           : a->t         ? KIND(TENSOR)
           : a->g         ? KIND(GRAPH)
           : a->n_floats  ? KIND(FLOATS)
           : a->n_strings ? KIND(STRINGS)
           : a->n_graphs  ? KIND(GRAPHS)
                          : KIND(INTS);
}

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading attributes");
}

static cz_status add_string(struct cz_arena *arena, struct cz_attr_list *list, const Onnx__AttributeProto *a,
                            cz_error *err)
{
    char *text = cz_arena_strndup(arena, (const char *)a->s.data, a->s.len);
    if (a->s.len && memchr(a->s.data, 0, a->s.len))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s': text with a NUL byte", a->name);
    return text && cz_attrs_add_string(arena, list, a->name, text) == 0 ? CZ_OK : no_memory(err);
}

/* Type, size and place of a tensor that an attribute may hold; what does not fit is the node's refusal. */
static cz_status refuse_tensor(const Onnx__AttributeProto *a, struct cz_arena *arena, const char **refused,
                               cz_error *err)
{
    cz_dtype dtype;
    if (!onnx_type_to_dtype(a->t->data_type, &dtype))
        *refused =
            cz_arena_printf(arena, "attribute '%s' of type %s", a->name, onnx_type_name(a->t->data_type));
    else if (a->t->n_dims > CZ_MAX_RANK)
        *refused = cz_arena_printf(arena, "attribute '%s' of %zu dimensions", a->name, a->t->n_dims);
    else if (a->t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        *refused = cz_arena_printf(arena, "attribute '%s' in external data", a->name);
    else
        return CZ_OK;
    return *refused ? CZ_OK : no_memory(err);
}

static cz_status add_tensor(struct onnx_source *src, struct cz_arena *arena, struct cz_attr_list *list,
                            const Onnx__AttributeProto *a, const char **refused, cz_error *err)
{
    cz_tensor value;
    if (!a->t)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s': the tensor is missing", a->name);
    CZ_TRY(refuse_tensor(a, arena, refused, err));
    if (*refused)
        return CZ_OK;
    cz_status status = onnx_tensor_values(src, a->t, 1, &value, err);
    if (status != CZ_OK)
        return cz_error_prefix(err, status, "attribute '%s'", a->name);
    return cz_attrs_add_tensor(arena, list, a->name, &value) ? no_memory(err) : CZ_OK;
}

static cz_status add_attr(struct onnx_source *src, struct cz_arena *arena, struct cz_attr_list *list,
                          const Onnx__AttributeProto *a, const char **refused, cz_error *err)
{
    int failed = 0;
    switch (attr_type(a)) {
    case KIND(INT):
        failed = cz_attrs_add_int(arena, list, a->name, a->i);
        break;
    case KIND(FLOAT):
        failed = cz_attrs_add_float(arena, list, a->name, a->f);
        break;
    case KIND(INTS):
        failed = cz_attrs_add_ints(arena, list, a->name, a->ints, (int)a->n_ints);
        break;
    case KIND(FLOATS):
        failed = cz_attrs_add_floats(arena, list, a->name, a->floats, (int)a->n_floats);
        break;
    case KIND(STRING):
        return add_string(arena, list, a, err);
    case KIND(TENSOR):
        return add_tensor(src, arena, list, a, refused, err);
    case KIND(GRAPH):
    case KIND(GRAPHS):
        *refused = "control flow (sub-graphs)";
        return CZ_OK;
    default:
        *refused = cz_arena_printf(arena, "attribute '%s' of a kind that is not supported", a->name);
        failed = !*refused;
    }
    return failed ? no_memory(err) : CZ_OK;
}

cz_status onnx_read_attrs(struct onnx_source *src, const Onnx__NodeProto *node, struct cz_arena *arena,
                          struct cz_attr_list *out, const char **refused, cz_error *err)
{
    memset(out, 0, sizeof *out);
    if (node->n_attribute > MAX_ATTRIBUTES)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%zu attributes; no operator has that many", node->n_attribute);
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Onnx__AttributeProto *a = node->attribute[i];
        if (!a->name || !a->name[0])
            CZ_FAIL(err, CZ_ERR_FORMAT, "an attribute without a name");
        if (cz_attr_find(out, a->name))
            CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s': given twice", a->name);
        if (a->ref_attr_name && a->ref_attr_name[0]) {
            *refused = "refers to a function's attribute";
            continue;
        }
        CZ_TRY(add_attr(src, arena, out, a, refused, err));
    }
    return CZ_OK;
}
