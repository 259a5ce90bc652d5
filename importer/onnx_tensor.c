#include "importer/onnx_tensor.h"
#include "base/checked.h"
#include "importer/onnx_external.h"

#include <stdlib.h>
#include <string.h>

/* TensorProto's fields for values. */
enum {
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    STRING_DATA = 6,
    INT64_DATA = 7,
    RAW_DATA = 9,
    DOUBLE_DATA = 10,
    UINT64_DATA = 11
};

/* By TensorProto.DataType: name, our type if we have it, and the field its values stand in when not raw. */
static const struct type {
    const char *name;
    int known;
    cz_dtype dtype;
    uint32_t field;
} types[] = {
    {"undefined", 0, CZ_F32, 0},
    {"float32", 1, CZ_F32, FLOAT_DATA},
    {"uint8", 1, CZ_U8, INT32_DATA},
    {"int8", 1, CZ_I8, INT32_DATA},
    {"uint16", 0, CZ_F32, 0},
    {"int16", 0, CZ_F32, 0},
    {"int32", 1, CZ_I32, INT32_DATA},
    {"int64", 1, CZ_I64, INT64_DATA},
    {"string", 0, CZ_F32, 0},
    {"bool", 1, CZ_BOOL, INT32_DATA},
    {"float16", 1, CZ_F16, INT32_DATA},
    {"float64", 1, CZ_F64, DOUBLE_DATA},
    {"uint32", 0, CZ_F32, 0},
    {"uint64", 0, CZ_F32, 0},
    {"complex64", 0, CZ_F32, 0},
    {"complex128", 0, CZ_F32, 0},
    {"bfloat16", 1, CZ_BF16, INT32_DATA},
};
enum { N_TYPES = sizeof types / sizeof *types };

const char *onnx_type_name(int elem_type)
{
    return elem_type >= 0 && elem_type < N_TYPES ? types[elem_type].name : "a type newer than ours";
}

int onnx_type_to_dtype(int elem_type, cz_dtype *out)
{
    if (elem_type < 0 || elem_type >= N_TYPES || !types[elem_type].known)
        return 0;
    *out = types[elem_type].dtype;
    return 1;
}

int onnx_type_of(cz_dtype dtype)
{
    for (int i = 0; i < N_TYPES; i++)
        if (types[i].known && types[i].dtype == dtype)
            return i;
    return 0;
}

int onnx_is_widened(cz_dtype dtype)
{
    return dtype == CZ_F16 || dtype == CZ_BF16 || dtype == CZ_F64;
}

static const char *tensor_name(const Onnx__TensorProto *t)
{
    return t->name && t->name[0] ? t->name : "(nameless)";
}

cz_status onnx_tensor_shape(const Onnx__TensorProto *t, struct cz_shape *out, cz_error *err)
{
    char what[256];
    memset(out, 0, sizeof *out);
    snprintf(what, sizeof what, "tensor '%.200s'", tensor_name(t));
    if (!onnx_type_to_dtype(t->data_type, &out->dtype))
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: elements of type %s (%d) are not supported", what,
                onnx_type_name(t->data_type), t->data_type);
    if (t->n_dims > CZ_MAX_RANK)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: %zu dimensions; up to %d are supported", what, t->n_dims,
                CZ_MAX_RANK);
    out->rank = (int)t->n_dims;
    for (int i = 0; i < out->rank; i++)
        out->dim[i] = t->dims[i];
    return cz_shape_check(out, what, err);
}

/* The values of one tensor as the file has them: raw bytes, or a list that may come in several pieces. */
struct values {
    const unsigned char *raw;
    size_t raw_size;
    int has_raw;
    uint32_t list; /* id of the list's field, 0: none */
    struct onnx_span span;
};

static cz_status find_values(const struct onnx_source *src, const Onnx__TensorProto *t, struct values *v,
                             cz_error *err)
{
    uint32_t index;
    memset(v, 0, sizeof *v);
    if (t->raw_data.len != sizeof index)
        CZ_FAIL(err, CZ_ERR_INTERNAL, "tensor '%s': not scanned", tensor_name(t));
    memcpy(&index, t->raw_data.data, sizeof index);
    v->span = src->scan->tensors[index];
    const unsigned char *end = src->bytes + v->span.end;
    struct onnx_field f;
    for (const unsigned char *p = src->bytes + v->span.begin; p < end; p = f.end) {
        CZ_TRY(onnx_next_field(p, end, src->bytes, &f, err));
        if (f.id == RAW_DATA) {
            v->raw = f.data;
            v->raw_size = (size_t)(f.end - f.data);
            v->has_raw++;
        } else if (f.id >= FLOAT_DATA && f.id <= UINT64_DATA && f.id != 8) {
            if (v->list && v->list != f.id)
                CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': values of two types", tensor_name(t));
            v->list = f.id;
        }
    }
    if (v->has_raw + (v->list != 0) > 1)
        CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': values given twice", tensor_name(t));
    return CZ_OK;
}

