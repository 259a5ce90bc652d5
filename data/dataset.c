#include "data/dataset.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_BYTES_MAX = 1 << 30 };

static const struct cz_format *const formats[] = {
#define FORMAT(name) &cz_format_##name,
#include "data/formats.def"
#undef FORMAT
};

/* Where Debian's package dataset-fashion-mnist puts its files, and the ten articles in the order of their
 * labels. */
static const char FASHION_MNIST[] = "/usr/share/datasets/fashion-mnist";
static const char *const fashion_names[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                            "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
enum { N_FASHION = sizeof fashion_names / sizeof *fashion_names };

static cz_status open_with(const struct cz_format *format, const char *path, struct cz_dataset **out,
                           cz_error *err)
{
    struct cz_dataset *ds = calloc(1, sizeof *ds);
    if (ds) {
        ds->format = format->name;
        ds->arena = cz_arena_create();
        ds->path = strdup(path);
    }
    cz_status status = ds && ds->arena && ds->path
                           ? format->open(path, ds, err)
                           : cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory", path);
    if (status != CZ_OK) {
        cz_dataset_close(ds);
        return status;
    }
    *out = ds;
    return CZ_OK;
}

static cz_status name_fashion_classes(struct cz_dataset *ds, cz_error *err)
{
    if (ds->n_classes != N_FASHION)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "%s: has %d classes, wanted %d; reinstall the package dataset-fashion-mnist", ds->path,
                ds->n_classes, (int)N_FASHION);
    for (int c = 0; c < N_FASHION; c++)
        if (!(ds->class_names[c] = cz_arena_strdup(ds->arena, fashion_names[c])))
            CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", ds->path);
    return CZ_OK;
}

static cz_status open_fashion_mnist(struct cz_dataset **out, cz_error *err)
{
    CZ_TRY(open_with(&cz_format_idx, FASHION_MNIST, out, err));
    cz_status status = name_fashion_classes(*out, err);
    if (status != CZ_OK) {
        cz_dataset_close(*out);
        *out = NULL;
    }
    return status;
}

cz_status cz_dataset_open(const char *data, struct cz_dataset **out, cz_error *err)
{
    struct stat st;
    *out = NULL;
    int packaged = strcmp(data, "fashion-mnist") == 0;
    if (stat(packaged ? FASHION_MNIST : data, &st) != 0)
        CZ_FAIL(err, CZ_ERR_IO, "%s: no such folder; %s", data,
                packaged ? "install the package dataset-fashion-mnist"
                         : "give a folder per class, or fashion-mnist");
    if (!S_ISDIR(st.st_mode))
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s: is a file, a data set is a folder; give the folder it is in",
                data);
    if (packaged)
        return open_fashion_mnist(out, err);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i]->probe(data))
            return open_with(formats[i], data, out, err);
    CZ_FAIL(
        err, CZ_ERR_UNSUPPORTED,
        "%s: no data set found in it; wanted are a folder per class with images, IDX files or CIFAR files",
        data);
}

void cz_dataset_close(struct cz_dataset *ds)
{
    if (!ds)
        return;
    if (ds->vtable && ds->vtable->close)
        ds->vtable->close(ds);
    cz_arena_destroy(ds->arena);
    free(ds->splits);
    free(ds->notices);
    free(ds->path);
    free(ds);
}

const struct cz_split *cz_dataset_split(const struct cz_dataset *ds, const char *name)
{
    for (int i = 0; name && i < ds->n_splits; i++)
        if (strcmp(ds->splits[i].name, name) == 0)
            return &ds->splits[i];
    if (name)
        return NULL;
    const struct cz_split *split = cz_dataset_split(ds, "test");
    if (!split)
        split = cz_dataset_split(ds, "val");
    return !split && ds->n_splits == 1 ? &ds->splits[0] : split;
}

cz_status cz_dataset_need_split(const struct cz_dataset *ds, const char *name, const struct cz_split **out,
                                cz_error *err)
{
    *out = cz_dataset_split(ds, name);
    if (*out)
        return CZ_OK;
    char list[128] = "";
    for (int i = 0; i < ds->n_splits; i++) /* NOLINTNEXTLINE: takes "no such split" for splits being NULL */
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", ds->splits[i].name);
    CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s: no split '%s'; there are: %s", ds->path, name ? name : "test or val",
            list);
}

int cz_dataset_label(const struct cz_dataset *ds, int64_t index)
{
    return ds->n_classes > 0 ? ds->vtable->label(ds, index) : -1;
}

const char *cz_dataset_id(const struct cz_dataset *ds, int64_t index, char buf[CZ_SHA256_HEX])
{
    return ds->vtable->id(ds, index, buf);
}

static cz_status read_sample(const struct cz_dataset *ds, int64_t index, int decode, int turn_upright,
                             struct cz_sample *out, cz_error *err)
{
    memset(out, 0, sizeof *out);
    out->info = (struct cz_image_info){.orientation = 1, .error_offset = -1};
    if (index < 0 || index >= ds->count)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "sample %jd: the data set has %jd", (intmax_t)index,
                (intmax_t)ds->count);
    return ds->vtable->read(ds, index, decode, turn_upright, out, err);
}

cz_status cz_dataset_read(const struct cz_dataset *ds, int64_t index, int turn_upright, struct cz_sample *out,
                          cz_error *err)
{
    return read_sample(ds, index, 1, turn_upright, out, err);
}

