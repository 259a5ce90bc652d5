/*
 * exp, log, sine and cosine in double that give the same bits on every CPU.
 *
 * The C library picks variants by CPU (with and without fused multiply-add), so that random weights or a
 * learning rate made with it move in the last bit between machines. These use +, -, *, / and exact scaling
 * only, each correctly rounded by IEEE 754, with contraction off for the whole project.
 */
#ifndef CZ_BASE_MATH_H
#define CZ_BASE_MATH_H

/* Within 1 ulp where the result is normal, else within half the least subnormal more. NaN stays, overflow is
 * Inf. */
double cz_exp(double x);

/* Within 2 ulp. log(0) is -Inf, negative numbers give NaN. */
double cz_log(double x);

/* Within 2^-52 absolute for |x| up to 2^20; NaN for larger x, where the reduction would lose its meaning. */
void cz_sincos(double x, double *sine, double *cosine);

/*
 * What follows from them and from sqrt, which IEEE 754 rounds correctly. Relative error below 2^-48, enough
 * for a result that is rounded to float; domain errors give NaN, poles Inf. cz_sin, cz_cos and cz_tan are as
 * cz_sincos.
 */
double cz_sin(double x);
double cz_cos(double x);
double cz_expm1(double x); /* exp(x) - 1 */
double cz_log1p(double x); /* log(1 + x) */
double cz_tan(double x);
double cz_sinh(double x);
double cz_cosh(double x);
double cz_tanh(double x);
double cz_asin(double x);
double cz_acos(double x);
double cz_atan(double x);
double cz_asinh(double x);
double cz_acosh(double x);
double cz_atanh(double x);
double cz_erf(double x);

/*
 * x^y with the special cases of C99. A whole y up to 1024 in size is multiplied out, so that a result that a
 * double holds is exact; the error of others grows with |y log x|.
 */
double cz_pow(double x, double y);

#endif
