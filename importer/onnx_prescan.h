/*
 * A walk over the wire format before anything is unpacked.
 *
 * protobuf-c recurses without a limit, copies every byte and turns a two-byte empty message into a struct of
 * 250; a hostile file of a few kilobytes ends a process that trusts it. The walk keeps its own fixed stack,
 * checks lengths, varints, names and counts against the schema that protobuf-c itself uses, adds up what
 * unpacking would allocate, and writes a skeleton: the same message without the tensors' bytes, texts for
 * people and unknown fields. Each tensor of the skeleton carries, as its raw_data, the number of its entry in
 * `tensors`, which says where in the file it lies.
 *
 * Source: protobuf's wire-format specification; measurements of protobuf-c 1.4.1 (crash at 3,000 nested
 * graphs, 84-fold growth of empty nodes).
 */
#ifndef CZ_IMPORTER_ONNX_PRESCAN_H
#define CZ_IMPORTER_ONNX_PRESCAN_H

#include "base/status.h"

#include <protobuf-c/protobuf-c.h>

enum {
    ONNX_MAX_MESSAGE_DEPTH = 100,
    ONNX_MAX_SUBGRAPH_DEPTH = 8,
    ONNX_MAX_NODES = 200000,
    ONNX_MAX_TENSORS = 200000,
    ONNX_MAX_ATTRIBUTES = 2000000,
};

/* A TensorProto's own bytes in the file: [begin, end). */
struct onnx_span {
    size_t begin, end;
};

struct onnx_scan {
    unsigned char *skeleton;
    size_t skeleton_size, skeleton_capacity;
    struct onnx_span *tensors;
    size_t n_tensors, tensor_capacity;
    int64_t n_nodes, n_attributes, n_unknown;
    size_t planned_bytes, budget_bytes;
};

/*
 * Scans bytes[size] as a message of type `root` (a model or a tensor). On success the scan is the caller's,
 * to be given to onnx_scan_deinit. Errors  CZ_ERR_FORMAT with the byte's offset, CZ_ERR_UNSUPPORTED (a
 * limit), CZ_ERR_MEMORY.
 */
cz_status onnx_prescan(const unsigned char *bytes, size_t size, const ProtobufCMessageDescriptor *root,
                       struct onnx_scan *out, cz_error *);
void onnx_scan_deinit(struct onnx_scan *);

/* One field of a message, for those who walk on. */
struct onnx_field {
    uint32_t id;
    int wire_type;                         /* enum onnx_wire */
    const unsigned char *tag, *data, *end; /* tag, payload (without its length), end of the field */
    uint64_t varint;                       /* value of wire type 0 */
};
enum onnx_wire { ONNX_VARINT = 0, ONNX_FIXED64 = 1, ONNX_BYTES = 2, ONNX_FIXED32 = 5 };

/* Reads the field at p in [p, end); `base` is the file's first byte, for messages. */
cz_status onnx_next_field(const unsigned char *p, const unsigned char *end, const unsigned char *base,
                          struct onnx_field *out, cz_error *);

/* A varint of at most 10 bytes at p; returns its length, or 0. */
size_t onnx_varint(const unsigned char *p, const unsigned char *end, uint64_t *value);

#endif
