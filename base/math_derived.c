/*
 * The rest of the elementary functions, by exp, log, sqrt and short series, so that their bits are as
 * portable as those of math.c.
 *
 * Source: the identities are in every handbook (Abramowitz and Stegun, chapters 4 and 7).
 */
#include "base/math.h"

#include <math.h>

static const double half_pi = 0x1.921fb54442d18p+0;

/* Below 1/4 the difference loses digits; Taylor to x^14/14!, which is below 2^-60 of x there. */
double cz_expm1(double x)
{
    if (!(fabs(x) < 0.25))
        return cz_exp(x) - 1;
    double sum = 1;
    for (int n = 14; n >= 2; n--)
        sum = 1 + x / n * sum;
    return x * sum;
}

/* u = 1 + x is off by a rounding error that x / (u - 1), exact to first order, takes back. */
double cz_log1p(double x)
{
    double u = 1 + x;
    if (u == 1 || isinf(u))
        return u == 1 ? x : cz_log(u);
    return cz_log(u) * (x / (u - 1));
}

double cz_sin(double x)
{
    double sine, cosine;
    cz_sincos(x, &sine, &cosine);
    return sine;
}

double cz_cos(double x)
{
    double sine, cosine;
    cz_sincos(x, &sine, &cosine);
    return cosine;
}

double cz_tan(double x)
{
    double sine, cosine;
    cz_sincos(x, &sine, &cosine);
    return sine / cosine;
}

double cz_sinh(double x)
{
    double e = cz_expm1(fabs(x)), y = isinf(e) ? e : (e + e / (e + 1)) / 2;
    return x < 0 ? -y : y;
}

double cz_cosh(double x)
{
    double e = cz_exp(fabs(x));
    return (e + 1 / e) / 2;
}

/*
 * Small arguments: Lambert's continued fraction, seven levels, off by less than 1e-17 of x below 1/4; the
 * formula with exp would lose digits there. Beyond: 1 - 2 / (exp(2|x|) + 1).
 */
double cz_tanh(double x)
{
    if (fabs(x) < 0.25) {
        double square = x * x, fraction = 13;
        for (int odd = 11; odd >= 1; odd -= 2)
            fraction = odd + square / fraction;
        return x / fraction;
    }
    double t = 1 - 2 / (cz_exp(2 * fabs(x)) + 1);
    return x < 0 ? -t : t;
}

/* |x| <= tan(pi/16) = 0.199: the 14th term is below 2^-64 of the first. */
static double atan_series(double x)
{
    double z = x * x, sum = 0;
    for (int n = 13; n >= 0; n--)
        sum = 1.0 / (2 * n + 1) - z * sum;
    return x * sum;
}

/* atan x = 2 atan(x / (1 + sqrt(1 + x^2))), twice; above 1 through the complement. */
double cz_atan(double x)
{
    double size = fabs(x), t = size > 1 ? 1 / size : size;
    for (int i = 0; i < 2; i++)
        t = t / (1 + sqrt(1 + t * t));
    double angle = 4 * atan_series(t);
    angle = size > 1 ? half_pi - angle : angle;
    return x < 0 ? -angle : angle;
}

double cz_asin(double x)
{
    return cz_atan(x / sqrt((1 - x) * (1 + x)));
}

double cz_acos(double x)
{
    return 2 * cz_atan(sqrt((1 - x) / (1 + x)));
}

double cz_asinh(double x)
{
    double size = fabs(x), square = size * size;
    if (isinf(square)) /* log(2|x|); also Inf */
        return x < 0 ? -(cz_log(size) + cz_log(2)) : cz_log(size) + cz_log(2);
    double y = cz_log1p(size + square / (1 + sqrt(1 + square)));
    return x < 0 ? -y : y;
}

double cz_acosh(double x)
{
    double t = x - 1;
    if (x < 1)
        return NAN;
    return isinf(t * t) ? cz_log(x) + cz_log(2) : cz_log1p(t + sqrt(2 * t + t * t));
}

double cz_atanh(double x)
{
    double y = cz_log1p(2 * fabs(x) / (1 - fabs(x))) / 2;
    return x < 0 ? -y : y;
}

/*
 * erf x = 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (1*3*...*(2n+1)): all terms positive, so nothing
 * cancels. From 6 on the distance to 1 is below 2^-53.
 */
double cz_erf(double x)
{
    double size = fabs(x), square = 2 * size * size;
    if (isnan(x))
        return x;
    if (size >= 6)
        return x < 0 ? -1 : 1;
    double term = size, sum = size;
    for (int odd = 3; term > sum * 0x1p-54; odd += 2) {
        term *= square / odd;
        sum += term;
    }
    double y = 0x1.20dd750429b6dp+0 * cz_exp(-size * size) * sum;
    return x < 0 ? -y : y;
}

static double whole_power(double x, unsigned n)
{
    double y = 1;
    for (; n; n >>= 1, x *= x)
        if (n & 1)
            y *= x;
    return y;
}

static int is_odd(double y)
{
    return fabs(y) < 0x1p53 && fmod(y, 2) != 0;
}

double cz_pow(double x, double y)
{
    if (x == 1 || y == 0)
        return 1;
    if (isnan(x) || isnan(y))
        return NAN;
    if (isinf(y))
        return fabs(x) == 1 ? 1 : (fabs(x) > 1) == (y > 0) ? INFINITY : 0;
    int is_whole = y == floor(y);
    if (is_whole && fabs(y) <= 1024) {
        double p = whole_power(x, (unsigned)fabs(y));
        return y < 0 ? 1 / p : p;
    }
    if (x < 0 && !is_whole && !isinf(x))
        return NAN;
    double size = cz_exp(y * cz_log(fabs(x)));
    return (x < 0 || (x == 0 && signbit(x))) && is_whole && is_odd(y) ? -size : size;
}
