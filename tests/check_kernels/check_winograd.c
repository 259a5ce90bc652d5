/*
 * The transforms against the definition, the matrices made here from the points in double, by polynomial
 * products, not taken from the kernel.
 */
#include "checker.h"

#include <math.h>

enum { MOST = 6 };

static const double points[2][5] = {{0, 1, -1}, {0, 0.75, -0.75, 1.5, -1.5}};

/* Row of the input matrix for point i (i = m+1: infinity): coefficients of the product of x - b over the
 * others. */
static void input_row(int m, int i, double row[MOST])
{
    for (int k = 0; k < MOST; k++)
        row[k] = k == 0;
    for (int j = 0; j < m + 1; j++) {
        if (j == i)
            continue;
        for (int k = MOST - 1; k >= 0; k--)
            row[k] = (k > 0 ? row[k - 1] : 0) - points[m == 4][j] * row[k];
    }
}

/* Row i of the output matrix: point^i, and infinity counts for the last row only. */
static void output_row(int m, int i, double row[MOST])
{
    for (int j = 0; j < m + 1; j++)
        row[j] = pow(points[m == 4][j], i);
    row[m + 1] = i == m - 1;
}

static float pixel(const struct cz_winograd_input *a, int width, int64_t y, int64_t x, int lane)
{
    int inside = y >= 0 && y < a->in_h && x >= 0 && x < a->in_w;
    return inside ? a->x[(y * a->in_w + x) * width + lane] : 0;
}

void check_winograd_input(struct checker *c)
{
    int width = c->kernels->width, m = draw(c, 0, 1) ? 2 : 4, n = m + 2;
    struct cz_winograd_input a = {.m = m,
                                  .in_h = draw(c, 1, 9),
                                  .in_w = draw(c, 1, 15),
                                  .row = draw(c, -2, 4),
                                  .column = draw(c, -2, 2),
                                  .n_tiles = draw(c, 0, 3)};
    a.v_stride = a.n_tiles * width;
    a.x = guarded(c, a.in_h * a.in_w * width);
    a.v = guarded(c, n * n * a.v_stride);
    c->kernels->winograd_input(&a);
    for (int64_t at = 0; at < n * n * a.v_stride; at++) {
        int64_t plane = at / a.v_stride, t = at % a.v_stride / width;
        double down[MOST], across[MOST], sum = 0, size = 0;
        input_row(m, (int)plane / n, down);
        input_row(m, (int)plane % n, across);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                double term = down[i] * across[j] *
                              (double)pixel(&a, width, a.row + i, a.column + t * m + j, (int)(at % width));
                sum += term;
                size += fabs(term);
            }
        /* Two passes of at most four roundings, each of at most half an ulp of the terms so far. */
        expect_near(c, "v", at, (double)a.v[at], sum, 4 * EPSILON * size);
    }
}

static double transformed(const struct cz_winograd_output *a, int64_t tile_offset, int64_t i, int64_t j,
                          double *size)
{
    double down[MOST], across[MOST], sum = 0;
    int n = a->m + 2;
    output_row(a->m, (int)i, down);
    output_row(a->m, (int)j, across);
    for (int k = 0; k < n * n; k++) {
        double term = down[k / n] * across[k % n] * (double)a->product[k * a->product_stride + tile_offset];
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

void check_winograd_output(struct checker *c)
{
    int width = c->kernels->width, m = draw(c, 0, 1) ? 2 : 4, n = m + 2;
    struct cz_winograd_output a = {.m = m, .columns = draw(c, 0, 13), .rows = draw(c, 1, m)};
    int64_t n_tiles = (a.columns + m - 1) / m;
    a.product_stride = n_tiles * width;
    a.row_stride = a.columns * width;
    a.product = guarded(c, n * n * a.product_stride);
    a.bias = guarded(c, width);
    a.y = guarded(c, a.rows * a.row_stride);
    a.residual = draw(c, 0, 1) ? guarded(c, a.rows * a.row_stride) : NULL;
    a.low = draw(c, 0, 1) ? 0.0f : -INFINITY;
    a.high = draw(c, 0, 1) ? 6.0f : INFINITY;
    c->kernels->winograd_output(&a);
    for (int64_t at = 0; at < a.rows * a.row_stride; at++) {
        int64_t i = at / a.row_stride, column = at % a.row_stride / width, lane = at % width;
        double size = fabs((double)a.bias[lane]) + (a.residual ? fabs((double)a.residual[at]) : 0);
        double sum = transformed(&a, column / m * width + lane, i, column % m, &size) + (double)a.bias[lane] +
                     (a.residual ? (double)a.residual[at] : 0);
        sum = fmin(fmax(sum, (double)a.low), (double)a.high);
        /* Two passes of at most five roundings, bias and residual. */
        expect_near(c, "y", at, (double)a.y[at], sum, 6 * EPSILON * size);
    }
}
