/*
 * Operators that work element by element, in whichever layout their input already has: activations, Add, Sub,
 * Mul and Div of equal shapes or with one value per channel, BatchNormalization that could not be folded.
 */
#include "base/checked.h"
#include "engine/ops/activation.h"
#include "engine/ops/batchnorm.h"
#include "engine/ops/binary.h"
#include "engine/ops/plans.h"

#include <math.h>

/* Elements per tile: enough work to be worth handing out, small enough for a second-level cache. */
enum { CHUNK = 16384 };

struct flat {
    int64_t count;
    enum cz_binary_kind op;
    struct cz_activation act; /* of the node itself, or fused behind it */
};

static enum cz_layout layout_of(const struct cz_builder *b, int graph_value)
{
    return cz_builder_has(b, graph_value, CZ_BLOCKED) ? CZ_BLOCKED : CZ_PLAIN;
}

/* A step over all floats of its output, CHUNK by CHUNK. */
static cz_status flat_step(struct cz_builder *b, int n, const char *algorithm, cz_tile_fn tile, const int *in,
                           int n_in, enum cz_layout layout, const struct flat *what, cz_error *err)
{
    int out;
    struct cz_step *step;
    struct flat *f = cz_builder_alloc(b, sizeof *f);
    if (!f)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    CZ_TRY(cz_builder_output(b, cz_builder_node(b, n)->out[0], layout, &out, err));
    CZ_TRY(cz_builder_step(b, n, algorithm, in, n_in, &out, 1, &step, err));
    *f = *what;
    f->count = (int64_t)(b->plan->values[out].bytes / sizeof(float));
    step->tile = tile;
    step->choice = f;
    step->in_place = 0;
    step->n_tiles = cz_ceil_div(f->count, CHUNK);
    return CZ_OK;
}

static int64_t chunk_of(const struct flat *f, int64_t tile)
{
    return f->count - tile * CHUNK < CHUNK ? f->count - tile * CHUNK : CHUNK;
}

static void activation_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct flat *f = step->choice;
    run->kernels->activate(&f->act, (const float *)cz_run_data(run, step->in[0]) + tile * CHUNK,
                           (float *)cz_run_data(run, step->out[0]) + tile * CHUNK, chunk_of(f, tile));
}

cz_status cz_activation_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    struct flat f = {0};
    if (cz_builder_shape(b, node->in[0])->dtype != CZ_F32 || !cz_plan_activation(b->plan, n, &f.act))
        return cz_builder_decline(b, "not float32, or limits not known before the run");
    enum cz_layout layout = layout_of(b, node->in[0]);
    int x;
    CZ_TRY(cz_builder_value(b, node->in[0], layout, &x, err));
    return flat_step(b, n, "elements", activation_tile, &x, 1, layout, &f, err);
}

/* Operators whose reference is as fast as it needs to be, but not on one thread. */
struct by_reference {
    const struct cz_op *op;
    const void *attrs;
    cz_tensor in, out; /* one dimension, without data */
};

static cz_tensor part(const cz_tensor *whole, void *data, int64_t tile)
{
    int64_t rest = whole->dim[0] - tile * CHUNK;
    cz_tensor t = *whole;
    t.data = (char *)data + (size_t)(tile * CHUNK) * cz_dtype_size(t.dtype);
    t.dim[0] = rest < CHUNK ? rest : CHUNK;
    return t;
}

/* An element by itself cannot be refused: infer has seen the dtype, and there is no index to be out of range.
 */
static void reference_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct by_reference *c = step->choice;
    cz_tensor in = part(&c->in, cz_run_data(run, step->in[0]), tile);
    cz_tensor out = part(&c->out, cz_run_data(run, step->out[0]), tile);
    c->op->eval(c->attrs, &in, 1, &out, 1, NULL);
}

