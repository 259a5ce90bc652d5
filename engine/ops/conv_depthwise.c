/*
 * Depthwise convolution (groups = in_c = out_c): a window operator with weights, one channel block at a time.
 *
 * The forms that networks use, 3x3 and 5x5 with stride 1 or 2, copy a few input rows with their padding into
 * scratch, so that the kernel meets no border; all others walk the taps. So do weights that are not finite: a
 * padded zero must not meet them.
 */
#include "base/checked.h"
#include "engine/ops/activation.h"
#include "engine/ops/conv_plan.h"
#include "engine/ops/tap_walk.h"

#include <math.h>
#include <string.h>

struct choice {
    struct cz_tap_walk walk;
    struct cz_activation act;
    int act_after, has_residual;
    int64_t blocks, n_bands, band_rows;
    int64_t copy_rows,
        copy_columns;      /* output rows a copy serves, its columns; copy_rows 0: taps are walked */
    const float *w, *bias; /* [blocks][k_h*k_w][width], [blocks][width] */
};

static void add_residual(const struct choice *c, const struct cz_run *run, const float *residual, float *y,
                         int64_t n)
{
    struct cz_activation clamp = {CZ_ACT_CLIP, c->walk.low, c->walk.high};
    run->kernels->binary(CZ_BINARY_ADD, y, residual, y, n);
    run->kernels->activate(&clamp, y, y, n);
}

/* The input row y with its padding. */
static void copy_row(const struct choice *c, const float *x, int64_t y, float *to)
{
    const struct cz_window *g = &c->walk.window;
    int64_t width = c->walk.width, left = g->pad_left < c->copy_columns ? g->pad_left : c->copy_columns;
    int64_t middle = c->copy_columns - left < g->in_w ? c->copy_columns - left : g->in_w;
    if (y < 0 || y >= g->in_h) {
        memset(to, 0, sizeof *to * (size_t)(c->copy_columns * width));
        return;
    }
    memset(to, 0, sizeof *to * (size_t)(left * width));
    memcpy(to + left * width, x + y * g->in_w * width, sizeof *to * (size_t)(middle * width));
    memset(to + (left + middle) * width, 0, sizeof *to * (size_t)((c->copy_columns - left - middle) * width));
}

/* Output rows first..end-1 of a channel block, some at a time through a copy of what they read. */
static void padded_rows(const struct choice *c, const struct cz_run *run,
                        const struct cz_depthwise_rows *form, const float *x, float *y, int64_t first,
                        int64_t end, float *copy)
{
    const struct cz_window *g = &c->walk.window;
    struct cz_depthwise_rows a = *form;
    a.x = copy;
    a.x_stride = c->copy_columns * c->walk.width;
    a.y_stride = g->out_w * c->walk.width;
    a.n_pixels = g->out_w;
    for (int64_t row = first; row < end; row += a.n_rows) {
        a.n_rows = end - row < c->copy_rows ? end - row : c->copy_rows;
        a.y = y + row * a.y_stride;
        for (int64_t i = 0; i < (a.n_rows - 1) * g->stride_h + g->k_h; i++)
            copy_row(c, x, row * g->stride_h - g->pad_top + i, copy + i * a.x_stride);
        run->kernels->depthwise_rows(&a);
    }
}

/* Tile: image, band of rows, channel block: bands outermost as in the other convolutions, whose rows they
 * read. */
static void tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct choice *c = step->choice;
    const struct cz_window *g = &c->walk.window;
    int width = c->walk.width;
    int64_t block = tile % c->blocks, band = tile / c->blocks % c->n_bands;
    int64_t plane = tile / (c->blocks * c->n_bands) * c->blocks + block;
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
    const float *w = c->w + block * g->k_h * g->k_w * width, *bias = c->bias + block * width;
    const struct cz_depthwise_rows form = {.w = w,
                                           .bias = bias,
                                           .k = (int)g->k_h,
                                           .stride = (int)g->stride_h,
                                           .low = walk.low,
                                           .high = walk.high};
    if (c->copy_rows > 0)
        padded_rows(c, run, &form, x, y, first, end, cz_run_scratch(run, worker));
    else
        cz_tap_walk_rows(&walk, x, w, bias, y, first, end, cz_run_scratch(run, worker));
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

static int all_finite(const float *w, int64_t n)
{
    int64_t i = 0;
    while (i < n && isfinite(w[i]))
        i++;
    return i == n;
}

/* Bytes of copied input that stay in a first-level cache beside the output rows. */
enum { COPY_BYTES = 24 << 10 };

/* Decides between copy and taps. An even number of rows at a time: the kernel computes two together. */
static void cut_copies(struct choice *c, const struct cz_conv_job *job)
{
    const struct cz_window *g = &c->walk.window;
    int has_form = g->k_h == g->k_w && (g->k_h == 3 || g->k_h == 5) && g->stride_h == g->stride_w &&
                   g->stride_h <= 2 && g->dilation_h == 1 && g->dilation_w == 1;
    c->copy_columns = (g->out_w - 1) * g->stride_w + g->k_w;
    if (!has_form || !all_finite(job->w, job->shape.out_c * g->k_h * g->k_w))
        return;
    int64_t fit = COPY_BYTES / (4 * c->copy_columns * c->walk.width * g->stride_h) / 2 * 2;
    c->copy_rows = fit < 2 ? 2 : fit > c->band_rows ? c->band_rows : fit;
}

static size_t scratch_bytes(const struct choice *c)
{
    const struct cz_window *g = &c->walk.window;
    if (c->copy_rows == 0)
        return cz_tap_walk_scratch(g);
    return 4 * (size_t)(((c->copy_rows - 1) * g->stride_h + g->k_h) * c->copy_columns * c->walk.width);
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
    cut_copies(c, job);
    CZ_TRY(pack(b, job, c, err));
    struct cz_conv_values v;
    struct cz_step *step;
    CZ_TRY(cz_conv_values(b, job, CZ_BLOCKED, &v, err));
    CZ_TRY(cz_builder_step(b, job->node, "depthwise", v.in, v.n_in, &v.out, 1, &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = job->shape.batch * c->blocks * c->n_bands;
    step->scratch_bytes = scratch_bytes(c);
    return CZ_OK;
}
