/*
 * Reader of safetensors: a length, a JSON header, the tensors' bytes.
 *
 * Checked as the format's own library does, before any tensor is looked at: the header within 100 MB and the
 * file, no key twice, ranges that follow each other from 0 to the end without hole or overlap, and as long as
 * type and shape demand. So no byte of the file is reachable under two names, and none is hidden.
 *
 * Source: the safetensors format description (huggingface/safetensors, README).
 */
#include "base/checked.h"
#include "importer/json_scan.h"
#include "importer/weights_readers.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, LARGEST_HEADER = 100000000 };

static const struct element {
    const char *name;
    size_t size;
    int has_dtype;
    cz_dtype dtype;
} elements[] = {
    {"F32", 4, 1, CZ_F32},   {"F16", 2, 1, CZ_F16}, {"BF16", 2, 1, CZ_BF16},  {"F64", 8, 1, CZ_F64},
    {"I8", 1, 1, CZ_I8},     {"U8", 1, 1, CZ_U8},   {"I32", 4, 1, CZ_I32},    {"I64", 8, 1, CZ_I64},
    {"BOOL", 1, 1, CZ_BOOL}, {"I16", 2, 0, CZ_U8},  {"U16", 2, 0, CZ_U8},     {"U32", 4, 0, CZ_U8},
    {"U64", 8, 0, CZ_U8},    {"C64", 8, 0, CZ_U8},  {"F8_E4M3", 1, 0, CZ_U8}, {"F8_E5M2", 1, 0, CZ_U8},
};

struct range {
    int64_t begin, end;
    const char *name;
    size_t element_size;
};

struct reader {
    struct cz_weights *weights;
    struct json_scan scan;
    struct range *ranges; /* one per tensor */
    size_t range_capacity;
    int64_t data_size;
};

static cz_status read_dtype(struct reader *r, struct cz_weight *t, struct range *range, cz_error *err)
{
    CZ_TRY(jscan_string(&r->scan, r->weights->arena, &t->type, err));
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (strcmp(elements[i].name, t->type) == 0) {
            t->has_dtype = elements[i].has_dtype;
            t->shape.dtype = elements[i].dtype;
            range->element_size = elements[i].size;
            return CZ_OK;
        }
    CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "tensor '%s': element type '%s' is unknown; save it as F32", t->name,
            t->type);
}

static cz_status read_shape(struct reader *r, struct cz_weight *t, struct range *range, cz_error *err)
{
    (void)range;
    CZ_TRY(jscan_want(&r->scan, '[', err));
    for (t->shape.rank = 0; !jscan_take(&r->scan, ']'); t->shape.rank++) {
        if (t->shape.rank > 0)
            CZ_TRY(jscan_want(&r->scan, ',', err));
        if (t->shape.rank == CZ_MAX_RANK)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "tensor '%s': more than %d dimensions", t->name, CZ_MAX_RANK);
        CZ_TRY(jscan_count(&r->scan, &t->shape.dim[t->shape.rank], err));
    }
    return CZ_OK;
}

static cz_status read_offsets(struct reader *r, struct cz_weight *t, struct range *range, cz_error *err)
{
    (void)t;
    CZ_TRY(jscan_want(&r->scan, '[', err));
    CZ_TRY(jscan_count(&r->scan, &range->begin, err));
    CZ_TRY(jscan_want(&r->scan, ',', err));
    CZ_TRY(jscan_count(&r->scan, &range->end, err));
    return jscan_want(&r->scan, ']', err);
}

static cz_status check_size(const struct reader *r, struct cz_weight *t, const struct range *range,
                            cz_error *err)
{
    int64_t count, bytes;
    if (range->begin > range->end || range->end > r->data_size)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "tensor '%s': bytes %lld to %lld of %lld; the file is cut short or broken", t->name,
                (long long)range->begin, (long long)range->end, (long long)r->data_size);
    if (cz_count_overflow(t->shape.dim, t->shape.rank, &count) ||
        __builtin_mul_overflow(count, (int64_t)range->element_size, &bytes) ||
        bytes != range->end - range->begin)
        CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': its shape does not fit its %lld bytes", t->name,
                (long long)(range->end - range->begin));
    return CZ_OK;
}

