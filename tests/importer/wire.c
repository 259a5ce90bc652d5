#include "tests/importer/wire.h"

#include <stdlib.h>
#include <string.h>

void msg_raw(struct msg *m, const void *bytes, size_t n)
{
    if (m->size + n > m->capacity) {
        m->capacity = 2 * (m->size + n) + 64;
        m->bytes = realloc(m->bytes, m->capacity);
        if (!m->bytes)
            abort();
    }
    if (n)
        memcpy(m->bytes + m->size, bytes, n);
    m->size += n;
}

void msg_varint(struct msg *m, uint64_t value)
{
    do {
        unsigned char byte = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        msg_raw(m, &byte, 1);
        value >>= 7;
    } while (value);
}

void msg_int(struct msg *m, int field, int64_t value)
{
    msg_varint(m, (uint64_t)field << 3);
    msg_varint(m, (uint64_t)value);
}

void msg_bytes(struct msg *m, int field, const void *bytes, size_t n)
{
    msg_varint(m, (uint64_t)field << 3 | 2);
    msg_varint(m, n);
    msg_raw(m, bytes, n);
}

void msg_text(struct msg *m, int field, const char *text)
{
    msg_bytes(m, field, text, strlen(text));
}

void msg_take(struct msg *m, int field, struct msg child)
{
    msg_bytes(m, field, child.bytes, child.size);
    msg_free(&child);
}

void msg_free(struct msg *m)
{
    free(m->bytes);
    memset(m, 0, sizeof *m);
}

void msg_names(struct msg *m, int field, const char *list)
{
    for (const char *p = list; *list;) {
        size_t n = strcspn(p, ",");
        msg_bytes(m, field, p, n);
        if (!p[n])
            return;
        p += n + 1;
    }
}

struct msg make_tensor(const char *name, int type, int rank, const int64_t *dims, const void *raw,
                       size_t size)
{
    struct msg m = {0};
    for (int i = 0; i < rank; i++)
        msg_int(&m, 1, dims[i]);
    msg_int(&m, 2, type);
    msg_text(&m, 8, name);
    if (raw)
        msg_bytes(&m, 9, raw, size);
    return m;
}

struct msg make_node(const char *op, const char *name, const char *in, const char *out)
{
    struct msg m = {0};
    msg_names(&m, 1, in);
    msg_names(&m, 2, out);
    msg_text(&m, 3, name);
    msg_text(&m, 4, op);
    return m;
}

static struct msg make_shape(int rank, const int64_t *dims)
{
    struct msg shape = {0};
    for (int i = 0; i < rank; i++) {
        struct msg dim = {0};
        if (dims[i] == -1)
            msg_text(&dim, 2, "N");
        else
            msg_int(&dim, 1, dims[i]);
        msg_take(&shape, 1, dim);
    }
    return shape;
}

struct msg make_value(const char *name, int type, int rank, const int64_t *dims)
{
    struct msg tensor = {0}, wrapped = {0}, m = {0};
    msg_int(&tensor, 1, type);
    if (rank >= 0)
        msg_take(&tensor, 2, make_shape(rank, dims));
    msg_take(&wrapped, 1, tensor);
    msg_text(&m, 1, name);
    msg_take(&m, 2, wrapped);
    return m;
}

struct msg make_int_attr(const char *name, int64_t value)
{
    struct msg m = {0};
    msg_text(&m, 1, name);
    msg_int(&m, 3, value);
    msg_int(&m, 20, 2);
    return m;
}

struct msg make_opset(const char *domain, int64_t version)
{
    struct msg m = {0};
    msg_text(&m, 1, domain);
    msg_int(&m, 2, version);
    return m;
}

struct msg make_model(int64_t ir, int64_t opset, struct msg graph)
{
    struct msg m = {0};
    msg_int(&m, 1, ir);
    if (opset)
        msg_take(&m, 8, make_opset("", opset));
    msg_take(&m, 7, graph);
    return m;
}
