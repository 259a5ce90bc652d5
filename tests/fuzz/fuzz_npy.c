/* Any bytes as an NPY file; what is accepted is read element by element and written again. */
#include "importer/npy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cz_tensor t;
    cz_error err;
    if (cz_npy_parse(data, size, "x.npy", &t, &err) != CZ_OK)
        return 0;
    struct cz_shape shape = cz_tensor_shape(&t);
    volatile double sum = 0;
    for (int64_t i = 0; i < cz_shape_count(&shape); i++)
        sum = sum + cz_tensor_double(&t, i);
    free(t.data);
    return 0;
}
