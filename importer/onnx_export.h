/*
 * Writes any graph, imported or built, as one ONNX file.
 *
 * The opset is the graph's own or the one asked for, the IR version 8 (newer only where the opset demands
 * it). Operators of ours that ONNX lacks are written as ONNX nodes: adaptive average pooling to a size that
 * does not divide the map becomes two matrix products with constant matrices. The same graph gives the same
 * bytes.
 */
#ifndef CZ_IMPORTER_ONNX_EXPORT_H
#define CZ_IMPORTER_ONNX_EXPORT_H

#include "engine/graph.h"

struct cz_onnx_export_options {
    int opset; /* 13 to 21; 0: the graph's own (onnx_convert.h) */
    int fp16;  /* weights as float16 tensors with a Cast behind each (half.h); half the bytes, computed in
                  float32 */
};

/*
 * path     takes its name only when the file is complete. Values are streamed from where the graph has them.
 * Errors   CZ_ERR_STATE (a parameter without values), CZ_ERR_UNSUPPORTED (2 GiB or more, protobuf's limit;
 * fp16, see half.h), CZ_ERR_SHAPE (the network does not fit its input size), CZ_ERR_IO, CZ_ERR_MEMORY.
 */
cz_status cz_onnx_export_as(struct cz_graph *, const char *path, const struct cz_onnx_export_options *options,
                            cz_error *);

/* The same without options. */
cz_status cz_onnx_export(const struct cz_graph *, const char *path, cz_error *);

#endif
