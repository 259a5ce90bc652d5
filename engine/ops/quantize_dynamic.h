/*
 * DynamicQuantizeLinear: scale and zero point of a tensor from its range.
 */
#ifndef CZ_ENGINE_OPS_QUANTIZE_DYNAMIC_H
#define CZ_ENGINE_OPS_QUANTIZE_DYNAMIC_H

#include "engine/kernels/codes.h"

/* The uint8 codes of [low, high], which includes 0. A tensor of zeros alone gets scale 1: any would do. */
struct cz_codes cz_codes_of_range(float low, float high);

#endif
