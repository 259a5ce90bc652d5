/*
 * Source: ONNX operator specification, Resize-19, and its reference implementation's formulas: neighbours
 * outside the input repeat its edge, unless they are excluded and the other weights made up for.
 */
#include "engine/ops/resample.h"
#include "base/checked.h"

#include <math.h>
#include <stdlib.h>

static double source_of(const struct cz_resample *r, const struct cz_resample_axis *a, int64_t x)
{
    double out = a->scale * (double)a->in, last = (double)a->in - 1, at = (double)x;
    switch (r->coordinates) {
    case CZ_ALIGN_CORNERS:
        return out == 1 ? 0 : at * last / (out - 1);
    case CZ_ASYMMETRIC:
        return at / a->scale;
    case CZ_TF_HALF_PIXEL_FOR_NN:
        return (at + 0.5) / a->scale;
    case CZ_TF_CROP_AND_RESIZE:
        return a->roi_start * last + (out == 1 ? (a->roi_end - a->roi_start) * last / 2
                                               : at * (a->roi_end - a->roi_start) * last / (out - 1));
    case CZ_PYTORCH_HALF_PIXEL:
        return a->out == 1 ? 0 : (at + 0.5) / a->scale - 0.5;
    case CZ_HALF_PIXEL_SYMMETRIC:
        return (double)a->in / 2 * (1 - (double)a->out / out) + (at + 0.5) / a->scale - 0.5;
    case CZ_HALF_PIXEL:
        break;
    }
    return (at + 0.5) / a->scale - 0.5;
}

static double nearest(const struct cz_resample *r, const struct cz_resample_axis *a, double at)
{
    double below = floor(at), ratio = at - below;
    switch (r->nearest) {
    case CZ_ROUND_PREFER_FLOOR:
        return ratio <= 0.5 ? below : below + 1;
    case CZ_ROUND_PREFER_CEIL:
        return ratio < 0.5 ? below : below + 1;
    case CZ_NEAREST_CEIL:
        return ceil(at);
    case CZ_NEAREST_SIMPLE:
        return a->scale < 1 ? ceil(at) : below;
    case CZ_NEAREST_FLOOR:
        break;
    }
    return below;
}

/* Keys' cubic convolution. */
static double cubic(double x, double a)
{
    x = fabs(x);
    return x < 1   ? ((a + 2) * x - (a + 3)) * x * x + 1
           : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
                   : 0;
}

static double filter(const struct cz_resample *r, double x)
{
    return r->mode == CZ_RESAMPLE_CUBIC ? cubic(x, r->cubic_a) : fabs(x) < 1 ? 1 - fabs(x) : 0;
}

/* How much wider the filter is than at scale 1, as its reciprocal. */
static double squeeze(const struct cz_resample *r, const struct cz_resample_axis *a)
{
    return r->antialias && a->scale < 1 ? a->scale : 1;
}

/* Taps before the one at or below the source; as many and one more lie behind it. */
static double reach(const struct cz_resample *r, const struct cz_resample_axis *a)
{
    double support = r->mode == CZ_RESAMPLE_NEAREST ? 0 : r->mode == CZ_RESAMPLE_LINEAR ? 1 : 2;
    return support == 0 ? 0 : ceil(support / squeeze(r, a)) - 1;
}

static int64_t clamp(double v, int64_t high)
{
    return v < 0 ? 0 : v > (double)high ? high : (int64_t)v;
}

static void fill_nearest(const struct cz_resample *r, const struct cz_resample_axis *a, double at,
                         int64_t *from, double *weight)
{
    *from = clamp(nearest(r, a, at), a->in - 1);
    *weight = 1;
}

static void fill_filter(const struct cz_resample *r, const struct cz_resample_axis *a, double at, int64_t n,
                        int64_t *from, double *weights)
{
    double below = floor(at), first = below - reach(r, a), shrink = squeeze(r, a), sum = 0;
    for (int64_t t = 0; t < n; t++) {
        double place = first + (double)t;
        int outside = place < 0 || place > (double)(a->in - 1);
        from[t] = clamp(place, a->in - 1);
        weights[t] = outside && r->exclude_outside ? 0 : filter(r, (place - at) * shrink);
        sum += weights[t];
    }
    for (int64_t t = 0; t < n && (r->exclude_outside || shrink < 1); t++)
        weights[t] /= sum;
}

static int allocate(struct cz_resample_table *t, int64_t n)
{
    size_t count = (size_t)n + 1, all;
    if (cz_mul_overflow(count, (size_t)t->n_taps, &all))
        return 1;
    t->from = calloc(all, sizeof *t->from);
    t->weights = calloc(all, sizeof *t->weights);
    t->outside = calloc(count, 1);
    return !t->from || !t->weights || !t->outside;
}

/* Wider filters than any picture: 1/2^20 of its size. */
enum { MOST_TAPS = 1 << 22 };

cz_status cz_resample_create(const struct cz_resample *r, const struct cz_resample_axis *a,
                             struct cz_resample_table *t, cz_error *err)
{
    double n_taps = r->mode == CZ_RESAMPLE_NEAREST ? 1 : 2 * reach(r, a) + 2;
    *t = (struct cz_resample_table){0};
    if (!(n_taps <= MOST_TAPS))
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "an antialias filter of %g elements; up to %d are supported", n_taps,
                MOST_TAPS);
    t->n_taps = (int64_t)n_taps;
    if (allocate(t, a->out)) {
        cz_resample_destroy(t);
        CZ_FAIL(err, CZ_ERR_MEMORY, "no memory for %lld interpolation weights", (long long)a->out);
    }
    for (int64_t x = 0; x < a->out; x++) {
        double at = source_of(r, a, x);
        int64_t first = x * t->n_taps;
        if (r->coordinates == CZ_TF_CROP_AND_RESIZE && !(at >= 0 && at <= (double)(a->in - 1)))
            t->outside[x] = 1;
        else if (r->mode == CZ_RESAMPLE_NEAREST)
            fill_nearest(r, a, at, t->from + first, t->weights + first);
        else
            fill_filter(r, a, at, t->n_taps, t->from + first, t->weights + first);
    }
    return CZ_OK;
}

void cz_resample_destroy(struct cz_resample_table *t)
{
    free(t->from);
    free(t->weights);
    free(t->outside);
    *t = (struct cz_resample_table){0};
}
