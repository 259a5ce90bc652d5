/*
 * Rewriting the plan's nodes, never the graph: nodes that change nothing go, BatchNormalization and
 * per-channel Mul and Add go into the weights before them, additions and activations into the write-back of
 * the node before them.
 *
 * A node that takes another one in moves to that one's place, so that everything the other one read exists by
 * then.
 */
#include "engine/plan_fuse.h"
#include "engine/ops/activation.h"
#include "engine/ops/batchnorm.h"
#include "engine/ops/binary.h"
#include "engine/ops/conv_plan.h"
#include "engine/ops/product_plan.h"

#include <math.h>
#include <string.h>

static int is(const struct cz_plan_node *node, const char *op)
{
    return strcmp(node->op->name, op) == 0;
}

static const cz_tensor *constant(const struct cz_fuser *f, int value)
{
    return value >= 0 && f->plan->infer->constant[value].data ? &f->plan->infer->constant[value] : NULL;
}

static const struct cz_shape *shape(const struct cz_fuser *f, int value)
{
    return &f->plan->infer->shape[value];
}

int cz_plan_activation(const struct cz_plan *plan, int n, struct cz_activation *act)
{
    const struct cz_plan_node *node = &plan->nodes[n];
    struct cz_op_input in[3] = {0};
    for (int i = 0; i < node->n_in && i < 3; i++)
        if (node->in[i] >= 0)
            in[i] =
                (struct cz_op_input){1, plan->infer->shape[node->in[i]], plan->infer->constant[node->in[i]]};
    return node->n_in <= 3 && cz_activation_of(node->op, node->attrs, in, node->n_in, act);
}

int cz_plan_batchnorm(struct cz_plan *plan, int n, float **scale, float **shift)
{
    const struct cz_plan_node *node = &plan->nodes[n];
    const struct cz_batchnorm_attrs *attrs = node->attrs;
    const float *in[5];
    int64_t c = plan->infer->shape[node->in[0]].dim[1];
    for (int i = 1; i < 5; i++) {
        const cz_tensor *t = node->in[i] >= 0 ? &plan->infer->constant[node->in[i]] : NULL;
        if (!t || !t->data || t->dtype != CZ_F32 || t->rank != 1 || t->dim[0] != c)
            return 0;
        in[i] = t->data;
    }
    for (int i = 1; i < node->n_out; i++)
        if (node->out[i] >= 0)
            return 0;
    *scale = cz_arena_alloc(plan->arena, sizeof **scale * (size_t)c);
    *shift = cz_arena_alloc(plan->arena, sizeof **shift * (size_t)c);
    for (int64_t i = 0; *scale && *shift && i < c; i++) {
        double s = (double)in[1][i] / sqrt((double)in[4][i] + (double)attrs->epsilon);
        (*scale)[i] = (float)s;
        (*shift)[i] = (float)((double)in[2][i] - (double)in[3][i] * s);
    }
    return *scale && *shift;
}

/* 1 if the node's write-back can take something in: a planned Conv, or a product with constant weights. */
static int takes_channels(const struct cz_fuser *f, const struct cz_plan_node *node)
{
    if (is(node, "Conv"))
        return cz_conv_can_plan(f->plan->infer, node);
    if (!is(node, "Gemm") && !is(node, "MatMul"))
        return 0;
    /* Behind a matrix, columns are channels. */
    return shape(f, node->in[0])->rank == 2 && cz_product_can_plan(f->plan->infer, node);
}

/* The node that makes `value`, if it can take its only reader in; -1 otherwise. */
static int sole_producer(const struct cz_fuser *f, int value, int uses)
{
    int n = value >= 0 ? f->producer[value] : -1;
    if (n < 0 || f->uses[value] != uses || f->plan->nodes[n].fusion.act.kind != CZ_ACT_NONE)
        return -1;
    return n;
}

