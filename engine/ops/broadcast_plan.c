/*
 * Add, Sub, Mul and Div of shapes that broadcast, in tiles of runs with the kernels of equal shapes: each
 * operation is correctly rounded, so the bits are the reference's. An operand that stands still along the run
 * is spread into scratch first.
 */
#include "base/checked.h"
#include "engine/ops/binary.h"
#include "engine/ops/broadcast.h"
#include "engine/ops/plans.h"

enum { TILE_ELEMENTS = 16384, PIECE = 1024 };

struct spread {
    struct cz_broadcast plan;
    int64_t n_runs, runs_per_tile;
    enum cz_binary_kind kind;
    struct cz_activation act;
};

/* The cursor at run number `at` of them. */
static struct cz_broadcast_cursor seek(const struct cz_broadcast *p, int64_t at)
{
    struct cz_broadcast_cursor c = {.out = at * p->run};
    for (int i = p->rank - 1; i >= 0; i--) {
        c.index[i] = at % p->dim[i];
        at /= p->dim[i];
        c.a += c.index[i] * p->a_stride[i];
        c.b += c.index[i] * p->b_stride[i];
    }
    return c;
}

/* n elements from `from` on, or the one there n times. */
static const float *operand(const float *from, int step, int64_t n, float *buffer)
{
    if (step)
        return from;
    for (int64_t i = 0; i < n; i++)
        buffer[i] = *from;
    return buffer;
}

struct operands {
    const float *a, *b;
    float *y, *scratch;
};

static void run_once(const struct spread *s, const struct cz_kernels *k, const struct cz_broadcast_cursor *at,
                     const struct operands *o)
{
    for (int64_t i = 0; i < s->plan.run; i += PIECE) {
        int64_t n = s->plan.run - i < PIECE ? s->plan.run - i : PIECE;
        const float *a = operand(o->a + at->a + i * s->plan.a_step, s->plan.a_step, n, o->scratch);
        const float *b = operand(o->b + at->b + i * s->plan.b_step, s->plan.b_step, n, o->scratch + PIECE);
        float *y = o->y + at->out + i;
        k->binary(s->kind, a, b, y, n);
        if (s->act.kind != CZ_ACT_NONE)
            k->activate(&s->act, y, y, n);
    }
}

static void spread_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct spread *s = step->choice;
    int64_t first = tile * s->runs_per_tile, end = first + s->runs_per_tile;
    struct cz_broadcast_cursor at = seek(&s->plan, first);
    struct operands o = {cz_run_data(run, step->in[0]), cz_run_data(run, step->in[1]),
                         cz_run_data(run, step->out[0]), cz_run_scratch(run, worker)};
    for (int64_t i = first; i < end && i < s->n_runs; i++, cz_broadcast_next(&s->plan, &at))
        run_once(s, run->kernels, &at, &o);
}

cz_status cz_broadcast_binary_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_binary_attrs *attrs = node->attrs;
    const struct cz_shape *x0 = cz_builder_shape(b, node->in[0]), *y = cz_builder_shape(b, node->out[0]);
    struct spread *s = cz_builder_alloc(b, sizeof *s);
    struct cz_shape x1;
    struct cz_step *step;
    int in[2], out;
    if (!s)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    CZ_TRY(cz_pairwise_operand(&attrs->pairwise, x0, cz_builder_shape(b, node->in[1]), &x1, err));
    if (cz_shape_count(y) == 0)
        return cz_builder_decline(b, "no elements");
    cz_broadcast_plan(x0, &x1, y, &s->plan);
    for (int i = 0; i < 2; i++)
        CZ_TRY(cz_builder_value(b, node->in[i], CZ_PLAIN, &in[i], err));
    CZ_TRY(cz_builder_output(b, node->out[0], CZ_PLAIN, &out, err));
    CZ_TRY(cz_builder_step(b, n, "broadcast", in, 2, &out, 1, &step, err));
    s->kind = attrs->kind;
    s->act = node->fusion.act;
    s->n_runs = cz_shape_count(y) / s->plan.run;
    s->runs_per_tile = cz_ceil_div(TILE_ELEMENTS, s->plan.run);
    step->tile = spread_tile;
    step->choice = s;
    step->scratch_bytes = 2 * PIECE * sizeof(float);
    step->n_tiles = cz_ceil_div(s->n_runs, s->runs_per_tile);
    return CZ_OK;
}
