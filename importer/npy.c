#include "importer/npy.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "elements are moved as little-endian bytes"
#endif

/* NumPy's own headers stay under a few hundred bytes; structured types, which we refuse, make the long ones.
 */
enum { LARGEST_HEADER = 1 << 16 };

/* What the file calls an element, and what it becomes here. */
static const struct element {
    char kind;
    int size;
    cz_dtype dtype;
} elements[] = {
    {'b', 1, CZ_BOOL}, {'i', 1, CZ_I8},  {'i', 2, CZ_I32}, {'i', 4, CZ_I32},
    {'i', 8, CZ_I64},  {'u', 1, CZ_U8},  {'u', 2, CZ_I32}, {'u', 4, CZ_I64},
    {'u', 8, CZ_I64},  {'f', 2, CZ_F16}, {'f', 4, CZ_F32}, {'f', 8, CZ_F64},
};

struct header {
    const struct element *element;
    int big_endian, fortran_order;
    struct cz_shape shape;
    const unsigned char *data;
    size_t data_size;
};

/* The header's dictionary is read by hand: strings, True/False, tuples of whole numbers, nothing else. */
struct cursor {
    const char *p, *end;
    const char *name;
};

static void skip_spaces(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static int take(struct cursor *c, char want)
{
    skip_spaces(c);
    if (c->p == c->end || *c->p != want)
        return 0;
    c->p++;
    return 1;
}

static cz_status bad_header(const struct cursor *c, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_FORMAT, "%s: the NPY header is not what NumPy writes; save the array again", c->name);
}

/* 'text' or "text" without escapes, at most size-1 characters. */
static cz_status take_string(struct cursor *c, char *out, size_t size, cz_error *err)
{
    skip_spaces(c);
    if (c->p == c->end || (*c->p != '\'' && *c->p != '"'))
        return bad_header(c, err);
    char quote = *c->p++;
    size_t n = 0;
    while (c->p < c->end && *c->p != quote && n + 1 < size)
        out[n++] = *c->p++;
    if (c->p == c->end || *c->p != quote)
        return bad_header(c, err);
    c->p++;
    out[n] = '\0';
    return CZ_OK;
}

static cz_status parse_descr(struct cursor *c, struct header *h, cz_error *err)
{
    char text[32];
    skip_spaces(c);
    if (c->p < c->end && *c->p == '[')
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: elements are structures; save plain numbers", c->name);
    CZ_TRY(take_string(c, text, sizeof text, err));
    const char *type = strchr("<>|=", text[0]) && text[0] ? text + 1 : text;
    if (type[0] == 'O')
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "%s: elements are Python objects, which may hold code; save plain numbers", c->name);
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (type[0] == elements[i].kind && type[1] == '0' + elements[i].size && type[2] == '\0')
            h->element = &elements[i];
    if (!h->element || (text[0] == '|' && h->element->size > 1))
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: element type '%s'; ours are b1, i1-i8, u1-u8, f2, f4, f8",
                c->name, text);
    h->big_endian = text[0] == '>';
    return CZ_OK;
}

static cz_status parse_order(struct cursor *c, struct header *h, cz_error *err)
{
    static const char *const words[] = {"False", "True"};
    skip_spaces(c);
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(c->end - c->p) >= n && memcmp(c->p, words[i], n) == 0) {
            c->p += n;
            h->fortran_order = i;
            return CZ_OK;
        }
    }
    return bad_header(c, err);
}

static cz_status take_dim(struct cursor *c, int64_t *out, cz_error *err)
{
    int64_t value = 0;
    const char *start = c->p;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *c->p - '0', &value))
            CZ_FAIL(err, CZ_ERR_FORMAT, "%s: a dimension does not fit 63 bits; save the array again",
                    c->name);
    *out = value;
    return c->p == start ? bad_header(c, err) : CZ_OK;
}

static cz_status parse_shape(struct cursor *c, struct header *h, cz_error *err)
{
    if (!take(c, '('))
        return bad_header(c, err);
    h->shape.rank = 0;
    while (!take(c, ')')) {
        if (h->shape.rank == CZ_MAX_RANK)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: more than %d dimensions; reshape it", c->name, CZ_MAX_RANK);
        skip_spaces(c);
        CZ_TRY(take_dim(c, &h->shape.dim[h->shape.rank++], err));
        int comma = take(c, ',');
        skip_spaces(c);
        if (c->p == c->end || (!comma && *c->p != ')'))
            return bad_header(c, err);
    }
    return CZ_OK;
}

