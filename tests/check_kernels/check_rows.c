#include "checker.h"

#include <math.h>

enum { MOST_TAPS = 25 };

struct rows {
    struct cz_tap_row row;
    int64_t offset[MOST_TAPS];
    const float *w[MOST_TAPS];
};

/* Taps at random distances; the input ends with the last element any of them reads. */
static void draw_rows(struct checker *c, struct rows *r)
{
    int width = c->kernels->width;
    int64_t reach = 0;
    r->row.n_taps = (int)draw(c, 1, MOST_TAPS);
    r->row.n_pixels = draw(c, 0, 20);
    r->row.x_step = draw(c, 1, 3) * width;
    for (int t = 0; t < r->row.n_taps; t++) {
        r->offset[t] = draw(c, 0, 30) * width;
        if (r->offset[t] > reach)
            reach = r->offset[t];
    }
    const float *weights = guarded(c, r->row.n_taps * width);
    for (int t = 0; t < r->row.n_taps; t++)
        r->w[t] = weights + t * width;
    r->row.offset = r->offset;
    r->row.w = r->w;
    r->row.x = guarded(c, r->row.n_pixels > 0 ? reach + (r->row.n_pixels - 1) * r->row.x_step + width : 0);
    r->row.bias = guarded(c, width);
    r->row.y = guarded(c, r->row.n_pixels * width);
    r->row.low = draw(c, 0, 1) ? 0.0f : -INFINITY;
    r->row.high = draw(c, 0, 1) ? 6.0f : INFINITY;
    r->row.scale = 1.0f / (float)r->row.n_taps;
}

static float input(const struct rows *r, int64_t p, int t, int lane)
{
    return r->row.x[r->offset[t] + p * r->row.x_step + lane];
}

void check_depthwise_row(struct checker *c)
{
    struct rows r = {0};
    draw_rows(c, &r);
    c->kernels->depthwise_row(&r.row);
    for (int64_t i = 0; i < r.row.n_pixels * c->kernels->width; i++) {
        int64_t p = i / c->kernels->width;
        int lane = (int)(i % c->kernels->width);
        double sum = (double)r.row.bias[lane], size = fabs(sum);
        for (int t = 0; t < r.row.n_taps; t++) {
            double term = (double)input(&r, p, t, lane) * (double)r.w[t][lane];
            sum += term;
            size += fabs(term);
        }
        sum = fmin(fmax(sum, (double)r.row.low), (double)r.row.high);
        expect_near(c, "y", i, (double)r.row.y[i], sum, (r.row.n_taps + 2) * EPSILON * size);
    }
}

void check_depthwise_rows(struct checker *c)
{
    int width = c->kernels->width, k = draw(c, 0, 1) ? 3 : 5, stride = (int)draw(c, 1, 2);
    struct cz_depthwise_rows a = {
        .k = k, .stride = stride, .n_rows = draw(c, 1, 5), .n_pixels = draw(c, 1, 11)};
    a.x_stride = ((a.n_pixels - 1) * stride + k) * width;
    a.y_stride = a.n_pixels * width;
    a.x = guarded(c, ((a.n_rows - 1) * stride + k) * a.x_stride);
    a.w = guarded(c, k * k * width);
    a.bias = guarded(c, width);
    a.y = guarded(c, a.n_rows * a.y_stride);
    a.low = draw(c, 0, 1) ? 0.0f : -INFINITY;
    a.high = draw(c, 0, 1) ? 6.0f : INFINITY;
    c->kernels->depthwise_rows(&a);
    for (int64_t at = 0; at < a.n_rows * a.y_stride; at++) {
        int64_t row = at / a.y_stride, pixel = at % a.y_stride / width, lane = at % width;
        double sum = (double)a.bias[lane], size = fabs(sum);
        for (int t = 0; t < k * k; t++) {
            int64_t from = (row * stride + t / k) * a.x_stride + (pixel * stride + t % k) * width + lane;
            double term = (double)a.x[from] * (double)a.w[t * width + lane];
            sum += term;
            size += fabs(term);
        }
        sum = fmin(fmax(sum, (double)a.low), (double)a.high);
        expect_near(c, "y", at, (double)a.y[at], sum, (k * k + 2) * EPSILON * size);
    }
}

/* Exact; a NaN anywhere in the window is the maximum. */
void check_max_row(struct checker *c)
{
    struct rows r = {0};
    draw_rows(c, &r);
    if (r.row.n_pixels > 0 && draw(c, 0, 1))
        ((float *)r.row.x)[r.offset[draw(c, 0, r.row.n_taps - 1)] + draw(c, 0, c->kernels->width - 1)] = NAN;
    c->kernels->max_row(&r.row);
    for (int64_t i = 0; i < r.row.n_pixels * c->kernels->width; i++) {
        int64_t p = i / c->kernels->width;
        int lane = (int)(i % c->kernels->width);
        float best = input(&r, p, 0, lane);
        for (int t = 1; t < r.row.n_taps; t++) {
            float x = input(&r, p, t, lane);
            if (x > best || isnan(x))
                best = isnan(best) ? best : x;
        }
        expect_bits(c, "y", i, r.row.y[i], best);
    }
}

void check_mean_row(struct checker *c)
{
    struct rows r = {0};
    draw_rows(c, &r);
    c->kernels->mean_row(&r.row);
    for (int64_t i = 0; i < r.row.n_pixels * c->kernels->width; i++) {
        double sum = 0, size = 0;
        for (int t = 0; t < r.row.n_taps; t++) {
            double x = (double)input(&r, i / c->kernels->width, t, (int)(i % c->kernels->width));
            sum += x;
            size += fabs(x);
        }
        expect_near(c, "y", i, (double)r.row.y[i], sum * (double)r.row.scale,
                    (r.row.n_taps + 2) * EPSILON * size);
    }
}

void check_mean_pixels(struct checker *c)
{
    int width = c->kernels->width;
    int64_t n = draw(c, 1, 300);
    const float *x = guarded(c, n * width);
    float *y = guarded(c, width);
    c->kernels->mean_pixels(x, n, y);
    for (int lane = 0; lane < width; lane++) {
        double sum = 0, size = 0;
        for (int64_t p = 0; p < n; p++) {
            sum += (double)x[p * width + lane];
            size += fabs((double)x[p * width + lane]);
        }
        /* 64 pixels a chunk, n/64 chunks, one division. */
        double steps = 64 + (double)n / 64 + 2;
        expect_near(c, "y", lane, (double)y[lane], sum / (double)n, steps * EPSILON * size / (double)n);
    }
}
