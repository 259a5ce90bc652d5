#include "base/stats.h"
#include "base/math.h"
#include "base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double z95 = 1.959963984540054; /* normal quantile at 0.975 */

enum { SUM_BLOCK = 8, EXACT_RANKS = 100 };

double cz_sum(const double *x, size_t n)
{
    if (n > SUM_BLOCK)
        return cz_sum(x, n / 2) + cz_sum(x + n / 2, n - n / 2);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

struct cz_interval cz_wilson(int64_t hits, int64_t n)
{
    if (n <= 0)
        return (struct cz_interval){0, 1};
    const double count = (double)n, p = (double)hits / count, zz = z95 * z95;
    const double scale = 1 + zz / count, centre = p + zz / (2 * count);
    const double half = z95 * sqrt(p * (1 - p) / count + zz / (4 * count * count));
    return (struct cz_interval){clamp((centre - half) / scale, 0, 1), clamp((centre + half) / scale, 0, 1)};
}

/* ln n!: exact products while they fit, then Stirling's series, whose first term left out is below 2^-52
 * there. */
static double log_factorial(int64_t n)
{
    if (n <= 18) {
        double product = 1;
        for (int64_t i = 2; i <= n; i++)
            product *= (double)i;
        return cz_log(product);
    }
    const double x = (double)n, r = 1 / x, rr = r * r;
    const double tail = r * (1.0 / 12 - rr * (1.0 / 360 - rr * (1.0 / 1260 - rr / 1680)));
    return x * cz_log(x) - x + 0.5 * cz_log(2 * 3.141592653589793 * x) + tail;
}

double cz_mcnemar(int64_t b, int64_t c)
{
    if (b == c)
        return 1;
    const int64_t n = b + c, k = b < c ? b : c;
    const double log_choose = log_factorial(n) - log_factorial(k) - log_factorial(n - k);
    /* The largest term, then each smaller one by its ratio to the one before. */
    double term = 1, sum = 1;
    for (int64_t i = k; i > 0 && term > 0x1p-60; i--) {
        term *= (double)i / (double)(n - i + 1);
        sum += term;
    }
    const double p = 2 * sum * cz_exp(log_choose - (double)n * 0x1.62e42fefa39efp-1 /* ln 2 */);
    return p < 1 ? p : 1;
}

/* Correlation of the two classifiers' successes, with Newcombe's continuity correction. */
static double paired_phi(double a, double b, double c, double d)
{
    const double n = a + b + c + d, product = (a + b) * (c + d) * (a + c) * (b + d);
    double top = a * d - b * c;
    if (product <= 0)
        return 0;
    if (top > 0)
        top = top > n / 2 ? top - n / 2 : 0;
    return top / sqrt(product);
}

/* Length of the vector with parts x and y at correlation phi; rounding may take the square below 0. */
static double joined(double x, double y, double phi)
{
    const double square = x * x - 2 * phi * x * y + y * y;
    return square > 0 ? sqrt(square) : 0;
}

struct cz_interval cz_paired_difference(int64_t both, int64_t only_first, int64_t only_second,
                                        int64_t neither)
{
    const int64_t n = both + only_first + only_second + neither;
    if (n <= 0)
        return (struct cz_interval){-1, 1};
    const double p1 = (double)(both + only_first) / (double)n, p2 = (double)(both + only_second) / (double)n;
    const struct cz_interval w1 = cz_wilson(both + only_first, n), w2 = cz_wilson(both + only_second, n);
    const double phi = paired_phi((double)both, (double)only_first, (double)only_second, (double)neither);
    const double d = p1 - p2;
    return (struct cz_interval){clamp(d - joined(p1 - w1.low, w2.high - p2, phi), -1, 1),
                                clamp(d + joined(w1.high - p1, p2 - w2.low, phi), -1, 1)};
}

struct ranked_p {
    double p;
    int index;
};

static int compare_p(const void *a, const void *b)
{
    const struct ranked_p *x = a, *y = b;
    return (x->p > y->p) - (x->p < y->p);
}

cz_status cz_holm(const double *p, int n, double *adjusted, cz_error *err)
{
    struct ranked_p *sorted = malloc(((size_t)n + 1) * sizeof *sorted);
    if (!sorted)
        CZ_FAIL(err, CZ_ERR_MEMORY, "Holm's correction: out of memory");
    for (int i = 0; i < n; i++)
        sorted[i] = (struct ranked_p){p[i], i};
    qsort(sorted, (size_t)n, sizeof *sorted, compare_p);
    double largest = 0; /* (n - rank) p, never below that of a smaller p */
    for (int rank = 0; rank < n; rank++) {
        const double q = (n - rank) * sorted[rank].p;
        largest = q > largest ? q : largest;
        adjusted[sorted[rank].index] = largest < 1 ? largest : 1;
    }
    free(sorted);
    return CZ_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void cz_sort(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare_doubles);
}

double cz_quantile(const double *sorted, size_t n, double q)
{
    const double place = q * (double)(n - 1), below = floor(place);
    const size_t i = (size_t)below;
    return i + 1 < n ? sorted[i] + (place - below) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

/* Pooled samples: twice the midrank of each value, so that ties stay whole numbers. */
struct ranks {
    double *pool; /* sorted values */
    int *twice;   /* [n] */
    int n, n_first;
    int64_t twice_sum; /* of the first sample's */
    double tie_term;   /* sum over ties of t^3 - t */
};

static int count_equal(const double *x, int n, double value)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        count += x[i] == value;
    return count;
}

/* Ranks first+1 ... last share the middle one: twice it is first + 1 + last. */
static void rank_ties(struct ranks *r, const double *a)
{
    for (int first = 0, last; first < r->n; first = last) {
        for (last = first + 1; last < r->n && r->pool[last] == r->pool[first]; last++)
            ;
        const double t = last - first;
        r->tie_term += t * t * t - t;
        for (int i = first; i < last; i++)
            r->twice[i] = first + 1 + last;
        r->twice_sum += (int64_t)count_equal(a, r->n_first, r->pool[first]) * (first + 1 + last);
    }
}

/*
 * ways[j*(S + 1) + s]: how many choices of j of the ranks sum to s; counts up to C(100,50) ~ 1e29 fit a
 * double with 16 digits.
 */
static double exact_p(const struct ranks *r, double *ways, int64_t total)
{
    const int64_t width = total + 1, m = r->n_first;
    ways[0] = 1;
    for (int i = 0; i < r->n; i++)
        for (int64_t j = i + 1 < m ? i + 1 : m; j > 0; j--)
            for (int64_t s = total; s >= r->twice[i]; s--)
                ways[j * width + s] += ways[(j - 1) * width + s - r->twice[i]];
    const double *row = ways + m * width;
    const double all = cz_sum(row, (size_t)width);
    const double low = cz_sum(row, (size_t)r->twice_sum + 1);
    const double high = cz_sum(row + r->twice_sum, (size_t)(width - r->twice_sum));
    const double p = 2 * (low < high ? low : high) / all;
    return p < 1 ? p : 1;
}

static double normal_p(const struct ranks *r, double u)
{
    const double n1 = r->n_first, n2 = r->n - r->n_first, n = r->n;
    const double variance = n1 * n2 / 12 * (n + 1 - r->tie_term / (n * (n - 1)));
    const double distance = fabs(u - n1 * n2 / 2) - 0.5;
    return variance > 0 && distance > 0 ? erfc(distance / sqrt(2 * variance)) : 1;
}

static cz_status rank_test(struct ranks *r, const double *a, double *u, double *p, cz_error *err)
{
    cz_sort(r->pool, (size_t)r->n);
    rank_ties(r, a);
    *u = (double)r->twice_sum / 2 - (double)r->n_first * (r->n_first + 1) / 2;
    if (r->n > EXACT_RANKS) {
        *p = normal_p(r, *u);
        return CZ_OK;
    }
    const int64_t total = (int64_t)r->n * (r->n + 1);
    double *ways = calloc((size_t)((r->n_first + 1) * (total + 1)), sizeof *ways);
    if (!ways)
        CZ_FAIL(err, CZ_ERR_MEMORY, "U test: out of memory");
    *p = exact_p(r, ways, total);
    free(ways);
    return CZ_OK;
}

static cz_status check_sample(const double *x, int n, int positive, cz_error *err)
{
    if (n < 1)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "sample: empty; at least one value is needed");
    for (int i = 0; i < n; i++)
        if (!(positive ? x[i] > 0 && x[i] < INFINITY : x[i] == x[i]))
            CZ_FAIL(err, CZ_ERR_ARGUMENT, "sample: value %g at place %d; %s", x[i], i + 1,
                    positive ? "positive numbers are wanted" : "numbers are wanted");
    return CZ_OK;
}

