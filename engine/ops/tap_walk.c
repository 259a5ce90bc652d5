#include "engine/ops/tap_walk.h"

size_t cz_tap_walk_scratch(const struct cz_window *g)
{
    return (size_t)(g->k_h * g->k_w) * (sizeof(int64_t) + sizeof(float *));
}

struct taps {
    int64_t *offset;
    const float **w;
    int n, n_padded; /* inside the input; inside the padded input */
};

static int inside(int64_t at, int64_t size)
{
    return at >= 0 && at < size;
}

/* Taps of the output whose window starts at row y0 and column x0; both may be negative. */
static void collect(const struct cz_tap_walk *k, int64_t y0, int64_t x0, const float *w, struct taps *taps)
{
    const struct cz_window *g = &k->window;
    taps->n = taps->n_padded = 0;
    for (int64_t r = 0; r < g->k_h; r++)
        for (int64_t s = 0; s < g->k_w; s++) {
            int64_t y = y0 + r * g->dilation_h, x = x0 + s * g->dilation_w;
            taps->n_padded += y < g->in_h + g->pad_bottom && x < g->in_w + g->pad_right;
            if (!inside(y, g->in_h) || !inside(x, g->in_w))
                continue;
            taps->offset[taps->n] = (y * g->in_w + x) * k->width;
            taps->w[taps->n++] = w ? w + (r * g->k_w + s) * k->width : NULL;
        }
}

static float scale_of(const struct cz_tap_walk *k, const struct taps *taps)
{
    int n = k->divisor == CZ_DIVISOR_PADDED ? taps->n_padded : taps->n;
    return k->divisor == CZ_DIVISOR_NONE ? 1.0f : 1.0f / (float)n;
}

/* Outputs ox..ox+n-1 of row oy, which share their taps. */
static void run(const struct cz_tap_walk *k, const float *x, const float *w, const float *bias, float *y,
                int64_t oy, int64_t ox, int64_t n, struct taps *taps)
{
    const struct cz_window *g = &k->window;
    float *to = y + (oy * g->out_w + ox) * k->width;
    collect(k, oy * g->stride_h - g->pad_top, ox * g->stride_w - g->pad_left, w, taps);
    if (taps->n == 0 && !bias) {
        for (int64_t i = 0; i < n * k->width; i++)
            to[i] = k->empty;
        return;
    }
    struct cz_tap_row row = {.x = x,
                             .offset = taps->offset,
                             .w = taps->w,
                             .n_taps = taps->n,
                             .x_step = g->stride_w * k->width,
                             .n_pixels = n,
                             .bias = bias,
                             .scale = scale_of(k, taps),
                             .low = k->low,
                             .high = k->high,
                             .y = to};
    k->kernel(&row);
}

/* Outputs of a row whose whole window lies inside the input. */
static void interior(const struct cz_window *g, int64_t *first, int64_t *end)
{
    int64_t low, high, last_low, last_high;
    cz_tap_range(0, g->stride_w, g->dilation_w, g->pad_left, g->in_w, g->out_w, &low, &high);
    cz_tap_range(g->k_w - 1, g->stride_w, g->dilation_w, g->pad_left, g->in_w, g->out_w, &last_low,
                 &last_high);
    *first = low > last_low ? low : last_low;
    *end = high < last_high ? high : last_high;
    if (*end < *first)
        *end = *first = g->out_w;
}

void cz_tap_walk_rows(const struct cz_tap_walk *k, const float *x, const float *w, const float *bias,
                      float *y, int64_t first, int64_t end, void *scratch)
{
    const struct cz_window *g = &k->window;
    struct taps taps = {.offset = scratch,
                        .w = (const float **)((char *)scratch + (size_t)(g->k_h * g->k_w) * sizeof(int64_t))};
    int64_t in_first, in_end;
    interior(g, &in_first, &in_end);
    for (int64_t oy = first; oy < end; oy++) {
        for (int64_t ox = 0; ox < in_first; ox++)
            run(k, x, w, bias, y, oy, ox, 1, &taps);
        if (in_end > in_first)
            run(k, x, w, bias, y, oy, in_first, in_end - in_first, &taps);
        for (int64_t ox = in_end; ox < g->out_w; ox++)
            run(k, x, w, bias, y, oy, ox, 1, &taps);
    }
}
