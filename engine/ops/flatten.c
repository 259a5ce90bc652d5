/*
 * Flatten (ONNX opset 1, 9, 11, 13): to a matrix, the axis saying where its columns begin.
 *
 * Source: ONNX operator specification, Flatten-13.
 */
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

struct flatten_attrs {
    int64_t axis;
};

static cz_status flatten_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct flatten_attrs *a = attrs;
    return cz_parse_int(list, "axis", 1, opset < 11 ? 0 : -CZ_MAX_RANK, CZ_MAX_RANK, &a->axis, err);
}

static cz_status flatten_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    const struct flatten_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape;
    int axis = x->rank; /* equal to the rank: everything in rows */
    (void)n_in, (void)n_out;
    if (a->axis != x->rank)
        CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    out[0] = cz_shape_of(x->dtype, 2, cz_dim_product(x->dim, 0, axis), cz_dim_product(x->dim, axis, x->rank));
    return CZ_OK;
}

const struct cz_op cz_op_flatten = {
    .name = "Flatten",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct flatten_attrs),
    .parse = flatten_parse,
    .infer = flatten_infer,
    .eval = cz_eval_copy,
    .plan = cz_alias_plan,
};
