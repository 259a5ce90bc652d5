/*
 * The builder's side of the plan: values in layouts, reorder steps on demand, steps.
 */
#include "engine/plan.h"
#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
}

const struct cz_plan_node *cz_builder_node(const struct cz_builder *b, int node)
{
    return &b->plan->nodes[node];
}

const struct cz_shape *cz_builder_shape(const struct cz_builder *b, int graph_value)
{
    return &b->plan->infer->shape[graph_value];
}

const cz_tensor *cz_builder_constant(const struct cz_builder *b, int graph_value)
{
    const cz_tensor *t = &b->plan->infer->constant[graph_value];
    return t->data ? t : NULL;
}

int cz_builder_has(const struct cz_builder *b, int graph_value, enum cz_layout layout)
{
    return b->in_layout[layout][graph_value] >= 0;
}

int cz_builder_can_block(const struct cz_builder *b, int graph_value)
{
    const struct cz_shape *s = cz_builder_shape(b, graph_value);
    return s->dtype == CZ_F32 && s->rank >= 3 && s->rank <= 5;
}

struct cz_blocked cz_blocked_of(const struct cz_shape *s, int width)
{
    struct cz_blocked g = {s->dim[0], s->dim[1], cz_ceil_div(s->dim[1], width), 1};
    for (int i = 2; i < s->rank; i++)
        g.pixels *= s->dim[i];
    return g;
}

static cz_status add_planned(struct cz_plan *plan, int *planned, cz_error *err)
{
    if (cz_grow(&plan->values, &plan->value_capacity, (size_t)plan->n_values, sizeof *plan->values))
        return no_memory(err);
    struct cz_planned *v = &plan->values[plan->n_values];
    memset(v, 0, sizeof *v);
    v->same_as = -1;
    *planned = plan->n_values++;
    return CZ_OK;
}

static size_t planned_bytes(const struct cz_plan *plan, const struct cz_shape *shape, enum cz_layout layout)
{
    if (layout == CZ_PLAIN)
        return cz_shape_bytes(shape);
    struct cz_blocked g = cz_blocked_of(shape, plan->runtime->kernels->width);
    return (size_t)(g.n * g.blocks * g.pixels * plan->runtime->kernels->width) * sizeof(float);
}

cz_status cz_builder_output(struct cz_builder *b, int graph_value, enum cz_layout layout, int *planned,
                            cz_error *err)
{
    CZ_TRY(add_planned(b->plan, planned, err));
    struct cz_planned *v = &b->plan->values[*planned];
    v->shape = *cz_builder_shape(b, graph_value);
    v->layout = layout;
    v->bytes = planned_bytes(b->plan, &v->shape, layout);
    b->in_layout[layout][graph_value] = *planned;
    return CZ_OK;
}

cz_status cz_builder_alias(struct cz_builder *b, int graph_value, int planned, cz_error *err)
{
    int alias;
    CZ_TRY(cz_builder_output(b, graph_value, CZ_PLAIN, &alias, err));
    b->plan->values[alias].same_as = planned;
    return CZ_OK;
}

cz_status cz_builder_temporary(struct cz_builder *b, size_t bytes, int *planned, cz_error *err)
{
    CZ_TRY(add_planned(b->plan, planned, err));
    struct cz_planned *v = &b->plan->values[*planned];
    v->shape = cz_shape_of(CZ_U8, 1, (int64_t)bytes);
    v->bytes = bytes;
    return CZ_OK;
}

/* One tile per image and channel block. */
static void reorder_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct cz_blocked *g = step->choice;
    int width = run->kernels->width;
    int64_t image = tile / g->blocks, block = tile % g->blocks, first = block * width;
    int to_blocked = strcmp(step->algorithm, "to blocked") == 0;
    float *plain = cz_run_data(run, to_blocked ? step->in[0] : step->out[0]);
    float *blocked = cz_run_data(run, to_blocked ? step->out[0] : step->in[0]);
    struct cz_channel_block args = {.plain = plain + (image * g->c + first) * g->pixels,
                                    .blocked = blocked + tile * g->pixels * width,
                                    .plane_stride = g->pixels,
                                    .n_pixels = g->pixels,
                                    .n_channels = (int)(g->c - first < width ? g->c - first : width)};
    if (to_blocked)
        run->kernels->block_channels(&args);
    else
        run->kernels->unblock_channels(&args);
}

