/*
 * AdaptiveAveragePool: averages to a fixed output size, whatever the input's. Not ONNX's: networks whose
 * classifier wants 6x6 or 7x7 use it, and export writes it as two products with constant matrices.
 *
 * Source: the window rule is that of torch.nn.AdaptiveAvgPool2d.
 */
#include "engine/ops/adaptive_pool.h"
#include "engine/ops/common.h"

/* Keeps (i + 1) * in far inside int64_t. */
static const int64_t largest_output = INT32_MAX / 2;

static cz_status adaptive_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_adaptive_attrs *a = attrs;
    int64_t size[2];
    int n;
    (void)opset;
    CZ_TRY(cz_parse_ints(list, "output_size", 1, largest_output, size, 2, &n, err));
    if (n != 2)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'output_size' has %d values; 2 wanted", n);
    *a = (struct cz_adaptive_attrs){size[0], size[1]};
    return CZ_OK;
}

static cz_status adaptive_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                struct cz_shape *out, int n_out, cz_error *err)
{
    const struct cz_adaptive_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape;
    char text[CZ_SHAPE_TEXT];
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_check_rank(&in[0], "input", 4, 4, err));
    if (x->dim[2] < 1 || x->dim[3] < 1 || x->dim[2] > INT32_MAX || x->dim[3] > INT32_MAX)
        CZ_FAIL(err, CZ_ERR_SHAPE, "input is %s; 1 to %d rows and columns wanted",
                cz_shape_text(x, text, sizeof text), INT32_MAX);
    out[0] = cz_shape_of(x->dtype, 4, x->dim[0], x->dim[1], a->out_h, a->out_w);
    return CZ_OK;
}

static double window_mean(const cz_tensor *x, int64_t plane, const struct cz_adaptive_attrs *a, int64_t oy,
                          int64_t ox)
{
    int64_t top, bottom, left, right, in_w = x->dim[3];
    double sum = 0;
    cz_adaptive_window(oy, x->dim[2], a->out_h, &top, &bottom);
    cz_adaptive_window(ox, in_w, a->out_w, &left, &right);
    for (int64_t y = top; y < bottom; y++)
        for (int64_t i = left; i < right; i++)
            sum += cz_tensor_double(x, (plane * x->dim[2] + y) * in_w + i);
    return sum / (double)((bottom - top) * (right - left));
}

static cz_status adaptive_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                               cz_error *err)
{
    const struct cz_adaptive_attrs *a = attrs;
    int64_t n_planes = in[0].dim[0] * in[0].dim[1], at = 0;
    (void)n_in, (void)n_out, (void)err;
    for (int64_t plane = 0; plane < n_planes; plane++)
        for (int64_t oy = 0; oy < a->out_h; oy++)
            for (int64_t ox = 0; ox < a->out_w; ox++)
                cz_tensor_store(&out[0], at++, window_mean(&in[0], plane, a, oy, ox));
    return CZ_OK;
}

const struct cz_op cz_op_adaptive_average_pool = {
    .name = "AdaptiveAveragePool",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_adaptive_attrs),
    .flags = CZ_OP_INTERNAL,
    .parse = adaptive_parse,
    .infer = adaptive_infer,
    .eval = adaptive_eval,
};
