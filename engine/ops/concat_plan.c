/*
 * Concat along the channels of blocked values: whole channel blocks are copied. Where a boundary falls inside
 * a block the row-major reference takes over.
 */
#include "engine/ops/concat.h"
#include "engine/ops/plans.h"

#include <string.h>

struct choice {
    int64_t blocks, pixels; /* of the output */
    int64_t *first_block;   /* [n_in + 1] */
};

/* Tile: image and output channel block. */
static void tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct choice *c = step->choice;
    int64_t image = tile / c->blocks, block = tile % c->blocks, floats = c->pixels * run->kernels->width;
    int i = 0;
    while (block >= c->first_block[i + 1])
        i++;
    int64_t in_blocks = c->first_block[i + 1] - c->first_block[i];
    const float *x = (const float *)cz_run_data(run, step->in[i]) +
                     (image * in_blocks + block - c->first_block[i]) * floats;
    memcpy((float *)cz_run_data(run, step->out[0]) + tile * floats, x, sizeof *x * (size_t)floats);
}

/* 1 if every input but the last fills whole blocks. */
static int aligned(const struct cz_builder *b, const struct cz_plan_node *node)
{
    int width = b->plan->runtime->kernels->width;
    for (int i = 0; i < node->n_in; i++) {
        if (node->in[i] < 0 || !cz_builder_can_block(b, node->in[i]))
            return 0;
        if (i < node->n_in - 1 && cz_builder_shape(b, node->in[i])->dim[1] % width != 0)
            return 0;
    }
    return 1;
}

cz_status cz_concat_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_concat_attrs *attrs = node->attrs;
    const struct cz_shape *y = cz_builder_shape(b, node->out[0]);
    if ((attrs->axis != 1 && attrs->axis != 1 - y->rank) || !aligned(b, node))
        return cz_builder_decline(b, "not along channels, or a boundary inside a channel block");
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    int *in = cz_builder_alloc(b, sizeof *in * (size_t)node->n_in), out;
    int64_t *first = cz_builder_alloc(b, sizeof *first * (size_t)(node->n_in + 1));
    if (!c || !in || !first)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    int width = b->plan->runtime->kernels->width;
    for (int i = 0; i < node->n_in; i++) {
        CZ_TRY(cz_builder_value(b, node->in[i], CZ_BLOCKED, &in[i], err));
        first[i + 1] = first[i] + cz_blocked_of(cz_builder_shape(b, node->in[i]), width).blocks;
    }
    struct cz_step *step;
    CZ_TRY(cz_builder_output(b, node->out[0], CZ_BLOCKED, &out, err));
    CZ_TRY(cz_builder_step(b, n, "blocks", in, node->n_in, &out, 1, &step, err));
    struct cz_blocked g = cz_blocked_of(y, width);
    *c = (struct choice){g.blocks, g.pixels, first};
    step->tile = tile;
    step->choice = c;
    step->n_tiles = g.n * g.blocks;
    return CZ_OK;
}
