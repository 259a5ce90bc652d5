/*
 * Statistics: intervals, tests and sums behind every accuracy, time and "better" that is printed.
 *
 * Intervals are at 95 %, tests two-sided. Nothing here depends on threads or clocks; logarithms and
 * exponentials are base/math.h's, so results files have the same digits on every machine.
 */
#ifndef CZ_BASE_STATS_H
#define CZ_BASE_STATS_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct cz_interval {
    double low, high;
};

/*
 * Sum by halving down to blocks of 8: a fixed order, and an error that grows with log n.
 * Source: Higham, "The accuracy of floating point summation", 1993.
 */
double cz_sum(const double *x, size_t n);

/* Score interval of a proportion, within [0,1]; n 0 gives [0,1]. Source: Wilson 1927. */
struct cz_interval cz_wilson(int64_t hits, int64_t n);

/*
 * McNemar's exact test of two classifiers on the same images: `b` only the first has right, `c` only the
 * second. The chance, if both were equally good, of a split at least as uneven; 1 where b = c.
 */
double cz_mcnemar(int64_t b, int64_t c);

/*
 * Interval of (right of first - right of second)/n over the same n images, from the four counts: both right,
 * only the first, only the second, neither. Source: Newcombe 1998, "Improved confidence intervals for the
 * difference between binomial proportions based on paired data", method 10. n 0 gives [-1,1].
 */
struct cz_interval cz_paired_difference(int64_t both, int64_t only_first, int64_t only_second,
                                        int64_t neither);

/* Holm's step-down adjustment (1979) of p[n], for n tests at once. Errors CZ_ERR_MEMORY. */
cz_status cz_holm(const double *p, int n, double *adjusted, cz_error *);

/*
 * Mann-Whitney's U test of a[na] against b[nb]; *u is the number of pairs with a > b, ties counting 1/2.
 *
 * Up to 100 values together p is exact: the share of all ways to deal the pooled ranks, ties included, that
 * are at least as extreme, doubled. Beyond that the normal approximation with tie and continuity correction.
 * Errors  CZ_ERR_ARGUMENT (an empty sample, a NaN), CZ_ERR_MEMORY.
 */
cz_status cz_mann_whitney(const double *a, int na, const double *b, int nb, double *u, double *p, cz_error *);

/* Ascending; NaN is not allowed. */
void cz_sort(double *x, size_t n);

/* Quantile q in [0,1] of ascending x[n], n > 0, linear between order statistics (type 7 of Hyndman and Fan
 * 1996). */
double cz_quantile(const double *sorted, size_t n, double q);

/*
 * median(b)/median(a) and its percentile bootstrap interval, each sample drawn `CZ_BOOTSTRAP_DRAWS` times
 * with replacement under `seed`. All values positive. Errors  CZ_ERR_ARGUMENT (an empty sample, a value not
 * above 0), CZ_ERR_MEMORY.
 */
cz_status cz_median_ratio(const double *a, int na, const double *b, int nb, uint64_t seed, double *ratio,
                          struct cz_interval *, cz_error *);
enum { CZ_BOOTSTRAP_DRAWS = 2000 }; /* 50 beyond each end of the interval */

/*
 * Expected calibration error: over CZ_CALIBRATION_BINS equal bins (low, high] of confidence, the share of
 * images in the bin times |accuracy - mean confidence|. Source: Guo et al. 2017. n 0 gives 0.
 */
double cz_calibration_error(const double *confidence, const unsigned char *right, size_t n);
enum { CZ_CALIBRATION_BINS = 15 };

#endif
