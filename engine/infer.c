/*
 * Shape inference with constant propagation: every node whose inputs are known before the run is evaluated
 * with the operator's own reference, so that Shape -> Gather -> Concat -> Reshape chains resolve themselves.
 */
#include "engine/graph.h"
#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

static const size_t default_fold_bytes = (size_t)16 << 20;

/*
 * What one graph may fold in all, beside values of a page that its shapes may need: a file of a few kilobytes
 * can describe any number of large constants, and products of them that take hours.
 */
enum { FOLDS_OF_FULL_SIZE = 64, ALWAYS_FOLDED = 4096 };
static const double largest_fold_macs = 1e8;

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "model: out of memory inferring shapes");
}

static const cz_input_shape *given_shape(const cz_input_shape *inputs, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(inputs[i].name, name) == 0)
            return &inputs[i];
    return NULL;
}

/* Images, sequences and feature rows carry the batch first; a 1-D or scalar input is no batch. */
static int has_batch_axis(const struct cz_shape *s)
{
    return s->rank >= 2 && s->rank <= 5 && (s->dtype == CZ_F32 || s->dtype == CZ_F16 || s->dtype == CZ_F64);
}

static cz_status resolve_input(const struct cz_value *v, const cz_input_shape *given, int64_t batch,
                               struct cz_shape *out, cz_error *err)
{
    *out = v->shape;
    if (out->dtype == CZ_F16 || out->dtype == CZ_BF16 || out->dtype == CZ_F64)
        out->dtype = CZ_F32; /* weights are widened too; all arithmetic is float32 */
    if (given && given->rank > CZ_MAX_RANK)
        CZ_FAIL(err, CZ_ERR_SHAPE, "input '%s': rank %d given; up to %d are supported", v->name, given->rank,
                CZ_MAX_RANK);
    if (out->rank < 0) {
        if (!given || given->rank < 0)
            CZ_FAIL(err, CZ_ERR_SHAPE, "input '%s': the file gives no shape; give one", v->name);
        out->rank = given->rank;
        for (int i = 0; i < given->rank; i++)
            out->dim[i] = -1;
    }
    if (given && given->rank != out->rank)
        CZ_FAIL(err, CZ_ERR_SHAPE, "input '%s': rank %d given, the model has %d", v->name, given->rank,
                out->rank);
    for (int i = 0; i < out->rank; i++)
        if (given && given->dim[i] >= 0)
            out->dim[i] = given->dim[i];
        else if (i == 0 && has_batch_axis(out) && (batch > 0 || out->dim[0] < 0))
            out->dim[0] = batch > 0 ? batch : 1;
        else if (out->dim[i] < 0)
            CZ_FAIL(err, CZ_ERR_SHAPE,
                    "input '%s': dimension %d ('%s') is not fixed; give --size or an input file", v->name, i,
                    v->dim_name[i] ? v->dim_name[i] : "?");
    return cz_shape_check(out, v->name, err);
}

static cz_status start_values(struct cz_infer *r, const cz_input_shape *inputs, int n_inputs, int64_t batch,
                              cz_error *err)
{
    const struct cz_graph *g = r->graph;
    for (int i = 0; i < n_inputs; i++) {
        int v = cz_graph_find_value(g, inputs[i].name);
        if (v < 0 || g->values[v].kind != CZ_INPUT)
            CZ_FAIL(err, CZ_ERR_ARGUMENT, "input '%s': the model has no such input", inputs[i].name);
    }
    for (int v = 0; v < g->n_values; v++) {
        const struct cz_value *value = &g->values[v];
        r->shape[v] = value->shape;
        if (value->kind == CZ_INPUT)
            CZ_TRY(
                resolve_input(value, given_shape(inputs, n_inputs, value->name), batch, &r->shape[v], err));
        if (value->kind == CZ_PARAM)
            r->constant[v] = g->params.items[value->param].value;
    }
    return CZ_OK;
}

struct node_io {
    struct cz_op_input *in;
    cz_tensor *in_tensors;
    struct cz_shape *out;
    cz_tensor *out_tensors;
};

static cz_status gather_inputs(struct cz_infer *r, const struct cz_node *node, struct node_io *io,
                               cz_error *err)
{
    size_t n_in = (size_t)node->n_in + 1, n_out = (size_t)node->n_out + 1;
    io->in = cz_arena_alloc(r->arena, sizeof *io->in * n_in);
    io->in_tensors = cz_arena_alloc(r->arena, sizeof *io->in_tensors * n_in);
    io->out = cz_arena_alloc(r->arena, sizeof *io->out * n_out);
    io->out_tensors = cz_arena_alloc(r->arena, sizeof *io->out_tensors * n_out);
    if (!io->in || !io->in_tensors || !io->out || !io->out_tensors)
        return no_memory(err);
    for (int i = 0; i < node->n_in; i++) {
        int v = node->in[i];
        io->in[i].present = v >= 0;
        io->in[i].shape.rank = -1;
        io->in_tensors[i].rank = -1;
        if (v < 0)
            continue;
        io->in[i].shape = r->shape[v];
        io->in[i].constant = r->constant[v];
        io->in_tensors[i] = r->constant[v].data ? r->constant[v] : cz_tensor_view(NULL, &r->shape[v]);
    }
    return CZ_OK;
}

