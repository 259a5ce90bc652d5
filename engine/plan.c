#include "engine/plan.h"
#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
}

struct cz_plan *cz_plan_retain(struct cz_plan *plan)
{
    __atomic_fetch_add(&plan->refs, 1, __ATOMIC_RELAXED);
    return plan;
}

void cz_plan_destroy(cz_plan *plan)
{
    if (!plan || __atomic_fetch_sub(&plan->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    for (int i = 0; i < plan->n_packed; i++)
        free(plan->packed[i]);
    free(plan->packed);
    free(plan->values);
    free(plan->steps);
    cz_infer_destroy(plan->infer);
    cz_arena_destroy(plan->arena);
    cz_graph_release(plan->graph);
    cz_runtime_destroy(plan->runtime);
    free(plan);
}

size_t cz_plan_arena_bytes(const cz_plan *plan)
{
    return plan->arena_bytes;
}

size_t cz_plan_packed_bytes(const struct cz_plan *plan)
{
    return plan->packed_bytes;
}

double cz_plan_macs(const struct cz_plan *plan)
{
    return cz_infer_macs(plan->infer);
}

/* A node whose outputs are all known before the run computes nothing. */
static int is_known(const struct cz_plan *plan, const struct cz_node *node)
{
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] >= 0 && !plan->infer->constant[node->out[i]].data)
            return 0;
    return 1;
}

static cz_status copy_nodes(struct cz_plan *plan, cz_error *err)
{
    const struct cz_graph *g = plan->graph;
    plan->nodes = cz_arena_alloc(plan->arena, sizeof *plan->nodes * (size_t)(g->n_nodes + 1));
    if (!plan->nodes)
        return no_memory(err);
    for (int i = 0; i < g->n_nodes; i++) {
        const struct cz_node *from = &g->nodes[i];
        if (is_known(plan, from))
            continue;
        struct cz_plan_node *to = &plan->nodes[plan->n_nodes++];
        *to = (struct cz_plan_node){.name = from->name,
                                    .op = from->op,
                                    .attrs = from->attrs,
                                    .n_in = from->n_in,
                                    .n_out = from->n_out,
                                    .fusion = {.residual = -1},
                                    .macs = plan->infer->macs[i]};
        to->in = cz_arena_memdup(plan->arena, from->in, sizeof *to->in * (size_t)from->n_in);
        to->out = cz_arena_memdup(plan->arena, from->out, sizeof *to->out * (size_t)from->n_out);
        if (!to->in || !to->out)
            return no_memory(err);
    }
    return CZ_OK;
}

/* Nodes that nothing needs are not computed. */
static cz_status drop_unused(struct cz_plan *plan, cz_error *err)
{
    const struct cz_graph *g = plan->graph;
    char *needed = cz_arena_alloc(plan->arena, (size_t)g->n_values + 1);
    if (!needed)
        return no_memory(err);
    for (int i = 0; i < g->n_outputs; i++)
        needed[g->outputs[i]] = 1;
    for (int n = plan->n_nodes - 1; n >= 0; n--) {
        struct cz_plan_node *node = &plan->nodes[n];
        int wanted = 0;
        for (int i = 0; i < node->n_out; i++)
            wanted |= node->out[i] >= 0 && needed[node->out[i]];
        node->dead = !wanted;
        for (int i = 0; wanted && i < node->n_in; i++)
            if (node->in[i] >= 0)
                needed[node->in[i]] = 1;
    }
    return CZ_OK;
}

struct eval_choice {
    const struct cz_op *op;
    const void *attrs;
    int n_in, n_out;
    cz_tensor *in, *out; /* views without data, absent inputs with rank -1 */
    const int *in_value; /* planned values, -1: absent */
    const int *out_value;
};

