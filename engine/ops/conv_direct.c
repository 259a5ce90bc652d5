/*
 * Direct convolution of any kernel size, stride, dilation, padding and grouping, on channel-blocked values.
 *
 * A band of output rows reads a band of input rows. Unless the convolution is pointwise on a blocked input
 * (then the input is read where it lies), the input band is first copied into scratch: with its padding, from
 * either layout, and with the columns sorted by their phase modulo the stride. There, the inputs of
 * neighbouring outputs are always one vector apart, so a single kernel serves every form; the copy costs a
 * vector move per in_c x k_h x k_w x out_c/width multiply-adds.
 *
 * Tile: image, band, group of panels. Tiles of one band that run on one worker share the copy.
 */
#include "base/checked.h"
#include "engine/ops/activation.h"
#include "engine/ops/band_scratch.h"
#include "engine/ops/conv_plan.h"

#include <string.h>

enum source { IN_PLACE, FROM_BLOCKED, FROM_PLAIN };

struct choice {
    struct cz_conv_shape shape;
    struct cz_window window; /* for IN_PLACE one row of all pixels */
    struct cz_panels panels;
    enum source source;
    struct cz_activation act;
    float low, high;
    int act_after;
    int64_t in_blocks;
    int64_t band_rows, n_bands; /* output rows; for IN_PLACE pixels */
    int64_t panels_per_tile, n_splits;
    int64_t phases, phase_len,
        row_step; /* of the copy: phases kept, columns per phase, rows per output row */
};

static int64_t copied_rows(const struct choice *c, int64_t out_rows)
{
    const struct cz_window *g = &c->window;
    return (out_rows - 1) * c->row_step + (g->k_h - 1) * g->dilation_h + 1;
}

static int64_t row_floats(const struct choice *c)
{
    return c->phases * c->phase_len * c->panels.width;
}

/* One copied row of one channel block. in: the row's first pixel, NULL if it lies in the padding. */
static void copy_row(const struct choice *c, const float *in, int64_t in_pixel_step, int64_t in_lane_step,
                     int n_lanes, float *to)
{
    const struct cz_window *g = &c->window;
    int width = c->panels.width;
    for (int64_t phase = 0; phase < c->phases; phase++)
        for (int64_t i = 0; i < c->phase_len; i++, to += width) {
            int64_t x = i * g->stride_w + phase - g->pad_left;
            if (!in || x < 0 || x >= g->in_w) {
                memset(to, 0, sizeof *to * (size_t)width);
                continue;
            }
            const float *from = in + x * in_pixel_step;
            if (in_lane_step == 1) /* blocked; or row-major with one pixel, where an image ends early */
                memcpy(to, from, sizeof *to * (size_t)n_lanes);
            else
                for (int lane = 0; lane < n_lanes; lane++)
                    to[lane] = from[lane * in_lane_step];
        }
}

/* The same where the stride is 1 and the input blocked: padding, one long copy, padding. */
static void copy_row_whole(const struct choice *c, const float *in, float *to)
{
    const struct cz_window *g = &c->window;
    int64_t width = c->panels.width;
    int64_t left = g->pad_left < c->phase_len ? g->pad_left : c->phase_len;
    int64_t middle = c->phase_len - left < g->in_w ? c->phase_len - left : g->in_w;
    int64_t right = c->phase_len - left - middle;
    if (!in) {
        memset(to, 0, sizeof *to * (size_t)(c->phase_len * width));
        return;
    }
    memset(to, 0, sizeof *to * (size_t)(left * width));
    memcpy(to + left * width, in, sizeof *to * (size_t)(middle * width));
    memset(to + (left + middle) * width, 0, sizeof *to * (size_t)(right * width));
}

