#include "importer/half.h"

#include <math.h>
#include <stdlib.h>

static cz_status shorten(const struct cz_param *p, uint16_t **out, cz_error *err)
{
    struct cz_shape shape = cz_tensor_shape(&p->value);
    const float *from = p->value.data;
    int64_t n = cz_shape_count(&shape);
    uint16_t *to = malloc((size_t)n * sizeof *to + 1);
    *out = to;
    if (!to)
        CZ_FAIL(err, CZ_ERR_MEMORY, "parameter '%s': no memory for it as float16", p->name);
    for (int64_t i = 0; i < n; i++) {
        to[i] = cz_float_to_half(from[i]);
        if (isfinite(from[i]) && !isfinite(cz_half_to_float(to[i])))
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                    "parameter '%s' holds %g, float16 ends at 65504; leave out --fp16", p->name,
                    (double)from[i]);
    }
    return CZ_OK;
}

cz_status cz_halves_make(const struct cz_graph *g, struct cz_halves *h, cz_error *err)
{
    h->count = g->params.count;
    h->data = calloc((size_t)g->params.count + 1, sizeof *h->data);
    cz_status status = h->data ? CZ_OK : cz_error_set(err, CZ_ERR_MEMORY, "out of memory");
    for (int i = 0; i < g->params.count && status == CZ_OK; i++) {
        const struct cz_param *p = &g->params.items[i];
        if (p->role == CZ_WEIGHT && p->value.dtype == CZ_F32 && p->value.data)
            status = shorten(p, &h->data[i], err);
    }
    if (status != CZ_OK)
        cz_halves_deinit(h);
    return status;
}

void cz_halves_deinit(struct cz_halves *h)
{
    for (int i = 0; i < h->count && h->data; i++)
        free(h->data[i]);
    free(h->data);
    *h = (struct cz_halves){0};
}

cz_tensor cz_halves_value(const struct cz_halves *h, const struct cz_graph *g, int param)
{
    cz_tensor value = g->params.items[param].value;
    if (h->data && h->data[param]) {
        value.data = h->data[param];
        value.dtype = CZ_F16;
    }
    return value;
}
