/*
 * Winograd's F(m x m, 3 x 3) for 3x3 convolutions with stride 1: the input in overlapping patches of (m+2)^2,
 * each transformed; then (m+2)^2 independent matrix products [tiles x in_c] * [in_c x out_c] with conv_tile;
 * then the transform back, with everything that follows the convolution in its write-back.
 *
 * Tile: image, band of tile rows, group of panels, as in conv_direct.c: the transformed input of a band stays
 * in the worker's scratch, the products of one panel beside it. Tiles lie at multiples of m, whatever the
 * band, so bands change no bit.
 */
#include "base/checked.h"
#include "engine/ops/activation.h"
#include "engine/ops/band_scratch.h"
#include "engine/ops/conv_plan.h"

#include <math.h>

enum { MOST_PLANES = 36, WIDEST_PANEL = 4, WIDEST = 16 };

struct choice {
    struct cz_window window;
    struct cz_panels panels; /* of each the segments of all planes, one plane after the other */
    struct cz_activation act;
    float low, high;
    int act_after;
    int m, planes; /* (m+2)^2 */
    int64_t in_c, in_blocks;
    int64_t tile_rows, tile_columns, band_rows, n_bands; /* in tiles */
    int64_t panels_per_tile, n_splits;
    int64_t v_stride, product_stride; /* floats between planes */
    const float *zeros;               /* a bias for the products */
};

static int64_t band_tiles(const struct choice *c)
{
    return c->band_rows * c->tile_columns;
}

/* All channel blocks of a band into the planes at v. */
static void transform_input(const struct choice *c, const struct cz_run *run, const float *image,
                            int64_t first_row, int64_t rows, float *v)
{
    const struct cz_window *g = &c->window;
    int64_t width = c->panels.width;
    struct cz_winograd_input a = {.in_h = g->in_h,
                                  .in_w = g->in_w,
                                  .column = -g->pad_left,
                                  .n_tiles = c->tile_columns,
                                  .m = c->m,
                                  .v_stride = c->v_stride};
    for (int64_t block = 0; block < c->in_blocks; block++)
        for (int64_t r = 0; r < rows; r++) {
            a.x = image + block * g->in_h * g->in_w * width;
            a.row = (first_row + r) * c->m - g->pad_top;
            a.v = v + (block * band_tiles(c) + r * c->tile_columns) * width;
            run->kernels->winograd_input(&a);
        }
}

/* The products of all planes with one panel's weights. */
static void multiply(const struct choice *c, const struct cz_run *run, const struct cz_panel *panel,
                     const float *v, int64_t tiles, float *product)
{
    struct cz_conv_tile t = {.x = v,
                             .segments = panel->segments,
                             .n_segments = c->in_blocks,
                             .w = panel->w,
                             .bias = c->zeros,
                             .y = product,
                             .y_vector_stride = band_tiles(c) * c->panels.width,
                             .y_pixel_stride = c->panels.width,
                             .n_vectors = panel->n_vectors,
                             .n_pixels = tiles,
                             .low = -INFINITY,
                             .high = INFINITY};
    for (int plane = 0; plane < c->planes; plane++) {
        run->kernels->conv_tile(&t);
        t.segments += c->in_blocks;
        t.w += c->in_c * panel->n_vectors * c->panels.width;
        t.y += c->product_stride;
    }
}

/* One output vector of a band. y, residual: the band's first pixel in its channel block. */
static void transform_output(const struct choice *c, const struct cz_run *run, const float *product,
                             const float *bias, const float *residual, float *y, int64_t first_row,
                             int64_t rows)
{
    const struct cz_window *g = &c->window;
    int64_t width = c->panels.width, row_floats = g->out_w * width, left = g->out_h - first_row * c->m;
    struct cz_winograd_output a = {.product_stride = c->product_stride,
                                   .bias = bias,
                                   .row_stride = row_floats,
                                   .columns = g->out_w,
                                   .m = c->m,
                                   .low = c->low,
                                   .high = c->high};
    for (int64_t r = 0; r < rows; r++) {
        a.product = product + r * c->tile_columns * width;
        a.rows = left - r * c->m < c->m ? left - r * c->m : c->m;
        a.y = y + r * c->m * row_floats;
        a.residual = residual ? residual + r * c->m * row_floats : NULL;
        run->kernels->winograd_output(&a);
    }
    int64_t pixel_rows = left < rows * c->m ? left : rows * c->m;
    if (c->act_after)
        run->kernels->activate(&c->act, y, y, pixel_rows * row_floats);
}

