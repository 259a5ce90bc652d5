#include "engine/ops/integer.h"
#include "engine/ops/common.h"

#include <string.h>

const struct cz_integer_inputs cz_inputs_of_sum = {.x = 0,
                                                   .x_scale = -1,
                                                   .x_zero = 2,
                                                   .w = 1,
                                                   .w_scale = -1,
                                                   .w_zero = 3,
                                                   .y_scale = -1,
                                                   .y_zero = -1,
                                                   .bias = -1};
const struct cz_integer_inputs cz_inputs_of_qlinear = {.x = 0,
                                                       .x_scale = 1,
                                                       .x_zero = 2,
                                                       .w = 3,
                                                       .w_scale = 4,
                                                       .w_zero = 5,
                                                       .y_scale = 6,
                                                       .y_zero = 7,
                                                       .bias = 8};

const struct cz_integer_inputs *cz_integer_inputs(const struct cz_op *op)
{
    return strncmp(op->name, "QLinear", strlen("QLinear")) == 0 ? &cz_inputs_of_qlinear : &cz_inputs_of_sum;
}

struct cz_codes cz_codes_of(cz_dtype dtype, int32_t zero)
{
    int low = dtype == CZ_I8 ? INT8_MIN : 0;
    return (struct cz_codes){.scale = 1, .zero = zero, .low = low, .high = low + UINT8_MAX};
}

int32_t cz_zero_at(const cz_tensor *t, int64_t i)
{
    return t->rank < 0 ? 0 : (int32_t)cz_tensor_int(t, cz_tensor_count(t) == 1 ? 0 : i);
}

float cz_scale_at(const cz_tensor *t, int64_t i)
{
    return t->rank < 0 ? 1 : (float)cz_tensor_double(t, cz_tensor_count(t) == 1 ? 0 : i);
}

static cz_status check_count(const struct cz_op_input *in, const char *what, int64_t n, cz_error *err)
{
    char text[CZ_SHAPE_TEXT];
    int64_t count = cz_shape_count(&in->shape);
    if (count == 1 || (n > 0 && count == n))
        return CZ_OK;
    cz_shape_text(&in->shape, text, sizeof text);
    if (n > 0)
        CZ_FAIL(err, CZ_ERR_SHAPE, "%s is %s; 1 or %lld elements wanted", what, text, (long long)n);
    CZ_FAIL(err, CZ_ERR_SHAPE, "%s is %s; one element wanted", what, text);
}

cz_status cz_check_scale(const struct cz_op_input *in, const char *what, int64_t n, cz_error *err)
{
    CZ_TRY(cz_check_dtype(in, what, CZ_SET_FLOAT, err));
    return check_count(in, what, n, err);
}

cz_status cz_check_zero(const struct cz_op_input *in, const char *what, cz_dtype dtype, int64_t n,
                        cz_error *err)
{
    CZ_TRY(cz_check_same_dtype(in, what, dtype, err));
    return check_count(in, what, n, err);
}

static cz_status check_scales(const struct cz_integer_inputs *at, const struct cz_op_input *in, int64_t rows,
                              int64_t channels, cz_error *err)
{
    CZ_TRY(cz_check_scale(&in[at->x_scale], "scale of the input", rows, err));
    CZ_TRY(cz_check_scale(&in[at->w_scale], "scale of the weight", channels, err));
    CZ_TRY(cz_check_scale(&in[at->y_scale], "scale of the output", 0, err));
    CZ_TRY(cz_check_dtype(&in[at->y_zero], "zero point of the output", CZ_SET_CODE, err));
    return cz_check_zero(&in[at->y_zero], "zero point of the output", in[at->y_zero].shape.dtype, 0, err);
}

cz_status cz_integer_check(const struct cz_integer_inputs *at, const struct cz_op_input *in, int n_in,
                           int64_t rows, int64_t channels, cz_dtype *out, cz_error *err)
{
    const struct cz_op_input *x = &in[at->x], *w = &in[at->w];
    CZ_TRY(cz_check_dtype(x, "input", CZ_SET_CODE, err));
    CZ_TRY(cz_check_dtype(w, "weight", CZ_SET_CODE, err));
    if (cz_has_input(in, n_in, at->x_zero))
        CZ_TRY(cz_check_zero(&in[at->x_zero], "zero point of the input", x->shape.dtype, rows, err));
    if (cz_has_input(in, n_in, at->w_zero))
        CZ_TRY(cz_check_zero(&in[at->w_zero], "zero point of the weight", w->shape.dtype, channels, err));
    *out = CZ_I32;
    if (at->y_scale < 0)
        return CZ_OK;
    CZ_TRY(check_scales(at, in, rows, channels, err));
    *out = in[at->y_zero].shape.dtype;
    return cz_has_input(in, n_in, at->bias) ? cz_check_vector(&in[at->bias], "bias", channels, CZ_I32, err)
                                            : CZ_OK;
}

struct cz_write_back cz_write_back_of(const struct cz_integer_inputs *at, const cz_tensor *in, int n_in,
                                      cz_dtype out, int64_t row, int64_t channel)
{
    struct cz_write_back w = {.dtype = out};
    if (at->y_scale < 0)
        return w;
    w.codes = cz_codes_of(out, cz_zero_at(&in[at->y_zero], 0));
    w.codes.scale = cz_scale_at(&in[at->x_scale], row) * cz_scale_at(&in[at->w_scale], channel) /
                    cz_scale_at(&in[at->y_scale], 0);
    if (cz_has_tensor(in, n_in, at->bias))
        w.bias = ((const int32_t *)in[at->bias].data)[channel];
    return w;
}

void cz_write_sums(const struct cz_write_back *w, const int32_t *sums, int64_t n, void *out, int64_t first)
{
    if (w->dtype == CZ_I32) {
        memcpy((int32_t *)out + first, sums, sizeof *sums * (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        int32_t sum = (int32_t)((uint32_t)sums[i] + (uint32_t)w->bias);
        if (w->dtype == CZ_F32)
            ((float *)out)[first + i] = (float)sum;
        else
            ((uint8_t *)out)[first + i] = (uint8_t)cz_code_of(&w->codes, (float)sum * w->codes.scale);
    }
}

void cz_centre(const cz_tensor *t, int64_t first, int64_t n, int32_t zero, int16_t *out)
{
    const uint8_t *codes = (const uint8_t *)t->data + first;
    for (int64_t i = 0; i < n; i++)
        out[i] = (int16_t)((t->dtype == CZ_I8 ? (int8_t)codes[i] : codes[i]) - zero);
}
