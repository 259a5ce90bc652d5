/*
 * An operator: its whole meaning in one descriptor, in engine/ops/<op>.c, listed in engine/ops/ops.def.
 *
 * `eval` is the reference: plain loops over row-major tensors, every dtype and form the operator accepts. It
 * folds constants, resolves shape sub-graphs, and runs at inference for operators without a `plan`. `plan`
 * chooses an algorithm for the float32 fast path and emits steps; it may decline (CZ_PLAN_DECLINED), then
 * `eval` runs as one step.
 */
#ifndef CZ_ENGINE_OP_H
#define CZ_ENGINE_OP_H

#include "engine/attrs.h"
#include "engine/tensor.h"

struct cz_builder;

enum cz_op_flags {
    CZ_OP_ELEMENTWISE =
        1, /* one input of the output's shape, each element by itself: any layout, may run in place */
    CZ_OP_RANDOM = 2,     /* not a function of its inputs in training */
    CZ_OP_INTERNAL = 4,   /* ours, not ONNX's: export writes it as other nodes */
    CZ_OP_SHAPE_ONLY = 8, /* reads the shape of its inputs, never their elements (Shape) */
    CZ_OP_KEEPS_FINITE =
        16, /* a finite element gives a finite one: may run over a blocked value's unused lanes */
};

/* What infer knows of one input: its shape, and its value where that is known before the run (else data is
 * NULL). */
struct cz_op_input {
    int present; /* 0: optional input left out */
    struct cz_shape shape;
    cz_tensor constant; /* data NULL: not known */
};

/* Memory for `eval` beyond its outputs comes from malloc; it is not on the fast path. */
struct cz_op {
    const char *name; /* spelled as ONNX spells it */
    int opset_min,
        opset_max;          /* forms with another meaning are descriptors of their own under the same name */
    int n_in_min, n_in_max; /* n_in_max -1: any number */
    int n_out_min, n_out_max;
    size_t attrs_size;
    unsigned flags;

    /*
     * Attributes to the operator's own struct (zeroed, attrs_size bytes). `opset` is the model's. NULL: no
     * attributes. Errors  CZ_ERR_FORMAT (value out of range, with the name and value found),
     * CZ_ERR_UNSUPPORTED.
     */
    cz_status (*parse)(const struct cz_attr_list *, int opset, void *attrs, cz_error *);

    /*
     * Shapes and dtypes of out[n_out] from in[n_in]. All dimensions are known and not negative.
     * Errors  CZ_ERR_SHAPE with found and wanted; the caller puts "node 'name' (Op): " in front.
     */
    cz_status (*infer)(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                       int n_out, cz_error *);

    /*
     * Fills out[n_out] (allocated, as infer said) from in[n_in]; absent inputs have data NULL and rank -1.
     * Deterministic, one thread. Errors  CZ_ERR_UNSUPPORTED (dtype), CZ_ERR_ARGUMENT (an index out of range).
     */
    cz_status (*eval)(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                      cz_error *);

    /* Emits the forward steps of plan node `node` (see plan.h). NULL: always eval. */
    cz_status (*plan)(struct cz_builder *, int node, cz_error *);

    /* Multiply-adds of one run: convolutions and matrix products, 0 for the rest. NULL: 0. */
    double (*macs)(const void *attrs, const struct cz_op_input *in, int n_in, const struct cz_shape *out);
};

/* The descriptor for `name` at `opset`, or NULL; *known tells whether the name exists at any opset. */
const struct cz_op *cz_op_find(const char *name, int opset, int *known);

/* Every descriptor, in the order of ops.def; for `info --ops` and for tests. */
int cz_op_count(void);
const struct cz_op *cz_op_at(int index);

/* Numpy broadcasting of two shapes (dtype of a). */
cz_status cz_broadcast_shape(const struct cz_shape *a, const struct cz_shape *b, struct cz_shape *out,
                             cz_error *);

/* axis in [-rank, rank) to [0, rank). */
cz_status cz_normalize_axis(int64_t axis, int rank, int *out, cz_error *);

#endif