/* Node `from` takes node `into`'s place and output. */
static void move(struct cz_fuser *f, int from, int into)
{
    struct cz_plan_node *source = &f->plan->nodes[from], *target = &f->plan->nodes[into];
    int value = target->out[0];
    *target = *source;
    source->dead = 1;
    target->out[0] = value;
    f->producer[value] = into;
}

/* Reads of everything else the absorbed node read are gone. */
static void drop_uses(struct cz_fuser *f, const struct cz_plan_node *node)
{
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] >= 0)
            f->uses[node->in[i]]--;
}

/* y = fusion(x)*scale + shift. */
static int compose(struct cz_fuser *f, struct cz_fusion *fusion, int64_t c, const float *scale,
                   const float *shift)
{
    float *s = cz_arena_alloc(f->plan->arena, sizeof *s * (size_t)c);
    float *t = cz_arena_alloc(f->plan->arena, sizeof *t * (size_t)c);
    if (!s || !t)
        return 0;
    for (int64_t i = 0; i < c; i++) {
        double factor = scale ? (double)scale[i] : 1;
        s[i] = (float)((fusion->scale ? (double)fusion->scale[i] : 1) * factor);
        t[i] =
            (float)((fusion->shift ? (double)fusion->shift[i] : 0) * factor + (shift ? (double)shift[i] : 0));
    }
    fusion->scale = s;
    fusion->shift = t;
    return 1;
}

static int fold_affine(struct cz_fuser *f, int n, int x, int64_t c, const float *scale, const float *shift)
{
    int p = sole_producer(f, x, 1);
    if (p < 0 || f->plan->nodes[p].fusion.residual >= 0 || !takes_channels(f, &f->plan->nodes[p]) ||
        !compose(f, &f->plan->nodes[p].fusion, c, scale, shift))
        return 0;
    drop_uses(f, &f->plan->nodes[n]);
    move(f, p, n);
    return 1;
}

static int fold_batchnorm(struct cz_fuser *f, int n)
{
    const struct cz_plan_node *node = &f->plan->nodes[n];
    float *scale, *shift;
    if (!is(node, "BatchNormalization") || shape(f, node->in[0])->rank < 2 ||
        !cz_plan_batchnorm(f->plan, n, &scale, &shift))
        return 0;
    return fold_affine(f, n, node->in[0], shape(f, node->in[0])->dim[1], scale, shift);
}

/* One float per channel of x from a constant that broadcasts over everything else: [C,1,1], [1,C,1,1], or a
 * scalar. */
static float *channel_values(struct cz_fuser *f, const struct cz_binary_attrs *attrs, int x, int value)
{
    const cz_tensor *t = constant(f, value);
    struct cz_shape s;
    const struct cz_shape *over = shape(f, x);
    if (!t || t->dtype != CZ_F32 || over->rank < 2)
        return NULL;
    if (cz_pairwise_operand(&attrs->pairwise, over, shape(f, value), &s, NULL) != CZ_OK ||
        s.rank > over->rank)
        return NULL;
    int64_t count = cz_shape_count(&s), c = over->dim[1];
    int axis = 1 - (over->rank - s.rank); /* where the channels lie in s */
    if (count != 1 && (count != c || axis < 0 || s.dim[axis] != c))
        return NULL;
    float *values = cz_arena_alloc(f->plan->arena, sizeof *values * (size_t)c);
    for (int64_t i = 0; values && i < c; i++)
        values[i] = ((const float *)t->data)[count == 1 ? 0 : i];
    return values;
}

static int fold_constant(struct cz_fuser *f, int n)
{
    const struct cz_plan_node *node = &f->plan->nodes[n];
    int mul = is(node, "Mul"), add = is(node, "Add");
    for (int i = 0; (mul || add) && i < 2; i++) {
        int x = node->in[i], other = node->in[1 - i];
        if (!constant(f, other) || !cz_shape_equal(shape(f, x), shape(f, node->out[0])))
            continue;
        const struct cz_binary_attrs *attrs = node->attrs;
        const float *v = channel_values(f, attrs, x, other);
        return v && fold_affine(f, n, x, shape(f, x)->dim[1], mul ? v : NULL, add ? v : NULL);
    }
    return 0;
}

