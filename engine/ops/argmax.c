/*
 * ArgMax and ArgMin (ONNX opset 1, 11, 12, 13): position of the largest or smallest element along an axis, of
 * equal ones the first, or with select_last_index (12) the last. NaN counts as larger than every number, and
 * for ArgMin as smaller, as in numpy.
 *
 * Source: ONNX operator specification, ArgMax-13.
 */
#include "engine/ops/common.h"
#include "engine/ops/order.h"

#include <math.h>

struct arg_attrs {
    int64_t axis;
    int keepdims, last;
};

static cz_status arg_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct arg_attrs *a = attrs;
    CZ_TRY(cz_parse_int(list, "axis", 0, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err));
    CZ_TRY(cz_parse_flag(list, "keepdims", 1, &a->keepdims, err));
    return opset < 12 ? CZ_OK : cz_parse_flag(list, "select_last_index", 0, &a->last, err);
}

static cz_status arg_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                           int n_out, cz_error *err)
{
    const struct arg_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape;
    char text[CZ_SHAPE_TEXT];
    int axis;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_NUMBER, err));
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    if (x->dim[axis] == 0)
        CZ_FAIL(err, CZ_ERR_SHAPE, "input is %s; at least one element along axis %d wanted",
                cz_shape_text(x, text, sizeof text), axis);
    out[0] = (struct cz_shape){CZ_I64, 0, {0}};
    for (int i = 0; i < x->rank; i++)
        if (i != axis || a->keepdims)
            out[0].dim[out[0].rank++] = i == axis ? 1 : x->dim[i];
    return CZ_OK;
}

/* 1 if element `at` takes the place of `best` that came before it; sign -1 turns the order round. */
static int takes_over(const cz_tensor *x, int64_t at, int64_t best, int sign, int last)
{
    int is_nan = isnan(cz_tensor_double(x, at)), order = cz_element_order(x, at, best);
    if (order != 0 && (is_nan || isnan(cz_tensor_double(x, best))))
        return is_nan; /* NaN goes first either way */
    return order * sign > 0 || (order == 0 && last);
}

static cz_status eval(const struct arg_attrs *a, int sign, const cz_tensor *x, cz_tensor *out, cz_error *err)
{
    int axis;
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    int64_t outer = cz_dim_product(x->dim, 0, axis), n = x->dim[axis];
    int64_t inner = cz_dim_product(x->dim, axis + 1, x->rank), *result = out->data;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            int64_t first = o * n * inner + i, best = 0;
            for (int64_t k = 1; k < n; k++)
                if (takes_over(x, first + k * inner, first + best * inner, sign, a->last))
                    best = k;
            *result++ = best;
        }
    return CZ_OK;
}

#define ARG(symbol, onnx_name, sign)                                                                         \
    static cz_status symbol##_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out,         \
                                   int n_out, cz_error *err)                                                 \
    {                                                                                                        \
        (void)n_in, (void)n_out;                                                                             \
        return eval(attrs, sign, in, out, err);                                                              \
    }                                                                                                        \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = 1,                                                                                      \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 1,                                                                                       \
        .n_in_max = 1,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct arg_attrs),                                                              \
        .parse = arg_parse,                                                                                  \
        .infer = arg_infer,                                                                                  \
        .eval = symbol##_eval,                                                                               \
    };

ARG(arg_max, "ArgMax", 1)
ARG(arg_min, "ArgMin", -1)
