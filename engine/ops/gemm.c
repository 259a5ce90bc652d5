/*
 * Gemm (ONNX opset 1 to 13): Y = alpha * A' * B' + beta * C.
 *
 * Before opset 7 a `broadcast` attribute told whether C may be smaller than Y; the later rule (C broadcasts
 * towards Y) accepts everything that the earlier one did, so the attribute is not read.
 *
 * Source: ONNX operator specification, Gemm-6 to Gemm-13.
 */
#include "engine/ops/gemm.h"
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"
#include "engine/ops/product.h"

#include <stdlib.h>

static cz_status gemm_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_gemm_attrs *a = attrs;
    (void)opset;
    a->alpha = cz_attr_float(list, "alpha", 1);
    a->beta = cz_attr_float(list, "beta", 1);
    CZ_TRY(cz_parse_flag(list, "transA", 0, &a->trans_a, err));
    return cz_parse_flag(list, "transB", 0, &a->trans_b, err);
}

cz_status cz_gemm_resolve(const struct cz_gemm_attrs *t, const struct cz_shape *a, const struct cz_shape *b,
                          struct cz_gemm_shape *out, cz_error *err)
{
    char at[CZ_SHAPE_TEXT], bt[CZ_SHAPE_TEXT];
    cz_shape_text(a, at, sizeof at);
    cz_shape_text(b, bt, sizeof bt);
    if (a->rank != 2 || b->rank != 2)
        CZ_FAIL(err, CZ_ERR_SHAPE, "A is %s, B is %s; two matrices wanted", at, bt);
    out->m = a->dim[t->trans_a ? 1 : 0];
    out->k = a->dim[t->trans_a ? 0 : 1];
    out->n = b->dim[t->trans_b ? 0 : 1];
    if (b->dim[t->trans_b ? 1 : 0] != out->k)
        CZ_FAIL(err, CZ_ERR_SHAPE,
                "A is %s (transA %d), B is %s (transB %d); %lld wanted in dimension %d of B", at, t->trans_a,
                bt, t->trans_b, (long long)out->k, t->trans_b ? 1 : 0);
    return CZ_OK;
}

static cz_status gemm_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                            int n_out, cz_error *err)
{
    struct cz_gemm_shape s;
    (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "A", CZ_SET_FLOAT, err));
    CZ_TRY(cz_check_same_dtype(&in[1], "B", in[0].shape.dtype, err));
    CZ_TRY(cz_gemm_resolve(attrs, &in[0].shape, &in[1].shape, &s, err));
    out[0] = cz_shape_of(in[0].shape.dtype, 2, s.m, s.n);
    if (!cz_has_input(in, n_in, 2))
        return CZ_OK;
    CZ_TRY(cz_check_same_dtype(&in[2], "C", in[0].shape.dtype, err));
    return cz_check_broadcast_to(&in[2].shape, "C", &out[0], err);
}

/* acc = alpha * acc + beta * C */
static void add_c(const struct cz_gemm_attrs *t, const cz_tensor *c, const struct cz_shape *y, double *acc)
{
    struct cz_shape shape = cz_tensor_shape(c);
    int64_t row_stride, col_stride, stride[CZ_MAX_RANK];
    cz_broadcast_strides(&shape, y, stride);
    row_stride = stride[0];
    col_stride = stride[1];
    for (int64_t i = 0; i < y->dim[0]; i++)
        for (int64_t j = 0; j < y->dim[1]; j++)
            acc[i * y->dim[1] + j] += (double)t->beta * cz_tensor_double(c, i * row_stride + j * col_stride);
}

static cz_status gemm_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    const struct cz_gemm_attrs *t = attrs;
    struct cz_shape a = cz_tensor_shape(&in[0]), b = cz_tensor_shape(&in[1]), y = cz_tensor_shape(&out[0]);
    struct cz_gemm_shape s;
    (void)n_out;
    CZ_TRY(cz_gemm_resolve(t, &a, &b, &s, err));
    double *a_values = cz_scratch_load(&in[0], err), *acc = cz_scratch_doubles(s.m * s.n, err);
    double *row = cz_scratch_doubles(s.n > s.k ? s.n : s.k, err);
    int ready = a_values && acc && row;
    if (ready) {
        int64_t count = s.m * s.n;
        for (int64_t i = 0; i < count; i++)
            acc[i] = 0;
        cz_product_add(
            &(struct cz_product){a_values, &in[1], 0, t->trans_a, t->trans_b, s.m, s.n, s.k, acc, row});
        for (int64_t i = 0; i < count; i++)
            acc[i] *= (double)t->alpha;
        if (cz_has_tensor(in, n_in, 2) && t->beta != 0)
            add_c(t, &in[2], &y, acc);
        cz_store_doubles(&out[0], 0, count, acc);
    }
    free(a_values);
    free(acc);
    free(row);
    return ready ? CZ_OK : CZ_ERR_MEMORY;
}

static double gemm_macs(const void *attrs, const struct cz_op_input *in, int n_in, const struct cz_shape *out)
{
    const struct cz_gemm_attrs *t = attrs;
    (void)n_in;
    return (double)cz_shape_count(out) * (double)in[0].shape.dim[t->trans_a ? 0 : 1];
}

const struct cz_op cz_op_gemm = {
    .name = "Gemm",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_gemm_attrs),
    .parse = gemm_parse,
    .infer = gemm_infer,
    .eval = gemm_eval,
    .plan = cz_gemm_plan,
    .macs = gemm_macs,
};
