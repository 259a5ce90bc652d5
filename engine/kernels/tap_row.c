/*
 * Window operators on one channel block: depthwise convolution, maximum and mean. A row of outputs shares a
 * list of taps; at the borders the caller leaves out the taps that fall into the padding.
 */
#include "engine/kernels/vec.h"

/* Eight chains hide a latency of four cycles on two multiply-add units. */
enum { PIXELS = 8 };

CZ_INLINE void depthwise_block(const struct cz_tap_row *r, int64_t pixel, const int np)
{
    vf sum[PIXELS], low = vf_set1(r->low), high = vf_set1(r->high);
    CZ_UNROLL for (int p = 0; p < np; p++) sum[p] = vf_load(r->bias);
    for (int t = 0; t < r->n_taps; t++) {
        const float *x = r->x + r->offset[t] + pixel * r->x_step;
        vf w = vf_load(r->w[t]);
        CZ_UNROLL for (int p = 0; p < np; p++) sum[p] = vf_fma(vf_load(x + p * r->x_step), w, sum[p]);
    }
    CZ_UNROLL for (int p = 0; p < np; p++) vf_store(r->y + (pixel + p) * VW, vf_clamp(sum[p], low, high));
}

/* MAXPS keeps its second operand where one is NaN: once the running maximum is NaN a select must keep it. */
CZ_INLINE vf max_keep_nan(vf best, vf x)
{
    return vf_select_nan(best, best, vf_max(best, x));
}

CZ_INLINE void max_block(const struct cz_tap_row *r, int64_t pixel, const int np)
{
    vf best[PIXELS];
    CZ_UNROLL for (int p = 0; p < np; p++) best[p] = vf_load(r->x + r->offset[0] + (pixel + p) * r->x_step);
    for (int t = 1; t < r->n_taps; t++) {
        const float *x = r->x + r->offset[t] + pixel * r->x_step;
        CZ_UNROLL for (int p = 0; p < np; p++) best[p] = max_keep_nan(best[p], vf_load(x + p * r->x_step));
    }
    CZ_UNROLL for (int p = 0; p < np; p++) vf_store(r->y + (pixel + p) * VW, best[p]);
}

CZ_INLINE void mean_block(const struct cz_tap_row *r, int64_t pixel, const int np)
{
    vf sum[PIXELS];
    CZ_UNROLL for (int p = 0; p < np; p++) sum[p] = vf_set1(0.0f);
    for (int t = 0; t < r->n_taps; t++) {
        const float *x = r->x + r->offset[t] + pixel * r->x_step;
        CZ_UNROLL for (int p = 0; p < np; p++) sum[p] = vf_add(sum[p], vf_load(x + p * r->x_step));
    }
    CZ_UNROLL for (int p = 0; p < np; p++)
        vf_store(r->y + (pixel + p) * VW, vf_mul(sum[p], vf_set1(r->scale)));
}

/* Full blocks, then one block of just the right size. */
#define ROW(name, block)                                                                                     \
    void CZ_KERNEL(name)(const struct cz_tap_row *r)                                                         \
    {                                                                                                        \
        int64_t pixel = 0;                                                                                   \
        for (; pixel + PIXELS <= r->n_pixels; pixel += PIXELS)                                               \
            block(r, pixel, PIXELS);                                                                         \
        switch (r->n_pixels - pixel) {                                                                       \
        case 7:                                                                                              \
            block(r, pixel, 7);                                                                              \
            break;                                                                                           \
        case 6:                                                                                              \
            block(r, pixel, 6);                                                                              \
            break;                                                                                           \
        case 5:                                                                                              \
            block(r, pixel, 5);                                                                              \
            break;                                                                                           \
        case 4:                                                                                              \
            block(r, pixel, 4);                                                                              \
            break;                                                                                           \
        case 3:                                                                                              \
            block(r, pixel, 3);                                                                              \
            break;                                                                                           \
        case 2:                                                                                              \
            block(r, pixel, 2);                                                                              \
            break;                                                                                           \
        case 1:                                                                                              \
            block(r, pixel, 1);                                                                              \
            break;                                                                                           \
        }                                                                                                    \
    }

ROW(depthwise_row, depthwise_block)
ROW(max_row, max_block)
ROW(mean_row, mean_block)
