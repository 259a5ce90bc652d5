/* Transpose: attributes, for the operator itself and for the planner. */
#ifndef CZ_ENGINE_OPS_TRANSPOSE_H
#define CZ_ENGINE_OPS_TRANSPOSE_H

#include "engine/ops/strided.h"

/* Dimension i of the output is dimension perm[i] of the input. n 0: all reversed. */
struct cz_transpose_attrs {
    int n;
    int64_t perm[CZ_MAX_RANK];
};

/* The permutation for an input of that rank. Errors  CZ_ERR_SHAPE. */
cz_status cz_transpose_resolve(const struct cz_transpose_attrs *, int rank, int *perm, cz_error *);

/* The copy from an input of shape x to the row-major output. Errors  CZ_ERR_SHAPE. */
cz_status cz_transpose_strides(const struct cz_transpose_attrs *, const struct cz_shape *x,
                               struct cz_strided *, cz_error *);

#endif
