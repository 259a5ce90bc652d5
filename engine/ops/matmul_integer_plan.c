/*
 * MatMulInteger and QLinearMatMul with a constant right side in the plan (integer_plan.h).
 */
#include "base/checked.h"
#include "engine/ops/common.h"
#include "engine/ops/integer_plan.h"
#include "engine/ops/plans.h"
#include "engine/ops/product_plan.h"

#include <stdlib.h>
#include <string.h>

struct sizes {
    int64_t m, n, k;
};

static struct sizes sizes_of(const struct cz_infer *infer, const struct cz_plan_node *node)
{
    const struct cz_integer_inputs *at = cz_integer_inputs(node->op);
    const struct cz_shape *x = &infer->shape[node->in[at->x]], *w = &infer->shape[node->in[at->w]];
    return (struct sizes){cz_dim_product(x->dim, 0, x->rank - 1), w->dim[1], w->dim[0]};
}

int cz_matmul_integer_can_plan(const struct cz_infer *infer, const struct cz_plan_node *node)
{
    const struct cz_integer_inputs *at = cz_integer_inputs(node->op);
    if (!cz_integer_is_known(infer, node) || infer->shape[node->in[at->w]].rank != 2 ||
        infer->shape[node->in[at->x]].rank < 2)
        return 0;
    struct sizes s = sizes_of(infer, node);
    return s.m > 0 && s.n > 0 && s.k > 0 && s.m <= INT32_MAX / (s.k + 64); /* the float kernel's offsets */
}

static cz_status plan_float(struct cz_builder *b, int n, const struct sizes *s,
                            const struct cz_integer_weights *w, cz_error *err)
{
    struct cz_product_values values;
    float *floats = cz_integer_floats(w);
    struct cz_product_job job = {
        .node = n, .m = s->m, .n = s->n, .k = s->k, .w = floats, .alpha = 1, .values = &values};
    if (!floats)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    cz_status status = cz_integer_input_floats(b, n, CZ_PLAIN, &values.x, err);
    if (status == CZ_OK)
        status = cz_integer_sums(b, n, CZ_PLAIN, &values.y, err);
    if (status == CZ_OK)
        status = cz_product_plan(b, &job, err);
    free(floats);
    if (status != CZ_OK)
        return status;
    CZ_TRY(cz_integer_say_exact(b, err));
    return cz_integer_finish(b, n, CZ_PLAIN, values.y, s->n, err);
}

enum { COLUMNS = 256 }; /* of one tile */

struct choice {
    struct sizes s;
    const int16_t *weights;
    const struct cz_write_back *w;
};

/* Tile: row and run of columns. */
static void tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct choice *c = step->choice;
    int64_t runs = cz_ceil_div(c->s.n, COLUMNS), row = tile / runs, first = tile % runs * COLUMNS;
    int64_t n = c->s.n - first < COLUMNS ? c->s.n - first : COLUMNS;
    const int16_t *x = (const int16_t *)cz_run_data(run, step->in[0]) + row * c->s.k;
    uint32_t sums[COLUMNS] = {0};
    (void)worker;
    for (int64_t l = 0; l < c->s.k; l++)
        for (int64_t j = 0; j < n; j++)
            sums[j] += (uint32_t)(x[l] * c->weights[l * c->s.n + first + j]);
    for (int64_t j = 0; j < n; j++)
        cz_write_sums(&c->w[first + j], (const int32_t *)&sums[j], 1, cz_run_data(run, step->out[0]),
                      row * c->s.n + first + j);
}

static cz_status plan_int32(struct cz_builder *b, int n, const struct sizes *s,
                            const struct cz_integer_weights *w, cz_error *err)
{
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    struct cz_step *step;
    int x, y;
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    *c = (struct choice){*s, cz_integer_keep(b, w), cz_integer_write_backs(b, n, s->n)};
    if (!c->weights || !c->w)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    CZ_TRY(cz_integer_input_shorts(b, n, &x, err));
    CZ_TRY(cz_builder_output(b, cz_builder_node(b, n)->out[0], CZ_PLAIN, &y, err));
    CZ_TRY(cz_builder_step(b, n, "sums in int32", &x, 1, &y, 1, &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = s->m * cz_ceil_div(s->n, COLUMNS);
    return CZ_OK;
}

cz_status cz_matmul_integer_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    struct cz_integer_weights w;
    if (!cz_matmul_integer_can_plan(b->plan->infer, node))
        return cz_builder_decline(b, "weights, scales or zero points not constant, by rows, or too large");
    struct sizes s = sizes_of(b->plan->infer, node);
    CZ_TRY(cz_integer_weights(b, n, s.n, 1, &w, err));
    cz_status status = w.is_exact ? plan_float(b, n, &s, &w, err) : plan_int32(b, n, &s, &w, err);
    free(w.values);
    return status;
}
