#include "engine/ops/pairwise.h"
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"

cz_status cz_pairwise_parse(const struct cz_pairwise *row, const struct cz_attr_list *list, int opset,
                            struct cz_pairwise_attrs *a, cz_error *err)
{
    a->row = row;
    a->has_axis = opset < 7 && cz_attr_int(list, "broadcast", 0) && cz_attr_find(list, "axis");
    return a->has_axis ? cz_parse_int(list, "axis", 0, -CZ_MAX_RANK, CZ_MAX_RANK, &a->axis, err) : CZ_OK;
}

cz_status cz_pairwise_operand(const struct cz_pairwise_attrs *t, const struct cz_shape *a,
                              const struct cz_shape *b, struct cz_shape *out, cz_error *err)
{
    int axis;
    char at[CZ_SHAPE_TEXT], bt[CZ_SHAPE_TEXT];
    *out = *b;
    if (!t->has_axis || a->rank == 0)
        return CZ_OK;
    CZ_TRY(cz_normalize_axis(t->axis, a->rank, &axis, err));
    if (axis + b->rank > a->rank)
        CZ_FAIL(err, CZ_ERR_SHAPE, "b is %s at axis %d of a, %s; fewer dimensions wanted",
                cz_shape_text(b, bt, sizeof bt), axis, cz_shape_text(a, at, sizeof at));
    while (out->rank < a->rank - axis)
        out->dim[out->rank++] = 1;
    return CZ_OK;
}

cz_status cz_pairwise_shape(const struct cz_pairwise_attrs *t, const struct cz_op_input *in,
                            struct cz_shape *out, cz_error *err)
{
    struct cz_shape b;
    CZ_TRY(cz_pairwise_operand(t, &in[0].shape, &in[1].shape, &b, err));
    return cz_broadcast_shape(&in[0].shape, &b, out, err);
}

/* n elements from `first` on, or the one there n times. */
static void take_doubles(const cz_tensor *t, int64_t first, int step, int64_t n, double *out)
{
    if (step) {
        cz_load_doubles(t, first, n, out);
        return;
    }
    double v = cz_tensor_double(t, first);
    for (int64_t i = 0; i < n; i++)
        out[i] = v;
}

static void take_ints(const cz_tensor *t, int64_t first, int step, int64_t n, int64_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = cz_tensor_int(t, first + i * step);
}

struct run {
    const struct cz_pairwise *row;
    const cz_tensor *a, *b;
    int64_t a_first, b_first, out_first, count;
    int a_step, b_step;
};

static void run_doubles(const struct run *r, cz_tensor *out)
{
    double x[CZ_RUN], y[CZ_RUN];
    take_doubles(r->a, r->a_first, r->a_step, r->count, x);
    take_doubles(r->b, r->b_first, r->b_step, r->count, y);
    r->row->doubles(x, y, r->count);
    cz_store_doubles(out, r->out_first, r->count, x);
}

static cz_status run_ints(const struct run *r, cz_tensor *out, cz_error *err)
{
    int64_t x[CZ_RUN], y[CZ_RUN];
    take_ints(r->a, r->a_first, r->a_step, r->count, x);
    take_ints(r->b, r->b_first, r->b_step, r->count, y);
    if (r->row->ints(x, y, r->count))
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "integer division by zero");
    cz_store_ints(out, r->out_first, r->count, x);
    return CZ_OK;
}

cz_status cz_pairwise_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    const struct cz_pairwise_attrs *t = attrs;
    struct cz_shape a = cz_tensor_shape(&in[0]), b = cz_tensor_shape(&in[1]), y = cz_tensor_shape(&out[0]);
    int floats = cz_is_float(in[0].dtype) || cz_is_float(in[1].dtype);
    struct cz_broadcast plan;
    struct cz_broadcast_cursor at;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_pairwise_operand(t, &a, &b, &b, err));
    cz_broadcast_plan(&a, &b, &y, &plan);
    for (cz_broadcast_start(&plan, &at); !at.done; cz_broadcast_next(&plan, &at))
        for (int64_t i = 0; i < plan.run; i += CZ_RUN) {
            struct run r = {t->row,
                            &in[0],
                            &in[1],
                            at.a + i * plan.a_step,
                            at.b + i * plan.b_step,
                            at.out + i,
                            plan.run - i < CZ_RUN ? plan.run - i : CZ_RUN,
                            plan.a_step,
                            plan.b_step};
            if (floats)
                run_doubles(&r, &out[0]);
            else
                CZ_TRY(run_ints(&r, &out[0], err));
        }
    return CZ_OK;
}
