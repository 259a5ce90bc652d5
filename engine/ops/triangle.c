/*
 * Trilu (ONNX opset 14): the last two dimensions with zeros below (upper=1) or above their k-th diagonal.
 * EyeLike (9): ones on the k-th diagonal of a matrix of the input's shape.
 *
 * Source: ONNX operator specification, Trilu-14, EyeLike-9.
 */
#include "engine/ops/common.h"
#include "engine/ops/type_attr.h"

#include <string.h>

struct trilu_attrs {
    int upper;
};

static cz_status trilu_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct trilu_attrs *a = attrs;
    (void)opset;
    return cz_parse_flag(list, "upper", 1, &a->upper, err);
}

static cz_status trilu_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    CZ_TRY(cz_check_rank(&in[0], "input", 2, CZ_MAX_RANK, err));
    if (cz_has_input(in, n_in, 1)) {
        CZ_TRY(cz_check_dtype(&in[1], "k", CZ_SET_INDEX, err));
        if (cz_shape_count(&in[1].shape) != 1)
            CZ_FAIL(err, CZ_ERR_SHAPE, "k has %lld elements; 1 wanted",
                    (long long)cz_shape_count(&in[1].shape));
    }
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static cz_status trilu_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                            cz_error *err)
{
    const struct trilu_attrs *a = attrs;
    const int64_t *dim = in[0].dim;
    int64_t rows = dim[in[0].rank - 2], cols = dim[in[0].rank - 1],
            n = cz_dim_product(dim, 0, in[0].rank - 1);
    int64_t k = cz_has_tensor(in, n_in, 1) ? clamp(cz_tensor_int(&in[1], 0), -rows, cols) : 0;
    (void)n_out, (void)err;
    memset(out[0].data, 0, (size_t)cz_tensor_count(&out[0]) * cz_dtype_size(out[0].dtype));
    for (int64_t i = 0; i < n; i++) {
        int64_t diagonal = i % rows + k;
        int64_t first = a->upper ? clamp(diagonal, 0, cols) : 0;
        int64_t end = a->upper ? cols : clamp(diagonal + 1, 0, cols);
        cz_copy_elements(&out[0], i * cols + first, &in[0], i * cols + first, end - first);
    }
    return CZ_OK;
}

const struct cz_op cz_op_trilu = {
    .name = "Trilu",
    .opset_min = 14,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct trilu_attrs),
    .parse = trilu_parse,
    .infer = trilu_infer,
    .eval = trilu_eval,
};

struct eye_attrs {
    int has_dtype;
    cz_dtype dtype;
    int64_t k;
};

static cz_status eye_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct eye_attrs *a = attrs;
    (void)opset;
    a->has_dtype = cz_attr_find(list, "dtype") != NULL;
    if (a->has_dtype)
        CZ_TRY(cz_parse_type(list, "dtype", &a->dtype, err));
    return cz_parse_int(list, "k", 0, INT32_MIN, INT32_MAX, &a->k, err);
}

static cz_status eye_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                           int n_out, cz_error *err)
{
    const struct eye_attrs *a = attrs;
    CZ_TRY(cz_check_rank(&in[0], "input", 2, 2, err));
    CZ_TRY(cz_infer_same(attrs, in, n_in, out, n_out, err));
    if (a->has_dtype)
        out[0].dtype = a->dtype;
    return CZ_OK;
}

static cz_status eye_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                          cz_error *err)
{
    const struct eye_attrs *a = attrs;
    (void)in, (void)n_in, (void)n_out, (void)err;
    memset(out[0].data, 0, (size_t)cz_tensor_count(&out[0]) * cz_dtype_size(out[0].dtype));
    for (int64_t row = 0; row < out[0].dim[0]; row++)
        if (row + a->k >= 0 && row + a->k < out[0].dim[1])
            cz_tensor_store(&out[0], row * out[0].dim[1] + row + a->k, 1);
    return CZ_OK;
}

const struct cz_op cz_op_eye_like = {
    .name = "EyeLike",
    .opset_min = 9,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct eye_attrs),
    .flags = CZ_OP_SHAPE_ONLY,
    .parse = eye_parse,
    .infer = eye_infer,
    .eval = eye_eval,
};
