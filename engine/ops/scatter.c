/*
 * ScatterElements (ONNX opset 11, 13, 16, 18; as Scatter 9, 10) and ScatterND (11, 13, 16, 18): a copy of the
 * data with updates put, or from 16 on added and so forth, where the indices say. Updates of one place take
 * effect in their order.
 *
 * Source: ONNX operator specification, ScatterElements-18, ScatterND-18.
 */
#include "engine/ops/common.h"
#include "engine/ops/strided.h"
#include "engine/ops/walk.h"

#include <math.h>
#include <string.h>

enum reduction { REPLACE, ADD, MULTIPLY, LARGER, SMALLER };

struct scatter_attrs {
    int64_t axis;
    enum reduction reduction;
};

static cz_status scatter_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    struct scatter_attrs *a = attrs;
    const char *text = cz_attr_string(list, "reduction", "none");
    int n = opset < 16 ? 1 : opset < 18 ? 3 : 5, found = -1;
    for (int i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0)
            found = i;
    if (found < 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'reduction' is '%s'; none, add, mul, max or min wanted", text);
    a->reduction = (enum reduction)found;
    return cz_parse_int(list, "axis", 0, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err);
}

static double combine(enum reduction how, double old, double update)
{
    switch (how) {
    case ADD:
        return old + update;
    case MULTIPLY:
        return old * update;
    case LARGER:
        return old > update || isnan(old) ? old : update;
    case SMALLER:
        return old < update || isnan(old) ? old : update;
    default:
        return update;
    }
}

static int64_t combine_ints(enum reduction how, int64_t old, int64_t update)
{
    switch (how) {
    case ADD:
        return (int64_t)((uint64_t)old + (uint64_t)update);
    case MULTIPLY:
        return (int64_t)((uint64_t)old * (uint64_t)update);
    case LARGER:
        return old > update ? old : update;
    case SMALLER:
        return old < update ? old : update;
    default:
        return update;
    }
}

static void put(enum reduction how, cz_tensor *out, int64_t at, const cz_tensor *updates, int64_t from)
{
    if (how == REPLACE) {
        cz_copy_elements(out, at, updates, from, 1);
    } else if (cz_is_float(out->dtype)) {
        cz_tensor_store(out, at, combine(how, cz_tensor_double(out, at), cz_tensor_double(updates, from)));
    } else {
        int64_t v = combine_ints(how, cz_tensor_int(out, at), cz_tensor_int(updates, from));
        cz_store_ints(out, at, 1, &v);
    }
}

static cz_status check_inputs(const struct scatter_attrs *a, const struct cz_op_input *in, cz_error *err)
{
    CZ_TRY(cz_check_dtype(&in[0], "data", a->reduction == REPLACE ? CZ_SET_ANY : CZ_SET_NUMBER, err));
    CZ_TRY(cz_check_dtype(&in[1], "indices", CZ_SET_INDEX, err));
    return cz_check_same_dtype(&in[2], "updates", in[0].shape.dtype, err);
}

static cz_status check_updates(const struct cz_shape *found, const struct cz_shape *wanted, cz_error *err)
{
    char ft[CZ_SHAPE_TEXT], wt[CZ_SHAPE_TEXT];
    if (cz_shape_equal(found, wanted))
        return CZ_OK;
    CZ_FAIL(err, CZ_ERR_SHAPE, "updates are %s; %s wanted", cz_shape_text(found, ft, sizeof ft),
            cz_shape_text(wanted, wt, sizeof wt));
}

