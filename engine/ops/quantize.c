/*
 * QuantizeLinear (ONNX opset 10, 13, 19, 21) and DequantizeLinear (10, 13, 19, 21): between real numbers and
 * codes of 8 bits, DequantizeLinear also from int32 (biases).
 *
 * A scale holds for the whole tensor, for a slice of `axis`, or, from opset 21 on, for a block of it. The
 * quotient is rounded to float32 before it is rounded to a whole number, as everyone does and the
 * specification leaves open. NaN, which has no code, becomes the lowest one.
 *
 * Source: ONNX operator specification, QuantizeLinear-21, DequantizeLinear-21.
 */
#include "engine/ops/quantize.h"
#include "engine/ops/common.h"
#include "engine/ops/integer.h"
#include "engine/ops/plans.h"
#include "engine/ops/type_attr.h"

static cz_status quantize_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_quantize_attrs *a = attrs;
    int64_t type;
    CZ_TRY(cz_parse_int(list, "axis", 1, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err));
    CZ_TRY(cz_parse_int(list, "block_size", 0, 0, INT32_MAX, &a->block, err));
    CZ_TRY(cz_parse_int(list, "output_dtype", 0, 0, INT32_MAX, &type, err));
    a->has_dtype = opset >= 21 && type != 0;
    if (!a->has_dtype)
        return CZ_OK;
    CZ_TRY(cz_parse_type(list, "output_dtype", &a->dtype, err));
    if (!(1u << a->dtype & CZ_SET_CODE))
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "attribute 'output_dtype' is %s; supported: int8, uint8",
                cz_dtype_name(a->dtype));
    return CZ_OK;
}

static cz_status bad_scale(const struct cz_shape *x, const struct cz_shape *scale, const char *wanted,
                           cz_error *err)
{
    char xt[CZ_SHAPE_TEXT], st[CZ_SHAPE_TEXT];
    CZ_FAIL(err, CZ_ERR_SHAPE, "scale is %s for input %s; %s wanted", cz_shape_text(scale, st, sizeof st),
            cz_shape_text(x, xt, sizeof xt), wanted);
}

static int blocks_fit(const struct cz_shape *x, const struct cz_shape *scale, int axis, int64_t block)
{
    if (scale->rank != x->rank)
        return 0;
    for (int i = 0; i < x->rank; i++)
        if (scale->dim[i] != (i == axis ? x->dim[i] / block + (x->dim[i] % block != 0) : x->dim[i]))
            return 0;
    return 1;
}

cz_status cz_scale_layout(const struct cz_quantize_attrs *a, const struct cz_shape *x,
                          const struct cz_shape *scale, struct cz_scale_layout *l, cz_error *err)
{
    int axis;
    *l = (struct cz_scale_layout){1, 1, cz_shape_count(x), 0, 0};
    if (a->block == 0 && cz_shape_count(scale) == 1)
        return CZ_OK;
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    if (a->block == 0 && (scale->rank != 1 || scale->dim[0] != x->dim[axis]))
        return bad_scale(x, scale, "one element, or one for each slice of the axis", err);
    if (a->block > 0 && !blocks_fit(x, scale, axis, a->block))
        return bad_scale(x, scale, "one element for each block of the axis", err);
    l->outer = cz_dim_product(x->dim, 0, axis);
    l->n = x->dim[axis];
    l->inner = cz_dim_product(x->dim, axis + 1, x->rank);
    l->block = a->block;
    l->n_blocks = a->block ? scale->dim[axis] : 0;
    return CZ_OK;
}

/* Scale and zero point have one shape, up to the two spellings of a scalar. */
static cz_status check_zero(const struct cz_op_input *in, cz_dtype dtype, cz_error *err)
{
    CZ_TRY(cz_check_same_dtype(&in[2], "zero point", dtype, err));
    if (cz_shape_count(&in[2].shape) == cz_shape_count(&in[1].shape))
        return CZ_OK;
    char zt[CZ_SHAPE_TEXT], st[CZ_SHAPE_TEXT];
    CZ_FAIL(err, CZ_ERR_SHAPE, "zero point is %s, scale is %s; one shape wanted",
            cz_shape_text(&in[2].shape, zt, sizeof zt), cz_shape_text(&in[1].shape, st, sizeof st));
}

