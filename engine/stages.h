/*
 * Stages: the parts of a network between its spatial reductions, and its head. What `inspect` lists and where
 * fine-tuning may begin.
 *
 * A network is cut where one value alone is alive, so that a stage has one input and one output. Between two
 * strides the cut is the last such place before the first node that reduces, but an expanding 1x1 convolution
 * in front of that node (inverted residual blocks) goes with it: the narrow value is the stage's result. The
 * head is the classifier and everything behind it, at the earliest all that no longer has a spatial size.
 */
#ifndef CZ_ENGINE_STAGES_H
#define CZ_ENGINE_STAGES_H

#include "engine/graph.h"

enum { CZ_MAX_STAGES = 12 };

struct cz_stage {
    char name[16];            /* "stage1", ...; "head" */
    int stride;               /* of the stage's result, in input pixels; 0: no spatial size (head) */
    int first_node, end_node; /* nodes of the graph, [first, end) */
    int n_nodes;              /* of those, the ones that are computed at run time */
    int64_t n_parameters;     /* as cz_graph_parameter_count; a shared one counts where it is read first */
    int output;               /* value that leaves the stage */
};

/*
 * Fills out[CZ_MAX_STAGES] and *n from a graph and its shapes. A network without spatial values is one head.
 * More strides than fit share the last stage before the head.
 */
cz_status cz_stages_find(const struct cz_infer *, struct cz_stage *out, int *n, cz_error *);

#endif
