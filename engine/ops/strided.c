#include "engine/ops/strided.h"
#include "engine/ops/common.h"

#include <string.h>

void cz_strides_of(const int64_t *dim, int rank, int64_t *stride)
{
    int64_t step = 1;
    for (int i = rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= dim[i];
    }
}

#define COPY_ROW(type)                                                                                       \
    for (int64_t i = 0; i < n; i++)                                                                          \
    ((type *)dst)[i * dst_stride] = ((const type *)src)[i * src_stride]

/* src and dst point at the row's first elements. */
static void copy_row(const char *src, int64_t src_stride, char *dst, int64_t dst_stride, int64_t n,
                     size_t size)
{
    if (src_stride == 1 && dst_stride == 1)
        memcpy(dst, src, (size_t)n * size);
    else if (size == 1)
        COPY_ROW(uint8_t);
    else if (size == 2)
        COPY_ROW(uint16_t);
    else if (size == 4)
        COPY_ROW(uint32_t);
    else
        COPY_ROW(uint64_t);
}

/* Advances the outer index; 0 when it has run through. */
static int next_row(const struct cz_strided *s, int64_t *index, int64_t *src, int64_t *dst)
{
    for (int i = s->rank - 2; i >= 0; i--) {
        *src += s->src_stride[i];
        *dst += s->dst_stride[i];
        if (++index[i] < s->dim[i])
            return 1;
        index[i] = 0;
        *src -= s->src_stride[i] * s->dim[i];
        *dst -= s->dst_stride[i] * s->dim[i];
    }
    return 0;
}

void cz_strided_copy(const struct cz_strided *s, const cz_tensor *src, cz_tensor *dst)
{
    int64_t index[CZ_MAX_RANK] = {0}, src_at = s->src_first, dst_at = s->dst_first;
    int last = s->rank - 1;
    int64_t size = (int64_t)cz_dtype_size(dst->dtype);
    if (cz_dim_product(s->dim, 0, s->rank) == 0)
        return;
    do {
        copy_row((const char *)src->data + src_at * size, last >= 0 ? s->src_stride[last] : 1,
                 (char *)dst->data + dst_at * size, last >= 0 ? s->dst_stride[last] : 1,
                 last >= 0 ? s->dim[last] : 1, (size_t)size);
    } while (next_row(s, index, &src_at, &dst_at));
}
