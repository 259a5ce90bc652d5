/*
 * MatMulInteger (ONNX opset 10) and QLinearMatMul (10, 21): numpy's matmul of 8-bit codes with sums of 32
 * bits, which QLinearMatMul scales, rounds and saturates to codes again. Scales and zero points: one, or one
 * per row of A and column of B.
 *
 * Source: ONNX operator specification, MatMulInteger-10, QLinearMatMul-21.
 */
#include "base/memory.h"
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"
#include "engine/ops/factors.h"
#include "engine/ops/integer.h"
#include "engine/ops/plans.h"

#include <stdlib.h>
#include <string.h>

static cz_status infer(const struct cz_integer_inputs *at, const struct cz_op_input *in, int n_in,
                       struct cz_shape *out, cz_error *err)
{
    struct cz_factors f;
    cz_dtype dtype;
    CZ_TRY(cz_factors_of(&in[at->x].shape, &in[at->w].shape, &f, err));
    CZ_TRY(cz_integer_check(at, in, n_in, f.m, f.n, &dtype, err));
    *out = cz_factors_output(&f);
    out->dtype = dtype;
    return CZ_OK;
}

static cz_status matmul_integer_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                      struct cz_shape *out, int n_out, cz_error *err)
{
    (void)attrs, (void)n_out;
    return infer(&cz_inputs_of_sum, in, n_in, out, err);
}

static cz_status qlinear_matmul_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                      struct cz_shape *out, int n_out, cz_error *err)
{
    (void)attrs, (void)n_out;
    return infer(&cz_inputs_of_qlinear, in, n_in, out, err);
}

struct product {
    const struct cz_integer_inputs *at;
    const cz_tensor *in;
    int n_in;
    struct cz_factors f;
    int32_t *sums; /* [n] */
    cz_tensor *out;
};

static int32_t zero_of(const struct product *p, int input, int64_t i)
{
    return cz_has_tensor(p->in, p->n_in, input) ? cz_zero_at(&p->in[input], i) : 0;
}

/* Row i of the product of matrix a of A and matrix b of B. */
static void sum_row(const struct product *p, int64_t a, int64_t b, int64_t i)
{
    const cz_tensor *x = &p->in[p->at->x], *w = &p->in[p->at->w];
    int32_t x_zero = zero_of(p, p->at->x_zero, i);
    memset(p->sums, 0, sizeof *p->sums * (size_t)p->f.n);
    for (int64_t l = 0; l < p->f.k; l++) {
        int32_t v = (int32_t)cz_tensor_int(x, (a * p->f.m + i) * p->f.k + l) - x_zero;
        for (int64_t j = 0; j < p->f.n; j++) {
            int32_t u =
                (int32_t)cz_tensor_int(w, (b * p->f.k + l) * p->f.n + j) - zero_of(p, p->at->w_zero, j);
            p->sums[j] = (int32_t)((uint32_t)p->sums[j] + (uint32_t)(v * u));
        }
    }
}

static void multiply(const struct product *p, int64_t a, int64_t b, int64_t index)
{
    for (int64_t i = 0; i < p->f.m; i++) {
        sum_row(p, a, b, i);
        for (int64_t j = 0; j < p->f.n; j++) {
            struct cz_write_back w = cz_write_back_of(p->at, p->in, p->n_in, p->out->dtype, i, j);
            cz_write_sums(&w, p->sums + j, 1, p->out->data, (index * p->f.m + i) * p->f.n + j);
        }
    }
}

static void multiply_all(const struct product *p)
{
    struct cz_broadcast plan;
    struct cz_broadcast_cursor at;
    int64_t index = 0;
    cz_broadcast_plan(&p->f.a, &p->f.b, &p->f.batch, &plan);
    for (cz_broadcast_start(&plan, &at); !at.done; cz_broadcast_next(&plan, &at))
        for (int64_t i = 0; i < plan.run; i++, index++)
            multiply(p, at.a + i * plan.a_step, at.b + i * plan.b_step, index);
}

static cz_status eval(const struct cz_integer_inputs *at, const cz_tensor *in, int n_in, cz_tensor *out,
                      cz_error *err)
{
    struct cz_shape a = cz_tensor_shape(&in[at->x]), b = cz_tensor_shape(&in[at->w]);
    struct product p = {.at = at, .in = in, .n_in = n_in, .out = out};
    CZ_TRY(cz_factors_of(&a, &b, &p.f, err));
    p.sums = cz_alloc_aligned((size_t)p.f.n * sizeof *p.sums);
    if (!p.sums)
        CZ_FAIL(err, CZ_ERR_MEMORY, "no memory for %lld intermediate values", (long long)p.f.n);
    multiply_all(&p);
    free(p.sums);
    return CZ_OK;
}

static cz_status matmul_integer_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out,
                                     int n_out, cz_error *err)
{
    (void)attrs, (void)n_out;
    return eval(&cz_inputs_of_sum, in, n_in, out, err);
}

static cz_status qlinear_matmul_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out,
                                     int n_out, cz_error *err)
{
    (void)attrs, (void)n_out;
    return eval(&cz_inputs_of_qlinear, in, n_in, out, err);
}

static double macs(const void *attrs, const struct cz_op_input *in, int n_in, const struct cz_shape *out)
{
    const struct cz_shape *a = &in[0].shape;
    (void)attrs, (void)n_in;
    return (double)cz_shape_count(out) * (double)a->dim[a->rank - 1];
}

const struct cz_op cz_op_matmul_integer = {
    .name = "MatMulInteger",
    .opset_min = 10,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 4,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = matmul_integer_infer,
    .eval = matmul_integer_eval,
    .plan = cz_matmul_integer_plan,
    .macs = macs,
};

const struct cz_op cz_op_qlinear_matmul = {
    .name = "QLinearMatMul",
    .opset_min = 10,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 8,
    .n_in_max = 8,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = qlinear_matmul_infer,
    .eval = qlinear_matmul_eval,
    .plan = cz_matmul_integer_plan,
    .macs = macs,
};
