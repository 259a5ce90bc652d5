/*
 * Reshape: the new shape as an attribute (ONNX opset 1) or as an input that must be known before the run
 * (5, 13, 14, 19, 21). -1: whatever is left over; 0: as in the input, or really 0 with allowzero (14).
 *
 * Source: ONNX operator specification, Reshape-1, Reshape-14.
 */
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

struct reshape_attrs {
    int from_attribute, allowzero;
    int n_shape;
    int64_t shape[CZ_MAX_RANK];
};

static cz_status reshape_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct reshape_attrs *a = attrs;
    a->from_attribute = opset < 5;
    CZ_TRY(cz_parse_flag(list, "allowzero", 0, &a->allowzero, err));
    return cz_parse_ints(list, "shape", -1, INT64_MAX, a->shape, CZ_MAX_RANK, &a->n_shape, err);
}

static cz_status does_not_fit(const struct cz_shape *x, const struct cz_shape *wanted, cz_error *err)
{
    char found[CZ_SHAPE_TEXT], text[CZ_SHAPE_TEXT];
    CZ_FAIL(err, CZ_ERR_SHAPE, "input is %s; it cannot take the shape %s",
            cz_shape_text(x, found, sizeof found), cz_shape_text(wanted, text, sizeof text));
}

/* Copies dimensions that are 0 and finds the one that is -1. */
static cz_status complete(const struct reshape_attrs *a, const struct cz_shape *x, struct cz_shape *out,
                          cz_error *err)
{
    struct cz_shape known = *out;
    int free_axis = -1;
    for (int i = 0; i < out->rank; i++) {
        if (out->dim[i] == 0 && !a->allowzero)
            known.dim[i] = out->dim[i] = i < x->rank ? x->dim[i] : 0;
        if (out->dim[i] != -1)
            continue;
        if (free_axis >= 0)
            CZ_FAIL(err, CZ_ERR_SHAPE, "the new shape has -1 twice, in dimensions %d and %d", free_axis, i);
        free_axis = i;
        known.dim[i] = 1;
    }
    CZ_TRY(cz_shape_check(&known, "new shape", err));
    int64_t n = cz_shape_count(x), rest = cz_shape_count(&known);
    if (free_axis >= 0 && rest > 0 && n % rest == 0)
        out->dim[free_axis] = n / rest;
    else if (free_axis >= 0 || n != rest)
        return does_not_fit(x, out, err);
    return CZ_OK;
}

static cz_status reshape_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    const struct reshape_attrs *a = attrs;
    struct cz_shape wanted = {in[0].shape.dtype, a->n_shape, {0}};
    (void)n_out;
    for (int i = 0; i < a->n_shape; i++)
        wanted.dim[i] = a->shape[i];
    if (!a->from_attribute) {
        if (!cz_has_input(in, n_in, 1))
            CZ_FAIL(err, CZ_ERR_FORMAT, "input 'shape' is missing");
        CZ_TRY(cz_known_ints(&in[1], "input 'shape'", wanted.dim, CZ_MAX_RANK, &wanted.rank, err));
    }
    CZ_TRY(complete(a, &in[0].shape, &wanted, err));
    out[0] = wanted;
    return CZ_OK;
}

const struct cz_op cz_op_reshape = {
    .name = "Reshape",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct reshape_attrs),
    .parse = reshape_parse,
    .infer = reshape_infer,
    .eval = cz_eval_copy,
    .plan = cz_alias_plan,
};
