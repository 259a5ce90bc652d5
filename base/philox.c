#include "base/philox.h"

void cz_philox4x32(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void cz_random4(uint64_t seed, enum cz_stream stream, uint32_t epoch, uint64_t index, uint32_t draw,
                uint32_t out[4])
{
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t counter[4] = {draw, (uint32_t)index, (uint32_t)(index >> 32),
                           ((uint32_t)stream << 24) + (epoch & 0xFFFFFFu)};
    cz_philox4x32(key, counter, out);
}

void cz_shuffle(uint64_t seed, enum cz_stream stream, uint32_t epoch, int64_t *order, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        uint32_t r[4];
        cz_random4(seed, stream, epoch, (uint64_t)i, 0, r);
        /* 64 bits modulo at most 2^40 elements: the bias is below 2^-24. */
        int64_t j = (int64_t)(((uint64_t)r[0] << 32 | r[1]) % (uint64_t)(i + 1));
        int64_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}
