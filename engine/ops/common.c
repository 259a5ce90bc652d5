#include "engine/ops/common.h"
#include "base/checked.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void set_text(unsigned set, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (int d = CZ_F32; d <= CZ_BOOL; d++) {
        const char *name = cz_dtype_name((cz_dtype)d);
        if (!(set & 1u << d) || used + strlen(name) + 3 > size)
            continue;
        if (used)
            used += (size_t)(stpcpy(buf + used, ", ") - (buf + used));
        used += (size_t)(stpcpy(buf + used, name) - (buf + used));
    }
}

cz_status cz_check_dtype(const struct cz_op_input *in, const char *what, unsigned allowed, cz_error *err)
{
    char names[128];
    if (1u << in->shape.dtype & allowed)
        return CZ_OK;
    set_text(allowed, names, sizeof names);
    CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s is %s; supported: %s", what, cz_dtype_name(in->shape.dtype), names);
}

cz_status cz_check_same_dtype(const struct cz_op_input *in, const char *what, cz_dtype wanted, cz_error *err)
{
    if (in->shape.dtype == wanted)
        return CZ_OK;
    CZ_FAIL(err, CZ_ERR_SHAPE, "%s is %s, the other input is %s; they must be the same", what,
            cz_dtype_name(in->shape.dtype), cz_dtype_name(wanted));
}

cz_status cz_check_rank(const struct cz_op_input *in, const char *what, int min, int max, cz_error *err)
{
    char text[CZ_SHAPE_TEXT];
    if (in->shape.rank >= min && in->shape.rank <= max)
        return CZ_OK;
    cz_shape_text(&in->shape, text, sizeof text);
    if (min == max)
        CZ_FAIL(err, CZ_ERR_SHAPE, "%s is %s of rank %d; rank %d wanted", what, text, in->shape.rank, min);
    CZ_FAIL(err, CZ_ERR_SHAPE, "%s is %s of rank %d; rank %d to %d wanted", what, text, in->shape.rank, min,
            max);
}

cz_status cz_check_vector(const struct cz_op_input *in, const char *what, int64_t length, cz_dtype dtype,
                          cz_error *err)
{
    char found[CZ_SHAPE_TEXT], wanted[CZ_SHAPE_TEXT];
    struct cz_shape want = cz_shape_of(dtype, 1, length);
    if (cz_shape_equal(&in->shape, &want))
        return CZ_OK;
    CZ_FAIL(err, CZ_ERR_SHAPE, "%s is %s; %s wanted", what, cz_shape_text(&in->shape, found, sizeof found),
            cz_shape_text(&want, wanted, sizeof wanted));
}

cz_status cz_known_ints(const struct cz_op_input *in, const char *what, int64_t *out, int max, int *n,
                        cz_error *err)
{
    CZ_TRY(cz_check_dtype(in, what, CZ_SET_INDEX, err));
    CZ_TRY(cz_check_rank(in, what, 0, 1, err));
    int64_t count = cz_shape_count(&in->shape);
    if (count > max)
        CZ_FAIL(err, CZ_ERR_SHAPE, "%s has %lld elements; up to %d wanted", what, (long long)count, max);
    if (count > 0 && !in->constant.data)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s is computed from data; it must be known before the run", what);
    cz_load_ints(&in->constant, 0, count, out);
    *n = (int)count;
    return CZ_OK;
}

static cz_status wrong_kind(const char *name, const char *wanted, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s': not %s", name, wanted);
}

cz_status cz_parse_int(const struct cz_attr_list *list, const char *name, int64_t missing, int64_t min,
                       int64_t max, int64_t *out, cz_error *err)
{
    const struct cz_attr *a = cz_attr_find(list, name);
    if (a && a->kind != CZ_ATTR_INT)
        return wrong_kind(name, "an int", err);
    *out = a ? a->i : missing;
    if (a && (*out < min || *out > max))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s' is %lld; %lld to %lld wanted", name, (long long)*out,
                (long long)min, (long long)max);
    return CZ_OK;
}

cz_status cz_parse_flag(const struct cz_attr_list *list, const char *name, int missing, int *out,
                        cz_error *err)
{
    int64_t value = missing;
    CZ_TRY(cz_parse_int(list, name, missing, 0, 1, &value, err));
    *out = (int)value;
    return CZ_OK;
}

