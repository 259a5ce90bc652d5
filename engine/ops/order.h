/* Elements of one tensor compared: what ArgMax, TopK and MaxPool share. */
#ifndef CZ_ENGINE_OPS_ORDER_H
#define CZ_ENGINE_OPS_ORDER_H

#include "engine/tensor.h"

/*
 * -1, 0 or 1 as element a is before, equal to or after element b. NaN is above everything and equal to
 * itself. Integers up to 32 bits and all floats compare exactly as doubles; int64 is compared as itself.
 */
int cz_element_order(const cz_tensor *, int64_t a, int64_t b);

#endif