static cz_status read_tensor(struct reader *r, const char *name, cz_error *err)
{
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    static cz_status (*const read[])(struct reader *, struct cz_weight *, struct range *,
                                     cz_error *) = {read_dtype, read_shape, read_offsets};
    struct cz_weight *t;
    int seen[3] = {0}, n = 0;
    CZ_TRY(weights_add(r->weights, &t, err));
    if (cz_grow(&r->ranges, &r->range_capacity, (size_t)r->weights->count - 1, sizeof *r->ranges))
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory listing tensors");
    struct range *range = &r->ranges[r->weights->count - 1];
    *range = (struct range){.name = name};
    t->name = name;
    CZ_TRY(jscan_want(&r->scan, '{', err));
    for (; !jscan_take(&r->scan, '}'); n++) {
        const char *key;
        int which = -1;
        if (n > 0)
            CZ_TRY(jscan_want(&r->scan, ',', err));
        CZ_TRY(jscan_string(&r->scan, r->weights->arena, &key, err));
        for (int i = 0; i < 3; i++)
            if (strcmp(key, keys[i]) == 0)
                which = i;
        if (which < 0 || seen[which]++)
            CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': key '%s' is %s; the file is broken", name, key,
                    which < 0 ? "unknown" : "there twice");
        CZ_TRY(jscan_want(&r->scan, ':', err));
        CZ_TRY(read[which](r, t, range, err));
    }
    if (n != 3)
        CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': dtype, shape or data_offsets is missing", name);
    return check_size(r, t, range, err);
}

/* Strings by strings: only looked at, nothing in it changes a number. */
static cz_status read_metadata(struct reader *r, cz_error *err)
{
    CZ_TRY(jscan_want(&r->scan, '{', err));
    for (int n = 0; !jscan_take(&r->scan, '}'); n++) {
        const char *text;
        if (n > 0)
            CZ_TRY(jscan_want(&r->scan, ',', err));
        CZ_TRY(jscan_string(&r->scan, r->weights->arena, &text, err));
        CZ_TRY(jscan_want(&r->scan, ':', err));
        CZ_TRY(jscan_string(&r->scan, r->weights->arena, &text, err));
    }
    return CZ_OK;
}

static cz_status read_header(struct reader *r, cz_error *err)
{
    int has_metadata = 0;
    CZ_TRY(jscan_want(&r->scan, '{', err));
    for (int n = 0; !jscan_take(&r->scan, '}'); n++) {
        const char *key;
        if (n > 0)
            CZ_TRY(jscan_want(&r->scan, ',', err));
        CZ_TRY(jscan_string(&r->scan, r->weights->arena, &key, err));
        CZ_TRY(jscan_want(&r->scan, ':', err));
        if (strcmp(key, "__metadata__") != 0)
            CZ_TRY(read_tensor(r, key, err));
        else if (has_metadata++)
            return jscan_bad(&r->scan, "'__metadata__' is there twice", err);
        else
            CZ_TRY(read_metadata(r, err));
    }
    return jscan_at_end(&r->scan) ? CZ_OK : jscan_bad(&r->scan, "more than one object", err);
}

static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Sorts the ranges, which have done their duty by then. */
static cz_status check_chain(struct reader *r, cz_error *err)
{
    int64_t at = 0;
    if (r->weights->count > 0)
        qsort(r->ranges, (size_t)r->weights->count, sizeof *r->ranges, compare_ranges);
    for (int i = 0; i < r->weights->count; i++) {
        if (r->ranges[i].begin != at)
            CZ_FAIL(err, CZ_ERR_FORMAT, "tensor '%s': begins at byte %lld, %s; the file is broken",
                    r->ranges[i].name, (long long)r->ranges[i].begin,
                    r->ranges[i].begin < at ? "inside another tensor" : "behind a hole");
        at = r->ranges[i].end;
    }
    if (at != r->data_size)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%lld bytes behind the last tensor; the file is broken",
                (long long)(r->data_size - at));
    return CZ_OK;
}

static void set_views(struct reader *r, const unsigned char *data)
{
    for (int i = 0; i < r->weights->count; i++) {
        r->weights->items[i].data = data + r->ranges[i].begin;
        weights_set_row_major(&r->weights->items[i]);
    }
}

cz_status weights_read_safetensors(struct cz_weights *w, const char *name, cz_error *err)
{
    uint64_t length = 0;
    (void)name;
    for (int i = LENGTH_BYTES - 1; i >= 0 && w->map.size >= LENGTH_BYTES; i--)
        length = length << 8 | w->map.data[i];
    if (w->map.size < LENGTH_BYTES || length > LARGEST_HEADER || length > w->map.size - LENGTH_BYTES ||
        length == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "claims a header of %llu bytes in a file of %zu; cut short or broken",
                (unsigned long long)length, w->map.size);
    const unsigned char *header = w->map.data + LENGTH_BYTES, *data = header + length;
    struct reader r = {.weights = w,
                       .scan = {header, header, data},
                       .data_size = (int64_t)(w->map.size - LENGTH_BYTES - length)};
    cz_status status = *header == '{' ? read_header(&r, err) : jscan_bad(&r.scan, "'{' is missing", err);
    if (status == CZ_OK)
        set_views(&r, data);
    if (status == CZ_OK)
        status = check_chain(&r, err);
    free(r.ranges);
    return status;
}