cz_status cz_parse_ints(const struct cz_attr_list *list, const char *name, int64_t min, int64_t max_value,
                        int64_t *out, int max, int *n, cz_error *err)
{
    const struct cz_attr *a = cz_attr_find(list, name);
    *n = 0;
    if (!a)
        return CZ_OK;
    if (a->kind != CZ_ATTR_INTS)
        return wrong_kind(name, "a list of ints", err);
    if (a->n > max)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "attribute '%s' has %d values; up to %d are supported", name, a->n,
                max);
    for (int i = 0; i < a->n; i++) {
        if (a->ints[i] < min || a->ints[i] > max_value)
            CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s': value %d is %lld; %lld to %lld wanted", name, i,
                    (long long)a->ints[i], (long long)min, (long long)max_value);
        out[i] = a->ints[i];
    }
    *n = a->n;
    return CZ_OK;
}

void cz_known_inputs(const cz_tensor *in, int n_in, struct cz_op_input *out)
{
    for (int i = 0; i < n_in; i++)
        out[i] = (struct cz_op_input){in[i].rank >= 0, cz_tensor_shape(&in[i]), in[i]};
}

int64_t cz_tensor_count(const cz_tensor *t)
{
    struct cz_shape s = cz_tensor_shape(t);
    return cz_shape_count(&s);
}

int64_t cz_dim_product(const int64_t *dim, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++)
        n *= dim[i];
    return n;
}

void cz_load_doubles(const cz_tensor *t, int64_t first, int64_t n, double *out)
{
    if (t->dtype == CZ_F32) {
        const float *in = (const float *)t->data + first;
        for (int64_t i = 0; i < n; i++)
            out[i] = (double)in[i];
        return;
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = cz_tensor_double(t, first + i);
}

void cz_store_doubles(cz_tensor *t, int64_t first, int64_t n, const double *in)
{
    if (t->dtype == CZ_F32) {
        float *out = (float *)t->data + first;
        for (int64_t i = 0; i < n; i++)
            out[i] = (float)in[i];
        return;
    }
    for (int64_t i = 0; i < n; i++)
        cz_tensor_store(t, first + i, in[i]);
}

void cz_load_ints(const cz_tensor *t, int64_t first, int64_t n, int64_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = cz_tensor_int(t, first + i);
}

void cz_store_ints(cz_tensor *t, int64_t first, int64_t n, const int64_t *in)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i;
        if (t->dtype == CZ_I64)
            ((int64_t *)t->data)[at] = in[i];
        else if (t->dtype == CZ_I32)
            ((uint32_t *)t->data)[at] = (uint32_t)in[i];
        else if (t->dtype == CZ_BOOL)
            ((uint8_t *)t->data)[at] = in[i] != 0;
        else
            ((uint8_t *)t->data)[at] = (uint8_t)in[i];
    }
}

double *cz_scratch_doubles(int64_t n, cz_error *err)
{
    size_t bytes;
    double *p = cz_mul_overflow((size_t)n, sizeof *p, &bytes) ? NULL : cz_alloc_aligned(bytes);
    if (!p)
        cz_error_set(err, CZ_ERR_MEMORY, "no memory for %lld intermediate values", (long long)n);
    return p;
}

double *cz_scratch_load(const cz_tensor *t, cz_error *err)
{
    int64_t n = cz_tensor_count(t);
    double *p = cz_scratch_doubles(n, err);
    if (p)
        cz_load_doubles(t, 0, n, p);
    return p;
}

void cz_copy_elements(cz_tensor *dst, int64_t dst_first, const cz_tensor *src, int64_t src_first, int64_t n)
{
    size_t size = cz_dtype_size(dst->dtype);
    if (n > 0)
        memcpy((char *)dst->data + (size_t)dst_first * size,
               (const char *)src->data + (size_t)src_first * size, (size_t)n * size);
}

cz_status cz_take_index(const cz_tensor *t, int64_t i, int64_t size, int64_t *index, cz_error *err)
{
    *index = cz_tensor_int(t, i);
    if (*index < -size || *index >= size)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "index %lld at position %lld; %lld to %lld wanted", (long long)*index,
                (long long)i, (long long)-size, (long long)(size - 1));
    *index += *index < 0 ? size : 0;
    return CZ_OK;
}

void cz_fill_elements(cz_tensor *t, const void *element)
{
    size_t size = cz_dtype_size(t->dtype);
    int64_t n = cz_tensor_count(t);
    for (int64_t i = 0; i < n; i++)
        memcpy((char *)t->data + (size_t)i * size, element, size);
}

cz_status cz_infer_same(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                        int n_out, cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    out[0] = in[0].shape;
    return CZ_OK;
}

cz_status cz_eval_copy(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                       cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    if (out[0].data != in[0].data) /* the caller may run it in place */
        cz_copy_elements(&out[0], 0, &in[0], 0, cz_tensor_count(&out[0]));
    return CZ_OK;
}
