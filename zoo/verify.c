#include "zoo/verify.h"
#include "engine/runtime.h"
#include "zoo/golden.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 1, PICTURES = 2 };

static const struct cz_golden goldens[] = {
#define ROW(model, kind, side, picture, macs, n, ...) {#model, #kind, side, picture, macs, n, {__VA_ARGS__}},
#include "zoo/goldens.inc"
#undef ROW
};

struct cz_golden_list cz_goldens(void)
{
    return (struct cz_golden_list){goldens, (int)(sizeof goldens / sizeof *goldens)};
}

/* Keeps the first disagreement. */
static void __attribute__((format(printf, 2, 3))) disagree(struct cz_verify_row *row, const char *fmt, ...)
{
    if (row->detail[0])
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(row->detail, sizeof row->detail, fmt, args);
    va_end(args);
}

static cz_status macs_at(const struct cz_graph *g, int side_px, int64_t *macs, cz_error *err)
{
    cz_input_shape input = {"input", 4, {1, g->info.in_c, side_px, side_px}};
    struct cz_infer *infer;
    CZ_TRY(cz_infer_create(g, &input, 1, 1, 0, &infer, err));
    *macs = (int64_t)cz_infer_macs(infer);
    cz_infer_destroy(infer);
    return CZ_OK;
}

static void compare_figures(const struct cz_graph *g, const struct cz_zoo_reference *r, struct cz_pool *pool,
                            struct cz_verify_row *row)
{
    row->parameters_equal = row->parameters == r->parameters;
    row->macs_equal = row->macs == r->macs;
    row->names_equal = row->tensors == r->tensors && cz_zoo_names_hash(g) == r->names_hash;
    uint64_t bits = cz_golden_state_bits(g, SEED, pool);
    row->bits_equal = bits == r->state_bits;
    if (!row->parameters_equal)
        disagree(row, "%lld parameters, reference %lld", (long long)row->parameters,
                 (long long)r->parameters);
    if (!row->macs_equal)
        disagree(row, "%lld multiply-adds, reference %lld", (long long)row->macs, (long long)r->macs);
    if (!row->names_equal)
        disagree(row, "%d tensors, reference %d; names or shapes differ", row->tensors, r->tensors);
    if (!row->bits_equal)
        disagree(row, "state bits %016llx, reference %016llx", (unsigned long long)bits,
                 (unsigned long long)r->state_bits);
}

/* ---- logits ---- */

/* Both pictures in one batch, then each alone. */
struct outputs {
    float *pictures, *together, *alone;
    size_t n_pixels, n_classes;
};

/* Plans for `batch` pictures at a time and runs all of them into logits. */
static cz_status run(cz_runtime *runtime, struct cz_graph *g, int side_px, int batch, const struct outputs *o,
                     float *logits, cz_error *err)
{
    cz_input_shape shape = {"input", 4, {batch, g->info.in_c, side_px, side_px}};
    cz_plan_options options = {
        .struct_size = sizeof options, .batch = batch, .inputs = &shape, .n_inputs = 1};
    cz_plan *plan = NULL;
    cz_session *session = NULL;
    cz_status status = cz_plan_create(runtime, g, &options, &plan, err);
    if (status == CZ_OK)
        status = cz_session_create(plan, &session, err);
    for (int p = 0; p < PICTURES && status == CZ_OK; p += batch) {
        cz_tensor in = {
            o->pictures + (size_t)p * o->n_pixels, CZ_F32, 4, {batch, g->info.in_c, side_px, side_px}};
        cz_tensor out = {.data = logits + (size_t)p * o->n_classes};
        status = cz_session_run(session, &in, 1, &out, 1, err);
    }
    cz_session_destroy(session);
    cz_plan_destroy(plan);
    return status;
}

static cz_status run_all(cz_runtime *runtime, struct cz_graph *g, int side_px, struct outputs *o,
                         cz_error *err)
{
    CZ_TRY(cz_golden_batch(SEED, 0, PICTURES, g->info.in_c, side_px, side_px, o->pictures, err));
    CZ_TRY(run(runtime, g, side_px, PICTURES, o, o->together, err));
    return run(runtime, g, side_px, 1, o, o->alone, err);
}

static double relative_error(const float *y, const struct cz_golden *golden)
{
    double difference = 0, norm = 0;
    for (int i = 0; i < golden->n_logits; i++) {
        double d = y[i] - golden->logits[i];
        difference += d * d;
        norm += golden->logits[i] * golden->logits[i];
    }
    return sqrt(difference / norm);
}

static void compare_golden(const struct outputs *o, const struct cz_golden *golden, struct cz_verify_row *row)
{
    double error = relative_error(o->together + (size_t)golden->picture * o->n_classes, golden);
    int passes = error <= CZ_VERIFY_BOUND; /* not for NaN */
    row->n_goldens++;
    row->passed += passes;
    if (!isnan(row->worst_diff) && !(error <= row->worst_diff)) /* NaN is the worst, and stays */
        row->worst_diff = error;
    if (!passes)
        disagree(row, "%d px, picture %d: relative error %.1e, bound %.0e", golden->side_px, golden->picture,
                 error, CZ_VERIFY_BOUND);
}

