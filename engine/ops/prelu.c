/*
 * PRelu: x < 0 ? slope * x : x. The slope broadcasts towards x by numpy's rule from opset 7 on; before that
 * it has one element or one per channel (ONNX opset 1, 6, 7, 9, 16).
 *
 * Source: ONNX operator specification, PRelu-6, PRelu-16.
 */
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"

struct prelu_attrs {
    int slope_per_channel;
};

static cz_status prelu_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct prelu_attrs *a = attrs;
    (void)list, (void)err;
    a->slope_per_channel = opset < 7;
    return CZ_OK;
}

/* The slope as it broadcasts by numpy's rule: [C] becomes [C,1,1]. */
static struct cz_shape slope_shape(const struct prelu_attrs *a, const struct cz_shape *x,
                                   const struct cz_shape *slope)
{
    struct cz_shape s = *slope;
    if (a->slope_per_channel && s.rank == 1)
        while (s.rank < x->rank - 1)
            s.dim[s.rank++] = 1;
    return s;
}

static cz_status prelu_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    struct cz_shape slope = slope_shape(attrs, &in[0].shape, &in[1].shape);
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT | CZ_SET_INDEX, err));
    CZ_TRY(cz_check_same_dtype(&in[1], "slope", in[0].shape.dtype, err));
    CZ_TRY(cz_check_broadcast_to(&slope, "slope", &in[0].shape, err));
    out[0] = in[0].shape;
    return CZ_OK;
}

static void apply(const cz_tensor *x, int64_t i, const cz_tensor *slope, int64_t j, cz_tensor *out)
{
    if (!cz_is_float(x->dtype)) {
        int64_t v = cz_tensor_int(x, i);
        v = v < 0 ? (int64_t)((uint64_t)cz_tensor_int(slope, j) * (uint64_t)v) : v;
        cz_store_ints(out, i, 1, &v);
        return;
    }
    double v = cz_tensor_double(x, i);
    cz_tensor_store(out, i, v < 0 ? cz_tensor_double(slope, j) * v : v);
}

static cz_status prelu_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                            cz_error *err)
{
    struct cz_shape x = cz_tensor_shape(&in[0]), given = cz_tensor_shape(&in[1]);
    struct cz_shape slope = slope_shape(attrs, &x, &given);
    struct cz_broadcast plan;
    struct cz_broadcast_cursor at;
    (void)n_in, (void)n_out, (void)err;
    cz_broadcast_plan(&x, &slope, &x, &plan);
    for (cz_broadcast_start(&plan, &at); !at.done; cz_broadcast_next(&plan, &at))
        for (int64_t i = 0; i < plan.run; i++)
            apply(&in[0], at.a + i, &in[1], at.b + i * plan.b_step, &out[0]);
    return CZ_OK;
}

const struct cz_op cz_op_prelu = {
    .name = "PRelu",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct prelu_attrs),
    .parse = prelu_parse,
    .infer = prelu_infer,
    .eval = prelu_eval,
};
