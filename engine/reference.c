#include "engine/reference.h"

#include <stdlib.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "reference run: out of memory");
}

/* What one node reads and writes; arrays as long as the widest node needs. */
struct node_io {
    struct cz_op_input *known;
    cz_tensor *in, *out;
    struct cz_shape *out_shape;
};

static int io_create(const struct cz_graph *g, struct node_io *io)
{
    size_t n_in = 1, n_out = 1;
    for (int n = 0; n < g->n_nodes; n++) {
        n_in = (size_t)g->nodes[n].n_in > n_in ? (size_t)g->nodes[n].n_in : n_in;
        n_out = (size_t)g->nodes[n].n_out > n_out ? (size_t)g->nodes[n].n_out : n_out;
    }
    io->known = calloc(n_in, sizeof *io->known);
    io->in = calloc(n_in, sizeof *io->in);
    io->out = calloc(n_out, sizeof *io->out);
    io->out_shape = calloc(n_out, sizeof *io->out_shape);
    return !io->known || !io->in || !io->out || !io->out_shape;
}

static void io_destroy(struct node_io *io)
{
    free(io->known);
    free(io->in);
    free(io->out);
    free(io->out_shape);
}

static void take_inputs(const struct cz_reference *r, const struct cz_node *node, struct node_io *io)
{
    for (int i = 0; i < node->n_in; i++) {
        int present = node->in[i] >= 0;
        io->in[i] = present ? r->value[node->in[i]] : (cz_tensor){.rank = -1};
        io->known[i] = (struct cz_op_input){present, cz_tensor_shape(&io->in[i]), io->in[i]};
    }
}

static cz_status allocate_outputs(const struct cz_node *node, struct node_io *io, cz_error *err)
{
    for (int i = 0; i < node->n_out; i++)
        io->out[i].data = NULL;
    for (int i = 0; i < node->n_out; i++) {
        CZ_TRY(cz_shape_check(&io->out_shape[i], "output", err));
        void *data = cz_alloc_aligned(cz_shape_bytes(&io->out_shape[i]));
        if (!data)
            return no_memory(err);
        io->out[i] = cz_tensor_view(data, &io->out_shape[i]);
    }
    return CZ_OK;
}

static cz_status compute(struct cz_reference *r, int n, struct node_io *io, cz_error *err)
{
    const struct cz_node *node = &r->graph->nodes[n];
    const struct cz_op *op = node->op;
    take_inputs(r, node, io);
    CZ_TRY(op->infer(node->attrs, io->known, node->n_in, io->out_shape, node->n_out, err));
    r->macs[n] = op->macs ? op->macs(node->attrs, io->known, node->n_in, io->out_shape) : 0;
    cz_status status = allocate_outputs(node, io, err);
    if (status == CZ_OK)
        status = op->eval(node->attrs, io->in, node->n_in, io->out, node->n_out, err);
    for (int i = 0; i < node->n_out; i++)
        if (status == CZ_OK && node->out[i] >= 0)
            r->value[node->out[i]] = io->out[i];
        else
            free(io->out[i].data);
    return status;
}

static cz_status run_nodes(struct cz_reference *r, cz_error *err)
{
    struct node_io io;
    cz_status status = io_create(r->graph, &io) ? no_memory(err) : CZ_OK;
    for (int n = 0; status == CZ_OK && n < r->graph->n_nodes; n++) {
        const struct cz_node *node = &r->graph->nodes[n];
        status = compute(r, n, &io, err);
        if (status != CZ_OK)
            cz_error_prefix(err, status, "node '%s' (%s)", node->name, node->op->name);
    }
    io_destroy(&io);
    return status;
}

static cz_status bind_inputs(struct cz_reference *r, const cz_tensor *in, int n_in, cz_error *err)
{
    const struct cz_graph *g = r->graph;
    char found[CZ_SHAPE_TEXT], wanted[CZ_SHAPE_TEXT];
    if (n_in != g->n_inputs)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%d inputs given; the model has %d", n_in, g->n_inputs);
    for (int i = 0; i < n_in; i++) {
        const struct cz_value *v = &g->values[g->inputs[i]];
        struct cz_shape shape = cz_tensor_shape(&in[i]);
        CZ_TRY(cz_shape_check(&shape, v->name, err));
        if (v->shape.rank >= 0 && (shape.dtype != v->shape.dtype || shape.rank != v->shape.rank))
            CZ_FAIL(err, CZ_ERR_SHAPE, "input '%s' is %s; %s wanted", v->name,
                    cz_shape_text(&shape, found, sizeof found),
                    cz_shape_text(&v->shape, wanted, sizeof wanted));
        r->value[g->inputs[i]] = in[i];
    }
    return CZ_OK;
}

static cz_status bind_params(struct cz_reference *r, cz_error *err)
{
    const struct cz_graph *g = r->graph;
    for (int v = 0; v < g->n_values; v++)
        if (g->values[v].kind == CZ_PARAM) {
            r->value[v] = g->params.items[g->values[v].param].value;
            if (!r->value[v].data)
                CZ_FAIL(err, CZ_ERR_STATE, "parameter '%s' has no values yet; initialise or load it",
                        g->values[v].name);
        }
    return CZ_OK;
}

cz_status cz_reference_run(struct cz_graph *g, const cz_tensor *in, int n_in, struct cz_reference **out,
                           cz_error *err)
{
    struct cz_reference *r = calloc(1, sizeof *r);
    if (!r)
        return no_memory(err);
    r->graph = cz_graph_retain(g);
    r->value = calloc((size_t)g->n_values + 1, sizeof *r->value);
    r->macs = calloc((size_t)g->n_nodes + 1, sizeof *r->macs);
    cz_status status = r->value && r->macs ? bind_inputs(r, in, n_in, err) : no_memory(err);
    if (status == CZ_OK)
        status = bind_params(r, err);
    if (status == CZ_OK)
        status = run_nodes(r, err);
    if (status != CZ_OK) {
        cz_reference_destroy(r);
        return status;
    }
    *out = r;
    return CZ_OK;
}

const cz_tensor *cz_reference_output(const struct cz_reference *r, int i)
{
    return &r->value[r->graph->outputs[i]];
}

void cz_reference_destroy(struct cz_reference *r)
{
    if (!r)
        return;
    for (int v = 0; r->value && v < r->graph->n_values; v++)
        if (r->graph->values[v].kind == CZ_ACTIVATION)
            free(r->value[v].data);
    free(r->value);
    free(r->macs);
    cz_graph_release(r->graph);
    free(r);
}
