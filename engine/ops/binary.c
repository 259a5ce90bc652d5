/*
 * Add, Sub, Mul, Div (ONNX opset 1, 6, 7, 13, 14) with broadcasting.
 *
 * Before opset 7 `broadcast` and `axis` place b inside a; b's dimensions are then padded with ones and the
 * later rule does the rest (it accepts all that broadcast=0 accepts). Integers wrap around as their type
 * does; integer division truncates. Floats are computed in double and rounded once, which for these four
 * gives the correctly rounded result of the narrower type.
 *
 * Source: ONNX operator specification, Add-6, Add-14 and likewise.
 */
#include "engine/ops/binary.h"
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

static cz_status parse(enum cz_binary_kind kind, const struct cz_attr_list *list, int opset, void *attrs,
                       cz_error *err)
{
    struct cz_binary_attrs *a = attrs;
    a->kind = kind;
    a->has_axis = opset < 7 && cz_attr_int(list, "broadcast", 0) && cz_attr_find(list, "axis");
    return a->has_axis ? cz_parse_int(list, "axis", 0, -CZ_MAX_RANK, CZ_MAX_RANK, &a->axis, err) : CZ_OK;
}

cz_status cz_binary_operand(const struct cz_binary_attrs *t, const struct cz_shape *a,
                            const struct cz_shape *b, struct cz_shape *out, cz_error *err)
{
    int axis;
    char at[CZ_SHAPE_TEXT], bt[CZ_SHAPE_TEXT];
    *out = *b;
    if (!t->has_axis || a->rank == 0)
        return CZ_OK;
    CZ_TRY(cz_normalize_axis(t->axis, a->rank, &axis, err));
    if (axis + b->rank > a->rank)
        CZ_FAIL(err, CZ_ERR_SHAPE, "b is %s at axis %d of a, %s; fewer dimensions wanted",
                cz_shape_text(b, bt, sizeof bt), axis, cz_shape_text(a, at, sizeof at));
    while (out->rank < a->rank - axis)
        out->dim[out->rank++] = 1;
    return CZ_OK;
}

static cz_status binary_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    struct cz_shape b;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "a", CZ_SET_NUMBER, err));
    CZ_TRY(cz_check_same_dtype(&in[1], "b", in[0].shape.dtype, err));
    CZ_TRY(cz_binary_operand(attrs, &in[0].shape, &in[1].shape, &b, err));
    return cz_broadcast_shape(&in[0].shape, &b, &out[0], err);
}

static void combine_doubles(enum cz_binary_kind kind, double *a, const double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        switch (kind) {
        case CZ_BINARY_ADD:
            a[i] += b[i];
            break;
        case CZ_BINARY_SUB:
            a[i] -= b[i];
            break;
        case CZ_BINARY_MUL:
            a[i] *= b[i];
            break;
        case CZ_BINARY_DIV:
            a[i] /= b[i];
            break;
        }
}

/* Unsigned arithmetic wraps; the quotient of the lowest number by -1 wraps too. */
static int combine_ints(enum cz_binary_kind kind, int64_t *a, const int64_t *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)a[i], y = (uint64_t)b[i];
        if (kind == CZ_BINARY_DIV && b[i] == 0)
            return 1;
        if (kind == CZ_BINARY_DIV)
            a[i] = b[i] == -1 ? (int64_t)(0 - x) : a[i] / b[i];
        else
            a[i] = (int64_t)(kind == CZ_BINARY_ADD ? x + y : kind == CZ_BINARY_SUB ? x - y : x * y);
    }
    return 0;
}

/* n elements from `first` on, or the one there n times. */
static void take_doubles(const cz_tensor *t, int64_t first, int step, int64_t n, double *out)
{
    if (step) {
        cz_load_doubles(t, first, n, out);
        return;
    }
    double v = cz_tensor_double(t, first);
    for (int64_t i = 0; i < n; i++)
        out[i] = v;
}

static void take_ints(const cz_tensor *t, int64_t first, int step, int64_t n, int64_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = cz_tensor_int(t, first + i * step);
}

struct run {
    enum cz_binary_kind kind;
    const cz_tensor *a, *b;
    int64_t a_first, b_first, out_first, count;
    int a_step, b_step;
};

static void run_doubles(const struct run *r, cz_tensor *out)
{
    double x[CZ_RUN], y[CZ_RUN];
    take_doubles(r->a, r->a_first, r->a_step, r->count, x);
    take_doubles(r->b, r->b_first, r->b_step, r->count, y);
    combine_doubles(r->kind, x, y, r->count);
    cz_store_doubles(out, r->out_first, r->count, x);
}

static cz_status run_ints(const struct run *r, cz_tensor *out, cz_error *err)
{
    int64_t x[CZ_RUN], y[CZ_RUN];
    take_ints(r->a, r->a_first, r->a_step, r->count, x);
    take_ints(r->b, r->b_first, r->b_step, r->count, y);
    if (combine_ints(r->kind, x, y, r->count))
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "integer division by zero");
    cz_store_ints(out, r->out_first, r->count, x);
    return CZ_OK;
}

static cz_status binary_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    const struct cz_binary_attrs *t = attrs;
    struct cz_shape a = cz_tensor_shape(&in[0]), b = cz_tensor_shape(&in[1]), y = cz_tensor_shape(&out[0]);
    struct cz_broadcast plan;
    struct cz_broadcast_cursor at;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_binary_operand(t, &a, &b, &b, err));
    cz_broadcast_plan(&a, &b, &y, &plan);
    for (cz_broadcast_start(&plan, &at); !at.done; cz_broadcast_next(&plan, &at))
        for (int64_t i = 0; i < plan.run; i += CZ_RUN) {
            struct run r = {t->kind,
                            &in[0],
                            &in[1],
                            at.a + i * plan.a_step,
                            at.b + i * plan.b_step,
                            at.out + i,
                            plan.run - i < CZ_RUN ? plan.run - i : CZ_RUN,
                            plan.a_step,
                            plan.b_step};
            if (cz_is_float(in[0].dtype))
                run_doubles(&r, &out[0]);
            else
                CZ_TRY(run_ints(&r, &out[0], err));
        }
    return CZ_OK;
}

#define BINARY(symbol, onnx_name, kind)                                                                      \
    static cz_status symbol##_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)  \
    {                                                                                                        \
        return parse(kind, list, opset, attrs, err);                                                         \
    }                                                                                                        \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = 1,                                                                                      \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 2,                                                                                       \
        .n_in_max = 2,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct cz_binary_attrs),                                                        \
        .parse = symbol##_parse,                                                                             \
        .infer = binary_infer,                                                                               \
        .eval = binary_eval,                                                                                 \
        .plan = cz_binary_plan,                                                                              \
    };

BINARY(add, "Add", CZ_BINARY_ADD)
BINARY(div, "Div", CZ_BINARY_DIV)
BINARY(mul, "Mul", CZ_BINARY_MUL)
BINARY(sub, "Sub", CZ_BINARY_SUB)
