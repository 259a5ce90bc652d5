/*
 * Depthwise convolution (groups = in_c = out_c): a window operator with weights, one channel block at a time.
 */
#include "base/checked.h"
#include "engine/ops/activation.h"
#include "engine/ops/conv_plan.h"
#include "engine/ops/tap_walk.h"

#include <math.h>

struct choice {
    struct cz_tap_walk walk;
    struct cz_activation act;
    int act_after, has_residual;
    int64_t blocks, n_bands, band_rows;
    const float *w, *bias; /* [blocks][k_h*k_w][width], [blocks][width] */
};

static void add_residual(const struct choice *c, const struct cz_run *run, const float *residual, float *y,
                         int64_t n)
{
    struct cz_activation clamp = {CZ_ACT_CLIP, c->walk.low, c->walk.high};
    run->kernels->binary(CZ_BINARY_ADD, y, residual, y, n);
    run->kernels->activate(&clamp, y, y, n);
}

/* Tile: image, channel block, band of rows. */
static void tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct choice *c = step->choice;
    const struct cz_window *g = &c->walk.window;
    int width = c->walk.width;
    int64_t band = tile % c->n_bands, plane = tile / c->n_bands, block = plane % c->blocks;
    int64_t first = band * c->band_rows,
            end = first + c->band_rows < g->out_h ? first + c->band_rows : g->out_h;
    const float *x = (const float *)cz_run_data(run, step->in[0]) + plane * g->in_h * g->in_w * width;
    int64_t y_plane = plane * g->out_h * g->out_w * width, n = (end - first) * g->out_w * width;
    float *y = (float *)cz_run_data(run, step->out[0]) + y_plane;
    struct cz_tap_walk walk = c->walk;
    if (c->has_residual) { /* the clamp comes after the sum */
        walk.low = -INFINITY;
        walk.high = INFINITY;
    }
    cz_tap_walk_rows(&walk, x, c->w + block * g->k_h * g->k_w * width, c->bias + block * width, y, first, end,
                     cz_run_scratch(run, worker));
    y += first * g->out_w * width;
    if (c->has_residual)
        add_residual(c, run,
                     (const float *)cz_run_data(run, step->in[1]) + y_plane + first * g->out_w * width, y, n);
    if (c->act_after)
        run->kernels->activate(&c->act, y, y, n);
}

static cz_status pack(struct cz_builder *b, const struct cz_conv_job *job, struct choice *c, cz_error *err)
{
    int64_t taps = job->shape.window.k_h * job->shape.window.k_w, width = c->walk.width;
    float *w = cz_builder_pack(b, (size_t)(c->blocks * (taps + 1) * width) * sizeof *w);
    if (!w)
        CZ_FAIL(err, CZ_ERR_MEMORY, "no memory for prepared weights");
    float *bias = w + c->blocks * taps * width;
    const float *scale = job->fusion.scale, *shift = job->fusion.shift;
    for (int64_t lane = 0; lane < c->blocks * width; lane++) {
        int64_t block = lane / width, exists = lane < job->shape.out_c;
        double factor = exists && scale ? (double)scale[lane] : 1;
        for (int64_t t = 0; t < taps; t++)
            w[(block * taps + t) * width + lane % width] =
                exists ? (float)((double)job->w[lane * taps + t] * factor) : 0.0f;
        double at_zero = exists && job->bias ? (double)job->bias[lane] * factor : 0;
        bias[lane] = (float)(at_zero + (exists && shift ? (double)shift[lane] : 0));
    }
    c->w = w;
    c->bias = bias;
    return CZ_OK;
}

/* Enough tiles for many threads, each of at least a few rows. */
enum { TILES_WANTED = 16, ROWS_AT_LEAST = 4 };

static void cut_bands(struct choice *c)
{
    int64_t rows = c->walk.window.out_h, want = cz_ceil_div(TILES_WANTED, c->blocks);
    int64_t most = rows / ROWS_AT_LEAST > 0 ? rows / ROWS_AT_LEAST : 1;
    c->band_rows = cz_ceil_div(rows, want < most ? want : most);
    c->n_bands = cz_ceil_div(rows, c->band_rows);
}

cz_status cz_conv_depthwise(struct cz_builder *b, const struct cz_conv_job *job, const char **refused,
                            cz_error *err)
{
    if (!cz_conv_is_depthwise(&job->shape)) {
        *refused = "not depthwise";
        return CZ_OK;
    }
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    const struct cz_kernels *kernels = b->plan->runtime->kernels;
    c->walk = (struct cz_tap_walk){
        .window = job->shape.window, .width = kernels->width, .kernel = kernels->depthwise_row};
    c->act = job->fusion.act;
    cz_activation_clamp(&c->act, &c->walk.low, &c->walk.high, &c->act_after);
    c->has_residual = job->fusion.residual >= 0;
    c->blocks = cz_ceil_div(job->shape.in_c, kernels->width);
    cut_bands(c);
    CZ_TRY(pack(b, job, c, err));
    struct cz_conv_values v;
    struct cz_step *step;
    CZ_TRY(cz_conv_values(b, job, CZ_BLOCKED, &v, err));
    CZ_TRY(cz_builder_step(b, job->node, "depthwise", v.in, v.n_in, &v.out, 1, &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = job->shape.batch * c->blocks * c->n_bands;
    step->scratch_bytes = cz_tap_walk_scratch(&c->walk.window);
    return CZ_OK;
}