static void tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct choice *c = step->choice;
    const struct cz_window *g = &c->window;
    int64_t width = c->panels.width, split = tile % c->n_splits, band = tile / c->n_splits % c->n_bands;
    int64_t image = tile / c->n_splits / c->n_bands, first = band * c->band_rows;
    int64_t rows = c->tile_rows - first < c->band_rows ? c->tile_rows - first : c->band_rows;
    int64_t out_plane = g->out_h * g->out_w * width;
    const float *x =
        (const float *)cz_run_data(run, step->in[0]) + image * c->in_blocks * g->in_h * g->in_w * width;
    int64_t at = image * c->panels.n_vectors * out_plane + first * c->m * g->out_w * width;
    float *y = (float *)cz_run_data(run, step->out[0]) + at;
    const float *residual = step->n_in > 1 ? (const float *)cz_run_data(run, step->in[1]) + at : NULL;
    struct cz_band_scratch *s = cz_run_scratch(run, worker);
    float *v = s->data, *product = v + c->planes * c->v_stride;
    if (!cz_band_scratch_holds(s, c, run->serial, image * c->n_bands + band))
        transform_input(c, run, x, first, rows, v);
    int64_t end = (split + 1) * c->panels_per_tile;
    for (int64_t p = split * c->panels_per_tile; p < end && p < c->panels.count; p++) {
        const struct cz_panel *panel = &c->panels.items[p];
        multiply(c, run, panel, v, rows * c->tile_columns, product);
        for (int z = 0; z < panel->n_vectors; z++) {
            int64_t from = (panel->first_vector + z) * out_plane;
            transform_output(c, run, product + z * band_tiles(c) * width, panel->bias + z * width,
                             residual ? residual + from : NULL, y + from, first, rows);
        }
    }
}

/*
 * Weights: G w G', G having for point a the row (1, a, a^2) divided by the product of (a - b) over the other
 * points b, and (0, 0, 1) for infinity. winograd.c has the points and the other two matrices.
 */
static void weight_matrix(int m, double g[6][3])
{
    static const double points[2][5] = {{0, 1, -1}, {0, 0.75, -0.75, 1.5, -1.5}};
    const double *point = points[m == 4];
    for (int i = 0; i < m + 1; i++) {
        double norm = 1;
        for (int j = 0; j < m + 1; j++)
            norm *= j != i ? point[i] - point[j] : 1;
        g[i][0] = 1 / norm;
        g[i][1] = point[i] / norm;
        g[i][2] = point[i] * point[i] / norm;
    }
    g[m + 1][0] = g[m + 1][1] = 0;
    g[m + 1][2] = 1;
}

struct packing {
    const struct choice *c;
    const struct cz_conv_job *job;
    double g[6][3];
};

/* The nine weights of one input channel for the lanes of a vector, with the factor of what is folded in. */
static void gather_taps(const struct packing *p, int64_t first_lane, int64_t ic, double tap[9][WIDEST])
{
    for (int lane = 0; lane < p->c->panels.width; lane++) {
        int64_t oc = first_lane + lane;
        int exists = oc < p->job->shape.out_c;
        double scale = exists && p->job->fusion.scale ? (double)p->job->fusion.scale[oc] : 1;
        for (int t = 0; t < 9; t++)
            tap[t][lane] = exists ? (double)p->job->w[(oc * p->c->in_c + ic) * 9 + t] * scale : 0;
    }
}

