/*
 * Reader of a network's ONNX file as a weight file: its float parameters, in the order in which its nodes use
 * them.
 *
 * Names are those of the initializers. Exporters that fold BatchNorm into convolutions lose some; then order
 * and shape are what is left (weights_apply.h).
 */
#include "importer/importer.h"
#include "importer/weights_readers.h"

#include <stdlib.h>

static cz_status add_param(struct cz_weights *w, const struct cz_param *p, cz_error *err)
{
    struct cz_weight *t;
    CZ_TRY(weights_add(w, &t, err));
    t->name = p->name;
    t->shape = cz_tensor_shape(&p->value);
    t->type = cz_dtype_name(t->shape.dtype);
    t->has_dtype = 1;
    t->data = p->value.data;
    t->role = (int)p->role;
    weights_set_row_major(t);
    return CZ_OK;
}

/* Each parameter at its first use; those that only shape the network (constants) are no weights. */
static cz_status add_used(struct cz_weights *w, char *seen, cz_error *err)
{
    const struct cz_graph *g = w->graph;
    for (int n = 0; n < g->n_nodes; n++)
        for (int i = 0; i < g->nodes[n].n_in; i++) {
            int value = g->nodes[n].in[i], param = value < 0 ? -1 : g->values[value].param;
            if (param < 0 || seen[param] || g->params.items[param].role == CZ_CONSTANT)
                continue;
            seen[param] = 1;
            CZ_TRY(add_param(w, &g->params.items[param], err));
        }
    return CZ_OK;
}

cz_status weights_read_onnx(struct cz_weights *w, const char *name, cz_error *err)
{
    /* By path where there is one, for data that lies beside the file; the mapping of memory has none. */
    cz_status status =
        w->is_file ? cz_onnx_load(name, NULL, &w->graph, NULL, err)
                   : cz_onnx_load_memory(w->map.data, w->map.size, name, NULL, NULL, &w->graph, NULL, err);
    CZ_TRY(status);
    char *seen = calloc((size_t)w->graph->params.count + 1, 1);
    if (!seen)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory listing tensors");
    status = add_used(w, seen, err);
    free(seen);
    return status;
}
