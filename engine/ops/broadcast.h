/*
 * Broadcasting of two operands over an output, with neighbouring dimensions merged: equal shapes become one
 * run, [N,C,H,W] with [N,C,1,1] becomes runs of H*W.
 */
#ifndef CZ_ENGINE_OPS_BROADCAST_H
#define CZ_ENGINE_OPS_BROADCAST_H

#include "engine/op.h"

/* The output in runs: `run` elements that follow each other, operands advancing by 0 or 1 per element. */
struct cz_broadcast {
    int rank; /* of the outer dimensions */
    int64_t dim[CZ_MAX_RANK], a_stride[CZ_MAX_RANK], b_stride[CZ_MAX_RANK];
    int64_t run;
    int a_step, b_step;
};

struct cz_broadcast_cursor {
    int64_t index[CZ_MAX_RANK];
    int64_t a, b, out; /* element where the run starts */
    int done;
};

/* Strides of `shape` over `out` in elements, 0 where it broadcasts; out's dimensions must fit. */
void cz_broadcast_strides(const struct cz_shape *shape, const struct cz_shape *out, int64_t *stride);

/* a and b must broadcast to out. */
void cz_broadcast_plan(const struct cz_shape *a, const struct cz_shape *b, const struct cz_shape *out,
                       struct cz_broadcast *);

void cz_broadcast_start(const struct cz_broadcast *, struct cz_broadcast_cursor *);
void cz_broadcast_next(const struct cz_broadcast *, struct cz_broadcast_cursor *);

/* x, broadcast over out; same dtype. */
void cz_broadcast_copy(const cz_tensor *x, cz_tensor *out);

/* Unidirectional broadcasting: CZ_ERR_SHAPE unless `shape`, called `what`, fits `out` without growing it. */
cz_status cz_check_broadcast_to(const struct cz_shape *shape, const char *what, const struct cz_shape *out,
                                cz_error *);

#endif
