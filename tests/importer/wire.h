/* ONNX files by hand: messages as growing byte strings, so that a test can write what no exporter would. */
#ifndef TESTS_IMPORTER_WIRE_H
#define TESTS_IMPORTER_WIRE_H

#include <stddef.h>
#include <stdint.h>

struct msg {
    unsigned char *bytes;
    size_t size, capacity;
};

void msg_raw(struct msg *, const void *bytes, size_t n);
void msg_varint(struct msg *, uint64_t value);
void msg_int(struct msg *, int field, int64_t value);
void msg_bytes(struct msg *, int field, const void *bytes, size_t n);
void msg_text(struct msg *, int field, const char *text);
void msg_take(struct msg *, int field, struct msg child); /* frees the child */
void msg_free(struct msg *);

/* "a,b" as repeated strings; "" for an empty one. */
void msg_names(struct msg *, int field, const char *comma_separated);

/* TensorProto: dims[rank], type, raw bytes (NULL: none). */
struct msg make_tensor(const char *name, int type, int rank, const int64_t *dims, const void *raw,
                       size_t size);
struct msg make_node(const char *op, const char *name, const char *in, const char *out);
/* ValueInfoProto; a dimension of -1 is called "N", rank -1 leaves the shape out. */
struct msg make_value(const char *name, int type, int rank, const int64_t *dims);
struct msg make_int_attr(const char *name, int64_t value);
struct msg make_opset(const char *domain, int64_t version);
struct msg make_model(int64_t ir, int64_t opset, struct msg graph); /* opset 0: no import */

enum {
    F32 = 1,
    U8 = 2,
    I8 = 3,
    U16 = 4,
    I32 = 6,
    I64 = 7,
    STRING = 8,
    BOOL = 9,
    F16 = 10,
    F64 = 11,
    BF16 = 16
};
/* Fields of GraphProto. */
enum { NODE = 1, INITIALIZER = 5, INPUT = 11, OUTPUT = 12, VALUE_INFO = 13 };

#endif
