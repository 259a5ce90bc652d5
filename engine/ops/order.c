#include "engine/ops/order.h"

#include <math.h>

int cz_element_order(const cz_tensor *t, int64_t a, int64_t b)
{
    if (t->dtype == CZ_I64) {
        int64_t x = cz_tensor_int(t, a), y = cz_tensor_int(t, b);
        return (x > y) - (x < y);
    }
    double x = cz_tensor_double(t, a), y = cz_tensor_double(t, b);
    if (isnan(x) || isnan(y))
        return (isnan(x) != 0) - (isnan(y) != 0);
    return (x > y) - (x < y);
}