static cz_status wrong_size(const Onnx__TensorProto *t, const struct cz_shape *shape, size_t found,
                            const char *unit, size_t want, cz_error *err)
{
    char text[CZ_SHAPE_TEXT];
    CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': %zu %s, %s needs %zu; the file is broken", tensor_name(t),
            found, unit, cz_shape_text(shape, text, sizeof text), want);
}

static cz_status external_bytes(struct onnx_source *src, const Onnx__TensorProto *t, size_t want,
                                const unsigned char **out, cz_error *err)
{
    struct cz_metadata entries[8];
    struct onnx_external ref;
    struct cz_file_map map;
    size_t end;
    if (t->n_external_data > 8)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%zu entries of external data", t->n_external_data);
    for (size_t i = 0; i < t->n_external_data; i++) {
        const Onnx__StringStringEntryProto *e = t->external_data[i];
        entries[i] = (struct cz_metadata){e->key ? e->key : "", e->value ? e->value : ""};
    }
    CZ_TRY(onnx_external_parse(entries, t->n_external_data, &ref, err));
    CZ_TRY(onnx_store_external(src->store, ref.location, &map, err));
    if (ref.has_length && ref.length != want)
        CZ_FAIL(err, CZ_ERR_FORMAT, "external data '%s': length %zu, its shape needs %zu", ref.location,
                ref.length, want);
    if (cz_add_overflow(ref.offset, want, &end) || end > map.size)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "external data '%s': %zu bytes at %zu are wanted, the file has %zu; it is cut short",
                ref.location, want, ref.offset, map.size);
    *out = map.data + ref.offset;
    return CZ_OK;
}

/* Little-endian bytes of the whole tensor, or NULL where they stand in a list of numbers. */
static cz_status plain_bytes(struct onnx_source *src, const Onnx__TensorProto *t,
                             const struct cz_shape *shape, const struct values *v, const unsigned char **out,
                             cz_error *err)
{
    size_t want = cz_shape_bytes(shape);
    *out = NULL;
    if (t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
        if (v->has_raw || v->list)
            CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': values given twice", tensor_name(t));
        cz_status status = external_bytes(src, t, want, out, err);
        return status == CZ_OK ? CZ_OK : cz_error_prefix(err, status, "tensor '%s'", tensor_name(t));
    }
    if (v->list)
        return CZ_OK;
    if (v->raw_size != want)
        return wrong_size(t, shape, v->raw_size, "bytes", want, err);
    *out = v->has_raw ? v->raw : (const unsigned char *)"";
    return CZ_OK;
}

/* One number of a list as the bytes of an element. Numbers that the element cannot hold are refused. */
static cz_status put_number(const Onnx__TensorProto *t, cz_dtype dtype, int64_t value, unsigned char *out,
                            cz_error *err)
{
    static const struct {
        int64_t low, high;
    } range[] = {
        [CZ_F16] = {0, 0xFFFF}, [CZ_BF16] = {0, 0xFFFF},           [CZ_I8] = {-128, 127},
        [CZ_U8] = {0, 255},     [CZ_I32] = {INT32_MIN, INT32_MAX}, [CZ_I64] = {INT64_MIN, INT64_MAX},
        [CZ_BOOL] = {0, 1},
    };
    if (value < range[dtype].low || value > range[dtype].high)
        CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': value %lld is no %s", tensor_name(t), (long long)value,
                cz_dtype_name(dtype));
    memcpy(out, &value, cz_dtype_size(dtype));
    return CZ_OK;
}

/* Where the next element of a list goes; counts only, where bytes is NULL. */
struct sink {
    const Onnx__TensorProto *tensor;
    cz_dtype dtype;
    unsigned char *bytes;
    size_t count;
};

