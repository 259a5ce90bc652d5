/*
 * Each function reduces its argument to a small interval (Cody and Waite: a constant split into parts whose
 * product with the multiple is exact) and sums the Taylor series there, to where the first term left out is
 * below 2^-56.
 */
#include "base/math.h"

#include <math.h>

/* ln 2 in two parts: the first has 42 bits, so that k times it is exact for every exponent k. */
static const double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c76730p-45;

/* 1/13!, ..., 1/3!, 1/2!: the series from its smallest term. */
static const double exp_terms[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                                   1.0 / 362880,     1.0 / 40320,     1.0 / 5040,     1.0 / 720,
                                   1.0 / 120,        1.0 / 24,        1.0 / 6,        1.0 / 2};

double cz_exp(double x)
{
    if (isnan(x))
        return x;
    if (x > 709.79) /* above ln(DBL_MAX) */
        return INFINITY;
    if (x < -745.14) /* below ln(2^-1075), half the least subnormal */
        return 0;
    double k = floor(x * 0x1.71547652b82fep+0 + 0.5);
    double high = x - k * ln2_high, low = k * ln2_low, r = high - low;
    double tail = 0; /* (exp(r) - 1 - r) / r^2, |r| <= 0.347 */
    for (int i = 0; i < (int)(sizeof exp_terms / sizeof *exp_terms); i++)
        tail = tail * r + exp_terms[i];
    return ldexp(1.0 + (high - (low - tail * r * r)), (int)k);
}

static const double log_terms[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                   1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};

double cz_log(double x)
{
    if (isnan(x) || x < 0)
        return NAN;
    if (x == 0)
        return -INFINITY;
    if (isinf(x))
        return x;
    int k;
    double m = frexp(x, &k);
    if (m < 0x1.6a09e667f3bcdp-1) { /* sqrt(1/2): m in [0.707, 1.414] keeps the series short */
        m *= 2;
        k--;
    }
    double f = m - 1, s = f / (2 + f), z = s * s; /* ln m = 2 (s + s^3/3 + s^5/5 + ...), z <= 0.0295 */
    double tail = 0;
    for (int i = 0; i < (int)(sizeof log_terms / sizeof *log_terms); i++)
        tail = tail * z + log_terms[i];
    return k * ln2_high + (2 * s + (2 * s * (z * tail) + k * ln2_low));
}

/* x - n*pi/2 for the nearest n; parts of 33 bits, so that n*part is exact up to n = 2^20. */
static double reduce_quarter(double x, int *quadrant)
{
    double n = floor(x * 0x1.45f306dc9c883p-1 + 0.5);
    *quadrant = (int)((int)n & 3);
    return ((x - n * 0x1.921fb544p+0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
}

/* (-1)^n / (2n + 1)! and (-1)^(n + 1) / (2n + 2)! for n = 8 ... 1. */
static const double sine_terms[] = {
    1.0 / 355687428096000, -1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800,
    1.0 / 362880,          -1.0 / 5040,          1.0 / 120,        -1.0 / 6};
static const double cosine_terms[] = {
    -1.0 / 6402373705728000, 1.0 / 20922789888000, -1.0 / 87178291200, 1.0 / 479001600,
    -1.0 / 3628800,          1.0 / 40320,          -1.0 / 720,         1.0 / 24};

void cz_sincos(double x, double *sine, double *cosine)
{
    if (!(fabs(x) <= 0x1p20)) {
        *sine = *cosine = NAN;
        return;
    }
    int quadrant;
    double r = reduce_quarter(x, &quadrant), z = r * r, s = 0, c = 0;
    for (int i = 0; i < (int)(sizeof sine_terms / sizeof *sine_terms); i++) {
        s = s * z + sine_terms[i];
        c = c * z + cosine_terms[i];
    }
    s = r + r * z * s;
    c = (1 - z / 2) + z * z * c;
    *sine = (quadrant & 1 ? c : s) * (quadrant & 2 ? -1 : 1);
    *cosine = (quadrant & 1 ? s : c) * (quadrant == 1 || quadrant == 2 ? -1 : 1);
}
