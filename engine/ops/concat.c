/*
 * Concat (ONNX opset 1, 4, 11, 13) along one axis. Before opset 4 the axis is 1 where it is not given.
 *
 * Source: ONNX operator specification, Concat-1, Concat-13.
 */
#include "engine/ops/concat.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

static cz_status concat_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_concat_attrs *a = attrs;
    if (opset >= 4 && !cz_attr_find(list, "axis"))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'axis' is missing");
    return cz_parse_int(list, "axis", 1, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err);
}

static cz_status check_input(const struct cz_shape *s, int i, const struct cz_shape *first, int axis,
                             cz_error *err)
{
    char found[CZ_SHAPE_TEXT], wanted[CZ_SHAPE_TEXT];
    int fits = s->dtype == first->dtype && s->rank == first->rank;
    for (int d = 0; fits && d < s->rank; d++)
        fits = d == axis || s->dim[d] == first->dim[d];
    if (fits)
        return CZ_OK;
    CZ_FAIL(err, CZ_ERR_SHAPE, "input %d is %s, input 0 is %s; only dimension %d may differ", i,
            cz_shape_text(s, found, sizeof found), cz_shape_text(first, wanted, sizeof wanted), axis);
}

static cz_status concat_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    const struct cz_concat_attrs *a = attrs;
    int axis;
    (void)n_out;
    CZ_TRY(cz_normalize_axis(a->axis, in[0].shape.rank, &axis, err));
    out[0] = in[0].shape;
    for (int i = 1; i < n_in; i++) {
        CZ_TRY(check_input(&in[i].shape, i, &in[0].shape, axis, err));
        out[0].dim[axis] += in[i].shape.dim[axis];
    }
    return CZ_OK;
}

static cz_status concat_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    const struct cz_concat_attrs *a = attrs;
    int axis, rank = out[0].rank;
    (void)n_out;
    CZ_TRY(cz_normalize_axis(a->axis, rank, &axis, err));
    int64_t n_outer = cz_dim_product(out[0].dim, 0, axis), at = 0;
    for (int64_t o = 0; o < n_outer; o++)
        for (int i = 0; i < n_in; i++) {
            int64_t n = cz_dim_product(in[i].dim, axis, rank);
            cz_copy_elements(&out[0], at, &in[i], o * n, n);
            at += n;
        }
    return CZ_OK;
}

const struct cz_op cz_op_concat = {
    .name = "Concat",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = -1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_concat_attrs),
    .parse = concat_parse,
    .infer = concat_infer,
    .eval = concat_eval,
    .plan = cz_concat_plan,
};
