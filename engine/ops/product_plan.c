/*
 * Matrix products with constant weights, row-major in and out: rows are the pixels of the multiply-add
 * kernel. A single row is read where it lies; several are first rearranged to [k/width][m][width], once for
 * all tiles.
 *
 * Tile: a group of panels times a chunk of rows.
 */
#include "engine/ops/product_plan.h"
#include "base/checked.h"
#include "engine/ops/activation.h"

#include <string.h>

struct choice {
    struct cz_product_job job;
    struct cz_panels panels;
    struct cz_activation act;
    float low, high;
    int act_after;
    int64_t panels_per_tile, n_splits, rows_per_tile;
    const float *scale; /* of the fusion, may be NULL */
};

/* Tile: one run of `width` columns of all rows. */
static void rearrange_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct choice *c = step->choice;
    int64_t width = c->panels.width, k = c->job.k, first = tile * width;
    int64_t n = k - first < width ? k - first : width;
    const float *from = (const float *)cz_run_data(run, step->in[0]) + first;
    float *to = (float *)cz_run_data(run, step->out[0]) + first * c->job.m;
    for (int64_t m = 0; m < c->job.m; m++, from += k, to += width)
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i];
}

static void multiply_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct choice *c = step->choice;
    int64_t width = c->panels.width, split = tile % c->n_splits,
            first = tile / c->n_splits * c->rows_per_tile;
    int64_t rows = c->job.m - first < c->rows_per_tile ? c->job.m - first : c->rows_per_tile;
    const float *x = (const float *)cz_run_data(run, step->in[0]) + first * width;
    float *y = (float *)cz_run_data(run, step->out[0]) + first * c->job.n;
    int64_t begin = split * c->panels_per_tile, end = begin + c->panels_per_tile;
    if (end > c->panels.count)
        end = c->panels.count;
    for (int64_t p = begin; p < end; p++) {
        const struct cz_panel *panel = &c->panels.items[p];
        int64_t column = panel->first_vector * width, lanes = c->job.n - column;
        struct cz_conv_tile t = {.x = x,
                                 .segments = panel->segments,
                                 .n_segments = panel->n_segments,
                                 .w = panel->w,
                                 .bias = panel->bias,
                                 .y = y + column,
                                 .y_vector_stride = width,
                                 .y_pixel_stride = c->job.n,
                                 .n_vectors = panel->n_vectors,
                                 .last_lanes = lanes < panel->n_vectors * width ? (int)(lanes % width) : 0,
                                 .n_pixels = rows,
                                 .low = c->low,
                                 .high = c->high};
        run->kernels->conv_tile(&t);
    }
    int64_t first_column = c->panels.items[begin].first_vector * width;
    int64_t end_column = end < c->panels.count ? c->panels.items[end].first_vector * width : c->job.n;
    for (int64_t m = 0; c->act_after && m < rows; m++) {
        float *row = y + m * c->job.n + first_column;
        run->kernels->activate(&c->act, row, row, end_column - first_column);
    }
}

static cz_status set_segments(struct cz_builder *b, struct choice *c, cz_error *err)
{
    int64_t width = c->panels.width, rows = c->job.m, n = rows == 1 ? 1 : cz_ceil_div(c->job.k, width);
    struct cz_segment *s = cz_builder_alloc(b, sizeof *s * (size_t)n);
    if (!s)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    for (int64_t i = 0; i < n; i++) {
        int64_t left = c->job.k - i * width;
        s[i] = (struct cz_segment){(int32_t)(i * width * rows),
                                   (int32_t)(rows > 1 && left > width ? width : left)};
    }
    for (int64_t p = 0; p < c->panels.count; p++) {
        c->panels.items[p].segments = s;
        c->panels.items[p].n_segments = n;
    }
    return CZ_OK;
}

