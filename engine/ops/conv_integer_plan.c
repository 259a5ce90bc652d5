/*
 * ConvInteger and QLinearConv in the plan (integer_plan.h).
 */
#include "engine/ops/common.h"
#include "engine/ops/conv_integer.h"
#include "engine/ops/conv_plan.h"
#include "engine/ops/integer_plan.h"
#include "engine/ops/plans.h"

#include <stdlib.h>

static cz_status resolve(const struct cz_infer *infer, const struct cz_plan_node *node,
                         struct cz_conv_shape *s, cz_error *err)
{
    const struct cz_integer_inputs *at = cz_integer_inputs(node->op);
    return cz_conv_resolve(node->attrs, &infer->shape[node->in[at->x]], &infer->shape[node->in[at->w]], s,
                           err);
}

int cz_conv_integer_can_plan(const struct cz_infer *infer, const struct cz_plan_node *node)
{
    struct cz_conv_shape s;
    if (!cz_integer_is_known(infer, node) || resolve(infer, node, &s, NULL) != CZ_OK)
        return 0;
    return s.batch > 0 && cz_conv_image_size(&s) > 0 && cz_conv_filter_size(&s) > 0 && s.out_c > 0;
}

/* The float32 convolutions take blocks of rows of images that fit their offsets. */
static int fits_float(const struct cz_builder *b, int n, const struct cz_conv_shape *s)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    return cz_builder_shape(b, node->out[0])->rank <= 4 && cz_conv_fits(s);
}

/* What cz_conv_values asks for in place of the node's own values. */
static cz_status float_values(struct cz_builder *b, int n, enum cz_layout x_layout, int *x, int *y,
                              cz_error *err)
{
    CZ_TRY(cz_integer_input_floats(b, n, x_layout, x, err));
    return cz_integer_sums(b, n, CZ_BLOCKED, y, err);
}

static cz_status plan_float(struct cz_builder *b, int n, const struct cz_conv_shape *s,
                            const struct cz_integer_weights *w, cz_error *err)
{
    static const cz_conv_algorithm algorithms[] = {cz_conv_depthwise, cz_conv_direct};
    float *floats = cz_integer_floats(w);
    struct cz_conv_job job = {
        .node = n, .shape = *s, .w = floats, .fusion = {.residual = -1}, .values = float_values};
    const char *refused = floats ? "" : NULL;
    cz_status status = floats ? CZ_OK : cz_error_set(err, CZ_ERR_MEMORY, "plan: out of memory");
    for (size_t i = 0; status == CZ_OK && refused && i < sizeof algorithms / sizeof *algorithms; i++) {
        refused = NULL;
        status = algorithms[i](b, &job, &refused, err);
    }
    free(floats);
    if (status != CZ_OK)
        return status;
    CZ_TRY(cz_integer_say_exact(b, err));
    return cz_integer_finish(b, n, CZ_BLOCKED, b->plan->steps[b->plan->n_steps - 1].out[0], s->out_c, err);
}

struct choice {
    struct cz_conv_shape shape;
    const int16_t *filters;
    const struct cz_write_back *w;
};

/* Tile: image and output channel. */
static void tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct choice *c = step->choice;
    const struct cz_window *g = &c->shape.window;
    int64_t oc = tile % c->shape.out_c, rows = g->out_d * g->out_h;
    const int16_t *image = (const int16_t *)cz_run_data(run, step->in[0]) +
                           tile / c->shape.out_c * cz_conv_image_size(&c->shape);
    const int16_t *filter = c->filters + oc * cz_conv_filter_size(&c->shape);
    int32_t *sums = cz_run_scratch(run, worker);
    for (int64_t row = 0; row < rows; row++) {
        cz_conv_sum_row(&c->shape, image, filter, oc, row, sums);
        cz_write_sums(&c->w[oc], sums, g->out_w, cz_run_data(run, step->out[0]),
                      (tile * rows + row) * g->out_w);
    }
}

static cz_status plan_int32(struct cz_builder *b, int n, const struct cz_conv_shape *s,
                            const struct cz_integer_weights *w, cz_error *err)
{
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    struct cz_step *step;
    int x, y;
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    *c = (struct choice){*s, cz_integer_keep(b, w), cz_integer_write_backs(b, n, s->out_c)};
    if (!c->filters || !c->w)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    CZ_TRY(cz_integer_input_shorts(b, n, &x, err));
    CZ_TRY(cz_builder_output(b, cz_builder_node(b, n)->out[0], CZ_PLAIN, &y, err));
    CZ_TRY(cz_builder_step(b, n, "sums in int32", &x, 1, &y, 1, &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = s->batch * s->out_c;
    step->scratch_bytes = (size_t)s->window.out_w * sizeof(int32_t);
    return CZ_OK;
}

cz_status cz_conv_integer_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    struct cz_conv_shape s;
    struct cz_integer_weights w;
    if (!cz_conv_integer_can_plan(b->plan->infer, node))
        return cz_builder_decline(b, "weights, scales or zero points not constant, or empty");
    CZ_TRY(resolve(b->plan->infer, node, &s, err));
    CZ_TRY(cz_integer_weights(b, n, s.out_c, cz_conv_filter_size(&s), &w, err));
    cz_status status =
        w.is_exact && fits_float(b, n, &s) ? plan_float(b, n, &s, &w, err) : plan_int32(b, n, &s, &w, err);
    free(w.values);
    return status;
}
