/*
 * Depthwise convolution with a square kernel of 3 or 5 and stride 1 or 2 over rows that carry their padding.
 * A block of two output rows and up to four pixels stays in registers: an input vector serves both rows and
 * all taps of its column, so that loads no longer bound the loop (one load for three multiply-adds instead of
 * one for each).
 */
#include "engine/kernels/vec.h"

enum { ROWS = 2, PIXELS = 4 };

/* nr output rows and np pixels from `y` on; k, stride, nr and np are constants wherever this is inlined. */
CZ_INLINE void block(const struct cz_depthwise_rows *a, const float *x, float *y, const int k,
                     const int stride, const int nr, const int np)
{
    vf sum[ROWS][PIXELS], low = vf_set1(a->low), high = vf_set1(a->high);
    CZ_UNROLL for (int r = 0; r < nr; r++)
    {
        CZ_UNROLL for (int p = 0; p < np; p++) sum[r][p] = vf_load(a->bias);
    }
    CZ_UNROLL for (int i = 0; i < (nr - 1) * stride + k; i++, x += a->x_stride)
    {
        CZ_UNROLL for (int j = 0; j < k; j++)
        {
            CZ_UNROLL for (int r = 0; r < nr; r++)
            {
                const int tap = i - r * stride;
                if (tap < 0 || tap >= k)
                    continue;
                vf w = vf_load(a->w + (tap * k + j) * VW);
                CZ_UNROLL for (int p = 0; p < np; p++) sum[r][p] =
                    vf_fma(vf_load(x + (p * stride + j) * VW), w, sum[r][p]);
            }
        }
    }
    CZ_UNROLL for (int r = 0; r < nr; r++)
    {
        CZ_UNROLL for (int p = 0; p < np; p++)
            vf_store(y + r * a->y_stride + p * VW, vf_clamp(sum[r][p], low, high));
    }
}

CZ_INLINE void line(const struct cz_depthwise_rows *a, int64_t row, const int k, const int stride,
                    const int nr)
{
    const float *x = a->x + row * stride * a->x_stride;
    float *y = a->y + row * a->y_stride;
    int64_t left = a->n_pixels;
    for (; left >= PIXELS; left -= PIXELS, x += PIXELS * stride * VW, y += PIXELS * VW)
        block(a, x, y, k, stride, nr, PIXELS);
    if (left == 3)
        block(a, x, y, k, stride, nr, 3);
    else if (left == 2)
        block(a, x, y, k, stride, nr, 2);
    else if (left == 1)
        block(a, x, y, k, stride, nr, 1);
}

CZ_INLINE void rows(const struct cz_depthwise_rows *a, const int k, const int stride)
{
    int64_t row = 0;
    for (; row + ROWS <= a->n_rows; row += ROWS)
        line(a, row, k, stride, ROWS);
    if (row < a->n_rows)
        line(a, row, k, stride, 1);
}

#define FORM(k, stride)                                                                                      \
    static void rows_##k##_##stride(const struct cz_depthwise_rows *a)                                       \
    {                                                                                                        \
        rows(a, k, stride);                                                                                  \
    }

FORM(3, 1)
FORM(3, 2)
FORM(5, 1)
FORM(5, 2)

void CZ_KERNEL(depthwise_rows)(const struct cz_depthwise_rows *a)
{
    static void (*const forms[2][2])(const struct cz_depthwise_rows *) = {{rows_3_1, rows_3_2},
                                                                          {rows_5_1, rows_5_2}};
    forms[a->k == 5][a->stride == 2](a);
}
