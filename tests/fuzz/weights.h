/* What the fuzz targets of weight files share: any bytes as a file of that name; what is accepted is read to
 * its ends. */
#ifndef TESTS_FUZZ_WEIGHTS_H
#define TESTS_FUZZ_WEIGHTS_H

#include "importer/weights.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte and the last one that the strides reach. */
static inline unsigned touch(const struct cz_weight *t)
{
    int64_t last = 0;
    if (!t->has_dtype || cz_shape_count(&t->shape) == 0)
        return 0;
    for (int d = 0; d < t->shape.rank; d++)
        last += (t->shape.dim[d] - 1) * t->stride[d];
    const size_t size = cz_dtype_size(t->shape.dtype);
    return (unsigned)t->data[0] + t->data[(size_t)last * size + size - 1];
}

static inline void read_weights(const uint8_t *data, size_t size, const char *name)
{
    struct cz_weights *w;
    cz_error err;
    volatile unsigned sum = 0;
    if (cz_weights_load_memory(data, size, name, &w, &err) != CZ_OK)
        return;
    for (int i = 0; i < w->count; i++)
        sum = sum + touch(&w->items[i]);
    cz_weights_destroy(w);
}

#endif
