/*
 * Equal, Greater, Less (ONNX opset 1, 7, 9, 11, 13, 19), GreaterOrEqual, LessOrEqual (12, 16), And, Or, Xor
 * (1, 7): bool from two inputs with broadcasting. NaN compares false, as in IEEE 754.
 *
 * Source: ONNX operator specification.
 */
#include "engine/ops/common.h"
#include "engine/ops/pairwise.h"

#define COMPARISON(name, operator)                                                                           \
    static void name##_doubles(double *a, const double *b, int64_t n)                                        \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++)                                                                      \
            a[i] = a[i] operator b[i];                                                                       \
    }                                                                                                        \
    static int name##_ints(int64_t *a, const int64_t *b, int64_t n)                                          \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++)                                                                      \
            a[i] = a[i] operator b[i];                                                                       \
        return 0;                                                                                            \
    }                                                                                                        \
    static const struct cz_pairwise name = {name##_doubles, name##_ints};

/* Stored bools are 0 and 1, or any byte a file put there. */
#define LOGIC(name, operator)                                                                                \
    static int name##_ints(int64_t *a, const int64_t *b, int64_t n)                                          \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++)                                                                      \
            a[i] = !!a[i] operator!!b[i];                                                                    \
        return 0;                                                                                            \
    }                                                                                                        \
    static const struct cz_pairwise name = {NULL, name##_ints};

COMPARISON(equal, ==)
COMPARISON(greater, >)
COMPARISON(greater_or_equal, >=)
COMPARISON(less, <)
COMPARISON(less_or_equal, <=)
LOGIC(both, &)
LOGIC(either, |)
LOGIC(one, ^)

static cz_status infer(const void *attrs, const struct cz_op_input *in, unsigned allowed,
                       struct cz_shape *out, cz_error *err)
{
    CZ_TRY(cz_check_dtype(&in[0], "a", allowed, err));
    CZ_TRY(cz_check_same_dtype(&in[1], "b", in[0].shape.dtype, err));
    CZ_TRY(cz_pairwise_shape(attrs, in, out, err));
    out->dtype = CZ_BOOL;
    return CZ_OK;
}

#define PAIRWISE(symbol, onnx_name, first_opset, row, allowed)                                               \
    static cz_status symbol##_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)  \
    {                                                                                                        \
        return cz_pairwise_parse(&(row), list, opset, attrs, err);                                           \
    }                                                                                                        \
    static cz_status symbol##_infer(const void *attrs, const struct cz_op_input *in, int n_in,               \
                                    struct cz_shape *out, int n_out, cz_error *err)                          \
    {                                                                                                        \
        (void)n_in, (void)n_out;                                                                             \
        return infer(attrs, in, allowed, out, err);                                                          \
    }                                                                                                        \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = first_opset,                                                                            \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 2,                                                                                       \
        .n_in_max = 2,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct cz_pairwise_attrs),                                                      \
        .parse = symbol##_parse,                                                                             \
        .infer = symbol##_infer,                                                                             \
        .eval = cz_pairwise_eval,                                                                            \
    };

PAIRWISE(and, "And", 1, both, CZ_SET_BOOL)
PAIRWISE(equal, "Equal", 1, equal, CZ_SET_ANY)
PAIRWISE(greater, "Greater", 1, greater, CZ_SET_NUMBER)
PAIRWISE(greater_or_equal, "GreaterOrEqual", 12, greater_or_equal, CZ_SET_NUMBER)
PAIRWISE(less, "Less", 1, less, CZ_SET_NUMBER)
PAIRWISE(less_or_equal, "LessOrEqual", 12, less_or_equal, CZ_SET_NUMBER)
PAIRWISE(or, "Or", 1, either, CZ_SET_BOOL)
PAIRWISE(xor, "Xor", 1, one, CZ_SET_BOOL)