/* Runs the operator's reference on whole row-major values. */
static cz_status eval_step(const struct cz_step *step, const struct cz_run *run, cz_error *err)
{
    const struct eval_choice *c = step->choice;
    cz_tensor *io = malloc(sizeof *io * (size_t)(c->n_in + c->n_out + 1));
    if (!io)
        return no_memory(err);
    for (int i = 0; i < c->n_in; i++) {
        io[i] = c->in[i];
        if (c->in_value[i] >= 0)
            io[i].data = cz_run_data(run, c->in_value[i]);
    }
    for (int i = 0; i < c->n_out; i++) {
        io[c->n_in + i] = c->out[i];
        io[c->n_in + i].data = cz_run_data(run, c->out_value[i]);
    }
    cz_status status = c->op->eval(c->attrs, io, c->n_in, io + c->n_in, c->n_out, err);
    free(io);
    return status == CZ_OK ? CZ_OK : cz_error_prefix(err, status, "node '%s' (%s)", step->name, step->op);
}

/* An optional output that nobody reads still needs somewhere to go. */
static cz_status unread_output(struct cz_builder *b, const struct cz_op_input *in,
                               const struct cz_plan_node *node, int i, struct cz_shape *shape, int *planned,
                               cz_error *err)
{
    struct cz_shape *shapes = cz_builder_alloc(b, sizeof *shapes * (size_t)node->n_out);
    if (!shapes)
        return no_memory(err);
    CZ_TRY(node->op->infer(node->attrs, in, node->n_in, shapes, node->n_out, err));
    *shape = shapes[i];
    return cz_builder_temporary(b, cz_shape_bytes(shape), planned, err);
}

static cz_status plan_eval(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    struct eval_choice *c = cz_builder_alloc(b, sizeof *c);
    size_t count = (size_t)(node->n_in + node->n_out + 1);
    cz_tensor *io = cz_builder_alloc(b, sizeof *io * count);
    int *at = cz_builder_alloc(b, sizeof *at * count), n_present = 0;
    int *present = cz_builder_alloc(b, sizeof *present * count);
    struct cz_op_input *in = cz_builder_alloc(b, sizeof *in * count);
    if (!c || !io || !at || !present || !in)
        return no_memory(err);
    if (!node->op->eval)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "no kernel for these inputs (%s)",
                b->declined ? b->declined : "no fast path");
    for (int i = 0; i < node->n_in; i++) {
        at[i] = io[i].rank = -1;
        if (node->in[i] < 0)
            continue;
        io[i] = cz_tensor_view(NULL, cz_builder_shape(b, node->in[i]));
        in[i].present = 1;
        in[i].shape = *cz_builder_shape(b, node->in[i]);
        const cz_tensor *known = cz_builder_constant(b, node->in[i]);
        if (known)
            in[i].constant = *known;
        CZ_TRY(cz_builder_value(b, node->in[i], CZ_PLAIN, &at[i], err));
        present[n_present++] = at[i];
    }
    for (int i = 0; i < node->n_out; i++) {
        struct cz_shape shape;
        if (node->out[i] >= 0) {
            shape = *cz_builder_shape(b, node->out[i]);
            CZ_TRY(cz_builder_output(b, node->out[i], CZ_PLAIN, &at[node->n_in + i], err));
        } else {
            CZ_TRY(unread_output(b, in, node, i, &shape, &at[node->n_in + i], err));
        }
        io[node->n_in + i] = cz_tensor_view(NULL, &shape);
    }
    *c = (struct eval_choice){node->op, node->attrs,     node->n_in, node->n_out,
                              io,       io + node->n_in, at,         at + node->n_in};
    struct cz_step *step;
    CZ_TRY(cz_builder_step(b, n, "reference", present, n_present, at + node->n_in, node->n_out, &step, err));
    step->whole = eval_step;
    step->choice = c;
    return CZ_OK;
}

static cz_status plan_node(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    b->declined = NULL;
    cz_status status = node->op->plan ? node->op->plan(b, n, err) : cz_builder_decline(b, "no fast path");
    if (status == CZ_OK && b->declined)
        status = plan_eval(b, n, err);
    return status == CZ_OK ? CZ_OK
                           : cz_error_prefix(err, status, "node '%s' (%s)", node->name, node->op->name);
}

