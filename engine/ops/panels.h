/*
 * Weights prepared for the multiply-add kernel: output channels in panels of 1, 2 or 4 vectors, each with the
 * list of input runs it reads.
 */
#ifndef CZ_ENGINE_OPS_PANELS_H
#define CZ_ENGINE_OPS_PANELS_H

#include "engine/plan.h"

struct cz_panel {
    const struct cz_segment *segments;
    int64_t n_segments, n_k; /* n_k: sum of the segments' counts */
    float *w, *bias;         /* [n_k][n_vectors*width], [n_vectors*width] */
    int n_vectors;
    int64_t first_vector; /* output channel first_vector*width is lane 0 of vector 0 */
};

struct cz_panels {
    struct cz_panel *items;
    int64_t count, n_vectors, out_c;
    int width;
};

/*
 * Cuts out_c channels into panels; run_pixels is the length of the pixel runs they will meet (wide panels pay
 * where runs are short). Segments and memory for weights are still to be set.
 */
cz_status cz_panels_cut(struct cz_builder *, int64_t out_c, int64_t run_pixels, struct cz_panels *,
                        cz_error *);

/* Allocates w and bias of every panel, whose segments are set, in one block. */
cz_status cz_panels_allocate(struct cz_builder *, struct cz_panels *, cz_error *);

/* bias[c]*scale[c] + shift[c] for every lane; each of the three may be NULL. Lanes past out_c get 0. */
void cz_panels_set_bias(struct cz_panels *, const float *bias, const float *scale, const float *shift);

#endif
