/*
 * Writing functions, If and Loop out: scopes of names, and the copy of the graph that grows.
 */
#ifndef CZ_IMPORTER_ONNX_SCOPE_H
#define CZ_IMPORTER_ONNX_SCOPE_H

#include "importer/onnx_model.h"

/* What a body's names and attribute references mean. A subgraph also sees its surroundings, a function not.
 */
struct onnx_scope {
    const struct onnx_scope *outer; /* NULL: nothing outside is seen */
    struct cz_strmap names;         /* inner name -> index into the expander's texts */
    const Onnx__NodeProto *call;    /* whose attributes a function's nodes refer to */
    int depth;
};

struct onnx_expander {
    struct onnx_model *m;
    struct cz_arena *arena;
    Onnx__NodeProto **nodes;
    Onnx__TensorProto **initializers;
    const char **texts;
    size_t n_nodes, n_initializers, n_texts, node_capacity, initializer_capacity, text_capacity;
    int64_t n_visits, n_names, n_bodies;
    struct cz_strmap functions; /* "domain\nname" -> function */
    struct cz_strmap known;     /* value name -> index into tensors */
    const Onnx__TensorProto **tensors;
    size_t n_tensors, tensor_capacity;
};

cz_status onnx_too_much(cz_error *); /* more nodes than are read */

/* Inside the scope `inner` is called `name`, which must outlive the expander (NULL: out of memory). */
cz_status onnx_scope_bind(struct onnx_expander *, struct onnx_scope *, const char *inner, const char *name,
                          cz_error *);

/*
 * The name in the finished graph. At the top a name is itself; one that no scope knows stays, and is reported
 * later as coming from nowhere.
 */
const char *onnx_scope_resolve(const struct onnx_expander *, const struct onnx_scope *, const char *name);

/* Names what a body computes, before its nodes are copied: uses may stand in front of definitions. */
cz_status onnx_scope_bind_outputs(struct onnx_expander *, struct onnx_scope *, Onnx__NodeProto *const *nodes,
                                  size_t n, const char *prefix, cz_error *);

char *onnx_prefixed(struct onnx_expander *, const char *prefix, const char *name); /* "prefix/name" */

/* The node with the names and attributes that it has in this scope. */
cz_status onnx_copy_node(struct onnx_expander *, const struct onnx_scope *, const Onnx__NodeProto *from,
                         Onnx__NodeProto **out, cz_error *);
cz_status onnx_append_node(struct onnx_expander *, const Onnx__NodeProto *, cz_error *);

/* Nodes of our own, with up to one attribute; a Constant of one int64. */
Onnx__AttributeProto *onnx_new_attribute(struct onnx_expander *, const char *name,
                                         Onnx__AttributeProto__AttributeType);
cz_status onnx_emit(struct onnx_expander *, const char *op, const char *const *inputs, size_t n_inputs,
                    const char *output, Onnx__AttributeProto *, cz_error *);
cz_status onnx_emit_int(struct onnx_expander *, const char *output, int64_t value, cz_error *);

const Onnx__AttributeProto *onnx_find_attribute(const Onnx__NodeProto *, const char *name);
const char *onnx_first_output(const Onnx__NodeProto *); /* that has a name; "" */

#endif
