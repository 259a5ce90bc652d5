/*
 * Zeros padded onto the input of a Conv or AveragePool become the operator's own pads: exporters write every
 * average pool that counts its padding as Pad and AveragePool.
 */
#include "engine/ops/conv.h"
#include "engine/ops/pad.h"
#include "engine/ops/pool.h"
#include "engine/plan_fuse.h"

#include <string.h>

static struct cz_op_input input_of(const struct cz_plan *plan, int value)
{
    return value < 0 ? (struct cz_op_input){0}
                     : (struct cz_op_input){1, plan->infer->shape[value], plan->infer->constant[value]};
}

/* The zeros a Pad node puts around the spatial dimensions; 0 if it does anything else. */
static int spatial_zeros(const struct cz_plan *plan, const struct cz_plan_node *node, struct cz_pads *pads)
{
    const struct cz_pad_attrs *attrs = node->attrs;
    struct cz_op_input in[4] = {0};
    for (int i = 0; i < node->n_in && i < 4; i++)
        in[i] = input_of(plan, node->in[i]);
    double value = (double)attrs->value;
    if (in[2].present)
        value = in[2].constant.data ? cz_tensor_double(&in[2].constant, 0) : 1;
    if (attrs->mode != CZ_PAD_CONSTANT || value != 0 || in[0].shape.dtype != CZ_F32 ||
        cz_shape_count(&in[0].shape) == 0 ||
        cz_pad_resolve(attrs, in, node->n_in < 4 ? node->n_in : 4, pads, NULL) != CZ_OK)
        return 0;
    for (int i = 0; i < in[0].shape.rank; i++)
        if (pads->begin[i] < 0 || pads->end[i] < 0 || (i < 2 && (pads->begin[i] || pads->end[i])))
            return 0;
    return in[0].shape.rank == 3 || in[0].shape.rank == 4;
}

/* Adds the pads to a window that gives its own in numbers. */
static int add_pads(struct cz_window_attrs *w, const struct cz_pads *pads, int spatial)
{
    /* ceil_mode asks whether the last window starts in the padding, which a Pad's zeros are not. */
    if (w->auto_pad != CZ_AUTO_PAD_NOTSET || w->ceil_mode)
        return 0;
    for (int i = 0; i < spatial; i++) {
        w->pads[i] += pads->begin[2 + i];
        w->pads[spatial + i] += pads->end[2 + i];
    }
    w->n_pads = 2 * spatial;
    return 1;
}

static const void *padded_conv(struct cz_plan *plan, const void *old, const struct cz_pads *pads, int spatial)
{
    struct cz_conv_attrs *attrs = cz_arena_memdup(plan->arena, old, sizeof *attrs);
    return attrs && add_pads(&attrs->window, pads, spatial) ? attrs : NULL;
}

/* Zeros that were part of the input count; an average may not have others that do not. */
static const void *padded_pool(struct cz_plan *plan, const void *old, const struct cz_pads *pads, int spatial)
{
    struct cz_pool_attrs *attrs = cz_arena_memdup(plan->arena, old, sizeof *attrs);
    if (!attrs)
        return NULL;
    for (int i = 0; i < attrs->window.n_pads; i++)
        if (attrs->window.pads[i] && !attrs->count_include_pad)
            return NULL;
    attrs->count_include_pad = 1;
    if (!add_pads(&attrs->window, pads, spatial))
        return NULL;
    for (int i = 0; i < 2 * spatial; i++) /* a pool refuses windows of nothing but padding */
        if (attrs->window.pads[i] >= attrs->window.kernel[i % spatial])
            return NULL;
    return attrs;
}

int cz_fuse_pad(struct cz_fuser *f, int n)
{
    struct cz_plan_node *node = &f->plan->nodes[n];
    int conv = strcmp(node->op->name, "Conv") == 0, pool = strcmp(node->op->name, "AveragePool") == 0;
    int p = conv || pool ? f->producer[node->in[0]] : -1;
    struct cz_pads pads;
    if (p < 0 || strcmp(f->plan->nodes[p].op->name, "Pad") != 0 || f->uses[node->in[0]] != 1 ||
        !spatial_zeros(f->plan, &f->plan->nodes[p], &pads))
        return 0;
    int spatial = f->plan->infer->shape[node->in[0]].rank - 2;
    const void *attrs = (conv ? padded_conv : padded_pool)(f->plan, node->attrs, &pads, spatial);
    if (!attrs)
        return 0;
    node->attrs = attrs;
    f->uses[node->in[0]] = 0;
    node->in[0] = f->plan->nodes[p].in[0];
    f->plan->nodes[p].dead = 1;
    return 1;
}