/* Column n of the weights as one lane of its panel; source elements are `step` apart. */
static void pack_lane(const struct choice *c, const struct cz_panel *panel, int64_t lane, int64_t n)
{
    const struct cz_product_job *job = &c->job;
    int64_t lanes = panel->n_vectors * c->panels.width, step = job->trans_w ? 1 : job->n;
    const float *from = job->w + (job->trans_w ? n * job->k : n);
    double factor = (double)job->alpha * (c->scale ? (double)c->scale[n] : 1);
    for (int64_t k = 0; k < job->k; k++)
        panel->w[k * lanes + lane] = (float)((double)from[k * step] * factor);
}

static void pack_panel(void *ctx, int64_t index, int worker)
{
    (void)worker;
    const struct choice *c = ctx;
    const struct cz_panel *panel = &c->panels.items[index];
    int64_t lanes = panel->n_vectors * c->panels.width, first = panel->first_vector * c->panels.width;
    memset(panel->w, 0, sizeof *panel->w * (size_t)(panel->n_k * lanes));
    for (int64_t lane = 0; lane < lanes && first + lane < c->job.n; lane++)
        pack_lane(c, panel, lane, first + lane);
}

static cz_status pack(struct cz_builder *b, struct choice *c, const float *shift, cz_error *err)
{
    CZ_TRY(set_segments(b, c, err));
    CZ_TRY(cz_panels_allocate(b, &c->panels, err));
    cz_panels_set_bias(&c->panels, c->job.bias, c->scale, shift);
    cz_parallel_for(b->plan->runtime->pool, c->panels.count, pack_panel, c);
    return CZ_OK;
}

/* Weights are read once per chunk of rows; 56 rows use each vector of them 56 times. */
enum { ROWS_PER_TILE = 56, SPLITS = 16 };

static void cut_tiles(struct choice *c)
{
    c->rows_per_tile = c->job.m < ROWS_PER_TILE ? c->job.m : ROWS_PER_TILE;
    int64_t splits = c->panels.count < SPLITS ? c->panels.count : SPLITS;
    c->panels_per_tile = cz_ceil_div(c->panels.count, splits);
    c->n_splits = cz_ceil_div(c->panels.count, c->panels_per_tile);
}

static cz_status input_rows(struct cz_builder *b, const struct cz_product_job *job, const struct choice *c,
                            int *x, cz_error *err)
{
    if (job->values)
        *x = job->values->x;
    else
        CZ_TRY(cz_builder_value(b, cz_builder_node(b, job->node)->in[0], CZ_PLAIN, x, err));
    if (job->m == 1)
        return CZ_OK;
    int64_t width = c->panels.width, n_runs = cz_ceil_div(job->k, width);
    int plain = *x;
    struct cz_step *step;
    CZ_TRY(cz_builder_temporary(b, (size_t)(n_runs * width * job->m) * sizeof(float), x, err));
    CZ_TRY(cz_builder_step(b, job->node, "rows", &plain, 1, x, 1, &step, err));
    step->tile = rearrange_tile;
    step->choice = c;
    step->n_tiles = n_runs;
    step->macs = 0;
    return CZ_OK;
}

cz_status cz_product_plan(struct cz_builder *b, const struct cz_product_job *job, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, job->node);
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    c->job = *job;
    c->scale = node->fusion.scale;
    c->act = node->fusion.act;
    cz_activation_clamp(&c->act, &c->low, &c->high, &c->act_after);
    CZ_TRY(cz_panels_cut(b, job->n, job->m, &c->panels, err));
    cut_tiles(c);
    CZ_TRY(pack(b, c, node->fusion.shift, err));
    int x, y;
    struct cz_step *step;
    CZ_TRY(input_rows(b, job, c, &x, err));
    if (job->values)
        y = job->values->y;
    else
        CZ_TRY(cz_builder_output(b, node->out[0], CZ_PLAIN, &y, err));
    CZ_TRY(
        cz_builder_step(b, job->node, job->m == 1 ? "weights stream" : "panels", &x, 1, &y, 1, &step, err));
    step->tile = multiply_tile;
    step->choice = c;
    step->n_tiles = c->n_splits * cz_ceil_div(job->m, c->rows_per_tile);
    return CZ_OK;
}
