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
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

#define ON_DOUBLES(name, operator)                                                                           \
    static void name##_doubles(double *a, const double *b, int64_t n)                                        \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++)                                                                      \
            a[i] = a[i] operator b[i];                                                                       \
    }

/* Unsigned, so that they wrap. */
#define ON_INTS(name, operator)                                                                              \
    static int name##_ints(int64_t *a, const int64_t *b, int64_t n)                                          \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++)                                                                      \
            a[i] = (int64_t)((uint64_t)a[i] operator(uint64_t) b[i]);                                        \
        return 0;                                                                                            \
    }

ON_DOUBLES(add, +)
ON_DOUBLES(sub, -)
ON_DOUBLES(mul, *)
ON_DOUBLES(div, /)
ON_INTS(add, +)
ON_INTS(sub, -)
ON_INTS(mul, *)

static int div_ints(int64_t *a, const int64_t *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (b[i] == 0)
            return 1;
        a[i] = b[i] == -1 ? (int64_t)(0 - (uint64_t)a[i]) : a[i] / b[i];
    }
    return 0;
}

static const struct cz_pairwise rows[] = {
    [CZ_BINARY_ADD] = {add_doubles, add_ints},
    [CZ_BINARY_SUB] = {sub_doubles, sub_ints},
    [CZ_BINARY_MUL] = {mul_doubles, mul_ints},
    [CZ_BINARY_DIV] = {div_doubles, div_ints},
};

static cz_status parse(enum cz_binary_kind kind, const struct cz_attr_list *list, int opset, void *attrs,
                       cz_error *err)
{
    struct cz_binary_attrs *a = attrs;
    a->kind = kind;
    return cz_pairwise_parse(&rows[kind], list, opset, &a->pairwise, err);
}

static cz_status binary_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    const struct cz_binary_attrs *a = attrs;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "a", CZ_SET_NUMBER, err));
    CZ_TRY(cz_check_same_dtype(&in[1], "b", in[0].shape.dtype, err));
    return cz_pairwise_shape(&a->pairwise, in, &out[0], err);
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
        .eval = cz_pairwise_eval,                                                                            \
        .plan = cz_binary_plan,                                                                              \
    };

BINARY(add, "Add", CZ_BINARY_ADD)
BINARY(div, "Div", CZ_BINARY_DIV)
BINARY(mul, "Mul", CZ_BINARY_MUL)
BINARY(sub, "Sub", CZ_BINARY_SUB)
