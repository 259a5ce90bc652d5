#include "data/check.h"
#include "base/memory.h"
#include "base/pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { THUMB_W = 9, THUMB_H = 8, THUMB_PIXELS = THUMB_W * THUMB_H };

struct cz_sample_facts {
    cz_status status;
    enum cz_image_type type;
    int height, width, n_warnings;
    int64_t error_offset;
    uint8_t sha256[CZ_SHA256_BYTES];
    uint8_t thumb[THUMB_PIXELS];
    uint64_t signs;
    char *message; /* of malloc; NULL while all is well */
};

const char *cz_finding_name(enum cz_finding_kind kind)
{
    static const char *const names[] = {"unreadable", "duplicate", "near_duplicate", "class",
                                        "damage",     "name",      "left_out"};
    return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

static void count_classes(struct cz_check *check)
{
    const struct cz_dataset *ds = check->ds;
    for (int s = 0; s < ds->n_splits && ds->n_classes > 0; s++)
        for (int64_t i = 0; i < ds->splits[s].count; i++)
            check->n_of_class[(int64_t)s * ds->n_classes + cz_dataset_label(ds, ds->splits[s].first + i)]++;
}

int64_t cz_check_class_count(const struct cz_check *check, int split, int label)
{
    return check->n_of_class[(int64_t)split * check->ds->n_classes + label];
}

cz_status cz_check_create(const struct cz_dataset *ds, enum cz_duplicates duplicates, struct cz_check **out,
                          cz_error *err)
{
    *out = NULL;
    if (duplicates == CZ_DUPLICATES_NEAR && ds->count > CZ_NEAR_MAX_SAMPLES)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "%s: %jd images, near duplicates are sought in at most %d; look for exact ones", ds->path,
                (intmax_t)ds->count, (int)CZ_NEAR_MAX_SAMPLES);
    struct cz_check *check = calloc(1, sizeof *check);
    if (check) {
        check->ds = ds;
        check->duplicates = duplicates;
        check->facts = calloc((size_t)ds->count, sizeof *check->facts);
        check->n_of_class =
            calloc((size_t)ds->n_splits * (size_t)ds->n_classes + 1, sizeof *check->n_of_class);
        check->arena = cz_arena_create();
    }
    if (!check || !check->facts || !check->n_of_class || !check->arena) {
        cz_check_destroy(check);
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory for %jd images", ds->path, (intmax_t)ds->count);
    }
    count_classes(check);
    *out = check;
    return CZ_OK;
}

void cz_check_destroy(struct cz_check *check)
{
    if (!check)
        return;
    for (int64_t i = 0; check->facts && i < check->ds->count; i++)
        free(check->facts[i].message);
    free(check->facts);
    free(check->findings);
    free(check->n_of_class);
    cz_arena_destroy(check->arena);
    free(check);
}

/* What near duplicates are known by; left zero when memory is short, which no picture but a black one has. */
static void summarize(struct cz_image *image, struct cz_sample_facts *f)
{
    struct cz_image thumb;
    cz_image_to_gray(image);
    if (cz_image_resize(image, THUMB_H, THUMB_W, CZ_FILTER_BILINEAR, &thumb, NULL) != CZ_OK)
        return;
    memcpy(f->thumb, thumb.pixels, THUMB_PIXELS);
    for (int y = 0; y < THUMB_H; y++)
        for (int x = 0; x + 1 < THUMB_W; x++)
            f->signs = f->signs << 1 | (thumb.pixels[y * THUMB_W + x] < thumb.pixels[y * THUMB_W + x + 1]);
    cz_image_deinit(&thumb);
}

struct read_job {
    struct cz_check *check;
    int64_t first;
    int turn_upright;
};

static void read_tile(void *ctx, int64_t tile, int worker)
{
    (void)worker;
    const struct read_job *job = ctx;
    struct cz_sample_facts *f = &job->check->facts[job->first + tile];
    struct cz_sample sample;
    cz_error err;
    f->status = cz_dataset_read(job->check->ds, job->first + tile, job->turn_upright, &sample, &err);
    f->type = sample.info.type;
    f->n_warnings = sample.info.n_warnings;
    f->error_offset = sample.info.error_offset;
    memcpy(f->sha256, sample.sha256, sizeof f->sha256);
    if (f->status == CZ_OK) {
        f->height = sample.image.height;
        f->width = sample.image.width;
        summarize(&sample.image, f);
    } else {
        f->message = strdup(err.message);
    }
    cz_sample_deinit(&sample);
}

void cz_check_read(struct cz_check *check, struct cz_pool *pool, int64_t first, int64_t n, int turn_upright)
{
    struct read_job job = {check, first, turn_upright};
    cz_parallel_for(pool, n, read_tile, &job);
}

static const char *keep_id(struct cz_check *check, int64_t index)
{
    char buf[CZ_SHA256_HEX];
    return index < 0 ? NULL : cz_arena_strdup(check->arena, cz_dataset_id(check->ds, index, buf));
}