static cz_status parse_dictionary(struct cursor *c, struct header *h, cz_error *err)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    static cz_status (*const parse[])(struct cursor *, struct header *,
                                      cz_error *) = {parse_descr, parse_order, parse_shape};
    int seen[3] = {0};
    if (!take(c, '{'))
        return bad_header(c, err);
    while (!take(c, '}')) {
        char key[32];
        int which = -1;
        CZ_TRY(take_string(c, key, sizeof key, err));
        for (int i = 0; i < 3; i++)
            if (strcmp(key, keys[i]) == 0)
                which = i;
        if (which < 0 || seen[which]++ || !take(c, ':'))
            return bad_header(c, err);
        CZ_TRY(parse[which](c, h, err));
        int comma = take(c, ',');
        skip_spaces(c);
        if (c->p == c->end || (!comma && *c->p != '}'))
            return bad_header(c, err);
    }
    skip_spaces(c);
    return seen[0] && seen[1] && seen[2] && c->p == c->end ? CZ_OK : bad_header(c, err);
}

/* Where the dictionary lies; version 1 has a 16-bit length, 2 and 3 a 32-bit one. */
static cz_status find_dictionary(const unsigned char *bytes, size_t size, struct cursor *c, cz_error *err)
{
    if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: not an NPY file; make one with numpy.save", c->name);
    if (bytes[6] < 1 || bytes[6] > 3)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: NPY version %d; 1 to 3 are supported", c->name, bytes[6]);
    size_t start = bytes[6] == 1 ? 10 : 12, length = bytes[8] | (size_t)bytes[9] << 8;
    if (start == 12 && size >= 12)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (size < start || length > size - start || length > LARGEST_HEADER)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "%s: the NPY header claims %zu bytes, the file has %zu; it is cut short or broken", c->name,
                length, size);
    c->p = (const char *)bytes + start;
    c->end = c->p + length;
    return length > 0 && c->end[-1] == '\n' ? CZ_OK : bad_header(c, err);
}

static cz_status parse_header(const unsigned char *bytes, size_t size, const char *name, struct header *h,
                              cz_error *err)
{
    struct cursor c = {.name = name};
    CZ_TRY(find_dictionary(bytes, size, &c, err));
    h->data = (const unsigned char *)c.end;
    h->data_size = size - (size_t)(h->data - bytes);
    CZ_TRY(parse_dictionary(&c, h, err));
    h->shape.dtype = h->element->dtype;
    CZ_TRY(cz_shape_check(&h->shape, name, err));
    size_t want = (size_t)cz_shape_count(&h->shape) * (size_t)h->element->size;
    if (want != h->data_size)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "%s: %zu bytes of data, the header's shape needs %zu; it is cut short or broken", name,
                h->data_size, want);
    return CZ_OK;
}

/* Sign- or zero-extended bits of one element. */
static uint64_t load_element(const struct header *h, const unsigned char *p)
{
    int size = h->element->size;
    uint64_t bits = 0;
    for (int i = 0; i < size; i++)
        bits |= (uint64_t)p[h->big_endian ? size - 1 - i : i] << (8 * i);
    if (h->element->kind == 'i' && size < 8 && bits >> (8 * size - 1))
        bits |= ~(uint64_t)0 << (8 * size);
    return bits;
}

/* Byte step of each axis in the file. */
static void file_strides(const struct header *h, size_t stride[CZ_MAX_RANK])
{
    size_t step = (size_t)h->element->size;
    for (int i = 0; i < h->shape.rank; i++) {
        int axis = h->fortran_order ? i : h->shape.rank - 1 - i;
        stride[axis] = step;
        step *= (size_t)h->shape.dim[axis];
    }
}

/* To the next element in row-major order; returns its place in the file. */
static const unsigned char *advance(const struct header *h, const size_t *stride, int64_t *index,
                                    const unsigned char *p)
{
    for (int axis = h->shape.rank - 1; axis >= 0; axis--) {
        p += stride[axis];
        if (++index[axis] < h->shape.dim[axis])
            return p;
        p -= stride[axis] * (size_t)h->shape.dim[axis];
        index[axis] = 0;
    }
    return p;
}