/* Blocked and row-major agree where each image is one pixel of whole vectors, or a vector is one float. */
static int layouts_agree(const struct cz_blocked *g, int width)
{
    return width == 1 || (g->pixels == 1 && g->c % width == 0);
}

static cz_status reorder(struct cz_builder *b, int graph_value, int from, enum cz_layout layout, int *planned,
                         cz_error *err)
{
    struct cz_plan *plan = b->plan;
    CZ_TRY(cz_builder_output(b, graph_value, layout, planned, err));
    struct cz_blocked g = cz_blocked_of(&plan->values[*planned].shape, plan->runtime->kernels->width);
    if (layouts_agree(&g, plan->runtime->kernels->width)) {
        plan->values[*planned].same_as = from;
        return CZ_OK;
    }
    struct cz_step *step;
    CZ_TRY(cz_builder_step(b, -1, layout == CZ_BLOCKED ? "to blocked" : "to plain", &from, 1, planned, 1,
                           &step, err));
    struct cz_blocked *choice = cz_builder_alloc(b, sizeof *choice);
    if (!choice)
        return no_memory(err);
    *choice = g;
    step->name = plan->graph->values[graph_value].name;
    step->choice = choice;
    step->tile = reorder_tile;
    step->n_tiles = g.n * g.blocks;
    return CZ_OK;
}

static cz_status plan_constant(struct cz_builder *b, int graph_value, int *planned, cz_error *err)
{
    const cz_tensor *t = cz_builder_constant(b, graph_value);
    if (!t)
        CZ_FAIL(err, CZ_ERR_INTERNAL, "value '%s' is used before it is planned",
                b->plan->graph->values[graph_value].name);
    CZ_TRY(cz_builder_output(b, graph_value, CZ_PLAIN, planned, err));
    b->plan->values[*planned].storage = CZ_IN_CONSTANT;
    b->plan->values[*planned].constant = t->data;
    return CZ_OK;
}

cz_status cz_builder_value(struct cz_builder *b, int graph_value, enum cz_layout layout, int *planned,
                           cz_error *err)
{
    *planned = b->in_layout[layout][graph_value];
    if (*planned >= 0)
        return CZ_OK;
    int other = b->in_layout[!layout][graph_value];
    if (other < 0) {
        CZ_TRY(plan_constant(b, graph_value, &other, err));
        if (layout == CZ_PLAIN) {
            *planned = other;
            return CZ_OK;
        }
    }
    return reorder(b, graph_value, other, layout, planned, err);
}

cz_status cz_builder_step(struct cz_builder *b, int node, const char *algorithm, const int *in, int n_in,
                          const int *out, int n_out, struct cz_step **step, cz_error *err)
{
    struct cz_plan *plan = b->plan;
    if (cz_grow(&plan->steps, &plan->step_capacity, (size_t)plan->n_steps, sizeof *plan->steps))
        return no_memory(err);
    struct cz_step *s = &plan->steps[plan->n_steps];
    *s = (struct cz_step){.name = node >= 0 ? plan->nodes[node].name : "",
                          .op = node >= 0 ? plan->nodes[node].op->name : "Reorder",
                          .algorithm = algorithm,
                          .n_tiles = 1,
                          .n_in = n_in,
                          .n_out = n_out,
                          .in_place = -1,
                          .macs = node >= 0 ? plan->nodes[node].macs : 0};
    s->in = cz_arena_memdup(plan->arena, in, sizeof *in * (size_t)n_in);
    s->out = cz_arena_memdup(plan->arena, out, sizeof *out * (size_t)n_out);
    if (!s->in || !s->out)
        return no_memory(err);
    plan->n_steps++;
    *step = s;
    return CZ_OK;
}

void *cz_builder_alloc(struct cz_builder *b, size_t bytes)
{
    return cz_arena_alloc(b->plan->arena, bytes);
}

void *cz_builder_pack(struct cz_builder *b, size_t bytes)
{
    struct cz_plan *plan = b->plan;
    if (cz_grow(&plan->packed, &plan->packed_capacity, (size_t)plan->n_packed, sizeof *plan->packed))
        return NULL;
    void *p = cz_alloc_aligned(bytes);
    if (!p)
        return NULL;
    plan->packed[plan->n_packed++] = p;
    plan->packed_bytes += bytes;
    return p;
}

cz_status cz_builder_decline(struct cz_builder *b, const char *reason)
{
    b->declined = reason;
    return CZ_OK;
}
