#include "finetune/selection.h"
#include "base/nearest.h"
#include "base/philox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "data: out of memory choosing the images");
}

static int class_named(const struct cz_dataset *ds, const char *name, size_t length)
{
    for (int c = 0; c < ds->n_classes; c++)
        if (strlen(ds->class_names[c]) == length && memcmp(ds->class_names[c], name, length) == 0)
            return c;
    return -1;
}

static cz_status unknown_class(const struct cz_dataset *ds, const char *name, size_t length, cz_error *err)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%.*s", (int)(length < sizeof copy ? length : sizeof copy - 1), name);
    const char *nearest = cz_nearest(copy, (const char *const *)ds->class_names, (size_t)ds->n_classes);
    CZ_FAIL(err, CZ_ERR_ARGUMENT, "--only-classes %s: no such class; %s%s%s", copy,
            nearest ? "nearest is '" : "`convzoo data check DATA` lists them", nearest ? nearest : "",
            nearest ? "'" : "");
}

/* wanted[class] = 1 for those that are used. A class name with a comma cannot be given. */
static cz_status mark_classes(const struct cz_dataset *ds, const char *list, char *wanted, cz_error *err)
{
    if (!list) {
        memset(wanted, 1, (size_t)ds->n_classes);
        return CZ_OK;
    }
    for (const char *p = list;; p++) {
        const size_t length = strcspn(p, ",");
        const int c = class_named(ds, p, length);
        if (c < 0)
            return unknown_class(ds, p, length, err);
        wanted[c] = 1;
        p += length;
        if (!*p)
            return CZ_OK;
    }
}

/* new_label[class of the data set] = class of the selection, -1: not used. */
static cz_status number_classes(const struct cz_dataset *ds, const char *list, struct cz_selection *s,
                                int *new_label, cz_error *err)
{
    char *wanted = calloc((size_t)ds->n_classes + 1, 1);
    s->class_names = calloc((size_t)ds->n_classes + 1, sizeof *s->class_names);
    cz_status status = wanted && s->class_names ? mark_classes(ds, list, wanted, err) : no_memory(err);
    for (int c = 0; status == CZ_OK && c < ds->n_classes; c++) {
        new_label[c] = wanted[c] ? s->n_classes : -1;
        if (wanted[c])
            s->class_names[s->n_classes++] = ds->class_names[c];
    }
    free(wanted);
    return status;
}

static cz_status collect(const struct cz_dataset *ds, const struct cz_split *split, const int *new_label,
                         struct cz_selection *s, cz_error *err)
{
    s->sample = malloc(((size_t)split->count + 1) * sizeof *s->sample);
    s->label = malloc(((size_t)split->count + 1) * sizeof *s->label);
    if (!s->sample || !s->label)
        return no_memory(err);
    for (int64_t i = split->first; i < split->first + split->count; i++) {
        const int label = new_label[cz_dataset_label(ds, i)];
        if (label < 0)
            continue;
        s->sample[s->n] = i;
        s->label[s->n++] = label;
    }
    if (s->n == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: no image of these classes in split '%s'; choose others", ds->path,
                split->name);
    return CZ_OK;
}

/* kept[i] = 1 for the per_class first of each class in a seeded order; the choice depends on no other class.
 */
static void choose_some(const struct cz_selection *s, int64_t per_class, uint64_t seed, int64_t *members,
                        int64_t *order, char *kept)
{
    for (int c = 0; c < s->n_classes; c++) {
        int64_t count = 0;
        for (int64_t i = 0; i < s->n; i++)
            if (s->label[i] == c)
                members[count++] = i;
        cz_shuffle(seed, CZ_STREAM_SUBSET, (uint32_t)c, order, count);
        for (int64_t i = 0; i < count && i < per_class; i++)
            kept[members[order[i]]] = 1;
    }
}

cz_status cz_selection_limit(struct cz_selection *s, int64_t per_class, uint64_t seed, cz_error *err)
{
    int64_t *members = malloc(2 * (size_t)s->n * sizeof *members), kept_n = 0;
    char *kept = calloc((size_t)s->n, 1);
    const int ready = members && kept;
    if (ready) {
        choose_some(s, per_class, seed, members, members + s->n, kept);
        for (int64_t i = 0; i < s->n; i++)
            if (kept[i]) {
                s->sample[kept_n] = s->sample[i];
                s->label[kept_n++] = s->label[i];
            }
        s->n = kept_n;
    }
    free(members);
    free(kept);
    return ready ? CZ_OK : no_memory(err);
}

cz_status cz_select(const struct cz_dataset *ds, const struct cz_selection_options *options,
                    struct cz_selection *out, cz_error *err)
{
    memset(out, 0, sizeof *out);
    if (ds->n_classes < 1)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s: has no labels; a folder per class is wanted", ds->path);
    int *new_label = malloc((size_t)ds->n_classes * sizeof *new_label);
    cz_status status =
        new_label ? number_classes(ds, options->only_classes, out, new_label, err) : no_memory(err);
    if (status == CZ_OK)
        status = collect(ds, options->split, new_label, out, err);
    if (status == CZ_OK && options->per_class > 0)
        status = cz_selection_limit(out, options->per_class, options->seed, err);
    free(new_label);
    if (status != CZ_OK)
        cz_selection_deinit(out);
    return status;
}

void cz_selection_deinit(struct cz_selection *s)
{
    free(s->sample);
    free(s->label);
    free(s->class_names);
    memset(s, 0, sizeof *s);
}

cz_status cz_selection_hashes(const struct cz_dataset *ds, const struct cz_selection *s,
                              uint8_t (*sha256)[CZ_SHA256_BYTES], cz_error *err)
{
    for (int64_t i = 0; i < s->n; i++) {
        cz_status status = cz_dataset_content_hash(ds, s->sample[i], sha256[i], err);
        if (status == CZ_ERR_MEMORY)
            return status;
        if (status != CZ_OK)
            memset(sha256[i], 0, CZ_SHA256_BYTES); /* whoever decodes it will say what is wrong */
    }
    return CZ_OK;
}

void cz_selection_hash(const struct cz_dataset *ds, const struct cz_selection *s,
                       const uint8_t (*sha256)[CZ_SHA256_BYTES], char text[CZ_SHA256_HEX])
{
    char id[CZ_SHA256_HEX];
    uint8_t digest[CZ_SHA256_BYTES];
    struct cz_sha256 hash;
    cz_sha256_init(&hash);
    for (int64_t i = 0; i < s->n; i++) {
        cz_sha256_update_string(&hash, cz_dataset_id(ds, s->sample[i], id));
        cz_sha256_update(&hash, sha256[i], CZ_SHA256_BYTES);
        cz_sha256_update_string(&hash, s->class_names[s->label[i]]);
    }
    cz_sha256_final(&hash, digest);
    cz_sha256_hex(digest, text);
}