static cz_status convert(const struct header *h, const char *name, unsigned char *out, cz_error *err)
{
    size_t stride[CZ_MAX_RANK], out_size = cz_dtype_size(h->shape.dtype);
    int64_t index[CZ_MAX_RANK] = {0}, count = cz_shape_count(&h->shape);
    const unsigned char *p = h->data;
    file_strides(h, stride);
    for (int64_t i = 0; i < count; i++, out += out_size) {
        uint64_t bits = load_element(h, p);
        if (h->element->kind == 'u' && bits > INT64_MAX)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                    "%s: element %lld is %llu; the largest whole number here is 2^63-1", name, (long long)i,
                    (unsigned long long)bits);
        if (h->element->kind == 'b')
            bits = bits != 0;
        memcpy(out, &bits, out_size);
        p = advance(h, stride, index, p);
    }
    return CZ_OK;
}

static int is_plain(const struct header *h)
{
    return !h->big_endian && (!h->fortran_order || h->shape.rank < 2) && h->element->kind != 'b' &&
           (size_t)h->element->size == cz_dtype_size(h->shape.dtype) &&
           !(h->element->kind == 'u' && h->element->size == 8);
}

cz_status cz_npy_parse(const void *bytes, size_t size, const char *name, cz_tensor *out, cz_error *err)
{
    struct header h = {0};
    CZ_TRY(parse_header(bytes, size, name, &h, err));
    void *data = cz_alloc_aligned(cz_shape_bytes(&h.shape));
    if (!data)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: no memory for %zu bytes", name, cz_shape_bytes(&h.shape));
    if (is_plain(&h)) {
        if (h.data_size)
            memcpy(data, h.data, h.data_size);
    } else {
        cz_status status = convert(&h, name, data, err);
        if (status != CZ_OK) {
            free(data);
            return status;
        }
    }
    *out = cz_tensor_view(data, &h.shape);
    return CZ_OK;
}

cz_status cz_npy_read(const char *path, cz_tensor *out, cz_error *err)
{
    struct cz_file_map map;
    CZ_TRY(cz_file_map(path, &map, err));
    cz_status status = cz_npy_parse(map.data, map.size, path, out, err);
    cz_file_unmap(&map);
    return status;
}

/* "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }", padded so that the data starts at 64. */
static size_t format_header(const cz_tensor *t, char text[256])
{
    static const char *const descr[] = {
        [CZ_F32] = "<f4", [CZ_F16] = "<f2", [CZ_BF16] = "<f4", [CZ_F64] = "<f8",  [CZ_I8] = "|i1",
        [CZ_U8] = "|u1",  [CZ_I32] = "<i4", [CZ_I64] = "<i8",  [CZ_BOOL] = "|b1",
    };
    memcpy(text, "\x93NUMPY\x01\x00", 8);
    size_t used = 10;
    used += (size_t)snprintf(text + used, 256 - used, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                             descr[t->dtype]);
    for (int i = 0; i < t->rank; i++)
        used += (size_t)snprintf(text + used, 256 - used, "%s%lld%s", i ? " " : "", (long long)t->dim[i],
                                 i + 1 < t->rank || t->rank == 1 ? "," : "");
    used += (size_t)snprintf(text + used, 256 - used, "), }");
    size_t total = cz_round_up(used + 1, 64);
    memset(text + used, ' ', total - used);
    text[total - 1] = '\n';
    text[8] = (char)((total - 10) & 0xFF);
    text[9] = (char)((total - 10) >> 8);
    return total;
}

static void write_data(FILE *stream, const cz_tensor *t)
{
    struct cz_shape shape = cz_tensor_shape(t);
    if (t->dtype != CZ_BF16) {
        fwrite(t->data, 1, cz_shape_bytes(&shape), stream);
        return;
    }
    const uint16_t *half = t->data;
    for (int64_t i = 0; i < cz_shape_count(&shape); i++) {
        float value = cz_bfloat_to_float(half[i]);
        fwrite(&value, sizeof value, 1, stream);
    }
}

cz_status cz_npy_write(const char *path, const cz_tensor *t, cz_error *err)
{
    struct cz_file_writer writer;
    char header[256];
    CZ_TRY(cz_file_writer_open(path, &writer, err));
    fwrite(header, 1, format_header(t, header), writer.stream);
    write_data(writer.stream, t);
    return cz_file_writer_commit(&writer, err);
}
