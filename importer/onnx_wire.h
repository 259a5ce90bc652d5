/*
 * Writing protobuf's wire format straight to a stream.
 *
 * A message carries its length in front, so each is walked twice: once counting, once writing. Counting skips
 * over the tensors' bytes, which makes it cheap, and nothing is ever held in memory a second time.
 *
 * Source: protobuf's wire-format specification.
 */
#ifndef CZ_IMPORTER_ONNX_WIRE_H
#define CZ_IMPORTER_ONNX_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* stream NULL: only counts. Write errors stay in the stream. */
struct onnx_out {
    FILE *stream;
    uint64_t size;
};

void onnx_put(struct onnx_out *, const void *bytes, size_t n);
void onnx_put_int(struct onnx_out *, int field, int64_t value);
void onnx_put_float(struct onnx_out *, int field, float value);
void onnx_put_bytes(struct onnx_out *, int field, const void *bytes, size_t n);
void onnx_put_text(struct onnx_out *, int field, const char *text);

/* A message whose fields `body` writes; called twice. */
typedef void (*onnx_body)(struct onnx_out *, const void *what);
void onnx_put_message(struct onnx_out *, int field, onnx_body body, const void *what);

#endif
