/*
 * Weights as float16, for files of half the size. Only tensors that are multiplied with (the role CZ_WEIGHT)
 * are shortened: biases and BatchNorm's tensors are a hundredth of a network's bytes and carry its scale.
 */
#ifndef CZ_IMPORTER_HALF_H
#define CZ_IMPORTER_HALF_H

#include "engine/graph.h"

struct cz_halves {
    uint16_t **data; /* per parameter; NULL: stays as it is */
    int count;
};

/*
 * Rounds to nearest even. Errors  CZ_ERR_UNSUPPORTED (a finite value beyond 65504, by the parameter's name),
 * CZ_ERR_MEMORY.
 */
cz_status cz_halves_make(const struct cz_graph *, struct cz_halves *, cz_error *);
void cz_halves_deinit(struct cz_halves *);

/* The parameter as it is to be written. */
cz_tensor cz_halves_value(const struct cz_halves *, const struct cz_graph *, int param);

#endif
