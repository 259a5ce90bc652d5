/*
 * MatMul (ONNX opset 1, 9, 13): numpy's matmul, with vectors as a row or a column and broadcast batches.
 *
 * Source: ONNX operator specification, MatMul-13.
 */
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"
#include "engine/ops/factors.h"
#include "engine/ops/plans.h"
#include "engine/ops/product.h"

#include <stdlib.h>
#include <string.h>

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

static void multiply(const struct cz_factors *f, const double *a, const cz_tensor *b, double *acc,
                     double *row, cz_tensor *out)
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