/* Lanes innermost, so that the compiler has vectors to work with. */
static void transform_taps(const struct packing *p, double tap[9][WIDEST], float *to, int64_t plane_stride)
{
    int n = p->c->m + 2, width = p->c->panels.width;
    double half[6][3][WIDEST];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < 3; j++)
            for (int lane = 0; lane < width; lane++)
                half[i][j][lane] =
                    p->g[i][0] * tap[j][lane] + p->g[i][1] * tap[3 + j][lane] + p->g[i][2] * tap[6 + j][lane];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            for (int lane = 0; lane < width; lane++)
                to[(i * n + j) * plane_stride + lane] =
                    (float)(half[i][0][lane] * p->g[j][0] + half[i][1][lane] * p->g[j][1] +
                            half[i][2][lane] * p->g[j][2]);
}

static void pack_panel(void *ctx, int64_t index, int worker)
{
    (void)worker;
    const struct packing *p = ctx;
    const struct choice *c = p->c;
    const struct cz_panel *panel = &c->panels.items[index];
    int64_t width = c->panels.width, lanes = panel->n_vectors * width;
    double tap[9][WIDEST];
    for (int64_t ic = 0; ic < c->in_c; ic++)
        for (int z = 0; z < panel->n_vectors; z++) {
            gather_taps(p, (panel->first_vector + z) * width, ic, tap);
            transform_taps(p, tap, panel->w + ic * lanes + z * width, c->in_c * lanes);
        }
}

/* The same list for every panel: plane, channel block. */
static cz_status set_segments(struct cz_builder *b, struct choice *c, cz_error *err)
{
    int64_t width = c->panels.width;
    struct cz_segment *s = cz_builder_alloc(b, sizeof *s * (size_t)(c->planes * c->in_blocks));
    if (!s)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    for (int64_t plane = 0; plane < c->planes; plane++)
        for (int64_t block = 0; block < c->in_blocks; block++) {
            int64_t left = c->in_c - block * width;
            s[plane * c->in_blocks + block] =
                (struct cz_segment){(int32_t)(plane * c->v_stride + block * band_tiles(c) * width),
                                    (int32_t)(left < width ? left : width)};
        }
    for (int64_t p = 0; p < c->panels.count; p++) {
        c->panels.items[p].segments = s;
        c->panels.items[p].n_segments = c->planes * c->in_blocks;
    }
    return CZ_OK;
}

static cz_status pack(struct cz_builder *b, const struct cz_conv_job *job, struct choice *c, cz_error *err)
{
    CZ_TRY(set_segments(b, c, err));
    CZ_TRY(cz_panels_allocate(b, &c->panels, err));
    cz_panels_set_bias(&c->panels, job->bias, job->fusion.scale, job->fusion.shift);
    c->zeros = cz_builder_alloc(b, sizeof(float) * WIDEST_PANEL * WIDEST);
    if (!c->zeros)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    struct packing packing = {.c = c, .job = job};
    weight_matrix(c->m, packing.g);
    cz_parallel_for(b->plan->runtime->pool, c->panels.count, pack_panel, &packing);
    return CZ_OK;
}

/*
 * Cost of an algorithm in multiply-adds of one image, the transforms counted at what they take beside
 * conv_tile. A weight read from beyond the second-level cache takes as long as some 13 multiply-adds (26 GB/s
 * beside 85 billion of them a second), which is what small images with many channels spend their time on.
 */
enum { MACS_PER_WEIGHT = 13, MACS_PER_INPUT = 260, MACS_PER_OUTPUT = 200 };

static double direct_cost(const struct cz_conv_shape *s)
{
    double pixels = (double)(s->window.out_h * s->window.out_w);
    return 9.0 * (double)s->in_c * (double)s->out_c * fmax(pixels, MACS_PER_WEIGHT);
}

static double winograd_cost(const struct cz_conv_shape *s, int m)
{
    double planes = (m + 2) * (m + 2), in_c = (double)s->in_c, out_c = (double)s->out_c;
    double tiles = (double)(cz_ceil_div(s->window.out_h, m) * cz_ceil_div(s->window.out_w, m));
    double transforms = (MACS_PER_INPUT * in_c + MACS_PER_OUTPUT * out_c) * tiles * planes / MOST_PLANES;
    return planes * in_c * out_c * fmax(tiles, MACS_PER_WEIGHT) + transforms;
}

