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

#endif
