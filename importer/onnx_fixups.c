/*
 * What an operator's `parse` should not have to know about files.
 *
 * - Floats of other widths are computed in float32, so a Cast to one of them becomes a Cast to float32;
 *   except one that makes a graph output, which keeps its type.
 * - `consumed_inputs` (opset 1 to 5's in-place hint) means nothing.
 *
 * Empty names at the end of a node's lists are trimmed by onnx_trimmed_count: BatchNormalization at opsets 7
 * to 13 tells training from inference by the number of its outputs, and some writers fill the list with "".
 */
#include "importer/onnx_model.h"

#include <string.h>

static cz_status narrow_cast(struct cz_arena *arena, struct cz_attr_list *attrs, cz_error *err)
{
    cz_dtype to;
    int64_t type = cz_attr_int(attrs, "to", 0);
    if (type < 0 || type > INT32_MAX || !onnx_type_to_dtype((int)type, &to) || !onnx_is_widened(to))
        return CZ_OK;
    cz_attrs_remove(attrs, "to");
    if (cz_attrs_add_int(arena, attrs, "to", onnx_type_of(CZ_F32)))
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading attributes");
    return CZ_OK;
}

int onnx_is_output_cast(const struct onnx_model *m, const Onnx__NodeProto *node)
{
    return strcmp(node->op_type, "Cast") == 0 && onnx_is_default_domain(node->domain) &&
           node->n_output == 1 && cz_strmap_get(&m->output_index, node->output[0]) >= 0 &&
           cz_strmap_get(&m->readers, node->output[0]) < 0;
}

cz_status onnx_fix_attrs(const struct onnx_model *m, const Onnx__NodeProto *node, struct cz_attr_list *attrs,
                         cz_error *err)
{
    cz_attrs_remove(attrs, "consumed_inputs");
    if (strcmp(node->op_type, "Cast") != 0 || onnx_is_output_cast(m, node))
        return CZ_OK;
    return narrow_cast(m->out->arena, attrs, err);
}
