#include "finetune/features.h"
#include "finetune/feature_store.h"
#include "finetune/graph_hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct work {
    struct cz_scan *scan;
    const struct cz_selection *selection;
    const uint8_t (*sha256)[CZ_SHA256_BYTES];
    const struct cz_feature_options *options;
    struct cz_feature_set *set;
    struct cz_sha256 identity; /* of all but the images */
    struct cz_chunk chunk;
    int64_t first; /* of the chunk, in the selection */
    size_t bad_capacity;
};

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "features: out of memory");
}

static void chunk_key(struct work *w)
{
    struct cz_sha256 hash = w->identity;
    for (int i = 0; i < w->chunk.n; i++)
        cz_sha256_update(&hash, w->sha256[w->first + i], CZ_SHA256_BYTES);
    cz_sha256_final(&hash, w->chunk.key);
}

static cz_status note_bad(struct work *w, int64_t place, const struct cz_load_result *loaded, cz_error *err)
{
    char id[CZ_SHA256_HEX];
    if (!w->options->skip_bad)
        CZ_FAIL(err, loaded->status, "%s%s", loaded->error.message, cz_load_remedy(loaded));
    if (cz_grow(&w->set->bad, &w->bad_capacity, (size_t)w->set->n_bad, sizeof *w->set->bad))
        return no_memory(err);
    const char *name = cz_dataset_id(cz_scan_dataset(w->scan), w->selection->sample[place], id);
    struct cz_bad_image bad = {place, loaded->error_offset, strdup(cz_load_reason(loaded, name))};
    if (!bad.reason)
        return no_memory(err);
    w->set->bad[w->set->n_bad++] = bad;
    return CZ_OK;
}

static int all_finite(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

static cz_status changed(const char *id, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_FORMAT, "%s: changed while it was read; run again when nobody writes there", id);
}

static cz_status take_image(void *user, const struct cz_scan_image *image, cz_error *err)
{
    struct work *w = user;
    const int64_t place = w->first + image->place;
    const struct cz_load_result *loaded = image->loaded;
    float *to = w->chunk.x + image->place * w->chunk.n_features;
    char id[CZ_SHA256_HEX];
    w->chunk.ok[image->place] = image->output != NULL;
    if (!image->output) {
        memset(to, 0, (size_t)w->chunk.n_features * sizeof *to);
        return note_bad(w, place, loaded, err);
    }
    const char *name = cz_dataset_id(cz_scan_dataset(w->scan), image->sample, id);
    if (memcmp(loaded->sha256, w->sha256[place], CZ_SHA256_BYTES) != 0)
        return changed(name, err);
    if (!all_finite(image->output, image->n_output))
        CZ_FAIL(err, CZ_ERR_NUMERIC,
                "%s: a feature is NaN or infinite; check the model with `convzoo inspect --tensors`", name);
    memcpy(to, image->output, (size_t)image->n_output * sizeof *to);
    return CZ_OK;
}

/* Unreadable images of a stored chunk are read again for their reason. One that can be read now had no
 * content when the hashes were made. */
static cz_status explain_bad(struct work *w, cz_error *err)
{
    for (int i = 0; i < w->chunk.n; i++) {
        struct cz_load_result loaded;
        const int64_t sample = w->selection->sample[w->first + i];
        char id[CZ_SHA256_HEX];
        if (w->chunk.ok[i])
            continue;
        CZ_TRY(cz_scan_look(w->scan, sample, &loaded, err));
        if (loaded.status == CZ_OK)
            return changed(cz_dataset_id(cz_scan_dataset(w->scan), sample, id), err);
        CZ_TRY(note_bad(w, w->first + i, &loaded, err));
    }
    return CZ_OK;
}

static cz_status compute_chunk(struct work *w, cz_error *err)
{
    struct cz_feature_set *set = w->set;
    CZ_TRY(cz_scan_run(w->scan, w->selection->sample + w->first, w->chunk.n, take_image, w, err));
    if (w->options->folder && !set->cache_failed)
        set->cache_failed = cz_chunk_save(w->options->folder, &w->chunk, &set->cache_error) != CZ_OK;
    return CZ_OK;
}