static cz_status check_size(cz_runtime *runtime, struct cz_graph *g, const struct cz_golden *const *found,
                            int n, struct outputs *o, struct cz_verify_row *row, cz_error *err)
{
    int side_px = found[0]->side_px;
    int64_t macs;
    CZ_TRY(macs_at(g, side_px, &macs, err));
    CZ_TRY(run_all(runtime, g, side_px, o, err));
    for (int i = 0; i < n; i++) {
        compare_golden(o, found[i], row);
        if (macs != found[i]->macs) {
            row->macs_equal = 0;
            disagree(row, "%d px: %lld multiply-adds, reference %lld", side_px, (long long)macs,
                     (long long)found[i]->macs);
        }
    }
    if (memcmp(o->together, o->alone, sizeof *o->alone * PICTURES * o->n_classes) != 0) {
        row->batch_equal = 0;
        disagree(row, "%d px: a picture alone and in a batch of two gives different bits", side_px);
    }
    return CZ_OK;
}

static cz_status outputs_create(const struct cz_graph *g, int side_px, struct outputs *o, cz_error *err)
{
    o->n_pixels = (size_t)g->info.in_c * (size_t)side_px * (size_t)side_px;
    o->n_classes = (size_t)g->info.n_classes;
    o->pictures = malloc(sizeof *o->pictures * PICTURES * o->n_pixels);
    o->together = malloc(sizeof *o->together * PICTURES * o->n_classes);
    o->alone = malloc(sizeof *o->alone * PICTURES * o->n_classes);
    if (!o->pictures || !o->together || !o->alone)
        CZ_FAIL(err, CZ_ERR_MEMORY, "verify: no memory for the pictures");
    return CZ_OK;
}

static void outputs_destroy(struct outputs *o)
{
    free(o->pictures);
    free(o->together);
    free(o->alone);
}

/* The goldens of `model` at the size of list->items[first]; marks how many there are. */
static int same_size(const struct cz_golden_list *list, int first, const struct cz_golden *found[PICTURES])
{
    const struct cz_golden *head = &list->items[first];
    int n = 0;
    for (int i = first; i < list->count && n < PICTURES; i++) {
        const struct cz_golden *golden = &list->items[i];
        if (strcmp(golden->model, head->model) == 0 && golden->side_px == head->side_px &&
            golden->picture < PICTURES)
            found[n++] = golden;
    }
    return n;
}

static int is_first_of_its_size(const struct cz_golden_list *list, int index)
{
    const struct cz_golden *golden = &list->items[index];
    for (int i = 0; i < index; i++)
        if (strcmp(list->items[i].model, golden->model) == 0 && list->items[i].side_px == golden->side_px)
            return 0;
    return 1;
}

static int has_goldens(const struct cz_golden_list *list, const char *model)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->items[i].model, model) == 0)
            return 1;
    return 0;
}

static cz_status check_goldens(cz_runtime *runtime, struct cz_graph *g, const struct cz_golden_list *list,
                               int full, struct cz_verify_row *row, cz_error *err)
{
    cz_status status = CZ_OK;
    for (int i = 0; i < list->count && status == CZ_OK; i++) {
        const struct cz_golden *golden = &list->items[i], *found[PICTURES];
        if (strcmp(golden->model, row->model) != 0 || !is_first_of_its_size(list, i))
            continue;
        if (!full && strcmp(golden->kind, "crop") == 0)
            continue;
        struct outputs o = {0};
        int n = same_size(list, i, found);
        status = outputs_create(g, golden->side_px, &o, err);
        if (status == CZ_OK)
            status = check_size(runtime, g, found, n, &o, row, err);
        outputs_destroy(&o);
    }
    return status;
}

cz_status cz_verify_graph(cz_runtime *runtime, const struct cz_zoo_entry *entry, struct cz_graph *g,
                          const struct cz_verify_options *options, struct cz_verify_row *row, cz_error *err)
{
    struct cz_golden_list list = options && options->list.items ? options->list : cz_goldens();
    const struct cz_zoo_reference *reference = cz_zoo_find_reference(entry->name);
    *row = (struct cz_verify_row){.model = entry->name, .worst_diff = -1, .batch_equal = 1};
    row->parameters = cz_graph_parameter_count(g);
    row->tensors = cz_zoo_state_tensors(g);
    CZ_TRY(macs_at(g, entry->side_px, &row->macs, err));
    row->parameters_equal = row->macs_equal = row->names_equal = row->bits_equal = 1;
    row->has_reference = reference || has_goldens(&list, entry->name);
    if (!row->has_reference)
        return CZ_OK;
    if (reference)
        compare_figures(g, reference, runtime->pool, row);
    CZ_TRY(cz_init_apply(g, (struct cz_init){CZ_INIT_GOLDEN, SEED}, runtime->pool, err));
    CZ_TRY(check_goldens(runtime, g, &list, options && options->full, row, err));
    row->pass = row->parameters_equal && row->macs_equal && row->names_equal && row->bits_equal &&
                row->batch_equal && row->n_goldens > 0 && row->passed == row->n_goldens;
    return CZ_OK;
}

cz_status cz_verify(cz_runtime *runtime, const char *name, const struct cz_verify_options *options,
                    struct cz_verify_row *row, cz_error *err)
{
    struct cz_graph *g;
    CZ_TRY(cz_zoo_build(name, NULL, &g, err));
    cz_status status = cz_verify_graph(runtime, cz_zoo_find(name), g, options, row, err);
    cz_graph_release(g);
    return status;
}
