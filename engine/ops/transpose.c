/*
 * Transpose (ONNX opset 1, 13, 21).
 *
 * Source: ONNX operator specification, Transpose-13.
 */
#include "engine/ops/transpose.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

static cz_status transpose_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_transpose_attrs *a = attrs;
    unsigned seen = 0;
    (void)opset;
    CZ_TRY(cz_parse_ints(list, "perm", 0, CZ_MAX_RANK - 1, a->perm, CZ_MAX_RANK, &a->n, err));
    for (int i = 0; i < a->n; i++) {
        if (seen & 1u << a->perm[i] || a->perm[i] >= a->n)
            CZ_FAIL(err, CZ_ERR_FORMAT,
                    "attribute 'perm': value %d is %lld; every one of 0 to %d once wanted", i,
                    (long long)a->perm[i], a->n - 1);
        seen |= 1u << a->perm[i];
    }
    return CZ_OK;
}

cz_status cz_transpose_resolve(const struct cz_transpose_attrs *a, int rank, int *perm, cz_error *err)
{
    if (a->n && a->n != rank)
        CZ_FAIL(err, CZ_ERR_SHAPE, "attribute 'perm' has %d values, the input %d dimensions", a->n, rank);
    for (int i = 0; i < rank; i++)
        perm[i] = a->n ? (int)a->perm[i] : rank - 1 - i;
    return CZ_OK;
}

static cz_status transpose_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                 struct cz_shape *out, int n_out, cz_error *err)
{
    int perm[CZ_MAX_RANK];
    (void)n_in, (void)n_out;
    CZ_TRY(cz_transpose_resolve(attrs, in[0].shape.rank, perm, err));
    out[0] = in[0].shape;
    for (int i = 0; i < out[0].rank; i++)
        out[0].dim[i] = in[0].shape.dim[perm[i]];
    return CZ_OK;
}

cz_status cz_transpose_strides(const struct cz_transpose_attrs *a, const struct cz_shape *x,
                               struct cz_strided *s, cz_error *err)
{
    int perm[CZ_MAX_RANK];
    int64_t stride[CZ_MAX_RANK];
    *s = (struct cz_strided){.rank = x->rank};
    CZ_TRY(cz_transpose_resolve(a, x->rank, perm, err));
    cz_strides_of(x->dim, x->rank, stride);
    for (int i = 0; i < x->rank; i++) {
        s->dim[i] = x->dim[perm[i]];
        s->src_stride[i] = stride[perm[i]];
    }
    cz_strides_of(s->dim, s->rank, s->dst_stride);
    return CZ_OK;
}

static cz_status transpose_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                                cz_error *err)
{
    struct cz_shape x = cz_tensor_shape(&in[0]);
    struct cz_strided s;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_transpose_strides(attrs, &x, &s, err));
    cz_strided_copy(&s, &in[0], &out[0]);
    return CZ_OK;
}

const struct cz_op cz_op_transpose = {
    .name = "Transpose",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_transpose_attrs),
    .parse = transpose_parse,
    .infer = transpose_infer,
    .eval = transpose_eval,
    .plan = cz_transpose_plan,
};
