/*
 * The one multiply-add kernel: convolutions of every form, fully connected layers and matrix products reach
 * it through a list of input offsets (batch-reduce). A block of pixels times output vectors stays in
 * registers; each k takes one weight vector per output vector and one broadcast per pixel.
 *
 * Blocks: with 32 registers 14 pixels x 2 vectors, 7 x 4 or 14 x 1, with 16 registers 6 x 2, 3 x 4 or 12 x 1:
 * as many accumulators as leave room for the weights and one broadcast. The scalar tier is kept small.
 */
#include "engine/kernels/vec.h"

// clang-format off
#if defined(CZ_TIER_AVX512) || defined(CZ_TIER_NEON)
#define SIZES_1(B) B(1, 1) B(2, 1) B(3, 1) B(4, 1) B(5, 1) B(6, 1) B(7, 1) \
                   B(8, 1) B(9, 1) B(10, 1) B(11, 1) B(12, 1) B(13, 1) B(14, 1)
#define SIZES_2(B) B(1, 2) B(2, 2) B(3, 2) B(4, 2) B(5, 2) B(6, 2) B(7, 2) \
                   B(8, 2) B(9, 2) B(10, 2) B(11, 2) B(12, 2) B(13, 2) B(14, 2)
#define SIZES_4(B) B(1, 4) B(2, 4) B(3, 4) B(4, 4) B(5, 4) B(6, 4) B(7, 4)
enum { MOST_1 = 14, MOST_2 = 14, MOST_4 = 7 };
#elif defined(CZ_TIER_SCALAR)
#define SIZES_1(B) B(1, 1) B(2, 1) B(3, 1)
#define SIZES_2(B) B(1, 2) B(2, 2) B(3, 2)
#define SIZES_4(B) B(1, 4) B(2, 4) B(3, 4)
enum { MOST_1 = 3, MOST_2 = 3, MOST_4 = 3 };
#else
#define SIZES_1(B) B(1, 1) B(2, 1) B(3, 1) B(4, 1) B(5, 1) B(6, 1) B(7, 1) \
                   B(8, 1) B(9, 1) B(10, 1) B(11, 1) B(12, 1)
#define SIZES_2(B) B(1, 2) B(2, 2) B(3, 2) B(4, 2) B(5, 2) B(6, 2)
#define SIZES_4(B) B(1, 4) B(2, 4) B(3, 4)
enum { MOST_1 = 12, MOST_2 = 6, MOST_4 = 3 };
#endif
// clang-format on

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

/* Blocks as equal as can be: 17 pixels are 9 and 8, whose chains hide the latency, not 14 and 3. */
static int64_t block_pixels(int64_t n_pixels, int64_t most)
{
    int64_t n_blocks = (n_pixels + most - 1) / most;
    return n_blocks > 0 ? (n_pixels + n_blocks - 1) / n_blocks : 0;
}

#define BLOCK(np, nz)                                                                                        \
    case np:                                                                                                 \
        block(t, pixel, np, nz);                                                                             \
        break;

#define RUN(nz)                                                                                              \
    static void run_##nz(const struct cz_conv_tile *t)                                                       \
    {                                                                                                        \
        int64_t size = block_pixels(t->n_pixels, MOST_##nz);                                                 \
        for (int64_t pixel = 0; pixel < t->n_pixels; pixel += size) {                                        \
            int64_t left = t->n_pixels - pixel;                                                              \
            switch (left < size ? left : size) {                                                             \
                SIZES_##nz(BLOCK)                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }

RUN(1)
RUN(2)
RUN(4)

void CZ_KERNEL(conv_tile)(const struct cz_conv_tile *t)
{
    if (t->n_vectors == 4)
        run_4(t);
    else if (t->n_vectors == 2)
        run_2(t);
    else
        run_1(t);
}
