/*
 * GatherElements (ONNX opset 11, 13): each element of the indices replaces its own position along the axis.
 * GatherND (11, 12, 13): the last dimension of the indices is a position in the dimensions behind the batch
 * ones. Negative indices count from the end.
 *
 * Source: ONNX operator specification, GatherElements-13, GatherND-13.
 */
#include "engine/ops/common.h"
#include "engine/ops/strided.h"
#include "engine/ops/walk.h"

struct elements_attrs {
    int64_t axis;
};

static cz_status elements_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct elements_attrs *a = attrs;
    (void)opset;
    return cz_parse_int(list, "axis", 0, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err);
}

static cz_status elements_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                struct cz_shape *out, int n_out, cz_error *err)
{
    const struct elements_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape, *indices = &in[1].shape;
    int axis;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[1], "indices", CZ_SET_INDEX, err));
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    CZ_TRY(cz_check_rank(&in[1], "indices", x->rank, x->rank, err));
    for (int i = 0; i < x->rank; i++)
        if (i != axis && indices->dim[i] > x->dim[i])
            CZ_FAIL(err, CZ_ERR_SHAPE, "indices have %lld in dimension %d; up to %lld wanted",
                    (long long)indices->dim[i], i, (long long)x->dim[i]);
    out[0] = *indices;
    out[0].dtype = x->dtype;
    return CZ_OK;
}

static cz_status elements_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                               cz_error *err)
{
    const struct elements_attrs *a = attrs;
    struct cz_walk w = cz_walk_over(out[0].dim, out[0].rank, 1);
    int64_t stride[CZ_MAX_RANK], n = cz_tensor_count(&out[0]), index;
    int axis;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_normalize_axis(a->axis, in[0].rank, &axis, err));
    cz_strides_of(in[0].dim, in[0].rank, stride);
    for (int d = 0; d < w.rank; d++)
        w.stride[0][d] = d == axis ? 0 : stride[d];
    for (int64_t i = 0; i < n; i++, cz_walk_next(&w)) {
        CZ_TRY(cz_take_index(&in[1], i, in[0].dim[axis], &index, err));
        cz_copy_elements(&out[0], i, &in[0], w.at[0] + index * stride[axis], 1);
    }
    return CZ_OK;
}

const struct cz_op cz_op_gather_elements = {
    .name = "GatherElements",
    .opset_min = 11,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct elements_attrs),
    .parse = elements_parse,
    .infer = elements_infer,
    .eval = elements_eval,
};

struct nd_attrs {
    int64_t batch_dims;
};

static cz_status nd_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct nd_attrs *a = attrs;
    (void)opset;
    return cz_parse_int(list, "batch_dims", 0, 0, CZ_MAX_RANK - 1, &a->batch_dims, err);
}

static cz_status check_batch(const struct cz_op_input *in, int batch, cz_error *err)
{
    for (int i = 0; i < batch; i++)
        if (in[0].shape.dim[i] != in[1].shape.dim[i])
            CZ_FAIL(err, CZ_ERR_SHAPE, "batch dimension %d is %lld in the data, %lld in the indices", i,
                    (long long)in[0].shape.dim[i], (long long)in[1].shape.dim[i]);
    return CZ_OK;
}

static cz_status nd_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                          int n_out, cz_error *err)
{
    const struct nd_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape, *indices = &in[1].shape;
    int batch = (int)a->batch_dims;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[1], "indices", CZ_SET_INDEX, err));
    CZ_TRY(cz_check_rank(&in[0], "data", batch + 1, CZ_MAX_RANK, err));
    CZ_TRY(cz_check_rank(&in[1], "indices", batch + 1, CZ_MAX_RANK, err));
    CZ_TRY(check_batch(in, batch, err));
    int64_t depth = indices->dim[indices->rank - 1];
    if (depth < 1 || depth > x->rank - batch)
        CZ_FAIL(err, CZ_ERR_SHAPE, "positions of %lld numbers in data of rank %d behind %d batch dimensions",
                (long long)depth, x->rank, batch);
    int rest = batch + (int)depth, rank = indices->rank - 1 + x->rank - rest;
    if (rank > CZ_MAX_RANK)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "result of rank %d; up to %d are supported", rank, CZ_MAX_RANK);
    out[0] = (struct cz_shape){x->dtype, 0, {0}};
    for (int i = 0; i < indices->rank - 1; i++)
        out[0].dim[out[0].rank++] = indices->dim[i];
    for (int i = rest; i < x->rank; i++)
        out[0].dim[out[0].rank++] = x->dim[i];
    return CZ_OK;
}

static cz_status nd_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                         cz_error *err)
{
    const struct nd_attrs *a = attrs;
    int batch = (int)a->batch_dims, depth = (int)in[1].dim[in[1].rank - 1];
    int64_t stride[CZ_MAX_RANK], n = cz_dim_product(in[1].dim, 0, in[1].rank - 1);
    int64_t slice = cz_dim_product(in[0].dim, batch + depth, in[0].rank);
    int64_t n_batches = cz_dim_product(in[1].dim, 0, batch),
            batch_size = cz_dim_product(in[0].dim, batch, in[0].rank);
    (void)n_in, (void)n_out;
    cz_strides_of(in[0].dim, in[0].rank, stride);
    for (int64_t i = 0; i < n; i++) {
        int64_t from = i / (n / n_batches) * batch_size, index;
        for (int d = 0; d < depth; d++) {
            CZ_TRY(cz_take_index(&in[1], i * depth + d, in[0].dim[batch + d], &index, err));
            from += index * stride[batch + d];
        }
        cz_copy_elements(&out[0], i * slice, &in[0], from, slice);
    }
    return CZ_OK;
}

const struct cz_op cz_op_gather_nd = {
    .name = "GatherND",
    .opset_min = 11,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct nd_attrs),
    .parse = nd_parse,
    .infer = nd_infer,
    .eval = nd_eval,
};
