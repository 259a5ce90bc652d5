/*
 * Between row-major planes and the blocked form, one channel block at a time.
 */
#include "engine/kernels/vec.h"

void CZ_KERNEL(block_channels)(const struct cz_channel_block *b)
{
    for (int64_t p = 0; p < b->n_pixels; p++) {
        float *to = b->blocked + p * VW;
        for (int c = 0; c < b->n_channels; c++)
            to[c] = b->plain[c * b->plane_stride + p];
        for (int c = b->n_channels; c < VW; c++)
            to[c] = 0.0f;
    }
}

void CZ_KERNEL(unblock_channels)(const struct cz_channel_block *b)
{
    for (int c = 0; c < b->n_channels; c++)
        for (int64_t p = 0; p < b->n_pixels; p++)
            b->plain[c * b->plane_stride + p] = b->blocked[p * VW + c];
}