static cz_status elements_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                struct cz_shape *out, int n_out, cz_error *err)
{
    const struct scatter_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape;
    struct cz_shape wanted = in[1].shape;
    int axis;
    CZ_TRY(check_inputs(a, in, err));
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    CZ_TRY(cz_check_rank(&in[1], "indices", x->rank, x->rank, err));
    wanted.dtype = x->dtype;
    CZ_TRY(check_updates(&in[2].shape, &wanted, err));
    for (int i = 0; i < x->rank; i++)
        if (i != axis && wanted.dim[i] > x->dim[i])
            CZ_FAIL(err, CZ_ERR_SHAPE, "indices have %lld in dimension %d; up to %lld wanted",
                    (long long)wanted.dim[i], i, (long long)x->dim[i]);
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static cz_status elements_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                               cz_error *err)
{
    const struct scatter_attrs *a = attrs;
    struct cz_walk w = cz_walk_over(in[1].dim, in[1].rank, 1);
    int64_t stride[CZ_MAX_RANK], n = cz_tensor_count(&in[1]), index;
    int axis;
    CZ_TRY(cz_normalize_axis(a->axis, in[0].rank, &axis, err));
    CZ_TRY(cz_eval_copy(attrs, in, n_in, out, n_out, err));
    cz_strides_of(in[0].dim, in[0].rank, stride);
    for (int d = 0; d < w.rank; d++)
        w.stride[0][d] = d == axis ? 0 : stride[d];
    for (int64_t i = 0; i < n; i++, cz_walk_next(&w)) {
        CZ_TRY(cz_take_index(&in[1], i, in[0].dim[axis], &index, err));
        put(a->reduction, &out[0], w.at[0] + index * stride[axis], &in[2], i);
    }
    return CZ_OK;
}

static cz_status nd_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                          int n_out, cz_error *err)
{
    const struct cz_shape *x = &in[0].shape, *indices = &in[1].shape;
    struct cz_shape wanted = {x->dtype, 0, {0}};
    CZ_TRY(check_inputs(attrs, in, err));
    CZ_TRY(cz_check_rank(&in[0], "data", 1, CZ_MAX_RANK, err));
    CZ_TRY(cz_check_rank(&in[1], "indices", 1, CZ_MAX_RANK, err));
    int64_t depth = indices->dim[indices->rank - 1];
    if (depth > x->rank || indices->rank - 1 + x->rank - depth > CZ_MAX_RANK)
        CZ_FAIL(err, CZ_ERR_SHAPE, "positions of %lld numbers in data of rank %d", (long long)depth, x->rank);
    for (int i = 0; i < indices->rank - 1; i++)
        wanted.dim[wanted.rank++] = indices->dim[i];
    for (int i = (int)depth; i < x->rank; i++)
        wanted.dim[wanted.rank++] = x->dim[i];
    CZ_TRY(check_updates(&in[2].shape, &wanted, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static cz_status nd_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                         cz_error *err)
{
    const struct scatter_attrs *a = attrs;
    int depth = (int)in[1].dim[in[1].rank - 1];
    int64_t stride[CZ_MAX_RANK], n = cz_dim_product(in[1].dim, 0, in[1].rank - 1), index;
    int64_t slice = cz_dim_product(in[0].dim, depth, in[0].rank);
    CZ_TRY(cz_eval_copy(attrs, in, n_in, out, n_out, err));
    cz_strides_of(in[0].dim, in[0].rank, stride);
    for (int64_t i = 0; i < n; i++) {
        int64_t to = 0;
        for (int d = 0; d < depth; d++) {
            CZ_TRY(cz_take_index(&in[1], i * depth + d, in[0].dim[d], &index, err));
            to += index * stride[d];
        }
        for (int64_t k = 0; k < slice; k++)
            put(a->reduction, &out[0], to + k, &in[2], i * slice + k);
    }
    return CZ_OK;
}

#define SCATTER(symbol, onnx_name, first_opset, last_opset, kind)                                            \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = first_opset,                                                                            \
        .opset_max = last_opset,                                                                             \
        .n_in_min = 3,                                                                                       \
        .n_in_max = 3,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct scatter_attrs),                                                          \
        .parse = scatter_parse,                                                                              \
        .infer = kind##_infer,                                                                               \
        .eval = kind##_eval,                                                                                 \
    };

SCATTER(scatter, "Scatter", 9, 10, elements)
SCATTER(scatter_elements, "ScatterElements", 11, CZ_OPSET_NEWEST, elements)
SCATTER(scatter_nd, "ScatterND", 11, CZ_OPSET_NEWEST, nd)
