/*
 * What the operators on codes of 8 bits share (codes.h): the places of their inputs, checks of scales and
 * zero points, and the write-back of whole sums. A scale or zero point is one value, or one per output
 * channel (row, column).
 *
 * Sums are of 32 bits and wrap, as the specification of ConvInteger and MatMulInteger allows.
 */
#ifndef CZ_ENGINE_OPS_INTEGER_H
#define CZ_ENGINE_OPS_INTEGER_H

#include "engine/kernels/codes.h"
#include "engine/op.h"

enum { CZ_SET_CODE = 1u << CZ_I8 | 1u << CZ_U8 };

/* Positions of inputs, -1: this operator has none. Without y_scale the output is the sum itself. */
struct cz_integer_inputs {
    int x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias;
};

extern const struct cz_integer_inputs cz_inputs_of_sum;     /* ConvInteger, MatMulInteger */
extern const struct cz_integer_inputs cz_inputs_of_qlinear; /* QLinearConv, QLinearMatMul */

/* Of the operator's name. */
const struct cz_integer_inputs *cz_integer_inputs(const struct cz_op *);

/* low, high and zero point of a type of codes; the scale is 1. */
struct cz_codes cz_codes_of(cz_dtype, int32_t zero);

/* Element i of a vector of zero points or scales; the only one where there is one. Absent (rank -1): 0, 1. */
int32_t cz_zero_at(const cz_tensor *, int64_t i);
float cz_scale_at(const cz_tensor *, int64_t i);

/*
 * A float scale (zero point of `dtype`) with one element, or, where n is not 0, n elements.
 * Errors  CZ_ERR_SHAPE, CZ_ERR_UNSUPPORTED.
 */
cz_status cz_check_scale(const struct cz_op_input *, const char *what, int64_t n, cz_error *);
cz_status cz_check_zero(const struct cz_op_input *, const char *what, cz_dtype, int64_t n, cz_error *);

/* All scales, zero points and the bias of `rows` rows and `channels` output channels, and the output's type.
 */
cz_status cz_integer_check(const struct cz_integer_inputs *, const struct cz_op_input *in, int n_in,
                           int64_t rows, int64_t channels, cz_dtype *out, cz_error *);

/* What becomes of the sums of one row and output channel. */
struct cz_write_back {
    cz_dtype dtype;        /* CZ_I32 as they are, CZ_F32 converted, else codes */
    struct cz_codes codes; /* scale: x_scale * w_scale / y_scale */
    int32_t bias;
};

/* in[n_in]: absent ones have rank -1. */
struct cz_write_back cz_write_back_of(const struct cz_integer_inputs *, const cz_tensor *in, int n_in,
                                      cz_dtype out, int64_t row, int64_t channel);

/* n sums to elements `first` and on of `out`, a row-major tensor of w->dtype. */
void cz_write_sums(const struct cz_write_back *w, const int32_t *sums, int64_t n, void *out, int64_t first);

/* Codes minus a zero point; |result| is at most 255. */
void cz_centre(const cz_tensor *codes, int64_t first, int64_t n, int32_t zero, int16_t *out);

#endif
