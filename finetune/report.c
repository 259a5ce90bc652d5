#include "finetune/report.h"
#include "base/math.h"

#include <stdlib.h>
#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "report: out of memory");
}

cz_status cz_report_create(struct cz_report **out, cz_error *err)
{
    struct cz_report *r = calloc(1, sizeof *r);
    if (r)
        r->arena = cz_arena_create();
    if (!r || !r->arena) {
        cz_report_destroy(r);
        return no_memory(err);
    }
    *out = r;
    return CZ_OK;
}

void cz_report_destroy(struct cz_report *r)
{
    if (!r)
        return;
    cz_metrics_deinit(&r->metrics);
    cz_arena_destroy(r->arena);
    free(r->predictions);
    free(r->skipped);
    free(r);
}

/* The smallest normal double: a probability that float32 or exp rounded to 0 costs 708 nats and not infinity.
 */
static double loss_of(double probability)
{
    return -cz_log(probability > 0x1p-1022 ? probability : 0x1p-1022);
}

cz_status cz_report_add(struct cz_report *r, const char *id, const uint8_t sha256[CZ_SHA256_BYTES], int truth,
                        const double *probabilities, const float *logits, cz_error *err)
{
    const size_t k = (size_t)r->data.n_classes, n_top = (size_t)r->n_top;
    if (cz_grow(&r->predictions, &r->prediction_capacity, (size_t)r->n, sizeof *r->predictions))
        return no_memory(err);
    int *top = cz_arena_alloc(r->arena, n_top * sizeof *top);
    double *probability = cz_arena_alloc(r->arena, n_top * sizeof *probability);
    struct cz_prediction p = {.id = cz_arena_strdup(r->arena, id), .truth = truth, .top = top};
    p.probability = probability;
    p.logits = logits ? cz_arena_memdup(r->arena, logits, k * sizeof *logits) : NULL;
    if (!top || !probability || !p.id || (logits && !p.logits))
        return no_memory(err);
    cz_sha256_hex(sha256, p.sha256);
    cz_top_classes(probabilities, r->data.n_classes, r->n_top, top);
    for (size_t i = 0; i < n_top; i++)
        probability[i] = probabilities[top[i]];
    p.loss_nats = loss_of(probabilities[truth]);
    r->predictions[r->n++] = p;
    return CZ_OK;
}

cz_status cz_report_skip(struct cz_report *r, const char *id, int64_t offset, const char *reason,
                         cz_error *err)
{
    if (cz_grow(&r->skipped, &r->skipped_capacity, (size_t)r->n_skipped, sizeof *r->skipped))
        return no_memory(err);
    struct cz_skipped_image s = {cz_arena_strdup(r->arena, id), offset, cz_arena_strdup(r->arena, reason)};
    if (!s.id || !s.reason)
        return no_memory(err);
    r->skipped[r->n_skipped++] = s;
    return CZ_OK;
}

cz_status cz_report_finish(struct cz_report *r, cz_error *err)
{
    cz_metrics_deinit(&r->metrics);
    return cz_metrics_compute(r->predictions, r->n, r->n_top, r->data.n_classes, &r->metrics, err);
}
