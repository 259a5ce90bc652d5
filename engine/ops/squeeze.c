/*
 * Squeeze and Unsqueeze: axes as an attribute (ONNX opset 1, 11) or as an input (13, 21). Unsqueeze counts
 * its axes in the output.
 *
 * Source: ONNX operator specification, Squeeze-13, Unsqueeze-13.
 */
#include "engine/ops/axes.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

static cz_status axes_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    return cz_axes_parse(list, opset >= 13, attrs, err);
}

static cz_status squeeze_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    const struct cz_shape *x = &in[0].shape;
    char text[CZ_SHAPE_TEXT];
    unsigned set;
    int given;
    (void)n_out;
    CZ_TRY(cz_axes_resolve(attrs, in, n_in, x->rank, &set, &given, err));
    out[0] = (struct cz_shape){x->dtype, 0, {0}};
    for (int i = 0; i < x->rank; i++) {
        int drop = given ? set >> i & 1 : x->dim[i] == 1;
        if (drop && x->dim[i] != 1)
            CZ_FAIL(err, CZ_ERR_SHAPE, "dimension %d of input %s is to go; 1 wanted there", i,
                    cz_shape_text(x, text, sizeof text));
        if (!drop)
            out[0].dim[out[0].rank++] = x->dim[i];
    }
    return CZ_OK;
}

/* How many axes there are decides the rank that negative ones count in. */
static cz_status count_new(const struct cz_axes *a, const struct cz_op_input *in, int n_in, int *n,
                           cz_error *err)
{
    int64_t list[CZ_MAX_RANK];
    *n = a->n;
    if (a->from_input && cz_has_input(in, n_in, 1))
        CZ_TRY(cz_known_ints(&in[1], "input 'axes'", list, CZ_MAX_RANK, n, err));
    if (*n == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "'axes' is missing");
    return CZ_OK;
}

static cz_status unsqueeze_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                 struct cz_shape *out, int n_out, cz_error *err)
{
    const struct cz_shape *x = &in[0].shape;
    unsigned set;
    int n, given, next = 0;
    (void)n_out;
    CZ_TRY(count_new(attrs, in, n_in, &n, err));
    int rank = x->rank + n;
    if (rank > CZ_MAX_RANK)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "rank %d; up to %d are supported", rank, CZ_MAX_RANK);
    CZ_TRY(cz_axes_resolve(attrs, in, n_in, rank, &set, &given, err));
    out[0] = (struct cz_shape){x->dtype, rank, {0}};
    for (int i = 0; i < rank; i++)
        out[0].dim[i] = set >> i & 1 ? 1 : x->dim[next++];
    return CZ_OK;
}

const struct cz_op cz_op_squeeze = {
    .name = "Squeeze",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_axes),
    .parse = axes_parse,
    .infer = squeeze_infer,
    .eval = cz_eval_copy,
    .plan = cz_alias_plan,
};

const struct cz_op cz_op_unsqueeze = {
    .name = "Unsqueeze",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_axes),
    .parse = axes_parse,
    .infer = unsqueeze_infer,
    .eval = cz_eval_copy,
    .plan = cz_alias_plan,
};