/* Moves the readable images' features together. */
static void keep_chunk(struct work *w)
{
    struct cz_feature_set *set = w->set;
    const size_t row = (size_t)w->chunk.n_features;
    for (int i = 0; i < w->chunk.n; i++) {
        if (!w->chunk.ok[i])
            continue;
        memmove(set->x + (size_t)set->features.n * row, w->chunk.x + (size_t)i * row, row * sizeof *set->x);
        set->label[set->features.n] = w->selection->label[w->first + i];
        set->place[set->features.n++] = w->first + i;
    }
}

static cz_status do_chunk(struct work *w, cz_error *err)
{
    const int64_t left = w->selection->n - w->first;
    w->chunk.n = (int)(left < CZ_FEATURE_CHUNK ? left : CZ_FEATURE_CHUNK);
    chunk_key(w);
    if (w->options->folder && cz_chunk_load(w->options->folder, &w->chunk)) {
        w->set->n_stored += w->chunk.n;
        CZ_TRY(explain_bad(w, err));
    } else {
        CZ_TRY(compute_chunk(w, err));
    }
    keep_chunk(w);
    return CZ_OK;
}

static cz_status allocate(struct work *w, cz_error *err)
{
    const size_t n = (size_t)w->selection->n, row = (size_t)cz_scan_output_size(w->scan);
    struct cz_feature_set *set = w->set;
    set->x = malloc(n * row * sizeof *set->x + 1);
    set->label = malloc(n * sizeof *set->label + 1);
    set->place = malloc(n * sizeof *set->place + 1);
    w->chunk.n_features = (int)row;
    w->chunk.ok = malloc(CZ_FEATURE_CHUNK);
    w->chunk.x = malloc(CZ_FEATURE_CHUNK * row * sizeof *w->chunk.x + 1);
    if (!set->x || !set->label || !set->place || !w->chunk.ok || !w->chunk.x)
        return no_memory(err);
    set->features = (struct cz_features){0, (int)row, w->selection->n_classes, set->x, set->label};
    return CZ_OK;
}

static cz_status run(struct work *w, cz_error *err)
{
    const struct cz_feature_options *o = w->options;
    CZ_TRY(allocate(w, err));
    CZ_TRY(cz_scan_identity(w->scan, &w->identity, err));
    for (w->first = 0; w->first < w->selection->n; w->first += CZ_FEATURE_CHUNK) {
        if (o->stop && o->stop(o->user))
            CZ_FAIL(err, CZ_ERR_STATE, "interrupted at image %lld of %lld", (long long)w->first,
                    (long long)w->selection->n);
        CZ_TRY(do_chunk(w, err));
        if (o->progress)
            o->progress(o->user, w->first + w->chunk.n, w->selection->n);
    }
    if (w->set->features.n == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "data: none of %lld images could be read", (long long)w->selection->n);
    return CZ_OK;
}

cz_status cz_features_compute(struct cz_scan *scan, const struct cz_selection *selection,
                              const uint8_t (*sha256)[CZ_SHA256_BYTES],
                              const struct cz_feature_options *options, struct cz_feature_set *out,
                              cz_error *err)
{
    struct work w = {.scan = scan, .selection = selection, .sha256 = sha256, .options = options, .set = out};
    memset(out, 0, sizeof *out);
    const cz_status status = run(&w, err);
    free(w.chunk.ok);
    free(w.chunk.x);
    if (status != CZ_OK)
        cz_feature_set_deinit(out);
    return status;
}

void cz_feature_set_deinit(struct cz_feature_set *set)
{
    for (int64_t i = 0; i < set->n_bad; i++)
        free(set->bad[i].reason);
    free(set->bad);
    free(set->x);
    free(set->label);
    free(set->place);
    memset(set, 0, sizeof *set);
}
