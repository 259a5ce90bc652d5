/*
 * Between real numbers and codes of 8 bits. Plain loops: every element is one chain of correctly rounded
 * operations, which any compiler's vectors compute to the same bits.
 */
#include "engine/kernels/codes.h"
#include "engine/kernels/vec.h"

void CZ_KERNEL(quantize)(const struct cz_codes *codes, const float *x, uint8_t *y, int64_t n)
{
    const struct cz_codes c = *codes;
    for (int64_t i = 0; i < n; i++)
        y[i] = (uint8_t)cz_code_of(&c, x[i] / c.scale);
}

void CZ_KERNEL(dequantize)(const struct cz_codes *codes, const uint8_t *x, float *y, int64_t n)
{
    const struct cz_codes c = *codes;
    if (c.low < 0)
        for (int64_t i = 0; i < n; i++)
            y[i] = (float)((int8_t)x[i] - c.zero) * c.scale;
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = (float)(x[i] - c.zero) * c.scale;
}

void CZ_KERNEL(snap)(const struct cz_codes *codes, const float *x, float *y, int64_t n)
{
    const struct cz_codes c = *codes;
    float low = (float)(c.low - c.zero), high = (float)(c.high - c.zero);
    for (int64_t i = 0; i < n; i++)
        y[i] = cz_code_steps(x[i] / c.scale, low, high) * c.scale;
}

void CZ_KERNEL(requantize)(const struct cz_codes *codes, const float *sums, int32_t bias, uint8_t *y,
                           int64_t n)
{
    const struct cz_codes c = *codes;
    for (int64_t i = 0; i < n; i++) {
        uint32_t sum = (uint32_t)(int32_t)sums[i] + (uint32_t)bias; /* wraps, as 32 bits do */
        y[i] = (uint8_t)cz_code_of(&c, (float)(int32_t)sum * c.scale);
    }
}

/* Which of equal numbers wins does not show, so the order of comparisons is free. */
void CZ_KERNEL(widen_range)(const float *x, int64_t n, float *low, float *high)
{
    float lows[VW], highs[VW];
    vf l = vf_set1(*low), h = vf_set1(*high);
    int64_t i = 0;
    for (; i + VW <= n; i += VW) {
        vf v = vf_load(x + i);
        l = vf_min(v, l);
        h = vf_max(v, h);
    }
    vf_store(lows, l);
    vf_store(highs, h);
    for (int k = 0; k < VW; k++) {
        *low = lows[k] < *low ? lows[k] : *low;
        *high = highs[k] > *high ? highs[k] : *high;
    }
    for (; i < n; i++) {
        *low = x[i] < *low ? x[i] : *low;
        *high = x[i] > *high ? x[i] : *high;
    }
}
