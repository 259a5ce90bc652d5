/*
 * The two transforms of Winograd's minimal filtering F(m x m, 3 x 3), m = 2 or 4, on channel blocks: a patch
 * of (m+2)^2 inputs gives m^2 outputs with (m+2)^2 multiplications a channel pair instead of 9*m^2. Between
 * them stands one matrix product per plane, which is conv_tile's.
 *
 * Points 0, 1, -1 for m = 2 and 0, +-3/4, +-3/2 for m = 4: with 0, +-1, +-2 the error of m = 4 is twice as
 * large, and all constants here are exact in float. The row of the transform for point a is the product of (x
 * - b) over the other points b; its normalisation is in the weights (engine/ops/conv_winograd.c). Lavin,
 * Gray: Fast Algorithms for Convolutional Neural Networks, 2016; Barabasz et al.: Error Analysis and
 * Improving the Accuracy of Winograd Convolution, 2020.
 */
#include "engine/kernels/vec.h"

enum { WIDEST_PATCH = 6 };

#define P 0.75f /* the inner pair of points */
#define Q 1.5f  /* the outer pair */

CZ_INLINE void input_2(const vf *d, vf *v)
{
    v[0] = vf_sub(d[2], d[0]);
    v[1] = vf_add(d[2], d[1]);
    v[2] = vf_sub(d[2], d[1]);
    v[3] = vf_sub(d[3], d[1]);
}

CZ_INLINE void input_4(const vf *d, vf *v)
{
    const vf product = vf_set1(P * P * Q * Q), sum = vf_set1(-(P * P + Q * Q));
    vf inner_even = vf_fma(vf_set1(-Q * Q), d[2], d[4]);
    vf inner_odd = vf_mul(vf_set1(P), vf_fma(vf_set1(-Q * Q), d[1], d[3]));
    vf outer_even = vf_fma(vf_set1(-P * P), d[2], d[4]);
    vf outer_odd = vf_mul(vf_set1(Q), vf_fma(vf_set1(-P * P), d[1], d[3]));
    v[0] = vf_fma(product, d[0], vf_fma(sum, d[2], d[4]));
    v[1] = vf_add(inner_even, inner_odd);
    v[2] = vf_sub(inner_even, inner_odd);
    v[3] = vf_add(outer_even, outer_odd);
    v[4] = vf_sub(outer_even, outer_odd);
    v[5] = vf_fma(product, d[1], vf_fma(sum, d[3], d[5]));
}

CZ_INLINE void output_2(const vf *m, vf *y)
{
    y[0] = vf_add(m[0], vf_add(m[1], m[2]));
    y[1] = vf_add(m[3], vf_sub(m[1], m[2]));
}

CZ_INLINE void output_4(const vf *m, vf *y)
{
    vf inner_sum = vf_add(m[1], m[2]), inner_difference = vf_mul(vf_set1(P), vf_sub(m[1], m[2]));
    vf outer_sum = vf_add(m[3], m[4]), outer_difference = vf_mul(vf_set1(Q), vf_sub(m[3], m[4]));
    y[0] = vf_add(m[0], vf_add(inner_sum, outer_sum));
    y[1] = vf_add(inner_difference, outer_difference);
    y[2] = vf_fma(vf_set1(P * P), inner_sum, vf_mul(vf_set1(Q * Q), outer_sum));
    y[3] = vf_fma(vf_set1(P * P), inner_difference, vf_fma(vf_set1(Q * Q), outer_difference, m[5]));
}

CZ_INLINE void input_line(const int m, const vf *d, vf *v)
{
    if (m == 2)
        input_2(d, v);
    else
        input_4(d, v);
}

CZ_INLINE void output_line(const int m, const vf *d, vf *y)
{
    if (m == 2)
        output_2(d, y);
    else
        output_4(d, y);
}

