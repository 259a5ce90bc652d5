/*
 * Codes: whole numbers of 8 bits that stand for real ones, real = (code - zero) * scale. The one definition
 * of the rounding, for kernels and references alike.
 */
#ifndef CZ_KERNELS_CODES_H
#define CZ_KERNELS_CODES_H

#include <stdint.h>

struct cz_codes {
    float scale;
    int32_t zero, low, high; /* low < 0: int8, else uint8 */
};

/*
 * The code of a real number that is `ratio` steps from zero: to nearest even, saturating; NaN becomes `low`.
 * Clamping first changes nothing, as the bounds are whole, and leaves |ratio| below 2^22, where adding
 * 1.5 * 2^23 drops the fraction with the adder's own rounding to nearest even.
 */
static inline float cz_code_steps(float ratio, float low, float high)
{
    float v = ratio > low ? ratio : low;
    v = v < high ? v : high;
    return (v + 0x1.8p23f) - 0x1.8p23f;
}

static inline int32_t cz_code_of(const struct cz_codes *c, float ratio)
{
    return (int32_t)cz_code_steps(ratio, (float)(c->low - c->zero), (float)(c->high - c->zero)) + c->zero;
}

#endif
