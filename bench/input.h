/*
 * Made-up inputs: what a network computes on takes no part in how long it takes, but must be the same
 * wherever two results are compared.
 */
#ifndef CZ_BENCH_INPUT_H
#define CZ_BENCH_INPUT_H

#include "engine/graph.h"

struct cz_bench_inputs {
    cz_tensor *tensors;
    int n;
};

/*
 * Fills tensors of shape[n]: floats uniform in [-2, 2), about what normalised pictures are, bytes in 0..255,
 * other integers and booleans 0 or 1. An element depends on its input, its image (first dimension) and its
 * place in the image only, so that an image is the same in any batch. Errors  CZ_ERR_MEMORY, CZ_ERR_SHAPE.
 */
cz_status cz_bench_inputs_make(const struct cz_shape *shape, int n, struct cz_bench_inputs *out, cz_error *);
void cz_bench_inputs_deinit(struct cz_bench_inputs *);

#endif
