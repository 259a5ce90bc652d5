/*
 * MatMul (ONNX opset 1, 9, 13): numpy's matmul, with vectors as a row or a column and broadcast batches.
 *
 * Source: ONNX operator specification, MatMul-13.
 */
#include "engine/ops/matmul.h"
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"
#include "engine/ops/product.h"

#include <stdlib.h>
#include <string.h>

static void as_matrices(struct cz_factors *f)
{
    f->a_vector = f->a.rank == 1;
    f->b_vector = f->b.rank == 1;
    if (f->a_vector)
        f->a = cz_shape_of(f->a.dtype, 2, (int64_t)1, f->a.dim[0]);
    if (f->b_vector)
        f->b = cz_shape_of(f->b.dtype, 2, f->b.dim[0], (int64_t)1);
}

cz_status cz_factors_of(const struct cz_shape *a, const struct cz_shape *b, struct cz_factors *f, cz_error *err)
{
    char at[CZ_SHAPE_TEXT], bt[CZ_SHAPE_TEXT];
    f->a = *a;
    f->b = *b;
    as_matrices(f);
    cz_shape_text(a, at, sizeof at);
    cz_shape_text(b, bt, sizeof bt);
    if (f->a.rank < 2 || f->b.rank < 2)
        CZ_FAIL(err, CZ_ERR_SHAPE, "A is %s, B is %s; no scalars wanted", at, bt);
    f->m = f->a.dim[f->a.rank - 2];
    f->k = f->a.dim[f->a.rank - 1];
    f->n = f->b.dim[f->b.rank - 1];
    if (f->b.dim[f->b.rank - 2] != f->k)
        CZ_FAIL(err, CZ_ERR_SHAPE, "A is %s, B is %s; %lld rows of B wanted", at, bt, (long long)f->k);
    f->a.rank -= 2;
    f->b.rank -= 2;
    return cz_broadcast_shape(&f->a, &f->b, &f->batch, err);
}

struct cz_shape cz_factors_output(const struct cz_factors *f)
{
    struct cz_shape out = f->batch;
    if (!f->a_vector)
        out.dim[out.rank++] = f->m;
    if (!f->b_vector)
        out.dim[out.rank++] = f->n;
    return out;
}

static cz_status matmul_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    struct cz_factors f;
    (void)attrs, (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "A", CZ_SET_FLOAT, err));
    CZ_TRY(cz_check_same_dtype(&in[1], "B", in[0].shape.dtype, err));
    CZ_TRY(cz_factors_of(&in[0].shape, &in[1].shape, &f, err));
    out[0] = cz_factors_output(&f);
    return CZ_OK;
}

static void multiply(const struct cz_factors *f, const double *a, const cz_tensor *b, double *acc, double *row,
                     cz_tensor *out)
{
    struct cz_broadcast plan;
    struct cz_broadcast_cursor at;
    int64_t size = f->m * f->n, index = 0;
    cz_broadcast_plan(&f->a, &f->b, &f->batch, &plan);
    for (cz_broadcast_start(&plan, &at); !at.done; cz_broadcast_next(&plan, &at))
        for (int64_t i = 0; i < plan.run; i++, index++) {
            memset(acc, 0, sizeof *acc * (size_t)size);
            cz_product_add(&(struct cz_product){a + (at.a + i * plan.a_step) * f->m * f->k, b,
                                                (at.b + i * plan.b_step) * f->k * f->n, 0, 0, f->m, f->n,
                                                f->k, acc, row});
            cz_store_doubles(out, index * size, size, acc);
        }
}

static cz_status matmul_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    struct cz_shape a = cz_tensor_shape(&in[0]), b = cz_tensor_shape(&in[1]);
    struct cz_factors f;
    (void)attrs, (void)n_in, (void)n_out;
    CZ_TRY(cz_factors_of(&a, &b, &f, err));
    double *a_values = cz_scratch_load(&in[0], err), *acc = cz_scratch_doubles(f.m * f.n, err);
    double *row = cz_scratch_doubles(f.n, err);
    int ready = a_values && acc && row;
    if (ready)
        multiply(&f, a_values, &in[1], acc, row, &out[0]);
    free(a_values);
    free(acc);
    free(row);
    return ready ? CZ_OK : CZ_ERR_MEMORY;
}

static double matmul_macs(const void *attrs, const struct cz_op_input *in, int n_in,
                          const struct cz_shape *out)
{
    const struct cz_shape *a = &in[0].shape;
    (void)attrs, (void)n_in;
    return (double)cz_shape_count(out) * (double)a->dim[a->rank - 1];
}

const struct cz_op cz_op_matmul = {
    .name = "MatMul",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = matmul_infer,
    .eval = matmul_eval,
    .plan = cz_matmul_plan,
    .macs = matmul_macs,
};