cz_status cz_dataset_content_hash(const struct cz_dataset *ds, int64_t index, uint8_t sha256[CZ_SHA256_BYTES],
                                  cz_error *err)
{
    struct cz_sample sample;
    CZ_TRY(read_sample(ds, index, 0, 0, &sample, err));
    memcpy(sha256, sample.sha256, CZ_SHA256_BYTES);
    cz_sample_deinit(&sample);
    return CZ_OK;
}

void cz_sample_deinit(struct cz_sample *sample)
{
    cz_image_deinit(&sample->image);
}

cz_status cz_dataset_hash(const struct cz_dataset *ds, const struct cz_split *split,
                          const uint8_t (*sha256s)[CZ_SHA256_BYTES], uint8_t out[CZ_SHA256_BYTES],
                          cz_error *err)
{
    struct cz_sha256 hash;
    cz_sha256_init(&hash);
    for (int64_t i = 0; i < split->count; i++) {
        uint8_t content[CZ_SHA256_BYTES];
        char buf[CZ_SHA256_HEX];
        int label = cz_dataset_label(ds, split->first + i);
        if (sha256s)
            memcpy(content, sha256s[i], sizeof content);
        else
            CZ_TRY(cz_dataset_content_hash(ds, split->first + i, content, err));
        cz_sha256_update_string(&hash, cz_dataset_id(ds, split->first + i, buf));
        cz_sha256_update(&hash, content, sizeof content);
        cz_sha256_update_string(&hash, label < 0 ? "" : ds->class_names[label]);
    }
    cz_sha256_final(&hash, out);
    return CZ_OK;
}

char *cz_path_join(const char *folder, const char *name)
{
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);
    if (path)
        snprintf(path, n, "%s/%s", folder, name);
    return path;
}

int cz_file_in(const char *folder, const char *name)
{
    struct stat st;
    char *path = cz_path_join(folder, name);
    int found = path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
    free(path);
    return found;
}

cz_status cz_dataset_add_split(struct cz_dataset *ds, const char *name, int64_t count, cz_error *err)
{
    struct cz_split *grown = realloc(ds->splits, (size_t)(ds->n_splits + 1) * sizeof *grown);
    char *copy = cz_arena_strdup(ds->arena, name);
    if (grown)
        ds->splits = grown;
    if (!grown || !copy)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", ds->path);
    if (count > CZ_DATASET_MAX_SAMPLES - ds->count)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: more than %d samples", ds->path, (int)CZ_DATASET_MAX_SAMPLES);
    ds->splits[ds->n_splits++] = (struct cz_split){copy, ds->count, count};
    ds->count += count;
    return CZ_OK;
}

cz_status cz_dataset_number_classes(struct cz_dataset *ds, int n, cz_error *err)
{
    ds->class_names = cz_arena_alloc(ds->arena, (size_t)n * sizeof *ds->class_names);
    for (int i = 0; ds->class_names && i < n; i++) {
        ds->class_names[i] = cz_arena_printf(ds->arena, "%d", i);
        if (!ds->class_names[i])
            ds->class_names = NULL;
    }
    if (!ds->class_names)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", ds->path);
    ds->n_classes = n;
    return CZ_OK;
}

void cz_dataset_notice(struct cz_dataset *ds, const char *id, const char *fmt, ...)
{
    if (ds->n_notices++ >= CZ_DATASET_MAX_NOTICES)
        return;
    if (!ds->notices)
        ds->notices = calloc(CZ_DATASET_MAX_NOTICES, sizeof *ds->notices);
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct cz_notice notice = {cz_arena_strdup(ds->arena, id), cz_arena_strdup(ds->arena, text)};
    if (ds->notices && notice.id && notice.text)
        ds->notices[ds->n_notices - 1] = notice;
    else
        ds->n_notices--;
}

const struct cz_split *cz_dataset_split_of(const struct cz_dataset *ds, int64_t index)
{
    const struct cz_split *split = ds->splits;
    while (index >= split->first + split->count)
        split++;
    return split;
}

const char *cz_dataset_numbered_id(const struct cz_dataset *ds, int64_t index, char buf[CZ_SHA256_HEX])
{
    const struct cz_split *split = cz_dataset_split_of(ds, index);
    snprintf(buf, CZ_SHA256_HEX, "%s/%05jd", split->name, (intmax_t)(index - split->first));
    return buf;
}

cz_status cz_sample_from_planes(const uint8_t *pixels, int height, int width, int channels, int decode,
                                struct cz_sample *out, cz_error *err)
{
    const size_t plane = (size_t)height * (size_t)width, c = (size_t)channels;
    cz_sha256(pixels, plane * c, out->sha256);
    out->info.stored_height = height;
    out->info.stored_width = width;
    if (!decode)
        return CZ_OK;
    CZ_TRY(cz_image_create(height, width, channels, &out->image, err));
    for (size_t i = 0; i < plane; i++)
        for (size_t k = 0; k < c; k++)
            out->image.pixels[i * c + k] = pixels[k * plane + i];
    return CZ_OK;
}

cz_status cz_sample_from_file(int folder, const char *name, int decode, int turn_upright,
                              struct cz_sample *out, cz_error *err)
{
    unsigned char *bytes;
    size_t size;
    CZ_TRY(cz_file_read_at(folder, name, FILE_BYTES_MAX, &bytes, &size, err));
    cz_sha256(bytes, size, out->sha256);
    cz_status status = CZ_OK;
    if (decode)
        status = cz_image_decode(bytes, size, turn_upright, &out->image, &out->info, err);
    else
        out->info.type = cz_image_identify(bytes, size, NULL);
    free(bytes);
    return status == CZ_OK ? CZ_OK : cz_error_prefix(err, status, "%s", name);
}
