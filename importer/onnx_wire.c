#include "importer/onnx_wire.h"

#include <string.h>

enum { VARINT = 0, BYTES = 2, FIXED32 = 5 };

void onnx_put(struct onnx_out *o, const void *bytes, size_t n)
{
    if (o->stream && n > 0)
        fwrite(bytes, 1, n, o->stream);
    o->size += n;
}

static void put_varint(struct onnx_out *o, uint64_t value)
{
    unsigned char bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        n++;
        value >>= 7;
    } while (value > 0);
    onnx_put(o, bytes, n);
}

static void put_tag(struct onnx_out *o, int field, int wire_type)
{
    put_varint(o, (uint64_t)field << 3 | (uint64_t)wire_type);
}

void onnx_put_int(struct onnx_out *o, int field, int64_t value)
{
    put_tag(o, field, VARINT);
    put_varint(o, (uint64_t)value);
}

void onnx_put_float(struct onnx_out *o, int field, float value)
{
    put_tag(o, field, FIXED32);
    onnx_put(o, &value, sizeof value);
}

void onnx_put_bytes(struct onnx_out *o, int field, const void *bytes, size_t n)
{
    put_tag(o, field, BYTES);
    put_varint(o, n);
    onnx_put(o, bytes, n);
}

void onnx_put_text(struct onnx_out *o, int field, const char *text)
{
    onnx_put_bytes(o, field, text, strlen(text));
}

void onnx_put_message(struct onnx_out *o, int field, onnx_body body, const void *what)
{
    struct onnx_out counter = {0};
    body(&counter, what);
    put_tag(o, field, BYTES);
    put_varint(o, counter.size);
    if (o->stream)
        body(o, what);
    else
        o->size += counter.size;
}