static void copy_band(const struct choice *c, const float *image, int64_t first_row, int64_t out_rows,
                      float *copy)
{
    const struct cz_window *g = &c->window;
    int64_t width = c->panels.width, rows = copied_rows(c, out_rows), plane = g->in_h * g->in_w;
    /* With one kernel row, rows between the strides are not read and not copied. */
    int64_t step = g->k_h == 1 ? g->stride_h : 1;
    for (int64_t block = 0; block < c->in_blocks; block++) {
        float *to =
            copy + block * copied_rows(c, c->band_rows) * row_floats(c); /* a short last band leaves a gap */
        for (int64_t r = 0; r < rows; r++, to += row_floats(c)) {
            int64_t y = first_row * g->stride_h - g->pad_top + r * step;
            int exists = y >= 0 && y < g->in_h;
            int64_t lanes = c->shape.in_c - block * width < width ? c->shape.in_c - block * width : width;
            if (c->source == FROM_PLAIN)
                copy_row(c, exists ? image + block * width * plane + y * g->in_w : NULL, 1, plane, (int)lanes,
                         to);
            else if (g->stride_w == 1)
                copy_row_whole(c, exists ? image + (block * plane + y * g->in_w) * width : NULL, to);
            else
                copy_row(c, exists ? image + (block * plane + y * g->in_w) * width : NULL, width, 1,
                         (int)width, to);
        }
    }
}

/* The band's copy, made unless this worker has it from an earlier tile of the same run. */
static const float *band_input(const struct cz_step *step, const struct cz_run *run, int64_t image,
                               int64_t band, int64_t first, int64_t rows, int worker)
{
    const struct choice *c = step->choice;
    const float *x = cz_run_data(run, step->in[0]);
    struct cz_band_scratch *s = cz_run_scratch(run, worker);
    int64_t plane = c->window.in_h * c->window.in_w;
    if (cz_band_scratch_holds(s, c, run->serial, image * c->n_bands + band))
        return s->data;
    int64_t image_floats =
        c->source == FROM_PLAIN ? c->shape.in_c * plane : c->in_blocks * plane * c->panels.width;
    copy_band(c, x + image * image_floats, first, rows, s->data);
    return s->data;
}

static void run_panel(const struct choice *c, const struct cz_run *run, const struct cz_panel *panel,
                      const float *x, int64_t x_row, float *y, const float *residual, int64_t rows,
                      int64_t row_pixels)
{
    int64_t width = c->panels.width, out_plane = c->window.out_h * c->window.out_w * width;
    struct cz_conv_tile t = {.x = x,
                             .segments = panel->segments,
                             .n_segments = panel->n_segments,
                             .w = panel->w,
                             .bias = panel->bias,
                             .y = y,
                             .y_vector_stride = out_plane,
                             .y_pixel_stride = width,
                             .residual = residual,
                             .n_vectors = panel->n_vectors,
                             .n_pixels = row_pixels,
                             .low = c->low,
                             .high = c->high};
    for (int64_t r = 0; r < rows; r++) {
        run->kernels->conv_tile(&t);
        t.x += x_row;
        t.y += row_pixels * width;
        t.residual = t.residual ? t.residual + row_pixels * width : NULL;
    }
    for (int v = 0; c->act_after && v < panel->n_vectors; v++)
        run->kernels->activate(&c->act, y + v * out_plane, y + v * out_plane, rows * row_pixels * width);
}

