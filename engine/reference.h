/*
 * Reference mode: every node by its operator's own `eval`, in order, on one thread, every value kept. Slow
 * and plain; what the planned and fused execution is compared with, value by value.
 */
#ifndef CZ_ENGINE_REFERENCE_H
#define CZ_ENGINE_REFERENCE_H

#include "engine/graph.h"

struct cz_reference {
    struct cz_graph *graph;
    cz_tensor *value; /* per value of the graph; those of parameters and inputs are the caller's */
    double *macs;     /* per node */
};

/*
 * Runs the graph on in[n_in], in the order of its inputs. Values are known when a node is looked at, so
 * shapes may depend on data (which no plan allows). The inputs' data must stay until the destroy. Errors
 * CZ_ERR_ARGUMENT (number of inputs), CZ_ERR_SHAPE (dtype or rank of an input), and what infer and eval say,
 * with the node named.
 */
cz_status cz_reference_run(struct cz_graph *, const cz_tensor *in, int n_in, struct cz_reference **out,
                           cz_error *);

/* Output i of the graph. */
const cz_tensor *cz_reference_output(const struct cz_reference *, int i);

void cz_reference_destroy(struct cz_reference *); /* NULL is fine */

#endif
