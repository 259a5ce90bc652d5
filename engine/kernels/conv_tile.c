/*
 * The one multiply-add kernel: convolutions of every form, fully connected layers and matrix products reach
 * it through a list of input offsets (batch-reduce). A block of pixels times output vectors stays in
 * registers; each k takes one weight vector per output vector and one broadcast per pixel.
 *
 * Blocks: with 32 registers 14 pixels x 2 vectors, 7 x 4 or 14 x 1, with 16 registers 6 x 2, 3 x 4 or 12 x 1:
 * as many accumulators as leave room for the weights and one broadcast.
 */
#include "engine/kernels/vec.h"

#if defined(CZ_TIER_AVX512) || defined(CZ_TIER_NEON)
enum { PIXELS_1 = 14, PIXELS_2 = 14, PIXELS_4 = 7 };
#else
enum { PIXELS_1 = 12, PIXELS_2 = 6, PIXELS_4 = 3 };
#endif

CZ_INLINE void store(const struct cz_conv_tile *t, int64_t pixel, int z, int nz, vf sum)
{
    int64_t at = pixel * t->y_pixel_stride + z * t->y_vector_stride;
    int lanes = z == nz - 1 ? t->last_lanes : 0;
    if (t->residual)
        sum = vf_add(sum, lanes ? vf_load_n(t->residual + at, lanes) : vf_load(t->residual + at));
    sum = vf_clamp(sum, vf_set1(t->low), vf_set1(t->high));
    if (lanes)
        vf_store_n(t->y + at, sum, lanes);
    else
        vf_store(t->y + at, sum);
}

/* np pixels from `pixel` on; np and nz are constants wherever this is inlined. */
CZ_INLINE void block(const struct cz_conv_tile *t, int64_t pixel, const int np, const int nz)
{
    vf sum[14][4];
    CZ_UNROLL for (int p = 0; p < np; p++)
    {
        CZ_UNROLL for (int z = 0; z < nz; z++) sum[p][z] = vf_load(t->bias + z * VW);
    }
    const float *w = t->w;
    for (int64_t s = 0; s < t->n_segments; s++) {
        const float *x = t->x + pixel * VW + t->segments[s].offset;
        const float *end = x + t->segments[s].count;
        for (; x < end; x++, w += nz * VW) {
            vf weight[4];
            CZ_UNROLL for (int z = 0; z < nz; z++) weight[z] = vf_load(w + z * VW);
            CZ_UNROLL for (int p = 0; p < np; p++)
            {
                vf value = vf_set1(x[p * VW]);
                CZ_UNROLL for (int z = 0; z < nz; z++) sum[p][z] = vf_fma(value, weight[z], sum[p][z]);
            }
        }
    }
    CZ_UNROLL for (int p = 0; p < np; p++)
    {
        CZ_UNROLL for (int z = 0; z < nz; z++) store(t, pixel + p, z, nz, sum[p][z]);
    }
}

#define BLOCK(np, nz)                                                                                        \
    case np:                                                                                                 \
        block(t, pixel, np, nz);                                                                             \
        break;

static void run_1(const struct cz_conv_tile *t)
{
    for (int64_t pixel = 0, n; pixel < t->n_pixels; pixel += n) {
        n = t->n_pixels - pixel < PIXELS_1 ? t->n_pixels - pixel : PIXELS_1;
        // clang-format off
        switch (n) {
            BLOCK(1, 1) BLOCK(2, 1) BLOCK(3, 1) BLOCK(4, 1) BLOCK(5, 1) BLOCK(6, 1) BLOCK(7, 1)
            BLOCK(8, 1) BLOCK(9, 1) BLOCK(10, 1) BLOCK(11, 1) BLOCK(12, 1)
#if defined(CZ_TIER_AVX512) || defined(CZ_TIER_NEON)
            BLOCK(13, 1) BLOCK(14, 1)
#endif
        }
        // clang-format on
    }
}

static void run_2(const struct cz_conv_tile *t)
{
    for (int64_t pixel = 0, n; pixel < t->n_pixels; pixel += n) {
        n = t->n_pixels - pixel < PIXELS_2 ? t->n_pixels - pixel : PIXELS_2;
        // clang-format off
        switch (n) {
            BLOCK(1, 2) BLOCK(2, 2) BLOCK(3, 2) BLOCK(4, 2) BLOCK(5, 2) BLOCK(6, 2)
#if defined(CZ_TIER_AVX512) || defined(CZ_TIER_NEON)
            BLOCK(7, 2) BLOCK(8, 2) BLOCK(9, 2) BLOCK(10, 2) BLOCK(11, 2) BLOCK(12, 2) BLOCK(13, 2)
            BLOCK(14, 2)
#endif
        }
        // clang-format on
    }
}

static void run_4(const struct cz_conv_tile *t)
{
    for (int64_t pixel = 0, n; pixel < t->n_pixels; pixel += n) {
        n = t->n_pixels - pixel < PIXELS_4 ? t->n_pixels - pixel : PIXELS_4;
        // clang-format off
        switch (n) {
            BLOCK(1, 4) BLOCK(2, 4) BLOCK(3, 4)
#if defined(CZ_TIER_AVX512) || defined(CZ_TIER_NEON)
            BLOCK(4, 4) BLOCK(5, 4) BLOCK(6, 4) BLOCK(7, 4)
#endif
        }
        // clang-format on
    }
}

void CZ_KERNEL(conv_tile)(const struct cz_conv_tile *t)
{
    if (t->n_vectors == 4)
        run_4(t);
    else if (t->n_vectors == 2)
        run_2(t);
    else
        run_1(t);
}
