/*
 * Pad: attributes and the resolved pads, for the operator itself and for the planner.
 */
#ifndef CZ_ENGINE_OPS_PAD_H
#define CZ_ENGINE_OPS_PAD_H

#include "engine/op.h"

enum cz_pad_mode { CZ_PAD_CONSTANT, CZ_PAD_REFLECT, CZ_PAD_EDGE, CZ_PAD_WRAP };

struct cz_pad_attrs {
    enum cz_pad_mode mode;
    int from_inputs; /* opset 11: pads and value are inputs */
    int n_pads;
    int64_t pads[2 * CZ_MAX_RANK];
    float value;
};

/* Elements added in front of and behind each dimension; negative ones are cut off. */
struct cz_pads {
    int64_t begin[CZ_MAX_RANK], end[CZ_MAX_RANK];
};

/* Errors  CZ_ERR_SHAPE, CZ_ERR_UNSUPPORTED (pads computed from data). */
cz_status cz_pad_resolve(const struct cz_pad_attrs *, const struct cz_op_input *in, int n_in,
                         struct cz_pads *, cz_error *);

#endif
