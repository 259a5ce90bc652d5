#include "engine/kernels/codes.h"
#include "checker.h"

#include <math.h>

static struct cz_codes draw_codes(struct checker *c)
{
    int low = draw(c, 0, 1) ? -128 : 0;
    return (struct cz_codes){(float)draw(c, 1, 100) / 128, (int32_t)draw(c, low, low + 255), low, low + 255};
}

/* n bytes that end before the guard page. */
static uint8_t *bytes(struct checker *c, int64_t n)
{
    int64_t floats = (n + 3) / 4;
    return (uint8_t *)guarded(c, floats) + (floats * 4 - n);
}

static int32_t value_of(const struct cz_codes *codes, uint8_t code)
{
    return codes->low < 0 ? (int8_t)code : code;
}

/* By the definition: the nearest whole number by rint (to even in the default rounding mode), then saturate.
 */
static double code_of(const struct cz_codes *codes, double ratio)
{
    double v = isnan(ratio) ? -INFINITY : rint(ratio) + codes->zero;
    return fmin(fmax(v, codes->low), codes->high);
}

/* Halves, far values and what is no number, besides what is drawn. */
static float *reals(struct checker *c, const struct cz_codes *codes, int64_t n)
{
    float *x = guarded(c, n);
    for (int64_t i = 0; i < n; i++) {
        int64_t kind = draw(c, 0, 9);
        x[i] = kind == 0   ? ((float)draw(c, -300, 300) + 0.5f) * codes->scale
               : kind == 1 ? (draw(c, 0, 1) ? INFINITY : NAN)
               : kind == 2 ? draw_float(c, 1e30f)
                           : draw_float(c, 200 * codes->scale);
    }
    return x;
}

void check_quantize(struct checker *c)
{
    struct cz_codes codes = draw_codes(c);
    int64_t n = draw(c, 0, 90);
    float *x = reals(c, &codes, n);
    uint8_t *y = bytes(c, n);
    c->kernels->quantize(&codes, x, y, n);
    for (int64_t i = 0; i < n; i++)
        expect_near(c, "y", i, value_of(&codes, y[i]), code_of(&codes, (double)(x[i] / codes.scale)), 0);
}

void check_snap(struct checker *c)
{
    struct cz_codes codes = draw_codes(c);
    int64_t n = draw(c, 0, 90);
    float *x = reals(c, &codes, n), *y = guarded(c, n);
    c->kernels->snap(&codes, x, y, n);
    for (int64_t i = 0; i < n; i++) {
        float steps = (float)(code_of(&codes, (double)(x[i] / codes.scale)) - codes.zero);
        expect_near(c, "y", i, (double)y[i], (double)(steps * codes.scale), 0);
    }
}

void check_dequantize(struct checker *c)
{
    struct cz_codes codes = draw_codes(c);
    int64_t n = draw(c, 0, 90);
    uint8_t *x = bytes(c, n);
    float *y = guarded(c, n);
    c->kernels->dequantize(&codes, x, y, n);
    for (int64_t i = 0; i < n; i++)
        expect_bits(c, "y", i, y[i], (float)(value_of(&codes, x[i]) - codes.zero) * codes.scale);
}

void check_requantize(struct checker *c)
{
    struct cz_codes codes = draw_codes(c);
    int64_t n = draw(c, 0, 90);
    int32_t bias = (int32_t)draw(c, -(1 << 25), 1 << 25);
    float *sums = guarded(c, n);
    uint8_t *y = bytes(c, n);
    codes.scale *= 0x1p-18f;
    for (int64_t i = 0; i < n; i++)
        sums[i] = (float)draw(c, -(1 << 24), 1 << 24);
    c->kernels->requantize(&codes, sums, bias, y, n);
    for (int64_t i = 0; i < n; i++) {
        float scaled = (float)((int64_t)sums[i] + bias) * codes.scale;
        expect_near(c, "y", i, value_of(&codes, y[i]), code_of(&codes, (double)scaled), 0);
    }
}

void check_widen_range(struct checker *c)
{
    int64_t n = draw(c, 0, 90);
    float *x = guarded(c, n), low = 0, high = 0, wanted_low = 0, wanted_high = 0;
    for (int64_t i = 0; i < n; i++) {
        if (draw(c, 0, 40) == 0)
            x[i] = NAN;
        wanted_low = fminf(wanted_low, x[i]);
        wanted_high = fmaxf(wanted_high, x[i]);
    }
    c->kernels->widen_range(x, n, &low, &high);
    expect_bits(c, "low", 0, low, wanted_low);
    expect_bits(c, "high", 0, high, wanted_high);
}
