/*
 * ConvInteger and QLinearConv: one output row of whole numbers, for the reference and the planner.
 */
#ifndef CZ_ENGINE_OPS_CONV_INTEGER_H
#define CZ_ENGINE_OPS_CONV_INTEGER_H

#include "engine/ops/conv.h"
#include "engine/ops/integer.h"

/* Weights of one output channel. */
int64_t cz_conv_filter_size(const struct cz_conv_shape *);

/* Elements of one image, and of one of its channels. */
int64_t cz_conv_image_size(const struct cz_conv_shape *);

/*
 * sums[out_w] of output row `row` (of out_d*out_h) of channel oc: image and filter hold codes minus their
 * zero points, so the padding is 0.
 */
void cz_conv_sum_row(const struct cz_conv_shape *, const int16_t *image, const int16_t *filter, int64_t oc,
                     int64_t row, int32_t *sums);

#endif