/* A finding about sample `index` (-1: none) and perhaps another; 1 when memory ran out. */
__attribute__((format(printf, 6, 7))) static int add(struct cz_check *check, enum cz_finding_kind kind,
                                                     int is_problem, int64_t index, int64_t other,
                                                     const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (cz_grow(&check->findings, &check->capacity, check->n_findings, sizeof *check->findings))
        return 1;
    struct cz_finding f = {.kind = kind,
                           .is_problem = is_problem,
                           .offset = index >= 0 ? check->facts[index].error_offset : -1,
                           .file = index >= 0 ? keep_id(check, index) : "",
                           .other = keep_id(check, other),
                           .text = cz_arena_strdup(check->arena, text)};
    if (!f.file || !f.text || (other >= 0 && !f.other))
        return 1;
    check->findings[check->n_findings++] = f;
    check->n_problems += is_problem;
    return 0;
}

static void count_size(struct cz_check *check, const struct cz_sample_facts *f)
{
    const int size[2] = {f->height, f->width};
    for (int a = 0; a < 2; a++) {
        if (check->min_size[a] == 0 || size[a] < check->min_size[a])
            check->min_size[a] = size[a];
        if (size[a] > check->max_size[a])
            check->max_size[a] = size[a];
    }
}

/* The type that a file name claims; UNKNOWN where it claims none of ours. */
static enum cz_image_type type_of_name(const char *id)
{
    static const struct {
        const char *suffix;
        enum cz_image_type type;
    } table[] = {{"jpg", CZ_IMAGE_JPEG},  {"jpeg", CZ_IMAGE_JPEG}, {"jpe", CZ_IMAGE_JPEG},
                 {"jfif", CZ_IMAGE_JPEG}, {"png", CZ_IMAGE_PNG},   {"webp", CZ_IMAGE_WEBP},
                 {"ppm", CZ_IMAGE_PNM},   {"pgm", CZ_IMAGE_PNM},   {"pnm", CZ_IMAGE_PNM}};
    const char *dot = strrchr(id, '.');
    for (size_t i = 0; dot && i < sizeof table / sizeof *table; i++)
        if (strcasecmp(dot + 1, table[i].suffix) == 0)
            return table[i].type;
    return CZ_IMAGE_UNKNOWN;
}

static int judge_sample(struct cz_check *check, int64_t i)
{
    const struct cz_sample_facts *f = &check->facts[i];
    char buf[CZ_SHA256_HEX];
    const char *id = cz_dataset_id(check->ds, i, buf);
    if (f->status != CZ_OK) {
        /* The message begins with the id, which the finding carries by itself. */
        const char *message = f->message ? f->message : "out of memory", *text = strstr(message, ": ");
        size_t n = strlen(id);
        if (strncmp(message, id, n) == 0 && strncmp(message + n, ": ", 2) == 0)
            text = message + n;
        check->n_unreadable++;
        return add(check, CZ_FINDING_UNREADABLE, 1, i, -1, "%s", text ? text + 2 : message);
    }
    int bad = 0;
    enum cz_image_type named = type_of_name(id);
    count_size(check, f);
    check->n_of_type[f->type]++;
    if (f->type != CZ_IMAGE_UNKNOWN && named != CZ_IMAGE_UNKNOWN && named != f->type)
        bad |= add(check, CZ_FINDING_NAME, 0, i, -1, "%s inside, name says %s; read by content",
                   cz_image_type_name(f->type), cz_image_type_name(named));
    if (f->n_warnings > 0)
        bad |= add(check, CZ_FINDING_DAMAGE, 0, i, -1, "decoded with %d warning%s: some of it is damaged",
                   f->n_warnings, f->n_warnings > 1 ? "s" : "");
    return bad;
}

/* "same bytes" with what it means: in another split, another class, or harmless. */
static int add_pair(struct cz_check *check, enum cz_finding_kind kind, const char *what, int64_t i, int64_t j)
{
    const struct cz_dataset *ds = check->ds;
    int a = cz_dataset_label(ds, i), b = cz_dataset_label(ds, j);
    const struct cz_split *split = ds->splits;
    while (j >= split->first + split->count)
        split++;
    if (i < split->first)
        return add(check, kind, 1, i, j, "%s, so %s is not independent%s", what, split->name,
                   a != b ? "; and of two classes" : "");
    if (a != b)
        return add(check, kind, 1, i, j, "%s in two classes, %s and %s", what, ds->class_names[a],
                   ds->class_names[b]);
    return add(check, kind, 0, i, j, "%s", what);
}

