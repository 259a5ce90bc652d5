#include "importer/onnx_prescan.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <onnx/onnx.pb-c.h>
#include <stdlib.h>
#include <string.h>

/* Lengths in the skeleton are varints padded to five bytes, so that they can be filled in afterwards. */
enum { PADDED_LENGTH = 5 };

/* What unpacking costs beyond a message's struct: malloc's own share, the pointer in the parent's array, and
 * protobuf-c's note of each field while it reads a message. */
enum { BYTES_PER_BLOCK = 24, BYTES_PER_FIELD = 48 };

/* Small files may grow more than large ones: an empty attribute takes 2 bytes in the file, 272 here. */
static const size_t budget_base = (size_t)64 << 20;
enum { BUDGET_PER_BYTE = 16 };

struct frame {
    const ProtobufCMessageDescriptor *type;
    const unsigned char *begin, *end;
    size_t length_at; /* where the skeleton wants its length */
    uint64_t seen;    /* singular messages and members of a choice: bit per field */
};

struct walk {
    const unsigned char *base;
    struct onnx_scan *scan;
    struct frame frames[ONNX_MAX_MESSAGE_DEPTH];
    int depth, n_graphs;
    const unsigned char *p;
};

size_t onnx_varint(const unsigned char *p, const unsigned char *end, uint64_t *value)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 10 && p + i < end; i++) {
        v |= (uint64_t)(p[i] & 0x7F) << (7 * i);
        if (!(p[i] & 0x80)) {
            *value = v;
            return i < 9 || p[i] < 2 ? i + 1 : 0; /* the tenth byte has one bit left */
        }
    }
    return 0;
}

static cz_status broken(const unsigned char *base, const unsigned char *at, const char *what, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_FORMAT, "byte %zu: %s; the file is cut short or broken, get it again",
            (size_t)(at - base), what);
}

static cz_status read_payload(struct onnx_field *f, const unsigned char *p, const unsigned char *end,
                              const unsigned char *base, cz_error *err)
{
    size_t n, left = (size_t)(end - p);
    f->data = p;
    switch (f->wire_type) {
    case ONNX_VARINT:
        n = onnx_varint(p, end, &f->varint);
        if (n == 0)
            return broken(base, p, "a number does not end", err);
        break;
    case ONNX_FIXED64:
        n = 8;
        break;
    case ONNX_FIXED32:
        n = 4;
        break;
    case ONNX_BYTES: {
        uint64_t length;
        size_t head = onnx_varint(p, end, &length);
        if (head == 0)
            return broken(base, p, "a length does not end", err);
        if (length > left - head)
            CZ_FAIL(err, CZ_ERR_FORMAT,
                    "byte %zu: field %u claims %llu bytes, %zu are left; the file is cut short or broken, "
                    "get it again",
                    (size_t)(p - base), f->id, (unsigned long long)length, left - head);
        f->data = p + head;
        f->end = f->data + length;
        return CZ_OK;
    }
    case 3:
    case 4:
        return broken(base, f->tag, "a protobuf group, which ONNX never uses", err);
    default:
        return broken(base, f->tag, "not a protobuf field", err);
    }
    if (n > left)
        return broken(base, p, "a number does not end", err);
    f->end = p + n;
    return CZ_OK;
}

cz_status onnx_next_field(const unsigned char *p, const unsigned char *end, const unsigned char *base,
                          struct onnx_field *f, cz_error *err)
{
    uint64_t tag;
    size_t n = onnx_varint(p, end, &tag);
    if (n == 0 || n > 5 || tag > UINT32_MAX || tag >> 3 == 0)
        return broken(base, p, "not a protobuf field", err);
    f->tag = p;
    f->id = (uint32_t)(tag >> 3);
    f->wire_type = (int)(tag & 7);
    return read_payload(f, p + n, end, base, err);
}

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading the file's structure");
}

static cz_status plan(struct onnx_scan *s, size_t bytes, cz_error *err)
{
    s->planned_bytes +=
        bytes; /* each step is at most a few times the file, which is under 2 GiB: no overflow */
    if (s->planned_bytes > s->budget_bytes)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "unpacking would take more than %zu MiB, out of proportion to the file; refused",
                s->budget_bytes >> 20);
    return CZ_OK;
}

static cz_status emit(struct onnx_scan *s, const void *bytes, size_t n, cz_error *err)
{
    CZ_TRY(plan(s, 2 * n, err));
    if (cz_grow(&s->skeleton, &s->skeleton_capacity, s->skeleton_size + n, 1))
        return no_memory(err);
    memcpy(s->skeleton + s->skeleton_size, bytes, n);
    s->skeleton_size += n;
    return CZ_OK;
}