static cz_status start_builder(struct cz_builder *b, struct cz_plan *plan, cz_error *err)
{
    size_t n = (size_t)plan->graph->n_values + 1;
    b->plan = plan;
    for (int layout = 0; layout < 2; layout++) {
        b->in_layout[layout] = cz_arena_alloc(plan->arena, sizeof(int) * n);
        if (!b->in_layout[layout])
            return no_memory(err);
        for (size_t i = 0; i < n; i++)
            b->in_layout[layout][i] = -1;
    }
    return CZ_OK;
}

static cz_status plan_inputs(struct cz_builder *b, cz_error *err)
{
    struct cz_plan *plan = b->plan;
    const struct cz_graph *g = plan->graph;
    plan->inputs = cz_arena_alloc(plan->arena, sizeof *plan->inputs * (size_t)(g->n_inputs + 1));
    plan->outputs = cz_arena_alloc(plan->arena, sizeof *plan->outputs * (size_t)(g->n_outputs + 1));
    if (!plan->inputs || !plan->outputs)
        return no_memory(err);
    for (int i = 0; i < g->n_inputs; i++) {
        CZ_TRY(cz_builder_output(b, g->inputs[i], CZ_PLAIN, &plan->inputs[i], err));
        plan->values[plan->inputs[i]].storage = CZ_IN_INPUT;
        plan->values[plan->inputs[i]].input = i;
    }
    return CZ_OK;
}

static cz_status plan_outputs(struct cz_builder *b, cz_error *err)
{
    struct cz_plan *plan = b->plan;
    for (int i = 0; i < plan->graph->n_outputs; i++)
        CZ_TRY(cz_builder_value(b, plan->graph->outputs[i], CZ_PLAIN, &plan->outputs[i], err));
    return CZ_OK;
}

/* The pool counts tiles in 32 bits. */
static cz_status check_tiles(const struct cz_plan *plan, cz_error *err)
{
    for (int s = 0; s < plan->n_steps; s++)
        if (plan->steps[s].n_tiles > UINT32_MAX)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "node '%s' (%s): %lld tiles of work; up to %lld are supported",
                    plan->steps[s].name, plan->steps[s].op, (long long)plan->steps[s].n_tiles,
                    (long long)UINT32_MAX);
    return CZ_OK;
}

static cz_status plan_all(struct cz_plan *plan, const cz_plan_options *o, cz_error *err)
{
    struct cz_builder b = {0};
    CZ_TRY(copy_nodes(plan, err));
    CZ_TRY(drop_unused(plan, err));
    if (!o->no_fuse)
        CZ_TRY(cz_plan_fuse(plan, o->without, err));
    CZ_TRY(start_builder(&b, plan, err));
    CZ_TRY(plan_inputs(&b, err));
    for (int n = 0; n < plan->n_nodes; n++)
        if (!plan->nodes[n].dead)
            CZ_TRY(plan_node(&b, n, err));
    CZ_TRY(plan_outputs(&b, err));
    CZ_TRY(check_tiles(plan, err));
    return cz_plan_place(plan, err);
}

static cz_status check_weights(const struct cz_graph *g, cz_error *err)
{
    for (int i = 0; i < g->params.count; i++)
        if (!g->params.items[i].value.data)
            CZ_FAIL(err, CZ_ERR_STATE,
                    "parameter '%s': has no values yet; initialise or load the weights first",
                    g->params.items[i].name);
    return CZ_OK;
}

cz_status cz_plan_create(cz_runtime *rt, cz_model *model, const cz_plan_options *options, cz_plan **out,
                         cz_error *err)
{
    cz_plan_options o = {0};
    if (options)
        memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
    CZ_TRY(check_weights(model, err));
    struct cz_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return no_memory(err);
    plan->refs = 1;
    plan->graph = cz_graph_retain(model);
    plan->runtime = cz_runtime_retain(rt);
    plan->packed_version = model->params.version;
    plan->arena = cz_arena_create();
    cz_status status = plan->arena
                           ? cz_infer_create(model, o.inputs, o.n_inputs, o.batch, 0, &plan->infer, err)
                           : no_memory(err);
    if (status == CZ_OK)
        status = plan_all(plan, &o, err);
    if (status != CZ_OK) {
        cz_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return CZ_OK;
}
