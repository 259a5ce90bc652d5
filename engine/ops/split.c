/*
 * Split (ONNX opset 1, 2, 11, 13, 18): the sizes of the parts as an attribute, as an input (opset 1 as well
 * as 13), or equal parts; with num_outputs (18) the last part may be smaller.
 *
 * Source: ONNX operator specification, Split-2, Split-18.
 */
#include "base/checked.h"
#include "engine/ops/common.h"

enum { MAX_PARTS = 1024 }; /* far above any network's; keeps the attributes one small block */

struct split_attrs {
    int64_t axis, num_outputs;
    int uneven; /* opset 18: num_outputs parts, the last one maybe smaller */
    int n_sizes;
    int64_t sizes[MAX_PARTS];
};

static cz_status split_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct split_attrs *a = attrs;
    a->uneven = opset >= 18;
    CZ_TRY(cz_parse_int(list, "axis", 0, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err));
    CZ_TRY(cz_parse_int(list, "num_outputs", 0, 1, MAX_PARTS, &a->num_outputs, err));
    return cz_parse_ints(list, "split", 0, INT64_MAX, a->sizes, MAX_PARTS, &a->n_sizes, err);
}

static cz_status equal_sizes(const struct split_attrs *a, int64_t total, int n_out, int64_t *sizes,
                             cz_error *err)
{
    int64_t part = cz_ceil_div(total, n_out);
    if (a->num_outputs && a->num_outputs != n_out)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'num_outputs' is %lld, the node has %d outputs",
                (long long)a->num_outputs, n_out);
    if (!a->uneven && total % n_out)
        CZ_FAIL(err, CZ_ERR_SHAPE, "dimension of %lld into %d equal parts; a multiple wanted",
                (long long)total, n_out);
    for (int i = 0; i < n_out; i++) {
        int64_t left = total - i * part;
        sizes[i] = left < 0 ? 0 : left < part ? left : part;
    }
    return CZ_OK;
}

static cz_status given_sizes(const struct split_attrs *a, const struct cz_op_input *in, int n_in,
                             int64_t total, int n_out, int64_t *sizes, cz_error *err)
{
    int n = a->n_sizes;
    int64_t left = total;
    for (int i = 0; i < n; i++)
        sizes[i] = a->sizes[i];
    if (cz_has_input(in, n_in, 1))
        CZ_TRY(cz_known_ints(&in[1], "input 'split'", sizes, MAX_PARTS, &n, err));
    if (n != n_out)
        CZ_FAIL(err, CZ_ERR_SHAPE, "%d sizes in 'split' for %d outputs", n, n_out);
    for (int i = 0; i < n; i++) {
        if (sizes[i] < 0 || sizes[i] > left)
            CZ_FAIL(err, CZ_ERR_SHAPE, "size %d in 'split' is %lld, %lld of the dimension's %lld are left", i,
                    (long long)sizes[i], (long long)left, (long long)total);
        left -= sizes[i];
    }
    if (left)
        CZ_FAIL(err, CZ_ERR_SHAPE, "the sizes in 'split' sum to %lld; %lld wanted", (long long)(total - left),
                (long long)total);
    return CZ_OK;
}

static cz_status split_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    const struct split_attrs *a = attrs;
    int64_t sizes[MAX_PARTS];
    int axis;
    CZ_TRY(cz_normalize_axis(a->axis, in[0].shape.rank, &axis, err));
    int64_t total = in[0].shape.dim[axis];
    if (a->n_sizes || cz_has_input(in, n_in, 1))
        CZ_TRY(given_sizes(a, in, n_in, total, n_out, sizes, err));
    else
        CZ_TRY(equal_sizes(a, total, n_out, sizes, err));
    for (int i = 0; i < n_out; i++) {
        out[i] = in[0].shape;
        out[i].dim[axis] = sizes[i];
    }
    return CZ_OK;
}

static cz_status split_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                            cz_error *err)
{
    const struct split_attrs *a = attrs;
    int axis, rank = in[0].rank;
    (void)n_in;
    CZ_TRY(cz_normalize_axis(a->axis, rank, &axis, err));
    int64_t n_outer = cz_dim_product(in[0].dim, 0, axis), at = 0;
    for (int64_t o = 0; o < n_outer; o++)
        for (int i = 0; i < n_out; i++) {
            int64_t n = cz_dim_product(out[i].dim, axis, rank);
            cz_copy_elements(&out[i], o * n, &in[0], at, n);
            at += n;
        }
    return CZ_OK;
}

const struct cz_op cz_op_split = {
    .name = "Split",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = MAX_PARTS,
    .attrs_size = sizeof(struct split_attrs),
    .parse = split_parse,
    .infer = split_infer,
    .eval = split_eval,
};