static void patch_length(unsigned char *at, size_t length)
{
    for (int i = 0; i < PADDED_LENGTH; i++)
        at[i] = (unsigned char)((length >> (7 * i) & 0x7F) | (i + 1 < PADDED_LENGTH ? 0x80 : 0));
}

/* Bulk data, remarks and what only training reads stay behind. */
static int is_dropped(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    if (type == &onnx__tensor_proto__descriptor)
        return field->id >= 4 && field->id <= 12 &&
               field->id != 8; /* every *_data, doc_string; not the name */
    if (type == &onnx__model_proto__descriptor && field->id == 20) /* training_info */
        return 1;
    return strcmp(field->name, "doc_string") == 0 || strcmp(field->name, "quantization_annotation") == 0;
}

static int expected_wire_type(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return ONNX_FIXED32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return ONNX_FIXED64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return ONNX_BYTES;
    default:
        return ONNX_VARINT;
    }
}

/* Packed numbers: each takes 8 bytes at most once unpacked, and at least one in the file. */
static cz_status check_packed(const struct walk *w, const struct onnx_field *f, int element, cz_error *err)
{
    size_t n = (size_t)(f->end - f->data);
    if (element != ONNX_VARINT)
        return n % (element == ONNX_FIXED32 ? 4 : 8) == 0
                   ? CZ_OK
                   : broken(w->base, f->data, "a list of numbers ends inside one", err);
    for (const unsigned char *p = f->data; p < f->end;) {
        uint64_t value;
        size_t length = onnx_varint(p, f->end, &value);
        if (length == 0)
            return broken(w->base, p, "a number does not end", err);
        p += length;
    }
    return CZ_OK;
}

static cz_status check_wire_type(const struct walk *w, const struct onnx_field *f,
                                 const ProtobufCFieldDescriptor *field, cz_error *err)
{
    int want = expected_wire_type(field->type);
    if (f->wire_type == want)
        return CZ_OK;
    if (f->wire_type == ONNX_BYTES && field->label == PROTOBUF_C_LABEL_REPEATED)
        return check_packed(w, f, want, err);
    CZ_FAIL(err, CZ_ERR_FORMAT,
            "byte %zu: field '%s' has the wrong wire type %d; not an ONNX file, or broken",
            (size_t)(f->tag - w->base), field->name, f->wire_type);
}

static cz_status check_text(const struct walk *w, const struct onnx_field *f,
                            const ProtobufCFieldDescriptor *field, cz_error *err)
{
    size_t n = (size_t)(f->end - f->data), bad = cz_utf8_check(f->data, n);
    if (field->type != PROTOBUF_C_TYPE_STRING || bad == n)
        return CZ_OK;
    CZ_FAIL(err, CZ_ERR_FORMAT, "byte %zu: '%s' is not UTF-8 text; not an ONNX file, or broken",
            (size_t)(f->data - w->base) + bad, field->name);
}

/* A message given twice would be merged, a second member of a choice would replace the first: nobody writes
 * that, and merging is where unpackers err. */
static cz_status check_once(struct walk *w, const struct onnx_field *f, const ProtobufCFieldDescriptor *field,
                            cz_error *err)
{
    struct frame *frame = &w->frames[w->depth - 1];
    int is_choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (field->label == PROTOBUF_C_LABEL_REPEATED || (field->type != PROTOBUF_C_TYPE_MESSAGE && !is_choice))
        return CZ_OK;
    /* Every choice of the schema is its message's only one, so bit 63 can stand for it. */
    uint64_t bit = (uint64_t)1 << (is_choice ? 63 : (unsigned)(field - frame->type->fields));
    if (frame->seen & bit)
        return broken(w->base, f->tag, "a field that may stand once stands twice", err);
    frame->seen |= bit;
    return CZ_OK;
}

static cz_status count_message(struct walk *w, const ProtobufCMessageDescriptor *type, cz_error *err)
{
    struct onnx_scan *s = w->scan;
    if (type == &onnx__node_proto__descriptor && ++s->n_nodes > ONNX_MAX_NODES)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "more than %d nodes", ONNX_MAX_NODES);
    if (type == &onnx__attribute_proto__descriptor && ++s->n_attributes > ONNX_MAX_ATTRIBUTES)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "more than %d attributes", ONNX_MAX_ATTRIBUTES);
    if (type == &onnx__graph_proto__descriptor && ++w->n_graphs > 1 + ONNX_MAX_SUBGRAPH_DEPTH)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "byte %zu: sub-graphs nested more than %d deep",
                (size_t)(w->p - w->base), ONNX_MAX_SUBGRAPH_DEPTH);
    return plan(s, type->sizeof_message + BYTES_PER_BLOCK, err);
}