static void tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct choice *c = step->choice;
    const struct cz_window *g = &c->window;
    int64_t width = c->panels.width, split = tile % c->n_splits, band = tile / c->n_splits % c->n_bands;
    int64_t image = tile / c->n_splits / c->n_bands, first = band * c->band_rows;
    int64_t all = c->source == IN_PLACE ? g->out_w : g->out_h;
    int64_t n = all - first < c->band_rows ? all - first : c->band_rows;
    int64_t out_image = image * c->panels.n_vectors * g->out_h * g->out_w * width;
    int64_t rows = c->source == IN_PLACE ? 1 : n, row_pixels = c->source == IN_PLACE ? n : g->out_w;
    int64_t at = out_image + (c->source == IN_PLACE ? first : first * g->out_w) * width;
    const float *x = c->source == IN_PLACE ? (const float *)cz_run_data(run, step->in[0]) +
                                                 (image * c->in_blocks * g->in_w + first) * width
                                           : band_input(step, run, image, band, first, n, worker);
    float *y = cz_run_data(run, step->out[0]);
    const float *residual = step->n_in > 1 ? cz_run_data(run, step->in[1]) : NULL;
    int64_t end = (split + 1) * c->panels_per_tile;
    for (int64_t p = split * c->panels_per_tile; p < end && p < c->panels.count; p++) {
        const struct cz_panel *panel = &c->panels.items[p];
        int64_t from = at + panel->first_vector * g->out_h * g->out_w * width;
        run_panel(c, run, panel, x, c->row_step * row_floats(c), y + from, residual ? residual + from : NULL,
                  rows, row_pixels);
    }
}

/* Where input channel block `block`, kernel row r and column s lie relative to an output's pixel. */
static int64_t input_offset(const struct choice *c, int64_t block, int64_t r, int64_t s)
{
    const struct cz_window *g = &c->window;
    if (c->source == IN_PLACE)
        return block * g->in_w * c->panels.width;
    int64_t x = s * g->dilation_w, row = block * copied_rows(c, c->band_rows) + r * g->dilation_h;
    return row * row_floats(c) + (x % g->stride_w * c->phase_len + x / g->stride_w) * c->panels.width;
}

/* Input channels that a panel reads: those of all groups its output channels belong to. */
static void panel_channels(const struct choice *c, const struct cz_panel *panel, int64_t *first, int64_t *end)
{
    int64_t out_per_group = c->shape.out_c / c->shape.groups, in_per_group = c->shape.in_c / c->shape.groups;
    int64_t first_out = panel->first_vector * c->panels.width,
            end_out = first_out + panel->n_vectors * c->panels.width;
    if (end_out > c->shape.out_c)
        end_out = c->shape.out_c;
    *first = first_out / out_per_group * in_per_group;
    *end = ((end_out - 1) / out_per_group + 1) * in_per_group;
}

static cz_status set_segments(struct cz_builder *b, const struct choice *c, struct cz_panel *panel,
                              cz_error *err)
{
    const struct cz_window *g = &c->window;
    int64_t first, end, width = c->panels.width;
    panel_channels(c, panel, &first, &end);
    int64_t first_block = first / width, end_block = cz_ceil_div(end, width);
    struct cz_segment *s =
        cz_builder_alloc(b, sizeof *s * (size_t)((end_block - first_block) * g->k_h * g->k_w));
    if (!s)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    panel->segments = s;
    for (int64_t block = first_block; block < end_block; block++) {
        int64_t low = block * width > first ? block * width : first;
        int64_t high = (block + 1) * width < end ? (block + 1) * width : end;
        for (int64_t r = 0; r < g->k_h; r++)
            for (int64_t k = 0; k < g->k_w; k++)
                *s++ = (struct cz_segment){(int32_t)(input_offset(c, block, r, k) + low - block * width),
                                           (int32_t)(high - low)};
    }
    panel->n_segments = s - panel->segments;
    return CZ_OK;
}

static cz_status set_all_segments(struct cz_builder *b, struct choice *c, cz_error *err)
{
    for (int64_t p = 0; p < c->panels.count; p++) {
        struct cz_panel *panel = &c->panels.items[p];
        if (p > 0 && c->shape.groups == 1) { /* all read the same */
            panel->segments = c->panels.items[0].segments;
            panel->n_segments = c->panels.items[0].n_segments;
        } else {
            CZ_TRY(set_segments(b, c, panel, err));
        }
    }
    return CZ_OK;
}

struct packing {
    const struct choice *c;
    const struct cz_conv_job *job;
};

