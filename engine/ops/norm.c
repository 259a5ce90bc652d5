/*
 * InstanceNormalization (ONNX opset 1, 6), GroupNormalization (18: a scale per group; 21: per channel) and
 * LayerNormalization (17): (x - mean) / sqrt(variance + epsilon) * scale + bias, over elements that lie side
 * by side in memory. Mean and variance in double, in two passes, in the order of the elements.
 *
 * Source: ONNX operator specification, InstanceNormalization-6, GroupNormalization-21, LayerNormalization-17.
 */
#include "engine/ops/norm.h"
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"
#include "engine/ops/walk.h"

#include <math.h>

struct moments {
    double mean, inverse; /* 1 / sqrt(variance + epsilon) */
};

static struct moments measure(const cz_tensor *x, int64_t first, int64_t n, double epsilon)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        sum += cz_tensor_double(x, first + i);
    double mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) {
        double d = cz_tensor_double(x, first + i) - mean;
        squares += d * d;
    }
    return (struct moments){mean, 1 / sqrt(squares / (double)n + epsilon)};
}

static double normal(const cz_tensor *x, int64_t i, const struct moments *m)
{
    return (cz_tensor_double(x, i) - m->mean) * m->inverse;
}

struct channel_attrs {
    float epsilon;
    int64_t n_groups; /* 0: as many as channels */
    int per_group;    /* scale and bias are per group */
};

static cz_status instance_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct channel_attrs *a = attrs;
    (void)opset, (void)err;
    a->epsilon = cz_attr_float(list, "epsilon", 1e-5f);
    return CZ_OK;
}

static cz_status group_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct channel_attrs *a = attrs;
    a->per_group = opset < 21;
    a->epsilon = cz_attr_float(list, "epsilon", 1e-5f);
    if (!cz_attr_find(list, "num_groups"))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'num_groups' is missing");
    return cz_parse_int(list, "num_groups", 0, 1, INT32_MAX, &a->n_groups, err);
}

static cz_status channel_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    const struct channel_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_check_rank(&in[0], "input", 2, CZ_MAX_RANK, err));
    if (a->n_groups && x->dim[1] % a->n_groups)
        CZ_FAIL(err, CZ_ERR_SHAPE, "input has %lld channels; a multiple of %lld groups wanted",
                (long long)x->dim[1], (long long)a->n_groups);
    int64_t n_scales = a->per_group ? a->n_groups : x->dim[1];
    CZ_TRY(cz_check_vector(&in[1], "scale", n_scales, x->dtype, err));
    CZ_TRY(cz_check_vector(&in[2], "bias", n_scales, x->dtype, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static cz_status channel_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                              cz_error *err)
{
    const struct channel_attrs *a = attrs;
    const cz_tensor *x = &in[0];
    int64_t channels = x->dim[1], groups = a->n_groups ? a->n_groups : channels;
    int64_t plane = cz_dim_product(x->dim, 2, x->rank), n = groups ? channels / groups * plane : 0;
    (void)n_in, (void)n_out, (void)err;
    for (int64_t g = 0; n > 0 && g < x->dim[0] * groups; g++) {
        struct moments m = measure(x, g * n, n, (double)a->epsilon);
        for (int64_t i = g * n; i < (g + 1) * n; i++) {
            int64_t at = a->per_group ? g % groups : i / plane % channels;
            cz_tensor_store(&out[0], i,
                            normal(x, i, &m) * cz_tensor_double(&in[1], at) + cz_tensor_double(&in[2], at));
        }
    }
    return CZ_OK;
}

#define CHANNELS(symbol, onnx_name, first_opset, parse_function)                                             \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = first_opset,                                                                            \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 3,                                                                                       \
        .n_in_max = 3,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct channel_attrs),                                                          \
        .parse = parse_function,                                                                             \
        .infer = channel_infer,                                                                              \
        .eval = channel_eval,                                                                                \
    };

CHANNELS(group_norm, "GroupNormalization", 18, group_parse)
CHANNELS(instance_norm, "InstanceNormalization", 1, instance_parse)

static cz_status layer_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_layer_norm_attrs *a = attrs;
    int64_t stash_type;
    (void)opset;
    a->epsilon = cz_attr_float(list, "epsilon", 1e-5f);
    CZ_TRY(cz_parse_int(list, "stash_type", 1, 0, INT32_MAX, &stash_type, err));
    if (stash_type != 1)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "stash_type %lld; mean and deviation are float32 here (1)",
                (long long)stash_type);
    return cz_parse_int(list, "axis", -1, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err);
}

cz_status cz_layer_norm_resolve(const struct cz_layer_norm_attrs *a, const struct cz_shape *x, int *axis,
                                int64_t *outer, int64_t *n, cz_error *err)
{
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, axis, err));
    *outer = cz_dim_product(x->dim, 0, *axis);
    *n = cz_dim_product(x->dim, *axis, x->rank);
    return CZ_OK;
}

/* Outputs 1 and 2: mean and inverse deviation of every vector, float32 whatever the input is. */
static cz_status layer_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    const struct cz_shape *x = &in[0].shape;
    int64_t outer, n;
    int axis;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_layer_norm_resolve(attrs, x, &axis, &outer, &n, err));
    for (int i = 1; i < 3; i++)
        if (cz_has_input(in, n_in, i)) {
            CZ_TRY(cz_check_same_dtype(&in[i], i == 1 ? "scale" : "bias", x->dtype, err));
            CZ_TRY(cz_check_broadcast_to(&in[i].shape, i == 1 ? "scale" : "bias", x, err));
        }
    CZ_TRY(cz_infer_same(attrs, in, n_in, out, n_out, err));
    for (int i = 1; i < n_out; i++) {
        out[i] = *x;
        out[i].dtype = CZ_F32;
        for (int d = axis; d < x->rank; d++)
            out[i].dim[d] = 1;
    }
    return CZ_OK;
}

static cz_status layer_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                            cz_error *err)
{
    const struct cz_layer_norm_attrs *a = attrs;
    struct cz_shape x = cz_tensor_shape(&in[0]);
    struct cz_walk w = cz_walk_over(x.dim, x.rank, 2);
    int64_t outer, n;
    int axis, has_bias = cz_has_tensor(in, n_in, 2);
    CZ_TRY(cz_layer_norm_resolve(a, &x, &axis, &outer, &n, err));
    for (int i = 0; i < 1 + has_bias; i++) {
        struct cz_shape s = cz_tensor_shape(&in[1 + i]);
        cz_broadcast_strides(&s, &x, w.stride[i]);
    }
    for (int64_t o = 0; n > 0 && o < outer; o++) {
        struct moments m = measure(&in[0], o * n, n, (double)a->epsilon);
        for (int64_t i = o * n; i < (o + 1) * n; i++, cz_walk_next(&w)) {
            double y = normal(&in[0], i, &m) * cz_tensor_double(&in[1], w.at[0]);
            cz_tensor_store(&out[0], i, has_bias ? y + cz_tensor_double(&in[2], w.at[1]) : y);
        }
        if (n_out > 1)
            cz_tensor_store(&out[1], o, m.mean);
        if (n_out > 2)
            cz_tensor_store(&out[2], o, m.inverse);
    }
    return CZ_OK;
}

const struct cz_op cz_op_layer_norm = {
    .name = "LayerNormalization",
    .opset_min = 17,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 3,
    .attrs_size = sizeof(struct cz_layer_norm_attrs),
    .parse = layer_parse,
    .infer = layer_infer,
    .eval = layer_eval,
    .plan = cz_layer_norm_plan,
};