static int fold_residual(struct cz_fuser *f, int n)
{
    const struct cz_plan_node *node = &f->plan->nodes[n];
    int sum = is(node, "Add") || (is(node, "Sum") && node->n_in == 2);
    if (!sum || !cz_shape_equal(shape(f, node->in[0]), shape(f, node->in[1])))
        return 0;
    for (int i = 1; i >= 0; i--) {
        int p = sole_producer(f, node->in[i], 1), residual = node->in[1 - i];
        if (p < 0 || !is(&f->plan->nodes[p], "Conv") || f->plan->nodes[p].fusion.residual >= 0 ||
            !takes_channels(f, &f->plan->nodes[p]) || constant(f, residual))
            continue;
        f->plan->nodes[p].fusion.residual = residual;
        f->uses[node->in[i]]--;
        move(f, p, n);
        return 1;
    }
    return 0;
}

/* Behind these an activation costs nothing of its own. */
static int takes_activation(const struct cz_fuser *f, const struct cz_plan_node *node)
{
    const struct cz_shape *y = shape(f, node->out[0]);
    if (is(node, "BatchNormalization")) /* blocked: cz_batchnorm_plan takes it */
        return y->rank >= 3 && y->rank <= 5 && y->dtype == CZ_F32;
    return takes_channels(f, node);
}

static int fold_activation(struct cz_fuser *f, int n)
{
    const struct cz_plan_node *node = &f->plan->nodes[n];
    struct cz_activation act;
    if (!cz_plan_activation(f->plan, n, &act))
        return 0;
    int p = sole_producer(f, node->in[0], 1);
    if (p < 0 || !takes_activation(f, &f->plan->nodes[p]))
        return 0;
    if (is(&f->plan->nodes[p], "BatchNormalization")) {
        float *scale, *shift; /* it must not fall back to the reference */
        if (!cz_plan_batchnorm(f->plan, p, &scale, &shift))
            return 0;
    }
    f->plan->nodes[p].fusion.act = act;
    drop_uses(f, node);
    move(f, p, n);
    return 1;
}

/* x*sigmoid(x) and x*hardsigmoid(x), x read by these two only: one activation of x's producer. */
static int fold_gated(struct cz_fuser *f, int n)
{
    const struct cz_plan_node *node = &f->plan->nodes[n];
    for (int i = 0; is(node, "Mul") && i < 2; i++) {
        int x = node->in[i], gate = node->in[1 - i], g = f->producer[gate];
        struct cz_activation act;
        if (x < 0 || g < 0 || f->uses[gate] != 1 || f->plan->nodes[g].in[0] != x ||
            !cz_plan_activation(f->plan, g, &act))
            continue;
        int sixth =
            act.kind == CZ_ACT_HARD_SIGMOID && fabsf(act.alpha - 1.0f / 6.0f) < 1e-6f && act.beta == 0.5f;
        if (act.kind != CZ_ACT_SIGMOID && !sixth)
            continue;
        int p = sole_producer(f, x, 2);
        if (p < 0 || !takes_channels(f, &f->plan->nodes[p]))
            continue;
        f->plan->nodes[p].fusion.act.kind = sixth ? CZ_ACT_HARD_SWISH : CZ_ACT_SILU;
        f->plan->nodes[g].dead = 1;
        f->uses[x] -= 2;
        f->uses[gate]--;
        move(f, p, n);
        return 1;
    }
    return 0;
}

static int all_zero(const cz_tensor *t)
{
    struct cz_shape s = cz_tensor_shape(t);
    for (int64_t i = 0; i < cz_shape_count(&s); i++)
        if (cz_tensor_int(t, i) != 0)
            return 0;
    return 1;
}

