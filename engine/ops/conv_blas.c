/*
 * Convolution as im2col and a BLAS product per image: for `--gemm openblas`, and what our own kernels are
 * measured against. The batch never enters the product, so an image's bits stay its own.
 */
#include "engine/ops/conv_plan.h"

#include <string.h>

struct choice {
    struct cz_conv_shape shape;
    const float *w, *bias;
    struct cz_activation act;
};

/* [in_c*k_h*k_w][out_h*out_w] of one image. */
static void im2col(const struct cz_conv_shape *s, const float *image, float *columns)
{
    const struct cz_window *g = &s->window;
    for (int64_t row = 0; row < s->in_c * g->k_h * g->k_w; row++) {
        int64_t k = row % g->k_w, r = row / g->k_w % g->k_h, c = row / (g->k_w * g->k_h), first, end;
        cz_tap_range(k, g->stride_w, g->dilation_w, g->pad_left, g->in_w, g->out_w, &first, &end);
        for (int64_t oy = 0; oy < g->out_h; oy++, columns += g->out_w) {
            int64_t y = oy * g->stride_h + r * g->dilation_h - g->pad_top;
            memset(columns, 0, sizeof *columns * (size_t)g->out_w);
            if (y < 0 || y >= g->in_h)
                continue;
            const float *x = image + (c * g->in_h + y) * g->in_w + k * g->dilation_w - g->pad_left;
            for (int64_t ox = first; ox < end; ox++)
                columns[ox] = x[ox * g->stride_w];
        }
    }
}

/* Tile: image. */
static void tile(const struct cz_step *step, const struct cz_run *run, int64_t image, int worker)
{
    const struct choice *c = step->choice;
    const struct cz_window *g = &c->shape.window;
    int64_t k = c->shape.in_c * g->k_h * g->k_w, pixels = g->out_h * g->out_w;
    const float *x = (const float *)cz_run_data(run, step->in[0]) + image * c->shape.in_c * g->in_h * g->in_w;
    float *y = (float *)cz_run_data(run, step->out[0]) + image * c->shape.out_c * pixels;
    float *columns = cz_run_scratch(run, worker);
    im2col(&c->shape, x, columns);
    cz_openblas_gemm(&run->runtime->blas, c->shape.out_c, pixels, k, c->w, k, columns, pixels, y, pixels);
    for (int64_t oc = 0; oc < c->shape.out_c; oc++)
        for (int64_t p = 0; p < pixels; p++)
            y[oc * pixels + p] += c->bias[oc];
    if (step->n_in > 1) {
        const float *residual =
            (const float *)cz_run_data(run, step->in[1]) + image * c->shape.out_c * pixels;
        run->kernels->binary(CZ_BINARY_ADD, y, residual, y, c->shape.out_c * pixels);
    }
    run->kernels->activate(&c->act, y, y, c->shape.out_c * pixels);
}

static cz_status scale_weights(struct cz_builder *b, const struct cz_conv_job *job, struct choice *c,
                               cz_error *err)
{
    int64_t k = job->shape.in_c * job->shape.window.k_h * job->shape.window.k_w, out_c = job->shape.out_c;
    float *w = cz_builder_pack(b, (size_t)(out_c * (k + 1)) * sizeof *w);
    if (!w)
        CZ_FAIL(err, CZ_ERR_MEMORY, "no memory for prepared weights");
    float *bias = w + out_c * k;
    for (int64_t oc = 0; oc < out_c; oc++) {
        double scale = job->fusion.scale ? (double)job->fusion.scale[oc] : 1;
        for (int64_t i = 0; i < k; i++)
            w[oc * k + i] = (float)((double)job->w[oc * k + i] * scale);
        bias[oc] = (float)((job->bias ? (double)job->bias[oc] * scale : 0) +
                           (job->fusion.shift ? (double)job->fusion.shift[oc] : 0));
    }
    c->w = w;
    c->bias = bias;
    return CZ_OK;
}

cz_status cz_conv_blas(struct cz_builder *b, const struct cz_conv_job *job, const char **refused,
                       cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, job->node);
    const struct cz_window *g = &job->shape.window;
    if (b->plan->runtime->gemm != CZ_GEMM_OPENBLAS || job->shape.groups > 1) {
        *refused = "not asked for, or grouped";
        return CZ_OK;
    }
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    c->shape = job->shape;
    c->act = job->fusion.act;
    CZ_TRY(scale_weights(b, job, c, err));
    int in[2], n_in = 1, out;
    CZ_TRY(cz_builder_value(b, node->in[0], CZ_PLAIN, &in[0], err));
    if (job->fusion.residual >= 0)
        CZ_TRY(cz_builder_value(b, job->fusion.residual, CZ_PLAIN, &in[n_in++], err));
    CZ_TRY(cz_builder_output(b, node->out[0], CZ_PLAIN, &out, err));
    struct cz_step *step;
    CZ_TRY(cz_builder_step(b, job->node, "im2col, OpenBLAS", in, n_in, &out, 1, &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = job->shape.batch;
    step->scratch_bytes = (size_t)(job->shape.in_c * g->k_h * g->k_w * g->out_h * g->out_w) * sizeof(float);
    return CZ_OK;
}
