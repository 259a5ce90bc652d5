/*
 * exp, sigmoid and tanh on vectors. Our own, because the system's change with the CPU: a tier's bits are the
 * same on every machine that has it.
 */
#ifndef CZ_KERNELS_VEC_MATH_H
#define CZ_KERNELS_VEC_MATH_H

#include "engine/kernels/vec.h"

/*
 * exp(x) = 2^n * e^r with n = round(x / ln 2), |r| <= ln 2 / 2; ln 2 in two parts so that n*ln2 is exact;
 * Taylor series to r^7/7!, whose remainder at |r| = 0.347 is 5e-9 relative. Below -87.3 the
 * result is 0 (a denormal, flushed), above 88.3 it stays 2^127.4; NaN stays NaN. Error under 2 ulp.
 */
CZ_INLINE vf vf_exp(vf x)
{
    vf clamped = vf_clamp(x, vf_set1(-87.33655f), vf_set1(88.37f));
    vf n = vf_round(vf_mul(clamped, vf_set1(1.44269504f)));
    vf r = vf_fma(n, vf_set1(-0.693359375f), clamped);
    r = vf_fma(n, vf_set1(2.12194440e-4f), r);
    vf p = vf_set1(1.0f / 5040.0f);
    p = vf_fma(p, r, vf_set1(1.0f / 720.0f));
    p = vf_fma(p, r, vf_set1(1.0f / 120.0f));
    p = vf_fma(p, r, vf_set1(1.0f / 24.0f));
    p = vf_fma(p, r, vf_set1(1.0f / 6.0f));
    p = vf_fma(p, r, vf_set1(0.5f));
    p = vf_fma(p, r, vf_set1(1.0f));
    p = vf_fma(p, r, vf_set1(1.0f));
    return vf_scale(p, n);
}

CZ_INLINE vf vf_sigmoid(vf x)
{
    vf e = vf_exp(x);
    return vf_div(e, vf_add(vf_set1(1.0f), e));
}

/*
 * |x| < 0.625: x + x^3 P(x^2), P the minimax polynomial of the Cephes library's tanhf; else 1 - 2/(exp(2|x|)
 * + 1) with the sign of x. Error under 4 ulp.
 */
CZ_INLINE vf vf_tanh(vf x)
{
    vf zero = vf_set1(0.0f), one = vf_set1(1.0f), two = vf_set1(2.0f);
    vf size = vf_max(x, vf_sub(zero, x));
    vf z = vf_mul(x, x);
    vf p = vf_set1(-5.70498872745e-3f);
    p = vf_fma(p, z, vf_set1(2.06390887954e-2f));
    p = vf_fma(p, z, vf_set1(-5.37397155531e-2f));
    p = vf_fma(p, z, vf_set1(1.33314422036e-1f));
    p = vf_fma(p, z, vf_set1(-3.33332819422e-1f));
    vf small = vf_fma(vf_mul(p, z), x, x);
    vf large = vf_sub(one, vf_div(two, vf_add(vf_exp(vf_mul(two, size)), one)));
    vf large_signed = vf_select_lt(x, zero, vf_sub(zero, large), large);
    return vf_select_nan(x, x, vf_select_lt(size, vf_set1(0.625f), small, large_signed));
}

#endif