static cz_status note_tensor(struct walk *w, const unsigned char *begin, const unsigned char *end,
                             cz_error *err)
{
    struct onnx_scan *s = w->scan;
    if (s->n_tensors == ONNX_MAX_TENSORS)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "more than %d tensors", ONNX_MAX_TENSORS);
    if (cz_grow(&s->tensors, &s->tensor_capacity, s->n_tensors, sizeof *s->tensors))
        return no_memory(err);
    s->tensors[s->n_tensors++] = (struct onnx_span){(size_t)(begin - w->base), (size_t)(end - w->base)};
    uint32_t index = (uint32_t)s->n_tensors - 1;
    static const unsigned char raw_data[] = {9 << 3 | ONNX_BYTES, sizeof index};
    CZ_TRY(emit(s, raw_data, sizeof raw_data, err));
    CZ_TRY(emit(s, &index, sizeof index, err));
    return plan(s, 2 * sizeof *s->tensors + BYTES_PER_BLOCK, err);
}

static cz_status push(struct walk *w, const ProtobufCMessageDescriptor *type, const unsigned char *begin,
                      const unsigned char *end, cz_error *err)
{
    if (w->depth == ONNX_MAX_MESSAGE_DEPTH)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "byte %zu: messages nested more than %d deep",
                (size_t)(begin - w->base), ONNX_MAX_MESSAGE_DEPTH);
    CZ_TRY(count_message(w, type, err));
    w->frames[w->depth++] = (struct frame){type, begin, end, w->scan->skeleton_size, 0};
    if (w->depth > 1)
        CZ_TRY(emit(w->scan, (unsigned char[PADDED_LENGTH]){0}, PADDED_LENGTH, err));
    if (type == &onnx__tensor_proto__descriptor)
        CZ_TRY(note_tensor(w, begin, end, err));
    w->p = begin;
    return CZ_OK;
}

static void pop(struct walk *w)
{
    const struct frame *frame = &w->frames[--w->depth];
    if (frame->type == &onnx__graph_proto__descriptor)
        w->n_graphs--;
    if (w->depth > 0)
        patch_length(w->scan->skeleton + frame->length_at,
                     w->scan->skeleton_size - frame->length_at - PADDED_LENGTH);
}

/* Values: text with its terminator and block, numbers at eight bytes each. */
static size_t unpacked_bytes(const struct onnx_field *f, const ProtobufCFieldDescriptor *field)
{
    size_t n = (size_t)(f->end - f->data);
    if (f->wire_type == ONNX_BYTES && expected_wire_type(field->type) != ONNX_BYTES)
        return BYTES_PER_FIELD + 8 * n;
    return BYTES_PER_FIELD + BYTES_PER_BLOCK + 8 + n;
}

static cz_status scan_field(struct walk *w, const struct onnx_field *f, cz_error *err)
{
    const ProtobufCMessageDescriptor *type = w->frames[w->depth - 1].type;
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, f->id);
    w->p = f->end;
    if (!field) {
        w->scan->n_unknown++;
        return CZ_OK;
    }
    CZ_TRY(check_wire_type(w, f, field, err));
    if (is_dropped(type, field))
        return CZ_OK;
    CZ_TRY(check_once(w, f, field, err));
    CZ_TRY(plan(w->scan, unpacked_bytes(f, field), err));
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        uint64_t tag;
        CZ_TRY(emit(w->scan, f->tag, onnx_varint(f->tag, f->end, &tag), err));
        return push(w, field->descriptor, f->data, f->end, err);
    }
    CZ_TRY(check_text(w, f, field, err));
    return emit(w->scan, f->tag, (size_t)(f->end - f->tag), err);
}

static cz_status walk_all(struct walk *w, cz_error *err)
{
    while (w->depth > 0) {
        const struct frame *frame = &w->frames[w->depth - 1];
        if (w->p == frame->end) {
            pop(w);
            continue;
        }
        struct onnx_field f;
        CZ_TRY(onnx_next_field(w->p, frame->end, w->base, &f, err));
        CZ_TRY(scan_field(w, &f, err));
    }
    return CZ_OK;
}

cz_status onnx_prescan(const unsigned char *bytes, size_t size, const ProtobufCMessageDescriptor *root,
                       struct onnx_scan *out, cz_error *err)
{
    memset(out, 0, sizeof *out);
    if (size > INT32_MAX)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "%zu bytes; a protobuf file ends at 2 GiB, keep the weights as external data beside it",
                size);
    out->budget_bytes = budget_base + BUDGET_PER_BYTE * size;
    struct walk w = {.base = bytes, .scan = out};
    cz_status status = push(&w, root, bytes, bytes + size, err);
    if (status == CZ_OK)
        status = walk_all(&w, err);
    if (status != CZ_OK)
        onnx_scan_deinit(out);
    return status;
}

void onnx_scan_deinit(struct onnx_scan *scan)
{
    free(scan->skeleton);
    free(scan->tensors);
    memset(scan, 0, sizeof *scan);
}
