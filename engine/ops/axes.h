/*
 * Lists of axes that are an attribute in older opsets and an input in newer ones.
 */
#ifndef CZ_ENGINE_OPS_AXES_H
#define CZ_ENGINE_OPS_AXES_H

#include "engine/op.h"

struct cz_axes {
    int from_input; /* the opset's form: input 1 instead of the attribute */
    int n;
    int64_t axis[CZ_MAX_RANK];
};

cz_status cz_axes_parse(const struct cz_attr_list *, int from_input, struct cz_axes *, cz_error *);

/*
 * The axes as a set of bits for `rank` dimensions; *given is 0 where neither attribute nor input is there, or
 * the list is empty. Errors  CZ_ERR_SHAPE (out of range, twice), CZ_ERR_UNSUPPORTED (computed from data).
 */
cz_status cz_axes_resolve(const struct cz_axes *, const struct cz_op_input *in, int n_in, int rank,
                          unsigned *set, int *given, cz_error *);

#endif
