/*
 * MaxPool, AveragePool and GlobalAveragePool on channel-blocked values.
 */
#include "base/checked.h"
#include "engine/ops/plans.h"
#include "engine/ops/pool.h"
#include "engine/ops/tap_walk.h"

#include <math.h>

struct choice {
    struct cz_tap_walk walk;
    int64_t n_bands, band_rows;
};

/* Tile: image and channel block, band of rows. */
static void pool_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct choice *c = step->choice;
    const struct cz_window *g = &c->walk.window;
    int64_t plane = tile / c->n_bands, first = tile % c->n_bands * c->band_rows, width = c->walk.width;
    int64_t end = first + c->band_rows < g->out_h ? first + c->band_rows : g->out_h;
    const float *x = (const float *)cz_run_data(run, step->in[0]) + plane * g->in_h * g->in_w * width;
    float *y = (float *)cz_run_data(run, step->out[0]) + plane * g->out_h * g->out_w * width;
    cz_tap_walk_rows(&c->walk, x, NULL, NULL, y, first, end, cz_run_scratch(run, worker));
}

/* One input and one output, both blocked. */
static cz_status blocked_step(struct cz_builder *b, int n, const char *algorithm, struct cz_step **step,
                              cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    int in, out;
    CZ_TRY(cz_builder_value(b, node->in[0], CZ_BLOCKED, &in, err));
    CZ_TRY(cz_builder_output(b, node->out[0], CZ_BLOCKED, &out, err));
    return cz_builder_step(b, n, algorithm, &in, 1, &out, 1, step, err);
}

/* The walk lists and visits every tap, also those in the padding; 1024 x 1024 are 16 MiB of scratch. */
enum { MOST_TAPS = 1 << 20 };

static int can_pool(const struct cz_builder *b, const struct cz_plan_node *node)
{
    const struct cz_shape *x = cz_builder_shape(b, node->in[0]);
    const struct cz_window_attrs *w = &((const struct cz_pool_attrs *)node->attrs)->window;
    if (w->kernel[0] * (w->n_kernel > 1 ? w->kernel[1] : 1) > MOST_TAPS)
        return 0;
    return x->dtype == CZ_F32 && (x->rank == 3 || x->rank == 4) && cz_shape_count(x) > 0 &&
           (node->n_out < 2 || node->out[1] < 0);
}

static cz_status plan_pool(struct cz_builder *b, int n, struct cz_tap_walk walk, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    c->walk = walk;
    c->walk.width = b->plan->runtime->kernels->width;
    CZ_TRY(cz_pool_resolve(node->attrs, cz_builder_shape(b, node->in[0]), &c->walk.window, err));
    struct cz_blocked g = cz_blocked_of(cz_builder_shape(b, node->in[0]), c->walk.width);
    c->band_rows = g.blocks >= 8 ? c->walk.window.out_h : cz_ceil_div(c->walk.window.out_h, 4);
    c->n_bands = cz_ceil_div(c->walk.window.out_h, c->band_rows);
    struct cz_step *step;
    CZ_TRY(blocked_step(b, n, "taps", &step, err));
    step->tile = pool_tile;
    step->choice = c;
    step->n_tiles = g.n * g.blocks * c->n_bands;
    step->scratch_bytes = cz_tap_walk_scratch(&c->walk.window);
    return CZ_OK;
}

cz_status cz_max_pool_plan(struct cz_builder *b, int n, cz_error *err)
{
    if (!can_pool(b, cz_builder_node(b, n)))
        return cz_builder_decline(b, "indices wanted, not 1-D or 2-D float32, or a huge window");
    struct cz_tap_walk walk = {.kernel = b->plan->runtime->kernels->max_row, .empty = -INFINITY};
    return plan_pool(b, n, walk, err);
}

cz_status cz_average_pool_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_pool_attrs *attrs = node->attrs;
    if (!can_pool(b, node))
        return cz_builder_decline(b, "not 1-D or 2-D float32, or a huge window");
    struct cz_tap_walk walk = {.kernel = b->plan->runtime->kernels->mean_row,
                               .divisor = attrs->count_include_pad ? CZ_DIVISOR_PADDED : CZ_DIVISOR_TAPS};
    return plan_pool(b, n, walk, err);
}

/* Tile: image and channel block. */
static void global_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct cz_blocked *g = step->choice;
    int64_t width = run->kernels->width;
    run->kernels->mean_pixels((const float *)cz_run_data(run, step->in[0]) + tile * g->pixels * width,
                              g->pixels, (float *)cz_run_data(run, step->out[0]) + tile * width);
}

cz_status cz_global_average_pool_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_shape *x = cz_builder_shape(b, node->in[0]);
    if (!cz_builder_can_block(b, node->in[0]) || cz_shape_count(x) == 0)
        return cz_builder_decline(b, "not float32 of rank 3 to 5");
    struct cz_blocked *g = cz_builder_alloc(b, sizeof *g);
    if (!g)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    *g = cz_blocked_of(x, b->plan->runtime->kernels->width);
    struct cz_step *step;
    CZ_TRY(blocked_step(b, n, "mean", &step, err));
    step->tile = global_tile;
    step->choice = g;
    step->n_tiles = g->n * g->blocks;
    return CZ_OK;
}
