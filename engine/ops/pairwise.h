/*
 * Element-by-element operators of two inputs with broadcasting: each is a row of two functions, the rest is
 * common.
 */
#ifndef CZ_ENGINE_OPS_PAIRWISE_H
#define CZ_ENGINE_OPS_PAIRWISE_H

#include "engine/op.h"

/*
 * The result of n pairs, left in a. `doubles` serves floats, and mixed inputs; `ints` every other type, bool
 * included, and returns 1 for a division by zero. NULL: infer lets no such type through.
 */
struct cz_pairwise {
    void (*doubles)(double *a, const double *b, int64_t n);
    int (*ints)(int64_t *a, const int64_t *b, int64_t n);
};

struct cz_pairwise_attrs {
    const struct cz_pairwise *row;
    int has_axis; /* before opset 7: b's first dimension lies at a's dimension `axis` */
    int64_t axis;
};

/* Takes `axis` where `broadcast` is set, before opset 7. */
cz_status cz_pairwise_parse(const struct cz_pairwise *, const struct cz_attr_list *, int opset,
                            struct cz_pairwise_attrs *, cz_error *);

/*
 * b as it broadcasts over a by numpy's rule: b itself, or with dimensions of 1 appended where `axis` says so.
 * Errors  CZ_ERR_SHAPE (axis).
 */
cz_status cz_pairwise_operand(const struct cz_pairwise_attrs *, const struct cz_shape *a,
                              const struct cz_shape *b, struct cz_shape *out, cz_error *);

/* The broadcast shape, with a's dtype; b's may be another one. */
cz_status cz_pairwise_shape(const struct cz_pairwise_attrs *, const struct cz_op_input *in,
                            struct cz_shape *out, cz_error *);

/* attrs is a struct cz_pairwise_attrs, or begins with one. */
cz_status cz_pairwise_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *);

#endif
