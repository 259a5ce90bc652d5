/*
 * Max and Min (ONNX opset 1, 6, 8, 12, 13): any number of inputs, with broadcasting from 8 on (before that
 * their shapes are equal, which it includes). NaN in any input makes the element NaN.
 *
 * Source: ONNX operator specification, Max-13.
 */
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"
#include "engine/ops/pairwise.h"

#include <math.h>

#define EXTREMUM(name, operator)                                                                             \
    static void name##_doubles(double *a, const double *b, int64_t n)                                        \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++)                                                                      \
            a[i] = a[i] operator b[i] || isnan(a[i]) ? a[i] : b[i];                                          \
    }                                                                                                        \
    static int name##_ints(int64_t *a, const int64_t *b, int64_t n)                                          \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++)                                                                      \
            a[i] = a[i] operator b[i] ? a[i] : b[i];                                                         \
        return 0;                                                                                            \
    }                                                                                                        \
    static const struct cz_pairwise name = {name##_doubles, name##_ints};

EXTREMUM(larger, >)
EXTREMUM(smaller, <)

static cz_status infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                       int n_out, cz_error *err)
{
    (void)attrs, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input 0", CZ_SET_NUMBER, err));
    out[0] = in[0].shape;
    for (int i = 1; i < n_in; i++) {
        CZ_TRY(cz_check_same_dtype(&in[i], "an input", in[0].shape.dtype, err));
        CZ_TRY(cz_broadcast_shape(&out[0], &in[i].shape, &out[0], err));
    }
    return CZ_OK;
}

/* The first input spread over the output, then every other one against what is there. */
static cz_status eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                      cz_error *err)
{
    cz_broadcast_copy(&in[0], &out[0]);
    for (int i = 1; i < n_in; i++) {
        cz_tensor pair[2] = {out[0], in[i]};
        CZ_TRY(cz_pairwise_eval(attrs, pair, 2, out, n_out, err));
    }
    return CZ_OK;
}

#define VARIADIC(symbol, onnx_name, of_two)                                                                  \
    static cz_status symbol##_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)  \
    {                                                                                                        \
        (void)list, (void)opset, (void)err;                                                                  \
        *(struct cz_pairwise_attrs *)attrs = (struct cz_pairwise_attrs){.row = &(of_two)};                   \
        return CZ_OK;                                                                                        \
    }                                                                                                        \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = 1,                                                                                      \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 1,                                                                                       \
        .n_in_max = -1,                                                                                      \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct cz_pairwise_attrs),                                                      \
        .parse = symbol##_parse,                                                                             \
        .infer = infer,                                                                                      \
        .eval = eval,                                                                                        \
    };

VARIADIC(max, "Max", larger)
VARIADIC(min, "Min", smaller)
