/*
 * A file on its way to a graph: what the steps of loading share.
 *
 * Order: write functions and constant control flow out (onnx_expand.c), index names and check them
 * (onnx_names.c), sort the nodes (onnx_sort.c), judge every node (onnx_nodes.c), report, give parameters
 * their roles (onnx_roles.c), build the graph (onnx_graph.c).
 */
#ifndef CZ_IMPORTER_ONNX_MODEL_H
#define CZ_IMPORTER_ONNX_MODEL_H

#include "importer/importer.h"
#include "importer/onnx_tensor.h"

enum onnx_node_kind {
    ONNX_NODE,     /* becomes a node of the graph */
    ONNX_CONSTANT, /* Constant: its value becomes a parameter */
    ONNX_ALIAS     /* Identity of a parameter: a parameter of its own name over the same bytes */
};

struct onnx_node {
    const Onnx__NodeProto *proto;
    const char *label; /* its name, else its first output's */
    enum onnx_node_kind kind;
    struct cz_attr_list attrs;
    const char *refused; /* why we cannot run it, NULL: we can */
};

enum onnx_reader { ONNX_READ_BY_CAST = 1, ONNX_READ_BY_OTHERS = 2 };

/* A parameter by name: where its values are. */
struct onnx_constant {
    const Onnx__TensorProto *tensor; /* NULL: `value` */
    cz_tensor value;
    int is_bound; /* value is filled from tensor already */
    int same_as;  /* for an alias: the constant whose bytes it shares, else -1 */
    int role;     /* enum cz_role by use, -1: not used */
    int is_node;  /* from a Constant node */
};

struct onnx_model {
    const char *name; /* for messages */
    const Onnx__ModelProto *proto;
    const Onnx__GraphProto *graph;
    struct onnx_source source;
    int opset, ir_version;

    struct onnx_node *nodes; /* as in the file */
    int *order;              /* node indices, sorted */
    int n_nodes;
    struct cz_strmap producers;      /* value name -> node */
    struct cz_strmap inputs;         /* graph input name -> index, initializers left out */
    struct cz_strmap constant_index; /* parameter name -> constants */
    struct cz_strmap output_index;   /* graph output name -> index */
    struct cz_strmap readers;        /* value name -> enum onnx_reader bits; absent: nobody reads it */
    struct onnx_constant *constants;
    size_t n_constants, constant_capacity;

    struct cz_graph *out;
    struct cz_strmap values; /* value name -> value of the graph that consumers read */
    const struct cz_onnx_options *options;
};

cz_status onnx_expand(struct onnx_model *, cz_error *);
cz_status onnx_index_names(struct onnx_model *, cz_error *);
cz_status onnx_sort(struct onnx_model *, cz_error *);
cz_status onnx_judge_nodes(struct onnx_model *, cz_error *);
cz_status onnx_assign_roles(struct onnx_model *, cz_error *);
cz_status onnx_build_graph(struct onnx_model *, cz_error *);

/* Registers a parameter's name. */
cz_status onnx_add_constant(struct onnx_model *, const char *name, const struct onnx_constant *, cz_error *);

/* A Cast that only makes a graph output of another float width: what we would put there ourselves. */
int onnx_is_output_cast(const struct onnx_model *, const Onnx__NodeProto *);

/* What old opsets say in a way that an operator's `parse` cannot see, and float types that become float32. */
cz_status onnx_fix_attrs(const struct onnx_model *, const Onnx__NodeProto *, struct cz_attr_list *,
                         cz_error *);

/* Number of inputs or outputs without the empty names at the end, which stand for nothing. */
int onnx_trimmed_count(char *const *names, size_t n);

/* Type and shape of a graph input or output as declared. */
void onnx_describe_value(const Onnx__ValueInfoProto *, struct cz_onnx_value *out);

cz_status onnx_make_report(const struct onnx_model *, size_t file_bytes, struct cz_onnx_report **out,
                           cz_error *);

/* CZ_ERR_UNSUPPORTED with every operator we lack in one line, CZ_OK where there is none. */
cz_status onnx_refuse_unsupported(const struct onnx_model *, cz_error *);

/* The operator as messages call it: with its domain unless that is ONNX's own. */
const char *onnx_op_label(const Onnx__NodeProto *, struct cz_arena *);
int onnx_is_default_domain(const char *domain);

void onnx_log(const struct onnx_model *, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What a file that is no ONNX model is instead ("a git-LFS pointer ..."), with what to do; NULL: no idea. */
const char *onnx_other_kind(const unsigned char *bytes, size_t size);

#endif