static cz_status infer(const struct cz_quantize_attrs *a, const struct cz_op_input *in, unsigned allowed,
                       struct cz_shape *out, cz_error *err)
{
    struct cz_scale_layout l;
    CZ_TRY(cz_check_dtype(&in[0], "input", allowed, err));
    CZ_TRY(cz_check_dtype(&in[1], "scale", CZ_SET_FLOAT, err));
    *out = in[0].shape;
    return cz_scale_layout(a, &in[0].shape, &in[1].shape, &l, err);
}

static cz_status quantize_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                struct cz_shape *out, int n_out, cz_error *err)
{
    const struct cz_quantize_attrs *a = attrs;
    (void)n_out;
    CZ_TRY(infer(a, in, CZ_SET_FLOAT | 1u << CZ_I32, out, err));
    out->dtype = a->has_dtype ? a->dtype : CZ_U8;
    if (!cz_has_input(in, n_in, 2))
        return CZ_OK;
    CZ_TRY(cz_check_dtype(&in[2], "zero point", CZ_SET_CODE, err));
    if (!a->has_dtype)
        out->dtype = in[2].shape.dtype;
    return check_zero(in, out->dtype, err);
}

static cz_status dequantize_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                  struct cz_shape *out, int n_out, cz_error *err)
{
    (void)n_out;
    CZ_TRY(infer(attrs, in, CZ_SET_CODE | 1u << CZ_I32, out, err));
    out->dtype = in[1].shape.dtype;
    return cz_has_input(in, n_in, 2) ? check_zero(in, in[0].shape.dtype, err) : CZ_OK;
}

/* Elements that share a scale and a zero point. */
struct run {
    const cz_tensor *x;
    cz_tensor *out;
    int64_t first, n;
    float scale;
    int32_t zero;
};

static void quantize_run(const struct run *r)
{
    struct cz_codes codes = cz_codes_of(r->out->dtype, r->zero);
    for (int64_t i = r->first; i < r->first + r->n; i++)
        ((uint8_t *)r->out->data)[i] =
            (uint8_t)cz_code_of(&codes, (float)cz_tensor_double(r->x, i) / r->scale);
}

static void dequantize_run(const struct run *r)
{
    for (int64_t i = r->first; i < r->first + r->n; i++) {
        float steps = (float)(cz_tensor_int(r->x, i) - r->zero);
        cz_tensor_store(r->out, i, (double)(steps * r->scale));
    }
}

static void run_one(void (*of)(const struct run *), struct run *r, const cz_tensor *in, int n_in,
                    int64_t scale)
{
    r->scale = cz_scale_at(&in[1], scale);
    r->zero = cz_has_tensor(in, n_in, 2) ? cz_zero_at(&in[2], scale) : 0;
    of(r);
}

static cz_status each_run(const struct cz_quantize_attrs *a, void (*of)(const struct run *),
                          const cz_tensor *in, int n_in, cz_tensor *out, cz_error *err)
{
    struct cz_scale_layout l;
    struct cz_shape x = cz_tensor_shape(&in[0]), scale = cz_tensor_shape(&in[1]);
    struct run r = {.x = &in[0], .out = out};
    CZ_TRY(cz_scale_layout(a, &x, &scale, &l, err));
    r.n = l.block ? 1 : l.inner;
    for (int64_t slice = 0; slice < l.outer * l.n; slice++) {
        int64_t o = slice / l.n, k = slice % l.n;
        for (int64_t j = 0; j < l.inner; j += r.n, r.first += r.n)
            run_one(of, &r, in, n_in, l.block ? (o * l.n_blocks + k / l.block) * l.inner + j : k);
    }
    return CZ_OK;
}

static cz_status quantize_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                               cz_error *err)
{
    (void)n_out;
    return each_run(attrs, quantize_run, in, n_in, &out[0], err);
}

static cz_status dequantize_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                                 cz_error *err)
{
    (void)n_out;
    return each_run(attrs, dequantize_run, in, n_in, &out[0], err);
}

const struct cz_op cz_op_quantize_linear = {
    .name = "QuantizeLinear",
    .opset_min = 10,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_quantize_attrs),
    .parse = quantize_parse,
    .infer = quantize_infer,
    .eval = quantize_eval,
    .plan = cz_quantize_plan,
};

const struct cz_op cz_op_dequantize_linear = {
    .name = "DequantizeLinear",
    .opset_min = 10,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_quantize_attrs),
    .parse = quantize_parse,
    .infer = dequantize_infer,
    .eval = dequantize_eval,
    .plan = cz_dequantize_plan,
};
