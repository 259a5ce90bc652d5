#include "checker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    int64_t n_segments, n_k, n_pixels, x_floats, y_floats;
    struct cz_segment segments[8];
};

static void draw_segments(struct checker *c, struct shape *s)
{
    int64_t reach = 0;
    s->n_segments = draw(c, 0, 8);
    for (int64_t i = 0; i < s->n_segments; i++) {
        s->segments[i].offset = (int32_t)draw(c, 0, 100);
        s->segments[i].count = (int32_t)draw(c, 1, 40);
        s->n_k += s->segments[i].count;
        if (s->segments[i].offset + s->segments[i].count > reach)
            reach = s->segments[i].offset + s->segments[i].count;
    }
    s->n_pixels = draw(c, 0, 45);
    s->x_floats = s->n_pixels > 0 ? (s->n_pixels - 1) * c->kernels->width + reach : 0;
}

static int exists(const struct cz_conv_tile *t, int width, int64_t lane)
{
    return lane / width < t->n_vectors - 1 || t->last_lanes == 0 || lane % width < t->last_lanes;
}

/* One chain of fused or separate multiply-adds: each of n_k + 2 steps errs by at most half an ulp of the sum
 * so far. */
static void expect_element(struct checker *c, const struct cz_conv_tile *t, const struct shape *s, int64_t p,
                           int64_t lane)
{
    int width = c->kernels->width;
    int64_t at = p * t->y_pixel_stride + lane / width * t->y_vector_stride + lane % width, k = 0;
    double sum = (double)t->bias[lane], size = fabs(sum);
    for (int64_t g = 0; g < s->n_segments; g++)
        for (int64_t i = 0; i < s->segments[g].count; i++, k++) {
            double term = (double)t->x[p * width + s->segments[g].offset + i] *
                          (double)t->w[k * t->n_vectors * width + lane];
            sum += term;
            size += fabs(term);
        }
    if (t->residual) {
        sum += (double)t->residual[at];
        size += fabs((double)t->residual[at]);
    }
    double clamped = fmin(fmax(sum, (double)t->low), (double)t->high);
    expect_near(c, "y", at, (double)t->y[at], clamped, (double)(s->n_k + 2) * EPSILON * size);
}

/* The same tile in two calls gives the same bits: sums do not depend on how pixels are grouped. */
static void expect_cut_invariant(struct checker *c, const struct cz_conv_tile *t, const struct shape *s)
{
    struct cz_conv_tile part = *t;
    int64_t cut = draw(c, 0, s->n_pixels);
    part.y = guarded(c, s->y_floats);
    memcpy(part.y, t->y, sizeof *part.y * (size_t)s->y_floats);
    part.n_pixels = cut;
    c->kernels->conv_tile(&part);
    part.x += cut * c->kernels->width;
    part.y += cut * t->y_pixel_stride;
    part.residual = part.residual ? part.residual + cut * t->y_pixel_stride : NULL;
    part.n_pixels = s->n_pixels - cut;
    c->kernels->conv_tile(&part);
    part.y -= cut * t->y_pixel_stride;
    for (int64_t i = 0; i < s->y_floats; i++)
        expect_bits(c, "y cut in two", i, part.y[i], t->y[i]);
}

void check_conv_tile(struct checker *c)
{
    struct shape s = {0};
    int width = c->kernels->width, vectors = 1 << draw(c, 0, 2), row_major = (int)draw(c, 0, 1);
    draw_segments(c, &s);
    struct cz_conv_tile t = {.segments = s.segments, .n_segments = s.n_segments, .n_vectors = vectors};
    t.last_lanes = row_major ? (int)draw(c, 0, width - 1) : 0;
    int64_t row = vectors * width - (t.last_lanes ? width - t.last_lanes : 0);
    t.y_vector_stride = row_major ? width : s.n_pixels * width;
    t.y_pixel_stride = row_major ? row : width;
    t.n_pixels = s.n_pixels;
    s.y_floats = s.n_pixels * row;
    t.x = guarded(c, s.x_floats);
    t.w = guarded(c, s.n_k * vectors * width);
    t.bias = guarded(c, vectors * width);
    t.y = guarded(c, s.y_floats);
    t.residual = draw(c, 0, 1) ? guarded(c, s.y_floats) : NULL;
    t.low = draw(c, 0, 1) ? 0.0f : -INFINITY;
    t.high = draw(c, 0, 1) ? 6.0f : INFINITY;
    c->kernels->conv_tile(&t);
    for (int64_t p = 0; p < s.n_pixels; p++)
        for (int64_t lane = 0; lane < vectors * width; lane++)
            if (exists(&t, width, lane))
                expect_element(c, &t, &s, p, lane);
    expect_cut_invariant(c, &t, &s);
}
