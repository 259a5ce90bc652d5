/*
 * Importer: ONNX files to graphs, and what a file holds where we cannot run it.
 *
 * Files are untrusted. A scan of the wire format bounds nesting, counts and memory before anything is
 * unpacked: reading a file of S bytes takes at most 64 MiB + 16 S until it is known to be sound. Parameter
 * values are views of the mapped file where type and alignment allow it, so a file must not be changed while
 * its graph lives; external data is read only from files beside or below the model.
 *
 * float16, bfloat16 and float64 networks are computed in float32: their tensors are widened or narrowed at
 * load, and a Cast stands behind each such input and in front of each such output, which keep their types.
 *
 * Source: onnx.proto (IR versions 3 to 10) and the ONNX specification, IR.md and ExternalData.md.
 */
#ifndef CZ_IMPORTER_IMPORTER_H
#define CZ_IMPORTER_IMPORTER_H

#include "engine/graph.h"

/* An input or output as the file declares it; rank -1: no shape given, dim -1: symbolic or unknown. */
struct cz_onnx_value {
    const char *name;
    struct cz_shape shape;
    const char *dim_name[CZ_MAX_RANK]; /* NULL: fixed, or nameless */
    const char *type;                  /* element type in words ("float32", "uint16", "sequence", ...) */
    int type_known;                    /* 0: shape.dtype says nothing, see type */
};

struct cz_onnx_op_count {
    const char *op; /* with its domain unless that is ONNX's own: "com.microsoft.FusedConv" */
    int n_nodes, n_unsupported;
};

struct cz_onnx_unsupported {
    const char *node, *op;
    int opset;          /* of the operator's domain */
    const char *reason; /* "unknown operator", "opset 23 is newer than ours (6 to 21)", ... */
};

/* What stands in a file, whether or not we can run it. One block of memory. */
struct cz_onnx_report {
    size_t file_bytes, external_bytes; /* external: as far as the initializers refer to it */
    int ir_version, opset;
    const char *producer, *graph_name;
    int n_nodes;              /* in the file, Constant nodes included */
    int n_constant_nodes;     /* Constant nodes and Identities of an initializer: parameters after loading */
    int64_t n_parameters;     /* elements of float initializers */
    int64_t weights_bytes;    /* bytes of all initializers as stored */
    int64_t n_unknown_fields; /* protobuf fields of newer schemas, skipped */
    const struct cz_onnx_op_count *ops; /* most frequent first, then by name */
    int n_ops;
    const struct cz_onnx_value *inputs, *outputs; /* inputs that are not initializers */
    int n_inputs, n_outputs;
    const struct cz_metadata *metadata;
    int n_metadata;
    const struct cz_onnx_unsupported *unsupported; /* in node order */
    int n_unsupported;
    struct cz_arena *arena;
};

struct cz_onnx_options {
    void (*log)(void *user, int level, const char *line); /* as in cz_runtime_options; NULL: silent */
    void *log_user;
};

/*
 * Reads an ONNX file.
 *
 * options   may be NULL.
 * graph     the graph, one reference. NULL as argument: only look (no tensor is read).
 * report    may be NULL; set, and the caller's, whenever the file's structure could be read, also when the
 *           status is CZ_ERR_UNSUPPORTED; NULL otherwise. Release with cz_onnx_report_destroy.
 * Errors    CZ_ERR_IO, CZ_ERR_FORMAT (not ONNX, broken, contradictory), CZ_ERR_UNSUPPORTED (one message with
 *           every operator we lack, node names and counts), CZ_ERR_MEMORY. The file's name stands in front.
 */
cz_status cz_onnx_load(const char *path, const struct cz_onnx_options *options, struct cz_graph **graph,
                       struct cz_onnx_report **report, cz_error *);

/*
 * The same from memory, which must outlive the graph. `name` is for messages; external data is looked for in
 * `folder` (NULL: refused).
 */
cz_status cz_onnx_load_memory(const void *bytes, size_t size, const char *name, const char *folder,
                              const struct cz_onnx_options *options, struct cz_graph **graph,
                              struct cz_onnx_report **report, cz_error *);

void cz_onnx_report_destroy(struct cz_onnx_report *);

/*
 * Reads a file that holds one TensorProto (`.pb`). out->data is the caller's, to be released with free(); the
 * element type stays as stored. Errors as for cz_npy_read.
 */
cz_status cz_onnx_tensor_read(const char *path, cz_tensor *out, cz_error *);
cz_status cz_onnx_tensor_parse(const void *bytes, size_t size, const char *name, cz_tensor *out, cz_error *);

#endif
