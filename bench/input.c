#include "bench/input.h"
#include "base/philox.h"

#include <stdlib.h>

static double element_of(cz_dtype dtype, uint32_t bits)
{
    switch (dtype) {
    case CZ_F32:
    case CZ_F16:
    case CZ_BF16:
    case CZ_F64:
        return 4 * (double)cz_unit_float(bits) - 2;
    case CZ_U8:
        return bits >> 24;
    default:
        return bits >> 31;
    }
}

/* Four elements a draw: index = place in the image, epoch = image, seed = input. */
static void fill(cz_tensor *t, int input)
{
    struct cz_shape shape = cz_tensor_shape(t);
    int64_t n = cz_shape_count(&shape), images = t->rank > 0 && t->dim[0] > 0 ? t->dim[0] : 1;
    int64_t per_image = n / images;
    uint32_t draws[4];
    for (int64_t i = 0; i < n; i++) {
        int64_t place = i % per_image;
        if (place % 4 == 0)
            cz_random4((uint64_t)input, CZ_STREAM_INIT, (uint32_t)(i / per_image), (uint64_t)place / 4, 0,
                       draws);
        cz_tensor_store(t, i, element_of(t->dtype, draws[place % 4]));
    }
}

cz_status cz_bench_inputs_make(const struct cz_shape *shape, int n, struct cz_bench_inputs *out,
                               cz_error *err)
{
    out->n = n;
    out->tensors = calloc((size_t)n + 1, sizeof *out->tensors);
    if (!out->tensors)
        CZ_FAIL(err, CZ_ERR_MEMORY, "bench: no memory for inputs; try a smaller --batch");
    for (int i = 0; i < n; i++) {
        cz_status status = cz_shape_check(&shape[i], "bench input", err);
        void *data = status == CZ_OK ? cz_alloc_aligned(cz_shape_bytes(&shape[i]) + 1) : NULL;
        if (!data) {
            cz_bench_inputs_deinit(out);
            return status != CZ_OK ? status
                                   : cz_error_set(err, CZ_ERR_MEMORY,
                                                  "bench: no memory for inputs; try a smaller --batch");
        }
        out->tensors[i] = cz_tensor_view(data, &shape[i]);
        fill(&out->tensors[i], i);
    }
    return CZ_OK;
}

void cz_bench_inputs_deinit(struct cz_bench_inputs *inputs)
{
    for (int i = 0; inputs->tensors && i < inputs->n; i++)
        free(inputs->tensors[i].data);
    free(inputs->tensors);
    inputs->tensors = NULL;
    inputs->n = 0;
}
