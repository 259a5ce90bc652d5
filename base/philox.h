/*
 * Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy
 * as 1, 2, 3", 2011). Any draw can be made alone, in any order, on any thread.
 *
 * Key: the 64-bit seed. Counter: (draw, index low, index high, stream * 2^24 + epoch).
 */
#ifndef CZ_BASE_PHILOX_H
#define CZ_BASE_PHILOX_H

#include <stdint.h>

enum cz_stream {
    CZ_STREAM_INIT = 1,
    CZ_STREAM_SHUFFLE,
    CZ_STREAM_AUGMENT,
    CZ_STREAM_DROPOUT,
    CZ_STREAM_FOLDS,
    CZ_STREAM_SUBSET,
    CZ_STREAM_BOOTSTRAP
};

void cz_philox4x32(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/* Four draws for (stream, epoch, index, draw) under `seed`. */
void cz_random4(uint64_t seed, enum cz_stream stream, uint32_t epoch, uint64_t index, uint32_t draw,
                uint32_t out[4]);

/* Fisher-Yates of order[n] = 0..n-1, the same everywhere. */
void cz_shuffle(uint64_t seed, enum cz_stream stream, uint32_t epoch, int64_t *order, int64_t n);

/* [0,1) with 24 bits, exact in float. */
static inline float cz_unit_float(uint32_t bits)
{
    return (float)(bits >> 8) * (1.0f / 16777216.0f);
}

#endif
