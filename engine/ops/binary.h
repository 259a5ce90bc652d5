/*
 * Add, Sub, Mul, Div: attributes and the shape that the second operand takes part with, for the operators
 * themselves and for the planner.
 */
#ifndef CZ_ENGINE_OPS_BINARY_H
#define CZ_ENGINE_OPS_BINARY_H

#include "engine/kernels/kernels.h" /* enum cz_binary_kind */
#include "engine/op.h"

struct cz_binary_attrs {
    enum cz_binary_kind kind;
    int has_axis; /* before opset 7: b's first dimension lies at a's dimension `axis` */
    int64_t axis;
};

/*
 * b as it broadcasts over a by numpy's rule: b itself, or with dimensions of 1 appended where `axis` says so.
 * Errors  CZ_ERR_SHAPE (axis).
 */
cz_status cz_binary_operand(const struct cz_binary_attrs *, const struct cz_shape *a,
                            const struct cz_shape *b, struct cz_shape *out, cz_error *);

#endif
