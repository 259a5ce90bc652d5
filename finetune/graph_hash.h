/*
 * What a network is, as hashes: of its parameters (to show that frozen ones stayed as they were) and of all
 * of it (to know stored features again).
 */
#ifndef CZ_FINETUNE_GRAPH_HASH_H
#define CZ_FINETUNE_GRAPH_HASH_H

#include "base/sha256.h"
#include "engine/graph.h"

/*
 * SHA-256 over (name, dimensions, bytes) of the float parameters that `names` has too, sorted by name;
 * `names` NULL: of all. Constants (shapes, axes) are no parameters. *count is how many, *n_values their
 * elements; both may be NULL.
 */
cz_status cz_graph_params_hash(const struct cz_graph *, const struct cz_graph *names,
                               char text[CZ_SHA256_HEX], int *count, int64_t *n_values, cz_error *);

/* SHA-256 over parameters, constants, nodes, attributes, inputs and outputs: equal graphs compute the same.
 */
void cz_graph_hash(const struct cz_graph *, uint8_t digest[CZ_SHA256_BYTES]);

#endif
