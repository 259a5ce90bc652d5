/*
 * References that work on independent rows, run in tiles on all threads with the reference's own bits:
 * Softmax and LogSoftmax over the last axis, LayerNormalization. And copies: Transpose, tile by tile of the
 * output's outermost dimension.
 */
#include "base/checked.h"
#include "engine/ops/norm.h"
#include "engine/ops/plans.h"
#include "engine/ops/softmax.h"
#include "engine/ops/strided.h"
#include "engine/ops/transpose.h"

/* Elements per tile: some ten microseconds of exp, one of copying. */
enum { ROW_ELEMENTS = 1024, COPY_ELEMENTS = 16384 };

/* Inputs behind the first are whole: one row's worth of scale or bias. */
struct rows {
    const struct cz_op *op;
    const void *attrs;
    int64_t n_rows, n, rows_per_tile;
    int n_in;
};

static cz_tensor rows_of(const struct rows *r, void *data, int64_t tile)
{
    int64_t first = tile * r->rows_per_tile, left = r->n_rows - first;
    return (cz_tensor){
        (float *)data + first * r->n, CZ_F32, 2, {left < r->rows_per_tile ? left : r->rows_per_tile, r->n}};
}

/* Dtypes and shapes are what infer passed, so the reference cannot refuse. */
static void rows_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct rows *r = step->choice;
    cz_tensor in[3], out = rows_of(r, cz_run_data(run, step->out[0]), tile);
    in[0] = rows_of(r, cz_run_data(run, step->in[0]), tile);
    for (int i = 1; i < r->n_in; i++)
        in[i] = (cz_tensor){cz_run_data(run, step->in[i]), CZ_F32, 1, {r->n}};
    r->op->eval(r->attrs, in, r->n_in, &out, 1, NULL);
}

static cz_status rows_plan(struct cz_builder *b, int n, const struct rows *what, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    struct rows *r = cz_builder_alloc(b, sizeof *r);
    struct cz_step *step;
    int in[3], out;
    if (!r)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    *r = *what;
    r->op = node->op;
    r->rows_per_tile = cz_ceil_div(ROW_ELEMENTS, r->n);
    for (int i = 0; i < r->n_in; i++)
        CZ_TRY(cz_builder_value(b, node->in[i], CZ_PLAIN, &in[i], err));
    CZ_TRY(cz_builder_output(b, node->out[0], CZ_PLAIN, &out, err));
    CZ_TRY(cz_builder_step(b, n, "rows", in, r->n_in, &out, 1, &step, err));
    step->tile = rows_tile;
    step->choice = r;
    step->in_place = 0;
    step->n_tiles = cz_ceil_div(r->n_rows, r->rows_per_tile);
    return CZ_OK;
}

cz_status cz_softmax_plan(struct cz_builder *b, int n, cz_error *err)
{
    static const struct cz_softmax_attrs last = {1, 0};
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_shape *x = cz_builder_shape(b, node->in[0]);
    int64_t outer, size, inner;
    CZ_TRY(cz_softmax_resolve(node->attrs, x, &outer, &size, &inner, err));
    if (x->dtype != CZ_F32 || inner != 1 || outer * size == 0)
        return cz_builder_decline(b, "not float32 over the last axis");
    return rows_plan(b, n, &(struct rows){.attrs = &last, .n_rows = outer, .n = size, .n_in = 1}, err);
}

/* Scale and bias that hold one value for each element of a row, and the same ones for every row. */
static int fits_row(const struct cz_builder *b, int value, int row_rank, int64_t size)
{
    const struct cz_shape *s = cz_builder_shape(b, value);
    for (int i = 0; i < s->rank - row_rank; i++)
        if (s->dim[i] != 1)
            return 0;
    return s->dtype == CZ_F32 && cz_shape_count(s) == size;
}

cz_status cz_layer_norm_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_shape *x = cz_builder_shape(b, node->in[0]);
    struct cz_layer_norm_attrs *attrs = cz_builder_alloc(b, sizeof *attrs);
    int64_t outer, size;
    int axis, n_in = node->n_in > 2 && node->in[2] >= 0 ? 3 : 2, fits = x->dtype == CZ_F32;
    if (!attrs)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    *attrs = *(const struct cz_layer_norm_attrs *)node->attrs;
    CZ_TRY(cz_layer_norm_resolve(attrs, x, &axis, &outer, &size, err));
    attrs->axis = 1;
    for (int i = 1; i < n_in; i++)
        fits &= fits_row(b, node->in[i], x->rank - axis, size);
    for (int i = 1; i < node->n_out; i++)
        fits &= node->out[i] < 0;
    if (!fits || outer * size == 0)
        return cz_builder_decline(b, "not float32 with a scale per element, or mean and deviation wanted");
    return rows_plan(b, n, &(struct rows){.attrs = attrs, .n_rows = outer, .n = size, .n_in = n_in}, err);
}

/* A strided copy cut along its outermost dimension, and what a tensor of the value is. */
struct copy {
    struct cz_strided all;
    int64_t per_tile;
    cz_tensor in, out; /* without data */
};

static void copy_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    (void)worker;
    const struct copy *c = step->choice;
    struct cz_strided part = c->all;
    int64_t first = tile * c->per_tile, left = c->all.dim[0] - first;
    cz_tensor in = c->in, out = c->out;
    in.data = cz_run_data(run, step->in[0]);
    out.data = cz_run_data(run, step->out[0]);
    part.dim[0] = left < c->per_tile ? left : c->per_tile;
    part.src_first += first * part.src_stride[0];
    part.dst_first += first * part.dst_stride[0];
    cz_strided_copy(&part, &in, &out);
}

/* Dimensions of 1 would leave nothing to cut. */
static void drop_ones(struct cz_strided *s)
{
    int rank = 0;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] == 1)
            continue;
        s->dim[rank] = s->dim[i];
        s->src_stride[rank] = s->src_stride[i];
        s->dst_stride[rank++] = s->dst_stride[i];
    }
    s->rank = rank;
}

cz_status cz_transpose_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_shape *x = cz_builder_shape(b, node->in[0]), *y = cz_builder_shape(b, node->out[0]);
    struct copy *c = cz_builder_alloc(b, sizeof *c);
    struct cz_step *step;
    int in, out;
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    CZ_TRY(cz_transpose_strides(node->attrs, x, &c->all, err));
    drop_ones(&c->all);
    if (c->all.rank == 0 || cz_shape_count(x) == 0)
        return cz_builder_decline(b, "up to one element");
    CZ_TRY(cz_builder_value(b, node->in[0], CZ_PLAIN, &in, err));
    CZ_TRY(cz_builder_output(b, node->out[0], CZ_PLAIN, &out, err));
    CZ_TRY(cz_builder_step(b, n, "copy", &in, 1, &out, 1, &step, err));
    c->in = cz_tensor_view(NULL, x);
    c->out = cz_tensor_view(NULL, y);
    c->per_tile = cz_ceil_div(COPY_ELEMENTS, cz_shape_count(x) / c->all.dim[0]);
    step->tile = copy_tile;
    step->choice = c;
    step->n_tiles = cz_ceil_div(c->all.dim[0], c->per_tile);
    return CZ_OK;
}
