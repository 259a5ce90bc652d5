/*
 * Gemm and MatMul with constant float32 weights and, for Gemm, a bias that is the same for every row.
 */
#include "engine/ops/gemm.h"
#include "engine/ops/plans.h"
#include "engine/ops/product_plan.h"

/* C of Gemm as one float per column, scaled by beta; NULL with *ok = 0 where it is not of that form. */
static const float *row_bias(struct cz_builder *b, const struct cz_plan_node *node, float beta, int64_t n,
                             int *ok)
{
    *ok = 1;
    if (node->n_in < 3 || node->in[2] < 0)
        return NULL;
    const cz_tensor *c = cz_builder_constant(b, node->in[2]);
    const struct cz_shape *s = cz_builder_shape(b, node->in[2]);
    int64_t count = cz_shape_count(s);
    float *bias = cz_builder_alloc(b, sizeof *bias * (size_t)n);
    *ok = bias && c && c->dtype == CZ_F32 && (count == 1 || (count == n && s->dim[s->rank - 1] == n));
    for (int64_t i = 0; *ok && i < n; i++)
        bias[i] = beta * ((const float *)c->data)[count == 1 ? 0 : i];
    return bias;
}

static int constant_weights(const struct cz_builder *b, const struct cz_plan_node *node)
{
    const cz_tensor *w = cz_builder_constant(b, node->in[1]);
    return w && w->dtype == CZ_F32 && w->rank == 2 && cz_builder_shape(b, node->in[0])->dtype == CZ_F32;
}

cz_status cz_gemm_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_gemm_attrs *attrs = node->attrs;
    struct cz_gemm_shape s;
    CZ_TRY(
        cz_gemm_resolve(attrs, cz_builder_shape(b, node->in[0]), cz_builder_shape(b, node->in[1]), &s, err));
    if (!constant_weights(b, node) || attrs->trans_a)
        return cz_builder_decline(b, "weights not constant float32, or A transposed");
    int ok;
    struct cz_product_job job = {.node = n,
                                 .m = s.m,
                                 .n = s.n,
                                 .k = s.k,
                                 .w = cz_builder_constant(b, node->in[1])->data,
                                 .bias = row_bias(b, node, attrs->beta, s.n, &ok),
                                 .trans_w = attrs->trans_b,
                                 .alpha = attrs->alpha};
    if (!ok)
        return cz_builder_decline(b, "C is not one value per column");
    return cz_product_plan(b, &job, err);
}

cz_status cz_matmul_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_shape *x = cz_builder_shape(b, node->in[0]);
    if (!constant_weights(b, node) || x->rank < 2)
        return cz_builder_decline(b, "weights not a constant float32 matrix");
    const cz_tensor *w = cz_builder_constant(b, node->in[1]);
    struct cz_product_job job = {.node = n, .m = 1, .n = w->dim[1], .k = w->dim[0], .w = w->data, .alpha = 1};
    for (int i = 0; i < x->rank - 1; i++)
        job.m *= x->dim[i];
    return cz_product_plan(b, &job, err);
}