/* One output channel of a panel in the order of its segments: channel block, tap, channel. */
static void pack_lane(const struct packing *p, const struct cz_panel *panel, int64_t lane)
{
    const struct cz_conv_shape *s = &p->c->shape;
    int64_t width = p->c->panels.width, lanes = panel->n_vectors * width, first, end;
    int64_t oc = panel->first_vector * width + lane, taps = s->window.k_h * s->window.k_w;
    int64_t in_per_group = s->in_c / s->groups, own = oc / (s->out_c / s->groups) * in_per_group;
    const float *from = p->job->w + oc * in_per_group * taps;
    double scale = p->job->fusion.scale ? (double)p->job->fusion.scale[oc] : 1;
    float *to = panel->w + lane;
    panel_channels(p->c, panel, &first, &end);
    for (int64_t block = first / width; block < cz_ceil_div(end, width); block++) {
        int64_t low = block * width > first ? block * width : first;
        int64_t high = (block + 1) * width < end ? (block + 1) * width : end;
        for (int64_t tap = 0; tap < taps; tap++)
            for (int64_t ic = low; ic < high; ic++, to += lanes)
                if (ic >= own && ic < own + in_per_group) /* other groups' channels keep weight 0 */
                    *to = (float)((double)from[(ic - own) * taps + tap] * scale);
    }
}

static void pack_panel(void *ctx, int64_t index, int worker)
{
    (void)worker;
    const struct packing *p = ctx;
    const struct cz_panel *panel = &p->c->panels.items[index];
    int64_t lanes = panel->n_vectors * p->c->panels.width;
    memset(panel->w, 0, sizeof *panel->w * (size_t)(panel->n_k * lanes));
    for (int64_t lane = 0; lane < lanes; lane++)
        if (panel->first_vector * p->c->panels.width + lane < p->c->shape.out_c)
            pack_lane(p, panel, lane);
}

/* Bytes of input one tile works on: what stays in a second-level cache beside a panel of weights. */
enum { BAND_BYTES = 384 << 10 };
/* Below this many multiply-adds a tile costs more to hand out than to compute. */
enum { TILE_MACS = 1 << 18, TILES_WANTED = 8 };

static void cut_tiles(struct choice *c, double macs_per_image)
{
    const struct cz_window *g = &c->window;
    int64_t units = c->source == IN_PLACE ? g->out_w : g->out_h;
    int64_t unit_bytes = 4 * c->panels.width * c->in_blocks *
                         (c->source == IN_PLACE ? 1 : c->row_step * c->phases * c->phase_len);
    int64_t fit = BAND_BYTES / unit_bytes > 0 ? BAND_BYTES / unit_bytes : 1;
    int64_t wanted = macs_per_image < 2.0 * TILE_MACS ? 1 : (int64_t)(macs_per_image / TILE_MACS);
    if (wanted > TILES_WANTED)
        wanted = TILES_WANTED;
    int64_t n_bands = cz_ceil_div(units, fit), weights = 0;
    for (int64_t p = 0; p < c->panels.count; p++)
        weights += c->panels.items[p].n_k * c->panels.items[p].n_vectors * c->panels.width * 4;
    /* Small weights stay in the cache while bands change; large ones are read once per band, so they are
     * split. */
    int64_t shortest = c->source == IN_PLACE ? 28 : 4;
    if (weights <= BAND_BYTES && n_bands < wanted)
        n_bands =
            units / shortest < wanted ? (units / shortest > n_bands ? units / shortest : n_bands) : wanted;
    c->band_rows = cz_ceil_div(units, n_bands);
    c->n_bands = cz_ceil_div(units, c->band_rows);
    int64_t splits = cz_ceil_div(wanted, c->n_bands);
    c->panels_per_tile = cz_ceil_div(c->panels.count, splits < c->panels.count ? splits : c->panels.count);
    c->n_splits = cz_ceil_div(c->panels.count, c->panels_per_tile);
}

