/*
 * The classifier of a network: where it is, and a network with another one in its place.
 *
 * From an output, the search walks back over nodes that keep the class axis apart (Softmax, Reshape, Flatten,
 * Squeeze, Transpose, Dropout, a bias Add, pooling to one pixel) to the last Gemm, MatMul or 1x1 Conv with
 * constant weights. A convolution may stand in front of the pooling, with a Relu between (SqueezeNet): the
 * new head then reads the average of what the convolution read. A network without such a node ends in a
 * feature vector, and gets a linear layer.
 */
#ifndef CZ_FINETUNE_HEAD_H
#define CZ_FINETUNE_HEAD_H

#include "engine/graph.h"
#include "finetune/linear.h"

struct cz_head_site {
    int node;              /* the classifier, -1: none, the output is a feature vector */
    int features;          /* the value that the new head reads */
    int n_features;        /* its channels */
    int average, flatten;  /* the value is a map to be averaged; has more than two dimensions */
    int64_t n_old_classes; /* -1: none */
};

/*
 * Finds the classifier by itself, or takes the node named `name` (not NULL). `shapes` are those of the graph
 * at the input size that will be used. Errors  CZ_ERR_ARGUMENT (several classifiers, listed; no such node, or
 * not a classifier), CZ_ERR_UNSUPPORTED (a network that ends in neither), CZ_ERR_MEMORY.
 */
cz_status cz_head_find(const struct cz_graph *, const struct cz_infer *shapes, const char *name,
                       struct cz_head_site *, cz_error *);

/* The frozen part: a graph with the single output [N][n_features]. Parameters are shared with the source. */
cz_status cz_head_trunk(struct cz_graph *, const struct cz_head_site *, struct cz_graph **trunk, cz_error *);

/*
 * The frozen part with a new classifier: Gemm, weight [K][n_features], output "logits" [N][K]. The node and
 * its weights take the names of the old ones where they had any.
 */
cz_status cz_head_attach(struct cz_graph *, const struct cz_head_site *, const struct cz_linear *,
                         struct cz_graph **out, cz_error *);

/* The names that attach wants to give; strings live as long as the graph. */
struct cz_head_names {
    const char *node, *weight, *bias;
};
struct cz_head_names cz_head_names(const struct cz_graph *, const struct cz_head_site *);

/* The new classifier alone, from an input [N][n_features]: what turns stored features into the network's
 * logits. */
cz_status cz_head_alone(const struct cz_linear *, struct cz_graph **out, cz_error *);

#endif
