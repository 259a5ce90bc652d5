/*
 * Walking over the elements of a shape in row-major order with the places of several operands beside, each
 * with strides of its own: what references of gathering, reducing and broadcasting operators have in common.
 */
#ifndef CZ_ENGINE_OPS_WALK_H
#define CZ_ENGINE_OPS_WALK_H

#include "engine/op.h"

enum { CZ_WALK_OPERANDS = 4 };

/* Fill rank, dim, n and stride[0..n); `at` holds the elements where the walk stands. */
struct cz_walk {
    int rank, n;
    int64_t dim[CZ_MAX_RANK], index[CZ_MAX_RANK];
    int64_t stride[CZ_WALK_OPERANDS][CZ_MAX_RANK], at[CZ_WALK_OPERANDS];
};

/* A walk over `dim` with n operands whose strides are still 0. */
struct cz_walk cz_walk_over(const int64_t *dim, int rank, int n);

/* One element further; 0 after the last. Do not start on a shape without elements. */
static inline int cz_walk_next(struct cz_walk *w)
{
    for (int d = w->rank - 1; d >= 0; d--) {
        int64_t back = ++w->index[d] < w->dim[d] ? 0 : w->dim[d];
        for (int i = 0; i < w->n; i++)
            w->at[i] += w->stride[i][d] * (1 - back);
        if (!back)
            return 1;
        w->index[d] = 0;
    }
    return 0;
}

#endif