cz_status cz_mann_whitney(const double *a, int na, const double *b, int nb, double *u, double *p,
                          cz_error *err)
{
    CZ_TRY(check_sample(a, na, 0, err));
    CZ_TRY(check_sample(b, nb, 0, err));
    struct ranks r = {.n = na + nb, .n_first = na};
    r.pool = malloc((size_t)r.n * sizeof *r.pool);
    r.twice = malloc((size_t)r.n * sizeof *r.twice);
    cz_status status = CZ_OK;
    if (r.pool && r.twice) {
        memcpy(r.pool, a, (size_t)na * sizeof *a);
        memcpy(r.pool + na, b, (size_t)nb * sizeof *b);
        status = rank_test(&r, a, u, p, err);
    } else {
        status = cz_error_set(err, CZ_ERR_MEMORY, "U test: out of memory");
    }
    free(r.pool);
    free(r.twice);
    return status;
}

/* Median of n values drawn from x with replacement, in `work`; draws 2*draw and 2*draw + 1 are the two
 * samples'. */
static double resampled_median(const double *x, int n, uint64_t seed, uint32_t draw, double *work)
{
    uint32_t r[4];
    for (int i = 0; i < n; i++) {
        if (i % 4 == 0)
            cz_random4(seed, CZ_STREAM_BOOTSTRAP, 0, (uint64_t)(i / 4), draw, r);
        work[i] = x[(uint64_t)r[i % 4] * (uint64_t)n >> 32];
    }
    cz_sort(work, (size_t)n);
    return cz_quantile(work, (size_t)n, 0.5);
}

