/*
 * Seeded initial weights of a network that the zoo built, or (Kaiming) that came from a file.
 */
#ifndef CZ_ZOO_INIT_H
#define CZ_ZOO_INIT_H

#include "base/pool.h"
#include "engine/graph.h"

enum cz_init_kind {
    CZ_INIT_NONE,    /* leave parameters without values */
    CZ_INIT_KAIMING, /* for training */
    CZ_INIT_GOLDEN   /* the portable fill of golden.h, for comparing implementations */
};

struct cz_init {
    enum cz_init_kind kind;
    uint64_t seed;
};

/* "kaiming:7", "golden:1". Errors  CZ_ERR_ARGUMENT. */
cz_status cz_init_parse(const char *text, struct cz_init *out, cz_error *);

/*
 * Sets every parameter but constants. Kaiming: weights normal with variance 2/fan_in (He, Zhang, Ren, Sun,
 * "Delving deep into rectifiers", 2015, eq. 10), the classifier's normal with standard deviation 0.01, biases
 * 0, BatchNorm the identity. A tensor's values depend on the seed and its own name only, so a new head leaves
 * the others as they were; the same bits on every CPU and for any number of threads.
 *
 * pool    threads to use, NULL: the caller's alone.
 * Errors  CZ_ERR_MEMORY; CZ_ERR_ARGUMENT (golden fill of a graph that the zoo did not build).
 */
cz_status cz_init_apply(struct cz_graph *, struct cz_init, struct cz_pool *pool, cz_error *);

/*
 * The same for the parameters without values alone: a classifier that is new while the rest came from a file.
 */
cz_status cz_init_missing(struct cz_graph *, struct cz_init, struct cz_pool *pool, cz_error *);

/* Sum modulo 2^64 of the 32-bit patterns of all golden values, without making the tensors. */
uint64_t cz_golden_state_bits(const struct cz_graph *, uint64_t seed, struct cz_pool *);

#endif
