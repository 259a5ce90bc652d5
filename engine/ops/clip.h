/* Clip as an activation: see activation.h. */
#ifndef CZ_ENGINE_OPS_CLIP_H
#define CZ_ENGINE_OPS_CLIP_H

#include "engine/ops/activation.h"

int cz_clip_activation(const struct cz_op *, const void *attrs, const struct cz_op_input *in, int n_in,
                       struct cz_activation *out);

#endif