cz_status cz_elementwise_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    cz_dtype from = cz_builder_shape(b, node->in[0])->dtype, to = cz_builder_shape(b, node->out[0])->dtype;
    int any_layout = node->op->flags & CZ_OP_KEEPS_FINITE && from == CZ_F32 && to == CZ_F32, x, y;
    enum cz_layout layout = any_layout ? layout_of(b, node->in[0]) : CZ_PLAIN;
    struct by_reference *c = cz_builder_alloc(b, sizeof *c);
    struct cz_step *step;
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    CZ_TRY(cz_builder_value(b, node->in[0], layout, &x, err));
    CZ_TRY(cz_builder_output(b, node->out[0], layout, &y, err));
    CZ_TRY(cz_builder_step(b, n, "elements", &x, 1, &y, 1, &step, err));
    int64_t count = (int64_t)(b->plan->values[y].bytes / cz_dtype_size(to));
    *c = (struct by_reference){node->op, node->attrs, {NULL, from, 1, {count}}, {NULL, to, 1, {count}}};
    step->tile = reference_tile;
    step->choice = c;
    step->in_place = from == to ? 0 : -1;
    step->n_tiles = cz_ceil_div(count, CHUNK);
    return CZ_OK;
}

static void binary_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct flat *f = step->choice;
    float *y = (float *)cz_run_data(run, step->out[0]) + tile * CHUNK;
    run->kernels->binary(f->op, (const float *)cz_run_data(run, step->in[0]) + tile * CHUNK,
                         (const float *)cz_run_data(run, step->in[1]) + tile * CHUNK, y, chunk_of(f, tile));
    if (f->act.kind != CZ_ACT_NONE)
        run->kernels->activate(&f->act, y, y, chunk_of(f, tile));
}

struct per_channel {
    struct cz_blocked g;
    const float *scale, *shift; /* [blocks][width], NULL: scale comes from in[1], per image */
    struct cz_activation act;
    float low, high;
    int act_after;
};

/* Tile: image and channel block. */
static void channel_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct per_channel *c = step->choice;
    int64_t width = run->kernels->width, block = tile % c->g.blocks, at = tile * c->g.pixels * width;
    float *y = (float *)cz_run_data(run, step->out[0]) + at;
    struct cz_channel_affine args = {.x = (const float *)cz_run_data(run, step->in[0]) + at,
                                     .scale = c->scale ? c->scale + block * width
                                                       : (const float *)cz_run_data(run, step->in[1]) +
                                                             tile * width,
                                     .shift = c->shift ? c->shift + block * width : NULL,
                                     .low = c->low,
                                     .high = c->high,
                                     .y = y,
                                     .n_pixels = c->g.pixels};
    run->kernels->channel_affine(&args);
    if (c->act_after)
        run->kernels->activate(&c->act, y, y, c->g.pixels * width);
}

static cz_status channel_step(struct cz_builder *b, int n, const int *graph_in, int n_in,
                              struct per_channel *c, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    int in[2], out;
    struct cz_step *step;
    for (int i = 0; i < n_in; i++)
        CZ_TRY(cz_builder_value(b, graph_in[i], CZ_BLOCKED, &in[i], err));
    c->g = cz_blocked_of(cz_builder_shape(b, node->out[0]), b->plan->runtime->kernels->width);
    c->act = node->fusion.act;
    cz_activation_clamp(&c->act, &c->low, &c->high, &c->act_after);
    CZ_TRY(cz_builder_output(b, node->out[0], CZ_BLOCKED, &out, err));
    CZ_TRY(cz_builder_step(b, n, "channels", in, n_in, &out, 1, &step, err));
    step->tile = channel_tile;
    step->choice = c;
    step->in_place = 0;
    step->n_tiles = c->g.n * c->g.blocks;
    return CZ_OK;
}

/* [N,C,1,1] against [N,C,H,W]: the gate of squeeze-and-excitation. */
static int is_gate(const struct cz_shape *gate, const struct cz_shape *x)
{
    if (gate->rank != x->rank || x->rank < 3 || gate->dim[0] != x->dim[0] || gate->dim[1] != x->dim[1])
        return 0;
    for (int i = 2; i < gate->rank; i++)
        if (gate->dim[i] != 1)
            return 0;
    return 1;
}

