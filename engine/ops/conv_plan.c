#include "engine/ops/conv_plan.h"
#include "engine/ops/plans.h"

enum { WIDEST = 16 }; /* floats in a vector of the widest tier */

/*
 * An upper bound of what any algorithm keeps of one image: channels in whole vectors, rows and columns with
 * their padding and what ceil_mode adds, columns in whole strides. Below it the kernels' 31-bit offsets hold
 * and no size overflows.
 */
int cz_conv_fits(const struct cz_conv_shape *s)
{
    const struct cz_window *g = &s->window;
    double rows = (double)(g->in_h + g->pad_top + g->pad_bottom + g->stride_h);
    double columns = (double)(g->in_w + g->pad_left + g->pad_right + 2 * g->stride_w);
    return rows * columns * ((double)s->in_c + WIDEST) <= INT32_MAX;
}

int cz_conv_can_plan(const struct cz_infer *infer, const struct cz_plan_node *node)
{
    const struct cz_shape *x = &infer->shape[node->in[0]], *w = &infer->shape[node->in[1]];
    if (x->dtype != CZ_F32 || w->dtype != CZ_F32 || x->rank < 3 || x->rank > 4 || cz_shape_count(x) == 0)
        return 0;
    if (!infer->constant[node->in[1]].data || infer->constant[node->in[1]].dtype != CZ_F32)
        return 0;
    if (node->n_in > 2 && node->in[2] >= 0 && !infer->constant[node->in[2]].data)
        return 0;
    struct cz_conv_shape s;
    return cz_conv_resolve(node->attrs, x, w, &s, NULL) == CZ_OK && s.out_c > 0 && cz_conv_fits(&s);
}

cz_status cz_conv_values(struct cz_builder *b, const struct cz_conv_job *job, enum cz_layout x_layout,
                         struct cz_conv_values *v, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, job->node);
    v->n_in = 1;
    if (job->values)
        return job->values(b, job->node, x_layout, &v->in[0], &v->out, err);
    CZ_TRY(cz_builder_value(b, node->in[0], x_layout, &v->in[0], err));
    if (job->fusion.residual >= 0)
        CZ_TRY(cz_builder_value(b, job->fusion.residual, CZ_BLOCKED, &v->in[v->n_in++], err));
    return cz_builder_output(b, node->out[0], CZ_BLOCKED, &v->out, err);
}

/* In the order they are tried; direct takes every form. */
static const cz_conv_algorithm algorithms[] = {cz_conv_blas, cz_conv_depthwise, cz_conv_winograd,
                                               cz_conv_direct};

cz_status cz_conv_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    if (!cz_conv_can_plan(b->plan->infer, node))
        return cz_builder_decline(
            b, "weights not constant float32, empty, or larger than the kernels' 31-bit offsets");
    struct cz_conv_job job = {.node = n, .fusion = node->fusion};
    job.w = cz_builder_constant(b, node->in[1])->data;
    if (node->n_in > 2 && node->in[2] >= 0)
        job.bias = cz_builder_constant(b, node->in[2])->data;
    CZ_TRY(cz_conv_resolve(node->attrs, cz_builder_shape(b, node->in[0]), cz_builder_shape(b, node->in[1]),
                           &job.shape, err));
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const char *refused = NULL;
        CZ_TRY(algorithms[i](b, &job, &refused, err));
        if (!refused)
            return CZ_OK;
    }
    CZ_FAIL(err, CZ_ERR_INTERNAL, "no algorithm takes what cz_conv_can_plan promised");
}