static size_t output_bytes(const struct cz_node *node, const struct node_io *io)
{
    size_t bytes = 0;
    for (int i = 0; i < node->n_out; i++)
        bytes += cz_shape_bytes(&io->out[i]);
    return bytes;
}

/* Known before the run: all present inputs are constants, or only shapes are read. */
static int can_fold(const struct cz_infer *r, const struct cz_node *node, const struct node_io *io,
                    size_t budget)
{
    if (!node->op->eval || node->op->flags & CZ_OP_RANDOM)
        return 0;
    for (int i = 0; i < node->n_in; i++)
        if (io->in[i].present && !io->in[i].constant.data && !(node->op->flags & CZ_OP_SHAPE_ONLY))
            return 0;
    size_t bytes = output_bytes(node, io);
    int is_small = bytes <= ALWAYS_FOLDED || r->folded_bytes + bytes <= FOLDS_OF_FULL_SIZE * budget;
    return bytes <= budget && is_small && r->macs[node - r->graph->nodes] <= largest_fold_macs;
}

static cz_status fold(struct cz_infer *r, const struct cz_node *node, struct node_io *io, cz_error *err)
{
    r->folded_bytes += output_bytes(node, io);
    for (int i = 0; i < node->n_out; i++) {
        void *data = cz_arena_alloc(r->arena, cz_shape_bytes(&io->out[i]));
        if (!data)
            return no_memory(err);
        io->out_tensors[i] = cz_tensor_view(data, &io->out[i]);
    }
    CZ_TRY(node->op->eval(node->attrs, io->in_tensors, node->n_in, io->out_tensors, node->n_out, err));
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] >= 0)
            r->constant[node->out[i]] = io->out_tensors[i];
    return CZ_OK;
}

static cz_status infer_node(struct cz_infer *r, int n, size_t budget, cz_error *err)
{
    const struct cz_node *node = &r->graph->nodes[n];
    struct node_io io;
    CZ_TRY(gather_inputs(r, node, &io, err));
    CZ_TRY(node->op->infer(node->attrs, io.in, node->n_in, io.out, node->n_out, err));
    for (int i = 0; i < node->n_out; i++) {
        CZ_TRY(cz_shape_check(&io.out[i], "output", err));
        if (node->out[i] >= 0)
            r->shape[node->out[i]] = io.out[i];
    }
    r->macs[n] = node->op->macs ? node->op->macs(node->attrs, io.in, node->n_in, io.out) : 0;
    return can_fold(r, node, &io, budget) ? fold(r, node, &io, err) : CZ_OK;
}

static cz_status infer_all(struct cz_infer *r, size_t budget, cz_error *err)
{
    for (int n = 0; n < r->graph->n_nodes; n++) {
        cz_status status = infer_node(r, n, budget, err);
        if (status != CZ_OK)
            return cz_error_prefix(err, status, "node '%s' (%s)", r->graph->nodes[n].name,
                                   r->graph->nodes[n].op->name);
    }
    return CZ_OK;
}

cz_status cz_infer_create(const struct cz_graph *g, const cz_input_shape *inputs, int n_inputs, int64_t batch,
                          size_t fold_bytes, struct cz_infer **out, cz_error *err)
{
    struct cz_arena *arena = cz_arena_create();
    struct cz_infer *r = arena ? cz_arena_alloc(arena, sizeof *r) : NULL;
    if (!r) {
        cz_arena_destroy(arena);
        return no_memory(err);
    }
    r->graph = g;
    r->arena = arena;
    r->shape = cz_arena_alloc(arena, sizeof *r->shape * (size_t)(g->n_values + 1));
    r->constant = cz_arena_alloc(arena, sizeof *r->constant * (size_t)(g->n_values + 1));
    r->macs = cz_arena_alloc(arena, sizeof *r->macs * (size_t)(g->n_nodes + 1));
    cz_status status =
        r->shape && r->constant && r->macs ? start_values(r, inputs, n_inputs, batch, err) : no_memory(err);
    if (status == CZ_OK)
        status = infer_all(r, fold_bytes ? fold_bytes : default_fold_bytes, err);
    if (status != CZ_OK) {
        cz_infer_destroy(r);
        return status;
    }
    *out = r;
    return CZ_OK;
}

void cz_infer_destroy(struct cz_infer *r)
{
    if (r)
        cz_arena_destroy(r->arena);
}

double cz_infer_macs(const struct cz_infer *r)
{
    double sum = 0;
    for (int n = 0; n < r->graph->n_nodes; n++)
        sum += r->macs[n];
    return sum;
}
