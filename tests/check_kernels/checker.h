/*
 * The kernel checker: every kernel of every tier against a plain formula in double, on random shapes, with
 * buffers that end at a guard page. A kernel of kernels.def without a check_<kernel> does not link.
 */
#ifndef CZ_TESTS_CHECKER_H
#define CZ_TESTS_CHECKER_H

#include "engine/kernels/kernels.h"

struct checker {
    const struct cz_kernels *kernels;
    const char *kernel;
    uint64_t seed, draws; /* of this case */
    int failed;           /* of this case */
};

#define KERNEL(name, ret, args) void check_##name(struct checker *);
#include "engine/kernels/kernels.def"
#undef KERNEL

/* Whole numbers from low to high, and floats in [-scale, scale]. */
int64_t draw(struct checker *, int64_t low, int64_t high);
float draw_float(struct checker *, float scale);

/*
 * n floats, filled by draw_float with scale 2, ending right before an unreadable page; 64 bytes before them
 * carry a pattern that release_all checks. All buffers of a case are released together.
 */
float *guarded(struct checker *, int64_t n);
void release_all(struct checker *);

/* Compares and reports: what, where, found, wanted, allowed. NaN equals NaN. */
void expect_near(struct checker *, const char *what, int64_t at, double found, double wanted, double allowed);
void expect_bits(struct checker *, const char *what, int64_t at, float found, float wanted);

#define EPSILON                                                                                              \
    0x1p-23 /* distance of 1 to the next float; one rounding errs by at most half of it, relatively */

#endif
