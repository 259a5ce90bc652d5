/*
 * Gemm and MatMul with constant float32 weights and, for Gemm, a bias that is the same for every row.
 */
#include "engine/ops/gemm.h"
#include "engine/ops/plans.h"
#include "engine/ops/product_plan.h"

#include <string.h>

/* 1 if C of Gemm is left out, or a constant with one value per column or one for all. */
static int is_row_bias(const struct cz_infer *infer, const struct cz_plan_node *node, int64_t n)
{
    if (node->n_in < 3 || node->in[2] < 0)
        return 1;
    const cz_tensor *c = &infer->constant[node->in[2]];
    const struct cz_shape *s = &infer->shape[node->in[2]];
    int64_t count = cz_shape_count(s);
    return c->data && c->dtype == CZ_F32 && (count == 1 || (count == n && s->dim[s->rank - 1] == n));
}

/* Rows and columns of the input, as the product sees them. */
static struct cz_gemm_shape sizes(const struct cz_shape *x, const struct cz_shape *y)
{
    struct cz_gemm_shape s = {1, y->dim[y->rank - 1], x->dim[x->rank - 1]};
    for (int i = 0; i < x->rank - 1; i++)
        s.m *= x->dim[i];
    return s;
}

int cz_product_can_plan(const struct cz_infer *infer, const struct cz_plan_node *node)
{
    const cz_tensor *w = &infer->constant[node->in[1]];
    const struct cz_shape *x = &infer->shape[node->in[0]], *y = &infer->shape[node->out[0]];
    if (!w->data || w->dtype != CZ_F32 || w->rank != 2 || x->dtype != CZ_F32 || x->rank < 2)
        return 0;
    struct cz_gemm_shape s = sizes(x, y);
    if (strcmp(node->op->name, "Gemm") == 0 &&
        (((const struct cz_gemm_attrs *)node->attrs)->trans_a || !is_row_bias(infer, node, s.n)))
        return 0;
    return s.m > 0 && s.k > 0 && s.n > 0 && s.m <= INT32_MAX / (s.k + 64); /* the kernel's offsets */
}

static const char declined[] = "weights no constant float32 matrix, A transposed, C by rows, or too large";

/* C of Gemm as one float per column, scaled by beta. */
static cz_status row_bias(struct cz_builder *b, const struct cz_plan_node *node, float beta,
                          struct cz_product_job *job, cz_error *err)
{
    if (node->n_in < 3 || node->in[2] < 0)
        return CZ_OK;
    const float *c = cz_builder_constant(b, node->in[2])->data;
    int64_t step = cz_shape_count(cz_builder_shape(b, node->in[2])) == 1 ? 0 : 1;
    float *bias = cz_builder_alloc(b, sizeof *bias * (size_t)job->n);
    if (!bias)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    for (int64_t i = 0; i < job->n; i++)
        bias[i] = beta * c[i * step];
    job->bias = bias;
    return CZ_OK;
}

static struct cz_product_job job_of(const struct cz_builder *b, int n)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    struct cz_gemm_shape s = sizes(cz_builder_shape(b, node->in[0]), cz_builder_shape(b, node->out[0]));
    return (struct cz_product_job){
        .node = n, .m = s.m, .n = s.n, .k = s.k, .w = cz_builder_constant(b, node->in[1])->data, .alpha = 1};
}

cz_status cz_gemm_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_gemm_attrs *attrs = node->attrs;
    if (!cz_product_can_plan(b->plan->infer, node))
        return cz_builder_decline(b, declined);
    struct cz_product_job job = job_of(b, n);
    job.alpha = attrs->alpha;
    job.trans_w = attrs->trans_b;
    CZ_TRY(row_bias(b, node, attrs->beta, &job, err));
    return cz_product_plan(b, &job, err);
}

cz_status cz_matmul_plan(struct cz_builder *b, int n, cz_error *err)
{
    if (!cz_product_can_plan(b->plan->infer, cz_builder_node(b, n)))
        return cz_builder_decline(b, declined);
    struct cz_product_job job = job_of(b, n);
    return cz_product_plan(b, &job, err);
}