/* The output is the input, element for element and in shape. */
static int changes_nothing(const struct cz_fuser *f, const struct cz_plan_node *node)
{
    if (node->n_in < 1 || node->in[0] < 0 || node->out[0] < 0 ||
        !cz_shape_equal(shape(f, node->in[0]), shape(f, node->out[0])))
        return 0;
    if (is(node, "Pad"))
        return node->n_in > 1 && constant(f, node->in[1]) && all_zero(constant(f, node->in[1]));
    if (is(node, "Dropout"))
        return node->n_out < 2 || node->out[1] < 0;
    return is(node, "Identity") || is(node, "AdaptiveAveragePool") || is(node, "Reshape") ||
           is(node, "Flatten") || is(node, "Cast") || (is(node, "Concat") && node->n_in == 1);
}

static int drop_identity(struct cz_fuser *f, int n)
{
    struct cz_plan_node *node = &f->plan->nodes[n];
    if (!changes_nothing(f, node) || f->is_output[node->out[0]])
        return 0;
    int from = node->out[0], to = node->in[0];
    f->same_as[from] = to;
    f->uses[to] += f->uses[from] - 1;
    node->dead = 1;
    return 1;
}

/* Nodes come in order, so what a dropped one passed on has been renamed itself. */
static void rename_inputs(const struct cz_fuser *f, struct cz_plan_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] >= 0 && f->same_as[node->in[k]] >= 0)
            node->in[k] = f->same_as[node->in[k]];
}

static cz_status start(struct cz_fuser *f, struct cz_plan *plan, cz_error *err)
{
    size_t n = (size_t)plan->graph->n_values + 1;
    f->plan = plan;
    f->producer = cz_arena_alloc(plan->arena, sizeof *f->producer * n);
    f->uses = cz_arena_alloc(plan->arena, sizeof *f->uses * n);
    f->same_as = cz_arena_alloc(plan->arena, sizeof *f->same_as * n);
    f->is_output = cz_arena_alloc(plan->arena, n);
    if (!f->producer || !f->uses || !f->same_as || !f->is_output)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    for (size_t i = 0; i < n; i++)
        f->producer[i] = f->same_as[i] = -1;
    for (int i = 0; i < plan->n_nodes; i++) {
        const struct cz_plan_node *node = &plan->nodes[i];
        for (int k = 0; !node->dead && k < node->n_in; k++)
            if (node->in[k] >= 0)
                f->uses[node->in[k]]++;
        for (int k = 0; !node->dead && k < node->n_out; k++)
            if (node->out[k] >= 0)
                f->producer[node->out[k]] = i;
    }
    for (int i = 0; i < plan->graph->n_outputs; i++) {
        f->uses[plan->graph->outputs[i]]++;
        f->is_output[plan->graph->outputs[i]] = 1;
    }
    return CZ_OK;
}

/* Tried in this order at every node, front to back; the first that applies ends it. */
static const struct {
    cz_fusion_rule name;
    int (*apply)(struct cz_fuser *, int);
} rules[] = {
    {CZ_FUSE_IDENTITY, drop_identity},
    {CZ_FUSE_PAD, cz_fuse_pad},
    {CZ_FUSE_BATCHNORM, fold_batchnorm},
    {CZ_FUSE_SCALE, fold_constant},
    {CZ_FUSE_GATED, fold_gated},
    {CZ_FUSE_RESIDUAL, fold_residual},
    {CZ_FUSE_ACTIVATION, fold_activation},
    {CZ_FUSE_QUANTIZED, cz_fuse_codes},
    {CZ_FUSE_QUANTIZED, cz_fuse_integer_cast},
};

cz_status cz_plan_fuse(struct cz_plan *plan, unsigned without, cz_error *err)
{
    struct cz_fuser f;
    CZ_TRY(start(&f, plan, err));
    for (int n = 0; n < plan->n_nodes; n++) {
        rename_inputs(&f, &plan->nodes[n]);
        for (size_t r = 0; !plan->nodes[n].dead && r < sizeof rules / sizeof *rules; r++)
            if (!(rules[r].name & without) && rules[r].apply(&f, n))
                break;
    }
    return CZ_OK;
}