static cz_status list_piece(struct sink *s, const struct onnx_field *f, const unsigned char *base,
                            cz_error *err)
{
    size_t size = cz_dtype_size(s->dtype);
    if (s->dtype == CZ_F32 || s->dtype == CZ_F64) {
        size_t n = (size_t)(f->end - f->data);
        if (n % size != 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "byte %zu: a list of numbers ends inside one",
                    (size_t)(f->data - base));
        if (s->bytes)
            memcpy(s->bytes + s->count * size, f->data, n);
        s->count += n / size;
        return CZ_OK;
    }
    if (f->wire_type != ONNX_VARINT && f->wire_type != ONNX_BYTES)
        CZ_FAIL(err, CZ_ERR_FORMAT, "byte %zu: a list of the wrong kind", (size_t)(f->data - base));
    for (const unsigned char *p = f->data; p < f->end; s->count++) {
        uint64_t value;
        size_t n = onnx_varint(p, f->end, &value);
        if (n == 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "byte %zu: a number does not end", (size_t)(p - base));
        if (s->bytes)
            CZ_TRY(put_number(s->tensor, s->dtype, (int64_t)value, s->bytes + s->count * size, err));
        p += n;
    }
    return CZ_OK;
}

static cz_status walk_list(const struct onnx_source *src, const struct values *v, struct sink *s,
                           cz_error *err)
{
    const unsigned char *end = src->bytes + v->span.end;
    struct onnx_field f;
    for (const unsigned char *p = src->bytes + v->span.begin; p < end; p = f.end) {
        CZ_TRY(onnx_next_field(p, end, src->bytes, &f, err));
        if (f.id == v->list)
            CZ_TRY(list_piece(s, &f, src->bytes, err));
    }
    return CZ_OK;
}

/* A list of numbers becomes a block of elements; counted before anything is allocated. */
static cz_status list_bytes(struct onnx_source *src, const Onnx__TensorProto *t, const struct cz_shape *shape,
                            const struct values *v, const unsigned char **out, cz_error *err)
{
    struct sink s = {.tensor = t, .dtype = shape->dtype};
    size_t want = (size_t)cz_shape_count(shape);
    void *block;
    if (v->list != types[t->data_type].field)
        CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': a list of the wrong kind for %s", tensor_name(t),
                cz_dtype_name(shape->dtype));
    CZ_TRY(walk_list(src, v, &s, err));
    if (s.count != want)
        return wrong_size(t, shape, s.count, "values", want, err);
    CZ_TRY(onnx_store_block(src->store, cz_shape_bytes(shape), &block, err));
    s.bytes = block;
    s.count = 0;
    CZ_TRY(walk_list(src, v, &s, err));
    *out = block;
    return CZ_OK;
}

static void widen_values(cz_dtype from, const unsigned char *in, float *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        uint16_t half;
        double value;
        if (from == CZ_F64) {
            memcpy(&value, in + 8 * i, 8);
            out[i] = (float)value;
            continue;
        }
        memcpy(&half, in + 2 * i, 2);
        out[i] = from == CZ_F16 ? cz_half_to_float(half) : cz_bfloat_to_float(half);
    }
}

cz_status onnx_tensor_values(struct onnx_source *src, const Onnx__TensorProto *t, int widen, cz_tensor *out,
                             cz_error *err)
{
    struct cz_shape shape;
    struct values v;
    const unsigned char *bytes;
    void *block;
    CZ_TRY(onnx_tensor_shape(t, &shape, err));
    CZ_TRY(find_values(src, t, &v, err));
    CZ_TRY(plain_bytes(src, t, &shape, &v, &bytes, err));
    if (v.list)
        CZ_TRY(list_bytes(src, t, &shape, &v, &bytes, err));
    size_t size = cz_shape_bytes(&shape);
    int is_widened = widen && onnx_is_widened(shape.dtype);
    if (!is_widened && (uintptr_t)bytes % cz_dtype_size(shape.dtype) == 0) {
        *out = cz_tensor_view((void *)bytes, &shape);
        return CZ_OK;
    }
    struct cz_shape stored = shape;
    shape.dtype = is_widened ? CZ_F32 : shape.dtype;
    CZ_TRY(onnx_store_block(src->store, cz_shape_bytes(&shape), &block, err));
    if (is_widened)
        widen_values(stored.dtype, bytes, block, cz_shape_count(&shape));
    else
        memcpy(block, bytes, size);
    if (t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL ||
        onnx_store_has_mapped(src->store, bytes))
        onnx_store_drop_pages(bytes, size);
    src->n_widened += is_widened;
    *out = cz_tensor_view(block, &shape);
    return CZ_OK;
}
