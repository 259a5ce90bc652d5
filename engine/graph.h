/*
 * Graph: values, nodes and parameters as the file or the zoo has them. Read-only once finished; the plan
 * decides the rest. Nobody downstream can tell an imported graph from a built one.
 */
#ifndef CZ_ENGINE_GRAPH_H
#define CZ_ENGINE_GRAPH_H

#include "base/memory.h"
#include "base/strmap.h"
#include "engine/op.h"

enum cz_value_kind { CZ_INPUT, CZ_PARAM, CZ_ACTIVATION };

/*
 * shape: for inputs and parameters as declared, -1 for a symbolic dimension (named in dim_name); for
 * activations only a hint from the file (rank -1: none). Exact shapes come from cz_infer.
 */
struct cz_value {
    const char *name;
    enum cz_value_kind kind;
    struct cz_shape shape;
    const char *dim_name[CZ_MAX_RANK]; /* NULL: not symbolic, or no name */
    int param;                         /* index into params, -1 */
    int producer;                      /* node, -1 */
};

struct cz_node {
    const char *name;
    const struct cz_op *op;
    void *attrs;                    /* op's own struct */
    struct cz_attr_list attributes; /* as they came, for export */
    int n_in, n_out;
    int *in, *out; /* values; -1: optional one left out */
};

enum cz_role { CZ_WEIGHT, CZ_BIAS, CZ_NORM_SCALE, CZ_NORM_SHIFT, CZ_RUNNING_STAT, CZ_CONSTANT };

/*
 * value.data is NULL until initialised; it may be a read-only view of a mapped file. data is float32 except
 * for CZ_CONSTANT parameters (shapes, indices, scalars), which keep their dtype.
 */
struct cz_param {
    const char *name;
    enum cz_role role;
    cz_tensor value;
    int trainable;
    int owned;       /* 1: data was made by cz_param_allocate */
    int golden_rule; /* zoo only: which portable fill (GOLDENS) this tensor takes, 0 otherwise */
};

struct cz_params {
    struct cz_param *items;
    int count;
    size_t capacity;
    uint64_t version; /* raised by whoever writes values */
};

struct cz_metadata {
    const char *key, *value;
};

struct cz_graph {
    int refs; /* atomic */
    struct cz_arena *arena;
    struct cz_value *values;
    struct cz_node *nodes;
    int n_values, n_nodes;
    int *inputs, *outputs;
    int n_inputs, n_outputs;
    struct cz_params params;
    struct cz_metadata *metadata;
    int n_metadata;
    int opset, ir_version;
    cz_model_info info;
    const char *producer;
    const char *head; /* name of the node whose output is the class axis, NULL: finetune looks for it */
    struct cz_strmap value_index;
    size_t value_capacity, node_capacity, input_capacity, output_capacity, metadata_capacity;
    void (*release)(void *); /* what keeps parameter views alive (the importer's mapping) */
    void *release_data;
};

/* Empty graph at `opset`; one reference. */
cz_status cz_graph_create(int opset, struct cz_graph **out, cz_error *);
struct cz_graph *cz_graph_retain(struct cz_graph *);
void cz_graph_release(struct cz_graph *); /* NULL is fine */

/* Names are copied. Every _add_ returns the value's index through *out. A second value of one name is
 * CZ_ERR_FORMAT. */
cz_status cz_graph_add_input(struct cz_graph *, const char *name, const struct cz_shape *, int *out,
                             cz_error *);
cz_status cz_graph_add_param(struct cz_graph *, const char *name, enum cz_role, const struct cz_shape *,
                             void *data /* NULL: later; kept as a view */, int *out, cz_error *);
/* The same, but copies the data into the graph's arena: for small constants. */
cz_status cz_graph_add_constant(struct cz_graph *, const char *name, const cz_tensor *, int *out, cz_error *);

/*
 * Adds a node whose output names are out_names[n_out] (NULL or "": unused optional output). in[] holds
 * values, -1 for an optional one left out. attributes must live in the graph's arena. out_values (may be
 * NULL) receives the values. Nodes must come in topological order: every input exists already. Errors
 * CZ_ERR_UNSUPPORTED (no such operator at this opset), CZ_ERR_FORMAT (counts, attributes), with the node
 * named.
 */
cz_status cz_graph_add_node(struct cz_graph *, const char *op_name, const char *name,
                            const struct cz_attr_list *attributes, const int *in, int n_in,
                            const char *const *out_names, int n_out, int *out_values, cz_error *);

cz_status cz_graph_add_output(struct cz_graph *, int value, cz_error *);

/* Sets or replaces. */
cz_status cz_graph_set_metadata(struct cz_graph *, const char *key, const char *value, cz_error *);
void cz_graph_drop_metadata(struct cz_graph *, const char *key); /* no such key: nothing happens */
const char *cz_graph_metadata(const struct cz_graph *, const char *key);

/*
 * A graph of the nodes 0..n_nodes-1 that `values` (outputs of the new graph) need, with shared, retained
 * parameters and inputs. What finetune cuts a head off with. Metadata and info are copied.
 */
cz_status cz_graph_cut(struct cz_graph *, const int *values, int n_values, struct cz_graph **out, cz_error *);

int cz_graph_find_value(const struct cz_graph *, const char *name); /* -1: none */
int cz_graph_find_node(const struct cz_graph *, const char *name);  /* -1: none */

/* Zeroed memory for a parameter's values, owned by the graph. Replaces a view (its data is copied). */
cz_status cz_param_allocate(struct cz_param *, cz_error *);

/* Number of elements of all float parameters but running statistics: what the literature counts. */
int64_t cz_graph_parameter_count(const struct cz_graph *);

/*
 * Shapes of all values, and the constant ones' contents, for given inputs.
 */
struct cz_infer {
    const struct cz_graph *graph;
    struct cz_shape *shape; /* per value */
    cz_tensor *constant;    /* per value; data NULL: not known before the run */
    double *macs;           /* per node */
    size_t folded_bytes;    /* of the constants made here */
    struct cz_arena *arena;
};

/*
 * inputs[n_inputs] by name, with dimensions or -1; a symbolic first dimension not given there is `batch` (0:
 * 1), and where `batch` is not 0 it also replaces a fixed first dimension of every 2-D to 5-D float input.
 * Any other unknown dimension is CZ_ERR_SHAPE, saying which option gives it. Constants are folded up to
 * fold_bytes per node (0: 16 MiB), 64 times that in all, unless it takes many multiply-adds.
 */
cz_status cz_infer_create(const struct cz_graph *, const cz_input_shape *inputs, int n_inputs, int64_t batch,
                          size_t fold_bytes, struct cz_infer **out, cz_error *);
void cz_infer_destroy(struct cz_infer *);
double cz_infer_macs(const struct cz_infer *);

#endif
