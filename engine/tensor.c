#include "engine/tensor.h"
#include "base/checked.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    size_t size;
    const char *name;
} dtypes[] = {
    [CZ_F32] = {4, "float32"}, [CZ_F16] = {2, "float16"}, [CZ_BF16] = {2, "bfloat16"},
    [CZ_F64] = {8, "float64"}, [CZ_I8] = {1, "int8"},     [CZ_U8] = {1, "uint8"},
    [CZ_I32] = {4, "int32"},   [CZ_I64] = {8, "int64"},   [CZ_BOOL] = {1, "bool"},
};

size_t cz_dtype_size(cz_dtype dtype)
{
    return dtypes[dtype].size;
}

const char *cz_dtype_name(cz_dtype dtype)
{
    return dtypes[dtype].name;
}

int64_t cz_shape_count(const struct cz_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= s->dim[i];
    return n;
}

size_t cz_shape_bytes(const struct cz_shape *s)
{
    return (size_t)cz_shape_count(s) * cz_dtype_size(s->dtype);
}

int cz_shape_equal(const struct cz_shape *a, const struct cz_shape *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)(a->rank > 0 ? a->rank : 0)) == 0;
}

/* No tensor of an image network comes near this; a file that asks for more is broken or hostile. */
static const int64_t largest_bytes = (int64_t)1 << 40;

/* Dimensions of 0 count as 1: a product over some of the dimensions must stay in range as well. */
cz_status cz_shape_check(const struct cz_shape *s, const char *what, cz_error *err)
{
    if (s->rank < 0 || s->rank > CZ_MAX_RANK)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: rank %d; up to %d are supported", what, s->rank, CZ_MAX_RANK);
    int64_t n, dim[CZ_MAX_RANK];
    char text[CZ_SHAPE_TEXT];
    for (int i = 0; i < s->rank; i++)
        dim[i] = s->dim[i] ? s->dim[i] : 1;
    if (cz_count_overflow(dim, s->rank, &n) || n > largest_bytes / (int64_t)cz_dtype_size(s->dtype))
        CZ_FAIL(err, CZ_ERR_SHAPE, "%s: impossible shape %s; check what made it", what,
                cz_shape_text(s, text, sizeof text));
    return CZ_OK;
}

char *cz_shape_text(const struct cz_shape *s, char *buf, size_t size)
{
    size_t used = (size_t)snprintf(buf, size, "%s [", cz_dtype_name(s->dtype));
    for (int i = 0; i < s->rank && used < size; i++) {
        const char *comma = i ? "," : "";
        int n = s->dim[i] < 0 ? snprintf(buf + used, size - used, "%s?", comma)
                              : snprintf(buf + used, size - used, "%s%lld", comma, (long long)s->dim[i]);
        used += (size_t)n;
    }
    if (used < size)
        snprintf(buf + used, size - used, "]");
    return buf;
}

struct cz_shape cz_tensor_shape(const cz_tensor *t)
{
    struct cz_shape s = {t->dtype, t->rank, {0}};
    memcpy(s.dim, t->dim, sizeof s.dim);
    return s;
}

cz_tensor cz_tensor_view(void *data, const struct cz_shape *s)
{
    cz_tensor t = {data, s->dtype, s->rank, {0}};
    memcpy(t.dim, s->dim, sizeof t.dim);
    return t;
}

struct cz_shape cz_shape_of(cz_dtype dtype, int rank, ...)
{
    struct cz_shape s = {dtype, rank, {0}};
    va_list args;
    va_start(args, rank);
    for (int i = 0; i < rank; i++)
        s.dim[i] = va_arg(args, int64_t);
    va_end(args);
    return s;
}

float cz_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3FF, bits;
    if (exponent == 31) {
        bits = sign | 0x7F800000u | fraction << 13;
    } else if (exponent > 0) {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    } else {
        /* Subnormal: fraction * 2^-24 is exact in float. */
        float magnitude = (float)fraction * 0x1p-24f;
        memcpy(&bits, &magnitude, sizeof bits);
        bits |= sign;
    }
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

uint16_t cz_float_to_half(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) /* NaN stays NaN */
        return (uint16_t)(sign | 0x7E00 | (magnitude >> 13 & 0x1FF));
    if (magnitude >= 0x477FF000) /* rounds to 65520 or more: infinity */
        return (uint16_t)(sign | 0x7C00);
    if (magnitude < 0x38800000) {
        /* Subnormal: adding 0.5 puts the bits of weight 2^-24 last, so the addition rounds to nearest even.
         */
        float half = 0.5f, sum;
        memcpy(&sum, &magnitude, sizeof sum);
        sum += half;
        memcpy(&magnitude, &sum, sizeof magnitude);
        return (uint16_t)(sign | (magnitude - 0x3F000000));
    }
    magnitude += 0xC8000FFF + (magnitude >> 13 & 1); /* exponent bias 127 -> 15, half of the last place */
    return (uint16_t)(sign | magnitude >> 13);
}

float cz_bfloat_to_float(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

double cz_tensor_double(const cz_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case CZ_F32:
        return ((const float *)t->data)[i];
    case CZ_F16:
        return cz_half_to_float(((const uint16_t *)t->data)[i]);
    case CZ_BF16:
        return cz_bfloat_to_float(((const uint16_t *)t->data)[i]);
    case CZ_F64:
        return ((const double *)t->data)[i];
    default:
        return (double)cz_tensor_int(t, i);
    }
}

int64_t cz_tensor_int(const cz_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case CZ_I8:
        return ((const int8_t *)t->data)[i];
    case CZ_U8:
    case CZ_BOOL:
        return ((const uint8_t *)t->data)[i];
    case CZ_I32:
        return ((const int32_t *)t->data)[i];
    case CZ_I64:
        return ((const int64_t *)t->data)[i];
    default: {
        double v = cz_tensor_double(t, i);
        /* 2^63 as a double: beyond it (and for NaN) the conversion would be undefined. */
        return v >= 0x1p63 ? INT64_MAX : v > -0x1p63 ? (int64_t)v : INT64_MIN;
    }
    }
}

static int64_t clamp_to(double v, int64_t low, int64_t high)
{
    return v != v ? 0 : v <= (double)low ? low : v >= (double)high ? high : (int64_t)v;
}

void cz_tensor_store(cz_tensor *t, int64_t i, double v)
{
    switch (t->dtype) {
    case CZ_F32:
        ((float *)t->data)[i] = (float)v;
        return;
    case CZ_F64:
        ((double *)t->data)[i] = v;
        return;
    case CZ_F16:
        ((uint16_t *)t->data)[i] = cz_float_to_half((float)v);
        return;
    case CZ_BF16: {
        float f = (float)v;
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        bits += f != f ? 0 : 0x7FFF + (bits >> 16 & 1);
        ((uint16_t *)t->data)[i] = (uint16_t)(bits >> 16);
        return;
    }
    case CZ_I8:
        ((int8_t *)t->data)[i] = (int8_t)clamp_to(v, INT8_MIN, INT8_MAX);
        return;
    case CZ_U8:
        ((uint8_t *)t->data)[i] = (uint8_t)clamp_to(v, 0, UINT8_MAX);
        return;
    case CZ_BOOL:
        ((uint8_t *)t->data)[i] = v != 0;
        return;
    case CZ_I32:
        ((int32_t *)t->data)[i] = (int32_t)clamp_to(v, INT32_MIN, INT32_MAX);
        return;
    case CZ_I64:
        ((int64_t *)t->data)[i] = clamp_to(v, INT64_MIN, INT64_MAX);
        return;
    }
}