static double median_of(const double *x, int n, double *work)
{
    memcpy(work, x, (size_t)n * sizeof *x);
    cz_sort(work, (size_t)n);
    return cz_quantile(work, (size_t)n, 0.5);
}

cz_status cz_median_ratio(const double *a, int na, const double *b, int nb, uint64_t seed, double *ratio,
                          struct cz_interval *interval, cz_error *err)
{
    CZ_TRY(check_sample(a, na, 1, err));
    CZ_TRY(check_sample(b, nb, 1, err));
    double *ratios = malloc((CZ_BOOTSTRAP_DRAWS + (size_t)(na > nb ? na : nb)) * sizeof *ratios);
    if (!ratios)
        CZ_FAIL(err, CZ_ERR_MEMORY, "bootstrap: out of memory");
    double *work = ratios + CZ_BOOTSTRAP_DRAWS;
    *ratio = median_of(b, nb, work) / median_of(a, na, work);
    for (uint32_t draw = 0; draw < CZ_BOOTSTRAP_DRAWS; draw++) {
        const double first = resampled_median(a, na, seed, 2 * draw, work);
        ratios[draw] = resampled_median(b, nb, seed, 2 * draw + 1, work) / first;
    }
    cz_sort(ratios, CZ_BOOTSTRAP_DRAWS);
    interval->low = cz_quantile(ratios, CZ_BOOTSTRAP_DRAWS, 0.025);
    interval->high = cz_quantile(ratios, CZ_BOOTSTRAP_DRAWS, 0.975);
    free(ratios);
    return CZ_OK;
}

/* Bin of (low, high]; 0 and what rounding leaves outside go to the ends. */
static int calibration_bin(double confidence)
{
    const int bin = (int)ceil(confidence * CZ_CALIBRATION_BINS) - 1;
    return bin < 0 ? 0 : bin < CZ_CALIBRATION_BINS ? bin : CZ_CALIBRATION_BINS - 1;
}

double cz_calibration_error(const double *confidence, const unsigned char *right, size_t n)
{
    double sum[CZ_CALIBRATION_BINS] = {0}, error = 0;
    int64_t hits[CZ_CALIBRATION_BINS] = {0};
    for (size_t i = 0; i < n; i++) {
        const int bin = calibration_bin(confidence[i]);
        sum[bin] += confidence[i];
        hits[bin] += right[i] != 0;
    }
    for (int bin = 0; bin < CZ_CALIBRATION_BINS; bin++) /* n_b/n |hits/n_b - sum/n_b| */
        error += fabs((double)hits[bin] - sum[bin]);
    return n > 0 ? error / (double)n : 0;
}