/* A patch whose rows lie row_step apart, into the planes at v. */
CZ_INLINE void input_patch(const int m, const float *x, int64_t row_step, float *v, int64_t v_stride)
{
    vf half[WIDEST_PATCH][WIDEST_PATCH], line[WIDEST_PATCH], out[WIDEST_PATCH];
    const int n = m + 2;
    CZ_UNROLL for (int j = 0; j < n; j++)
    {
        CZ_UNROLL for (int i = 0; i < n; i++) line[i] = vf_load(x + i * row_step + j * VW);
        input_line(m, line, out);
        CZ_UNROLL for (int i = 0; i < n; i++) half[i][j] = out[i];
    }
    CZ_UNROLL for (int i = 0; i < n; i++)
    {
        input_line(m, half[i], out);
        CZ_UNROLL for (int j = 0; j < n; j++) vf_store(v + (i * n + j) * v_stride, out[j]);
    }
}

/* The patch at (row, column), which reaches into the padding, with its zeros. */
static void copy_patch(const struct cz_winograd_input *a, int64_t column, float *patch)
{
    const int n = a->m + 2;
    memset(patch, 0, sizeof *patch * (size_t)(n * n * VW));
    int64_t first = column < 0 ? -column : 0, end = a->in_w - column < n ? a->in_w - column : n;
    for (int64_t i = 0; i < n; i++) {
        int64_t y = a->row + i;
        if (y >= 0 && y < a->in_h && first < end)
            memcpy(patch + (i * n + first) * VW, a->x + (y * a->in_w + column + first) * VW,
                   sizeof *patch * (size_t)((end - first) * VW));
    }
}

CZ_INLINE void input_row(const int m, const struct cz_winograd_input *a)
{
    float patch[WIDEST_PATCH * WIDEST_PATCH * VW];
    const int n = m + 2, rows_inside = a->row >= 0 && a->row + n <= a->in_h;
    for (int64_t t = 0; t < a->n_tiles; t++) {
        int64_t column = a->column + t * m;
        float *v = a->v + t * VW;
        if (rows_inside && column >= 0 && column + n <= a->in_w) {
            input_patch(m, a->x + (a->row * a->in_w + column) * VW, a->in_w * VW, v, a->v_stride);
        } else {
            copy_patch(a, column, patch);
            input_patch(m, patch, n * VW, v, a->v_stride);
        }
    }
}

void CZ_KERNEL(winograd_input)(const struct cz_winograd_input *a)
{
    if (a->m == 2)
        input_row(2, a);
    else
        input_row(4, a);
}

/* One tile's outputs; rows and columns of them exist. */
CZ_INLINE void output_patch(const int m, const struct cz_winograd_output *a, const float *product, int64_t at,
                            int64_t columns)
{
    vf half[4][WIDEST_PATCH], line[WIDEST_PATCH], out[4];
    const vf bias = vf_load(a->bias), low = vf_set1(a->low), high = vf_set1(a->high);
    const int n = m + 2;
    CZ_UNROLL for (int j = 0; j < n; j++)
    {
        CZ_UNROLL for (int i = 0; i < n; i++) line[i] = vf_load(product + (i * n + j) * a->product_stride);
        output_line(m, line, out);
        CZ_UNROLL for (int i = 0; i < m; i++) half[i][j] = out[i];
    }
    for (int64_t i = 0; i < a->rows; i++, at += a->row_stride) {
        output_line(m, half[i], out);
        CZ_UNROLL for (int j = 0; j < m; j++)
        {
            if (j >= columns)
                break;
            vf y = vf_add(out[j], bias);
            if (a->residual)
                y = vf_add(y, vf_load(a->residual + at + j * VW));
            vf_store(a->y + at + j * VW, vf_clamp(y, low, high));
        }
    }
}

CZ_INLINE void output_row(const int m, const struct cz_winograd_output *a)
{
    for (int64_t column = 0, t = 0; column < a->columns; column += m, t++) {
        int64_t left = a->columns - column;
        output_patch(m, a, a->product + t * VW, column * VW, left < m ? left : m);
    }
}

void CZ_KERNEL(winograd_output)(const struct cz_winograd_output *a)
{
    if (a->m == 2)
        output_row(2, a);
    else
        output_row(4, a);
}
