/*
 * Gather (ONNX opset 1, 11, 13): slices along one axis by index; negative ones count from the end (11).
 *
 * Source: ONNX operator specification, Gather-13.
 */
#include "engine/ops/common.h"

struct gather_attrs {
    int64_t axis;
};

static cz_status gather_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct gather_attrs *a = attrs;
    (void)opset;
    return cz_parse_int(list, "axis", 0, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err);
}

static cz_status gather_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    const struct gather_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape, *indices = &in[1].shape;
    int axis;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[1], "indices", CZ_SET_INDEX, err));
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    if (x->rank - 1 + indices->rank > CZ_MAX_RANK)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "result of rank %d; up to %d are supported",
                x->rank - 1 + indices->rank, CZ_MAX_RANK);
    out[0] = (struct cz_shape){x->dtype, 0, {0}};
    for (int i = 0; i < axis; i++)
        out[0].dim[out[0].rank++] = x->dim[i];
    for (int i = 0; i < indices->rank; i++)
        out[0].dim[out[0].rank++] = indices->dim[i];
    for (int i = axis + 1; i < x->rank; i++)
        out[0].dim[out[0].rank++] = x->dim[i];
    return CZ_OK;
}

static cz_status gather_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    const struct gather_attrs *a = attrs;
    const cz_tensor *x = &in[0];
    int axis;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    int64_t n_outer = cz_dim_product(x->dim, 0, axis), n_inner = cz_dim_product(x->dim, axis + 1, x->rank);
    int64_t n_indices = cz_tensor_count(&in[1]), size = x->dim[axis];
    for (int64_t i = 0; i < n_indices; i++) {
        int64_t index;
        CZ_TRY(cz_take_index(&in[1], i, size, &index, err));
        for (int64_t o = 0; o < n_outer; o++)
            cz_copy_elements(&out[0], (o * n_indices + i) * n_inner, x, (o * size + index) * n_inner,
                             n_inner);
    }
    return CZ_OK;
}

const struct cz_op cz_op_gather = {
    .name = "Gather",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct gather_attrs),
    .parse = gather_parse,
    .infer = gather_infer,
    .eval = gather_eval,
};