static cz_status gate_plan(struct cz_builder *b, int n, int x, int gate, cz_error *err)
{
    struct per_channel *c = cz_builder_alloc(b, sizeof *c);
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    return channel_step(b, n, (int[]){x, gate}, 2, c, err);
}

static cz_status equal_shapes_plan(struct cz_builder *b, int n, enum cz_binary_kind op, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    struct flat f = {.op = op, .act = node->fusion.act};
    enum cz_layout layout = layout_of(b, node->in[0]) == CZ_BLOCKED ? CZ_BLOCKED : layout_of(b, node->in[1]);
    int in[2];
    for (int i = 0; i < 2; i++)
        CZ_TRY(cz_builder_value(b, node->in[i], layout, &in[i], err));
    return flat_step(b, n, "elements", binary_tile, in, 2, layout, &f, err);
}

/* Mul by one float that is known at the run only, in whichever layout x has. */
static void scalar_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct flat *f = step->choice;
    const float *x = (const float *)cz_run_data(run, step->in[0]) + tile * CHUNK;
    float *y = (float *)cz_run_data(run, step->out[0]) + tile * CHUNK, *factor = cz_run_scratch(run, worker);
    int64_t width = run->kernels->width, n = chunk_of(f, tile);
    for (int64_t i = 0; i < width; i++)
        factor[i] = *(const float *)cz_run_data(run, step->in[1]);
    struct cz_channel_affine args = {
        .x = x, .scale = factor, .low = -INFINITY, .high = INFINITY, .y = y, .n_pixels = n / width};
    run->kernels->channel_affine(&args);
    for (int64_t i = n / width * width; i < n; i++)
        y[i] = x[i] * factor[0];
}

static cz_status scalar_plan(struct cz_builder *b, int n, int x, int scalar, cz_error *err)
{
    struct flat f = {0};
    enum cz_layout layout = layout_of(b, x);
    int in[2];
    CZ_TRY(cz_builder_value(b, x, layout, &in[0], err));
    CZ_TRY(cz_builder_value(b, scalar, CZ_PLAIN, &in[1], err));
    CZ_TRY(flat_step(b, n, "elements", scalar_tile, in, 2, layout, &f, err));
    b->plan->steps[b->plan->n_steps - 1].scratch_bytes =
        (size_t)b->plan->runtime->kernels->width * sizeof(float);
    return CZ_OK;
}

/* 1 if x is blocked and a constant holds one float per channel of it: [C,1,1] or [1,C,1,1], without more. */
static int is_channels(const struct cz_builder *b, const struct cz_binary_attrs *attrs, int x, int value)
{
    const struct cz_shape *over = cz_builder_shape(b, x);
    struct cz_shape s;
    if (!cz_builder_constant(b, value) || !cz_builder_has(b, x, CZ_BLOCKED) ||
        cz_pairwise_operand(&attrs->pairwise, over, cz_builder_shape(b, value), &s, NULL) != CZ_OK)
        return 0;
    int axis = 1 - (over->rank - s.rank);
    return s.rank <= over->rank && axis >= 0 && s.dim[axis] == over->dim[1] &&
           cz_shape_count(&s) == over->dim[1];
}

