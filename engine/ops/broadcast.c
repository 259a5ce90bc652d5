#include "engine/ops/broadcast.h"
#include "engine/ops/strided.h"

#include <string.h>

void cz_broadcast_strides(const struct cz_shape *s, const struct cz_shape *out, int64_t *stride)
{
    int64_t step = 1;
    for (int i = out->rank - 1, j = s->rank - 1; i >= 0; i--, j--) {
        stride[i] = j < 0 || s->dim[j] == 1 ? 0 : step;
        if (j >= 0)
            step *= s->dim[j];
    }
}

/* A dimension joins its inner neighbour where both operands step through the two as through one. */
static int joins(const struct cz_broadcast *p, int64_t a_stride, int64_t b_stride)
{
    int last = p->rank - 1;
    return a_stride == p->a_stride[last] * p->dim[last] && b_stride == p->b_stride[last] * p->dim[last];
}

static void push(struct cz_broadcast *p, int64_t dim, int64_t a_stride, int64_t b_stride)
{
    if (dim == 1)
        return;
    if (p->rank > 0 && joins(p, a_stride, b_stride)) {
        p->dim[p->rank - 1] *= dim;
        return;
    }
    p->dim[p->rank] = dim;
    p->a_stride[p->rank] = a_stride;
    p->b_stride[p->rank++] = b_stride;
}

/* Dimensions were pushed innermost first. */
static void reverse(struct cz_broadcast *p)
{
    for (int i = 0, j = p->rank - 1; i < j; i++, j--) {
        int64_t dim = p->dim[i], a = p->a_stride[i], b = p->b_stride[i];
        p->dim[i] = p->dim[j];
        p->a_stride[i] = p->a_stride[j];
        p->b_stride[i] = p->b_stride[j];
        p->dim[j] = dim;
        p->a_stride[j] = a;
        p->b_stride[j] = b;
    }
}

void cz_broadcast_plan(const struct cz_shape *a, const struct cz_shape *b, const struct cz_shape *out,
                       struct cz_broadcast *p)
{
    int64_t a_stride[CZ_MAX_RANK], b_stride[CZ_MAX_RANK];
    memset(p, 0, sizeof *p);
    p->run = 1;
    cz_broadcast_strides(a, out, a_stride);
    cz_broadcast_strides(b, out, b_stride);
    for (int i = out->rank - 1; i >= 0; i--)
        push(p, out->dim[i], a_stride[i], b_stride[i]);
    if (p->rank == 0)
        return;
    reverse(p);
    /* Innermost strides are 0 or 1: everything inside has size 1. */
    p->rank--;
    p->run = p->dim[p->rank];
    p->a_step = (int)p->a_stride[p->rank];
    p->b_step = (int)p->b_stride[p->rank];
}

void cz_broadcast_start(const struct cz_broadcast *p, struct cz_broadcast_cursor *at)
{
    memset(at, 0, sizeof *at);
    at->done = p->run == 0;
    for (int i = 0; i < p->rank; i++)
        if (p->dim[i] == 0)
            at->done = 1;
}

void cz_broadcast_next(const struct cz_broadcast *p, struct cz_broadcast_cursor *at)
{
    at->out += p->run;
    for (int i = p->rank - 1; i >= 0; i--) {
        at->a += p->a_stride[i];
        at->b += p->b_stride[i];
        if (++at->index[i] < p->dim[i])
            return;
        at->index[i] = 0;
        at->a -= p->a_stride[i] * p->dim[i];
        at->b -= p->b_stride[i] * p->dim[i];
    }
    at->done = 1;
}

void cz_broadcast_copy(const cz_tensor *x, cz_tensor *out)
{
    struct cz_shape from = cz_tensor_shape(x), to = cz_tensor_shape(out);
    struct cz_strided s = {.rank = to.rank};
    memcpy(s.dim, to.dim, sizeof s.dim);
    cz_broadcast_strides(&from, &to, s.src_stride);
    cz_strides_of(to.dim, to.rank, s.dst_stride);
    cz_strided_copy(&s, x, out);
}

cz_status cz_check_broadcast_to(const struct cz_shape *s, const char *what, const struct cz_shape *out,
                                cz_error *err)
{
    char found[CZ_SHAPE_TEXT], wanted[CZ_SHAPE_TEXT];
    int fits = s->rank <= out->rank;
    for (int i = 0; fits && i < s->rank; i++)
        fits = s->dim[i] == 1 || s->dim[i] == out->dim[out->rank - s->rank + i];
    if (fits)
        return CZ_OK;
    CZ_FAIL(err, CZ_ERR_SHAPE, "%s is %s; a shape that broadcasts to %s wanted", what,
            cz_shape_text(s, found, sizeof found), cz_shape_text(out, wanted, sizeof wanted));
}
