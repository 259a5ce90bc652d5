#include "engine/ops/panels.h"
#include "base/checked.h"

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "no memory for prepared weights");
}

/*
 * Widest panel for runs of this length. Long runs come in blocks of 14 pixels and 2 vectors, 28 accumulators;
 * blocks of 7 pixels and 4 vectors fill the registers better where the run is an odd number of them (16
 * pixels as 6+5+5 and not 8+8: 8 % more of the peak).
 */
static int widest_panel(int64_t run_pixels, int width)
{
    return width == 1 || (run_pixels <= 49 && cz_ceil_div(run_pixels, 7) % 2 == 1) ? 4 : 2;
}

cz_status cz_panels_cut(struct cz_builder *b, int64_t out_c, int64_t run_pixels, struct cz_panels *p,
                        cz_error *err)
{
    p->width = b->plan->runtime->kernels->width;
    p->out_c = out_c;
    p->n_vectors = cz_ceil_div(out_c, p->width);
    p->count = 0;
    p->items = cz_builder_alloc(b, sizeof *p->items * (size_t)(p->n_vectors + 1));
    if (!p->items)
        return no_memory(err);
    int widest = widest_panel(run_pixels, p->width);
    for (int64_t v = 0; v < p->n_vectors;) {
        int n = widest;
        while (n > p->n_vectors - v)
            n /= 2;
        p->items[p->count++] = (struct cz_panel){.n_vectors = n, .first_vector = v};
        v += n;
    }
    return CZ_OK;
}

static size_t panel_floats(const struct cz_panel *panel, int width)
{
    return (size_t)(panel->n_k + 1) * (size_t)(panel->n_vectors * width);
}

cz_status cz_panels_allocate(struct cz_builder *b, struct cz_panels *p, cz_error *err)
{
    size_t floats = 0;
    for (int64_t i = 0; i < p->count; i++) {
        struct cz_panel *panel = &p->items[i];
        panel->n_k = 0;
        for (int64_t s = 0; s < panel->n_segments; s++)
            panel->n_k += panel->segments[s].count;
        floats += panel_floats(panel, p->width);
    }
    float *block = cz_builder_pack(b, floats * sizeof *block);
    if (!block)
        return no_memory(err);
    for (int64_t i = 0; i < p->count; i++) {
        struct cz_panel *panel = &p->items[i];
        panel->w = block;
        panel->bias = block + panel->n_k * panel->n_vectors * p->width;
        block += panel_floats(panel, p->width);
    }
    return CZ_OK;
}

void cz_panels_set_bias(struct cz_panels *p, const float *bias, const float *scale, const float *shift)
{
    for (int64_t i = 0; i < p->count; i++) {
        struct cz_panel *panel = &p->items[i];
        for (int64_t lane = 0; lane < panel->n_vectors * p->width; lane++) {
            int64_t c = panel->first_vector * p->width + lane;
            double value = 0;
            if (c < p->out_c)
                value = (bias ? (double)bias[c] : 0) * (scale ? (double)scale[c] : 1) +
                        (shift ? (double)shift[c] : 0);
            panel->bias[lane] = (float)value;
        }
    }
}