/* 4, 2, or 0 where direct convolution is cheaper. By the shape alone: the choice changes bits. */
static int cheapest_size(const struct cz_conv_shape *s)
{
    double best = direct_cost(s);
    int m = 0;
    for (int candidate = 2; candidate <= 4; candidate += 2)
        if (winograd_cost(s, candidate) < best) {
            best = winograd_cost(s, candidate);
            m = candidate;
        }
    return m;
}

static int has_form(const struct cz_conv_shape *s, int width)
{
    const struct cz_window *g = &s->window;
    return s->groups == 1 && g->k_h == 3 && g->k_w == 3 && g->stride_h == 1 && g->stride_w == 1 &&
           g->dilation_h == 1 && g->dilation_w == 1 && s->in_c >= width;
}

/* Bytes of transformed input a band may take, tiles it should have so that weights are worth their reading,
 * and tiles wanted of an image. */
enum { BAND_BYTES = 384 << 10, TILES_AT_LEAST = 14, TILES_WANTED = 8 };

static void cut_bands(struct choice *c)
{
    int64_t row_bytes = 4 * c->planes * c->tile_columns * c->in_blocks * c->panels.width;
    int64_t rows = BAND_BYTES / row_bytes, least = cz_ceil_div(TILES_AT_LEAST, c->tile_columns);
    if (rows < least)
        rows = least;
    c->n_bands = cz_ceil_div(c->tile_rows, rows);
    c->band_rows = cz_ceil_div(c->tile_rows, c->n_bands);
    c->n_bands = cz_ceil_div(c->tile_rows, c->band_rows);
    /* Planes a multiple of 4 KiB apart would share a cache set. */
    c->v_stride = (c->in_blocks * band_tiles(c) + 1) * c->panels.width;
    c->product_stride = (WIDEST_PANEL * band_tiles(c) + 1) * c->panels.width;
}

static void cut_splits(struct choice *c)
{
    int64_t splits = cz_ceil_div(TILES_WANTED, c->n_bands);
    c->panels_per_tile = cz_ceil_div(c->panels.count, splits < c->panels.count ? splits : c->panels.count);
    c->n_splits = cz_ceil_div(c->panels.count, c->panels_per_tile);
}

static cz_status prepare(struct cz_builder *b, const struct cz_conv_job *job, struct choice *c, cz_error *err)
{
    c->window = job->shape.window;
    c->planes = (c->m + 2) * (c->m + 2);
    c->in_c = job->shape.in_c;
    c->act = job->fusion.act;
    cz_activation_clamp(&c->act, &c->low, &c->high, &c->act_after);
    c->panels.width = b->plan->runtime->kernels->width;
    c->in_blocks = cz_ceil_div(c->in_c, c->panels.width);
    c->tile_rows = cz_ceil_div(c->window.out_h, c->m);
    c->tile_columns = cz_ceil_div(c->window.out_w, c->m);
    cut_bands(c);
    CZ_TRY(cz_panels_cut(b, job->shape.out_c, band_tiles(c), &c->panels, err));
    cut_splits(c);
    return CZ_OK;
}

cz_status cz_conv_winograd(struct cz_builder *b, const struct cz_conv_job *job, const char **refused,
                           cz_error *err)
{
    const struct cz_runtime *runtime = b->plan->runtime;
    int m = has_form(&job->shape, runtime->kernels->width) ? cheapest_size(&job->shape) : 0;
    if (runtime->exact || m == 0) {
        *refused = runtime->exact ? "exact arithmetic was asked for" : "direct is cheaper";
        return CZ_OK;
    }
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    c->m = m;
    CZ_TRY(prepare(b, job, c, err));
    CZ_TRY(pack(b, job, c, err));
    struct cz_conv_values v;
    struct cz_step *step;
    CZ_TRY(cz_conv_values(b, job, CZ_BLOCKED, &v, err));
    CZ_TRY(cz_builder_step(b, job->node, m == 4 ? "Winograd 4x4" : "Winograd 2x2", v.in, v.n_in, &v.out, 1,
                           &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = job->shape.batch * c->n_bands * c->n_splits;
    step->scratch_bytes =
        sizeof(struct cz_band_scratch) + 4 * (size_t)(c->planes * (c->v_stride + c->product_stride));
    return CZ_OK;
}