static enum source choose_source(const struct cz_builder *b, const struct cz_conv_job *job)
{
    const struct cz_window *g = &job->shape.window;
    int padded = g->pad_top | g->pad_left | g->pad_bottom | g->pad_right ? 1 : 0;
    int x = cz_builder_node(b, job->node)->in[0];
    int blocked = cz_builder_has(b, x, CZ_BLOCKED), strided = g->stride_h > 1 || g->stride_w > 1;
    if (cz_conv_is_pointwise(&job->shape) && !padded && !strided)
        return IN_PLACE;
    return blocked ? FROM_BLOCKED : FROM_PLAIN;
}

/* A pointwise convolution sees an image as one long row. */
static void flatten_window(struct cz_window *g)
{
    g->in_w *= g->in_h;
    g->out_w *= g->out_h;
    g->in_h = g->out_h = 1;
}

static void describe_copy(struct choice *c)
{
    const struct cz_window *g = &c->window;
    int64_t span = (g->out_w - 1) * g->stride_w + (g->k_w - 1) * g->dilation_w + 1;
    c->phases = g->k_w == 1 ? 1 : g->stride_w;
    c->phase_len = cz_ceil_div(span, g->stride_w);
    c->row_step = g->k_h == 1 ? 1 : g->stride_h;
}

/* Counts of segments are needed to cut tiles, their offsets depend on the tiles: so cut, then set. */
static int64_t scratch_floats(const struct choice *c)
{
    return c->source == IN_PLACE ? 0 : c->in_blocks * copied_rows(c, c->band_rows) * row_floats(c);
}

static cz_status prepare(struct cz_builder *b, const struct cz_conv_job *job, struct choice *c, cz_error *err)
{
    c->shape = job->shape;
    c->window = job->shape.window;
    c->source = choose_source(b, job);
    if (c->source == IN_PLACE)
        flatten_window(&c->window);
    c->act = job->fusion.act;
    cz_activation_clamp(&c->act, &c->low, &c->high, &c->act_after);
    CZ_TRY(cz_panels_cut(b, job->shape.out_c, c->window.out_w, &c->panels, err));
    c->in_blocks = cz_ceil_div(job->shape.in_c, c->panels.width);
    describe_copy(c);
    int64_t k = job->shape.in_c / job->shape.groups * c->window.k_h * c->window.k_w;
    for (int64_t p = 0; p < c->panels.count; p++)
        c->panels.items[p].n_k = k;
    cut_tiles(c, (double)(job->shape.out_c * k) * (double)(c->window.out_h * c->window.out_w));
    return CZ_OK;
}

static cz_status pack(struct cz_builder *b, const struct cz_conv_job *job, struct choice *c, cz_error *err)
{
    CZ_TRY(set_all_segments(b, c, err));
    CZ_TRY(cz_panels_allocate(b, &c->panels, err));
    cz_panels_set_bias(&c->panels, job->bias, job->fusion.scale, job->fusion.shift);
    struct packing packing = {c, job};
    cz_parallel_for(b->plan->runtime->pool, c->panels.count, pack_panel, &packing);
    return CZ_OK;
}

static const char *const names[] = {"pointwise", "direct", "direct from NCHW"};

cz_status cz_conv_direct(struct cz_builder *b, const struct cz_conv_job *job, const char **refused,
                         cz_error *err)
{
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    (void)refused; /* it takes every form */
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    CZ_TRY(prepare(b, job, c, err));
    CZ_TRY(pack(b, job, c, err));
    struct cz_conv_values v;
    struct cz_step *step;
    CZ_TRY(cz_conv_values(b, job, c->source == FROM_PLAIN ? CZ_PLAIN : CZ_BLOCKED, &v, err));
    CZ_TRY(cz_builder_step(b, job->node, names[c->source], v.in, v.n_in, &v.out, 1, &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = job->shape.batch * c->n_bands * c->n_splits;
    step->scratch_bytes =
        c->source == IN_PLACE ? 0 : sizeof(struct cz_band_scratch) + (size_t)scratch_floats(c) * 4;
    return CZ_OK;
}
