/*
 * The table of operators, from ops.def, and the two shape rules that several of them share.
 */
#include "engine/op.h"

#include <string.h>

#define CZ_OPERATOR(symbol) extern const struct cz_op symbol;
#include "engine/ops/ops.def"
#undef CZ_OPERATOR

static const struct cz_op *const operators[] = {
#define CZ_OPERATOR(symbol) &symbol,
#include "engine/ops/ops.def"
#undef CZ_OPERATOR
};

int cz_op_count(void)
{
    return (int)(sizeof operators / sizeof *operators);
}

const struct cz_op *cz_op_at(int index)
{
    return index >= 0 && index < cz_op_count() ? operators[index] : NULL;
}

const struct cz_op *cz_op_find(const char *name, int opset, int *known)
{
    *known = 0;
    for (int i = 0; i < cz_op_count(); i++) {
        const struct cz_op *op = operators[i];
        if (strcmp(op->name, name) != 0)
            continue;
        *known = 1;
        if (opset >= op->opset_min && opset <= op->opset_max)
            return op;
    }
    return NULL;
}

/* Dimension i counted from the last one; 1 where the shape has none. */
static int64_t dim_from_end(const struct cz_shape *s, int i)
{
    return i < s->rank ? s->dim[s->rank - 1 - i] : 1;
}

cz_status cz_broadcast_shape(const struct cz_shape *a, const struct cz_shape *b, struct cz_shape *out,
                             cz_error *err)
{
    struct cz_shape r = {a->dtype, a->rank > b->rank ? a->rank : b->rank, {0}};
    char at[CZ_SHAPE_TEXT], bt[CZ_SHAPE_TEXT];
    for (int i = 0; i < r.rank; i++) {
        int64_t x = dim_from_end(a, i), y = dim_from_end(b, i);
        if (x != y && x != 1 && y != 1)
            CZ_FAIL(err, CZ_ERR_SHAPE, "%s and %s do not broadcast: %lld against %lld; equal or 1 wanted",
                    cz_shape_text(a, at, sizeof at), cz_shape_text(b, bt, sizeof bt), (long long)x,
                    (long long)y);
        r.dim[r.rank - 1 - i] = x == 1 ? y : x;
    }
    *out = r;
    return CZ_OK;
}

cz_status cz_normalize_axis(int64_t axis, int rank, int *out, cz_error *err)
{
    if (axis < -rank || axis >= rank)
        CZ_FAIL(err, CZ_ERR_SHAPE, "axis %lld of an input of rank %d; %d to %d wanted", (long long)axis, rank,
                -rank, rank - 1);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return CZ_OK;
}