/* x + t as x*1 + t, whose product is exact, and x*s without a shift: one rounding, as the operator has. */
static cz_status constant_plan(struct cz_builder *b, int n, enum cz_binary_kind kind, int x, int value,
                               cz_error *err)
{
    struct per_channel *c = cz_builder_alloc(b, sizeof *c);
    int64_t width = b->plan->runtime->kernels->width, channels = cz_builder_shape(b, x)->dim[1];
    int64_t lanes = cz_ceil_div(channels, width) * width;
    const float *from = cz_builder_constant(b, value)->data;
    float *scale = cz_builder_pack(b, (size_t)(2 * lanes) * sizeof *scale), *shift = scale + lanes;
    if (!c || !scale)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    for (int64_t i = 0; i < lanes; i++) {
        float v = i < channels ? from[i] : 0.0f;
        scale[i] = kind == CZ_BINARY_MUL ? v : 1.0f;
        shift[i] = kind == CZ_BINARY_SUB ? -v : v;
    }
    c->scale = scale;
    c->shift = kind == CZ_BINARY_MUL ? NULL : shift;
    return channel_step(b, n, &x, 1, c, err);
}

/* Operand x in full and another that broadcasts over it; *done 0: none of these forms. */
static cz_status broadcast_plan(struct cz_builder *b, int n, int x, int other, int *done, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_binary_attrs *attrs = node->attrs;
    *done = 1;
    if (!cz_shape_equal(cz_builder_shape(b, x), cz_builder_shape(b, node->out[0])))
        return *done = 0, CZ_OK;
    if (attrs->kind == CZ_BINARY_MUL && is_gate(cz_builder_shape(b, other), cz_builder_shape(b, x)) &&
        cz_builder_can_block(b, x))
        return gate_plan(b, n, x, other, err);
    if (attrs->kind == CZ_BINARY_MUL && cz_shape_count(cz_builder_shape(b, other)) == 1)
        return scalar_plan(b, n, x, other, err);
    int commutes = attrs->kind == CZ_BINARY_MUL || attrs->kind == CZ_BINARY_ADD;
    if ((commutes || (attrs->kind == CZ_BINARY_SUB && x == node->in[0])) && is_channels(b, attrs, x, other))
        return constant_plan(b, n, attrs->kind, x, other, err);
    return *done = 0, CZ_OK;
}

cz_status cz_binary_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_binary_attrs *attrs = node->attrs;
    const struct cz_shape *s0 = cz_builder_shape(b, node->in[0]), *s1 = cz_builder_shape(b, node->in[1]);
    if (s0->dtype != CZ_F32)
        return cz_builder_decline(b, "not float32");
    if (cz_shape_equal(s0, s1))
        return equal_shapes_plan(b, n, attrs->kind, err);
    int done;
    CZ_TRY(broadcast_plan(b, n, node->in[0], node->in[1], &done, err));
    if (!done)
        CZ_TRY(broadcast_plan(b, n, node->in[1], node->in[0], &done, err));
    return done ? CZ_OK : cz_broadcast_binary_plan(b, n, err);
}

cz_status cz_sum_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    if (node->n_in != 2 || cz_builder_shape(b, node->in[0])->dtype != CZ_F32 ||
        !cz_shape_equal(cz_builder_shape(b, node->in[0]), cz_builder_shape(b, node->in[1])))
        return cz_builder_decline(b, "not two float32 values of one shape");
    return equal_shapes_plan(b, n, CZ_BINARY_ADD, err);
}

cz_status cz_batchnorm_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    float *scale, *shift;
    if (!cz_builder_can_block(b, node->in[0]) || !cz_plan_batchnorm(b->plan, n, &scale, &shift))
        return cz_builder_decline(b, "statistics not constant, or not float32 of rank 3 to 5");
    struct per_channel *c = cz_builder_alloc(b, sizeof *c);
    struct cz_blocked g = cz_blocked_of(cz_builder_shape(b, node->in[0]), b->plan->runtime->kernels->width);
    int64_t lanes = g.blocks * b->plan->runtime->kernels->width;
    float *block = cz_builder_pack(b, (size_t)(2 * lanes) * sizeof *block);
    if (!c || !block)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    for (int64_t i = 0; i < lanes; i++) {
        block[i] = i < g.c ? scale[i] : 0.0f;
        block[lanes + i] = i < g.c ? shift[i] : 0.0f;
    }
    c->scale = block;
    c->shift = block + lanes;
    return channel_step(b, n, node->in, 1, c, err);
}
