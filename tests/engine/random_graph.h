/*
 * Small random networks of the kind the planner rewrites, for comparing its ways of computing one graph.
 */
#ifndef CZ_TESTS_RANDOM_GRAPH_H
#define CZ_TESTS_RANDOM_GRAPH_H

#include "engine/graph.h"

enum { RANDOM_GRAPH_OUTPUTS = 4 }; /* at most */

/* About twelve nodes: convolutions of many forms, normalisation, activations, pools, sums, gates,
 * concatenation, splits, products, a head. One input "x" [N][c][h][w] or [N][c][w]; outputs have the batch
 * first. Ends the program on an error. */
struct cz_graph *random_graph(uint64_t seed);

/* Values in [-1, 1] from (seed, index). */
float random_value(uint64_t seed, uint64_t index);

#endif