struct key {
    uint8_t sha256[CZ_SHA256_BYTES];
    int64_t index;
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = memcmp(x->sha256, y->sha256, CZ_SHA256_BYTES);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* twin[i]: the first sample with the same content, where that is another one. Unreadable ones have none. */
static int find_equal(const struct cz_check *check, int64_t *twin)
{
    struct key *keys = malloc((size_t)check->ds->count * sizeof *keys);
    size_t n = 0;
    if (!keys)
        return 1;
    for (int64_t i = 0; i < check->ds->count; i++) {
        if (check->facts[i].status != CZ_OK)
            continue;
        memcpy(keys[n].sha256, check->facts[i].sha256, CZ_SHA256_BYTES);
        keys[n++].index = i;
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 1, first = 0; i < n; i++)
        if (memcmp(keys[i].sha256, keys[first].sha256, CZ_SHA256_BYTES) == 0)
            twin[keys[i].index] = keys[first].index;
        else
            first = i;
    free(keys);
    return 0;
}

static int look_alike(const struct cz_sample_facts *a, const struct cz_sample_facts *b)
{
    if (__builtin_popcountll(a->signs ^ b->signs) > CZ_NEAR_BITS)
        return 0;
    int sum = 0;
    for (int i = 0; i < THUMB_PIXELS; i++)
        sum += abs(a->thumb[i] - b->thumb[i]);
    return sum <= CZ_NEAR_LEVELS * THUMB_PIXELS;
}

/* The first sample before j that looks like it, or -1. */
static int64_t find_alike(const struct cz_check *check, int64_t j)
{
    for (int64_t i = 0; check->facts[j].status == CZ_OK && i < j; i++)
        if (check->facts[i].status == CZ_OK && look_alike(&check->facts[i], &check->facts[j]))
            return i;
    return -1;
}

static int judge_duplicates(struct cz_check *check)
{
    const int64_t n = check->ds->count;
    int64_t *twin = malloc((size_t)n * sizeof *twin);
    int bad = !twin;
    for (int64_t i = 0; twin && i < n; i++)
        twin[i] = -1;
    bad = bad || find_equal(check, twin);
    for (int64_t j = 0; !bad && j < n; j++) {
        int64_t alike = twin[j] < 0 && check->duplicates == CZ_DUPLICATES_NEAR ? find_alike(check, j) : -1;
        if (twin[j] >= 0)
            bad = add_pair(check, CZ_FINDING_DUPLICATE, "same bytes", twin[j], j);
        else if (alike >= 0)
            bad = add_pair(check, CZ_FINDING_NEAR_DUPLICATE, "look alike", alike, j);
    }
    free(twin);
    return bad;
}

/* A class that training never sees cannot be predicted; one that is never tested is only worth knowing. */
static int judge_classes(struct cz_check *check)
{
    const struct cz_dataset *ds = check->ds;
    int bad = 0;
    if (ds->n_classes == 1)
        bad =
            add(check, CZ_FINDING_CLASS, 1, -1, -1, "only one class, %s; two are needed", ds->class_names[0]);
    for (int s = 0; s < ds->n_splits; s++)
        for (int c = 0; c < ds->n_classes && !bad; c++)
            if (cz_check_class_count(check, s, c) == 0)
                bad = add(check, CZ_FINDING_CLASS, strcmp(ds->splits[s].name, "train") == 0, -1, -1,
                          "class %s: no images in %s", ds->class_names[c], ds->splits[s].name);
    return bad;
}

static int compare_case(const void *a, const void *b)
{
    return strcasecmp(*(char *const *)a, *(char *const *)b);
}

/* "Cat" beside "cat": two classes for us, one on some file systems and for most people. */
static int judge_class_names(struct cz_check *check)
{
    const int n = check->ds->n_classes;
    char **names = malloc(((size_t)n + 1) * sizeof *names);
    int bad = !names;
    for (int c = 0; names && c < n; c++)
        names[c] = check->ds->class_names[c];
    if (names)
        qsort(names, (size_t)n, sizeof *names, compare_case);
    for (int c = 1; c < n && !bad; c++)
        if (strcasecmp(names[c - 1], names[c]) == 0)
            bad = add(check, CZ_FINDING_CLASS, 0, -1, -1, "classes %s and %s differ only in case",
                      names[c - 1], names[c]);
    free(names);
    return bad;
}

static int add_notices(struct cz_check *check)
{
    const struct cz_dataset *ds = check->ds;
    int bad = 0;
    for (int64_t i = 0; i < ds->n_notices && i < CZ_DATASET_MAX_NOTICES && !bad; i++) {
        bad = add(check, CZ_FINDING_LEFT_OUT, 0, -1, -1, "%s", ds->notices[i].text);
        if (!bad)
            check->findings[check->n_findings - 1].file = ds->notices[i].id;
    }
    return bad;
}

/* Problems to the front, order kept. */
static int put_problems_first(struct cz_check *check)
{
    struct cz_finding *sorted = malloc((check->n_findings + 1) * sizeof *sorted);
    size_t n = 0;
    if (!sorted)
        return 1;
    for (int problems = 1; problems >= 0; problems--)
        for (size_t i = 0; i < check->n_findings; i++)
            if (check->findings[i].is_problem == problems)
                sorted[n++] = check->findings[i];
    free(check->findings);
    check->findings = sorted;
    check->capacity = check->n_findings + 1;
    return 0;
}

cz_status cz_check_conclude(struct cz_check *check, cz_error *err)
{
    int bad = judge_classes(check) || judge_class_names(check);
    for (int64_t i = 0; i < check->ds->count && !bad; i++)
        bad = judge_sample(check, i);
    if (!bad && check->duplicates != CZ_DUPLICATES_NO)
        bad = judge_duplicates(check);
    if (bad || add_notices(check) || put_problems_first(check))
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory checking the data", check->ds->path);
    return CZ_OK;
}
