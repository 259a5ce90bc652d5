/*
 * Quantised pairs: a DequantizeLinear behind a QuantizeLinear of the same codes becomes one step on float32,
 * which keeps the rounding and the saturation (where an exporter may have put a ReLU6); a Cast to float32
 * behind ConvInteger and MatMulInteger goes into their write-back, which then needs no int32. Both give the
 * same bits as before.
 */
#include "engine/ops/integer_plan.h"
#include "engine/ops/quantize.h"
#include "engine/plan_fuse.h"

#include <string.h>

static const struct cz_shape *shape(const struct cz_fuser *f, int value)
{
    return &f->plan->infer->shape[value];
}

static int is(const struct cz_plan_node *node, const char *op)
{
    return strcmp(node->op->name, op) == 0;
}

/* Both left out, or the same single known element. */
static int same_element(const struct cz_fuser *f, const struct cz_plan_node *a, const struct cz_plan_node *b,
                        int input)
{
    int va = input < a->n_in ? a->in[input] : -1, vb = input < b->n_in ? b->in[input] : -1;
    if (va < 0 || vb < 0)
        return va < 0 && vb < 0;
    const cz_tensor *ta = &f->plan->infer->constant[va], *tb = &f->plan->infer->constant[vb];
    struct cz_shape sa = cz_tensor_shape(ta), sb = cz_tensor_shape(tb);
    return ta->data && tb->data && sa.dtype == sb.dtype && cz_shape_count(&sa) == 1 &&
           cz_shape_count(&sb) == 1 && memcmp(ta->data, tb->data, cz_dtype_size(sa.dtype)) == 0;
}

static void drop_use(struct cz_fuser *f, int value)
{
    if (value >= 0)
        f->uses[value]--;
}

/* Reads the quantizer's own input; the quantizer stays for its other readers. */
int cz_fuse_codes(struct cz_fuser *f, int n)
{
    struct cz_plan_node *node = &f->plan->nodes[n];
    if (!is(node, "DequantizeLinear") || f->producer[node->in[0]] < 0)
        return 0;
    int codes = node->in[0];
    struct cz_plan_node *from = &f->plan->nodes[f->producer[codes]];
    if (!is(from, "QuantizeLinear") || ((const struct cz_quantize_attrs *)from->attrs)->block ||
        ((const struct cz_quantize_attrs *)node->attrs)->block || shape(f, codes)->dtype == CZ_F32)
        return 0;
    if (shape(f, from->in[0])->dtype != CZ_F32 || shape(f, node->out[0])->dtype != CZ_F32 ||
        !same_element(f, from, node, 1) || !same_element(f, from, node, 2))
        return 0;
    if ((node->n_in < 3 || node->in[2] < 0) && shape(f, codes)->dtype != CZ_U8)
        return 0; /* the codes' type is then known from their own value alone */
    node->op = from->op;
    node->attrs = from->attrs;
    node->in[0] = from->in[0];
    f->uses[node->in[0]]++;
    if (--f->uses[codes] > 0)
        return 1;
    from->dead = 1;
    for (int i = 0; i < from->n_in; i++)
        drop_use(f, from->in[i]);
    return 1;
}

int cz_fuse_integer_cast(struct cz_fuser *f, int n)
{
    struct cz_plan_node *node = &f->plan->nodes[n];
    int sums = is(node, "Cast") ? node->in[0] : -1, p = sums >= 0 ? f->producer[sums] : -1;
    if (p < 0 || f->uses[sums] != 1 || shape(f, node->out[0])->dtype != CZ_F32)
        return 0;
    struct cz_plan_node *from = &f->plan->nodes[p];
    int conv = is(from, "ConvInteger") && cz_conv_integer_can_plan(f->plan->infer, from);
    if (!conv && !(is(from, "MatMulInteger") && cz_matmul_integer_can_plan(f->plan->infer, from)))
        return 0;
    int out = node->out[0];
    *node = *from;
    from->dead = 1;
    node->out[0] = out;
    f->producer[out] = n;
    f->uses[sums]--;
    return 1;
}
