/*
 * CIFAR-10 and CIFAR-100, binary version: records of label bytes and 3072 pixel bytes (planes R, G, B of 32 x
 * 32).
 *
 * CIFAR-100 has two labels, coarse and fine; the fine one (100 classes) is used. Files stay open and records
 * are read where they lie, so that a data set costs no memory but its labels.
 *
 * Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009, and its data page's
 * layout.
 */
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE = 32, PIXEL_BYTES = 3 * SIDE * SIDE, MAX_FILES = 6, NAMES_BYTES_MAX = 65536 };

struct variant {
    const char *format;
    int n_classes, label_bytes, label_at;
    const char *names_file;
    struct {
        const char *name, *split;
    } files[MAX_FILES]; /* in order; files that are missing are left out */
};

static const struct variant variants[] = {
    {"cifar10",
     10,
     1,
     0,
     "batches.meta.txt",
     {{"data_batch_1.bin", "train"},
      {"data_batch_2.bin", "train"},
      {"data_batch_3.bin", "train"},
      {"data_batch_4.bin", "train"},
      {"data_batch_5.bin", "train"},
      {"test_batch.bin", "test"}}},
    {"cifar100", 100, 2, 1, "fine_label_names.txt", {{"train.bin", "train"}, {"test.bin", "test"}}},
};
enum { N_VARIANTS = sizeof variants / sizeof *variants };

struct part {
    int fd;
    int64_t first, count; /* samples */
    const char *name;
};

struct cifar {
    const struct variant *variant;
    struct part parts[MAX_FILES];
    int n_parts;
    uint8_t *labels;
};

static const struct variant *find_variant(const char *path)
{
    for (int v = 0; v < N_VARIANTS; v++)
        for (int f = 0; f < MAX_FILES && variants[v].files[f].name; f++)
            if (cz_file_in(path, variants[v].files[f].name))
                return &variants[v];
    return NULL;
}

static int cifar_probe(const char *path)
{
    return find_variant(path) != NULL;
}

static size_t record_bytes(const struct variant *v)
{
    return (size_t)v->label_bytes + PIXEL_BYTES;
}

/* All of `size` bytes at `offset`, or 0. */
static int read_at(int fd, void *to, size_t size, int64_t offset)
{
    ssize_t n;
    do
        n = pread(fd, to, size, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size;
}

static cz_status open_part(const char *folder, const char *name, const struct variant *v, struct part *out,
                           cz_error *err)
{
    struct stat st;
    char *path = cz_path_join(folder, name);
    out->fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    free(path);
    if (out->fd < 0 || fstat(out->fd, &st) != 0)
        CZ_FAIL(err, cz_status_of_errno(), "%s/%s: %s", folder, name,
                path ? strerror(errno) : "out of memory");
    size_t record = record_bytes(v);
    if (st.st_size == 0 || (size_t)st.st_size % record != 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s/%s: %jd bytes is no multiple of a record's %zu; get it anew", folder,
                name, (intmax_t)st.st_size, record);
    out->count = st.st_size / (int64_t)record;
    out->name = name;
    return CZ_OK;
}

static cz_status open_parts(struct cz_dataset *ds, struct cifar *cifar, cz_error *err)
{
    const struct variant *v = cifar->variant;
    for (int f = 0; f < MAX_FILES && v->files[f].name; f++) {
        if (!cz_file_in(ds->path, v->files[f].name))
            continue;
        struct part *part = &cifar->parts[cifar->n_parts++];
        CZ_TRY(open_part(ds->path, v->files[f].name, v, part, err));
        part->first = ds->count;
        struct cz_split *last = ds->n_splits ? &ds->splits[ds->n_splits - 1] : NULL;
        if (!last || strcmp(last->name, v->files[f].split) != 0) {
            CZ_TRY(cz_dataset_add_split(ds, v->files[f].split, part->count, err));
        } else {
            last->count += part->count;
            ds->count += part->count;
        }
    }
    return CZ_OK;
}

static cz_status read_labels(const struct cz_dataset *ds, struct cifar *cifar, cz_error *err)
{
    const struct variant *v = cifar->variant;
    cifar->labels = malloc((size_t)ds->count);
    if (!cifar->labels)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory for %jd labels", ds->path, (intmax_t)ds->count);
    for (int p = 0; p < cifar->n_parts; p++) {
        const struct part *part = &cifar->parts[p];
        for (int64_t i = 0; i < part->count; i++) {
            uint8_t *label = &cifar->labels[part->first + i];
            int64_t at = i * (int64_t)record_bytes(v) + v->label_at;
            if (!read_at(part->fd, label, 1, at))
                CZ_FAIL(err, CZ_ERR_IO, "%s/%s: cannot read byte %jd", ds->path, part->name, (intmax_t)at);
            if (*label >= v->n_classes)
                CZ_FAIL(err, CZ_ERR_FORMAT, "%s/%s: label %d at byte %jd, wanted 0 to %d; get it anew",
                        ds->path, part->name, *label, (intmax_t)at, v->n_classes - 1);
        }
    }
    return CZ_OK;
}

/* Replaces the numbers by the lines of the names file, where it is there; blank lines at its end do not
 * count. */
static cz_status read_names(struct cz_dataset *ds, const struct variant *v, cz_error *err)
{
    unsigned char *bytes;
    size_t size;
    if (!cz_file_in(ds->path, v->names_file))
        return CZ_OK;
    char *path = cz_path_join(ds->path, v->names_file);
    cz_status status = path ? cz_file_read(path, NAMES_BYTES_MAX, &bytes, &size, err)
                            : cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory", ds->path);
    free(path);
    if (status != CZ_OK)
        return status;
    int n = 0;
    for (char *line = strtok_r((char *)bytes, "\r\n", &path); line; line = strtok_r(NULL, "\r\n", &path), n++)
        if (n < v->n_classes && !(ds->class_names[n] = cz_arena_strdup(ds->arena, line)))
            status = cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory", ds->path);
    free(bytes);
    if (status == CZ_OK && n != v->n_classes)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s/%s: %d names, wanted %d; mend or remove it", ds->path, v->names_file,
                n, v->n_classes);
    return status;
}

static int cifar_label(const struct cz_dataset *ds, int64_t index)
{
    return ((const struct cifar *)ds->impl)->labels[index];
}

static cz_status cifar_read(const struct cz_dataset *ds, int64_t index, int decode, int turn_upright,
                            struct cz_sample *out, cz_error *err)
{
    (void)turn_upright;
    const struct cifar *cifar = ds->impl;
    const struct part *part = cifar->parts;
    while (index >= part->first + part->count)
        part++;
    uint8_t pixels[PIXEL_BYTES];
    int64_t at = (index - part->first) * (int64_t)record_bytes(cifar->variant) + cifar->variant->label_bytes;
    if (!read_at(part->fd, pixels, sizeof pixels, at))
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot read byte %jd; the file has changed", part->name, (intmax_t)at);
    return cz_sample_from_planes(pixels, SIDE, SIDE, 3, decode, out, err);
}

static void cifar_close(struct cz_dataset *ds)
{
    struct cifar *cifar = ds->impl;
    for (int p = 0; p < cifar->n_parts; p++)
        if (cifar->parts[p].fd >= 0)
            close(cifar->parts[p].fd);
    free(cifar->labels);
}

static const struct cz_dataset_vtable cifar_vtable = {cifar_read, cz_dataset_numbered_id, cifar_label,
                                                      cifar_close};

static cz_status cifar_open(const char *path, struct cz_dataset *ds, cz_error *err)
{
    struct cifar *cifar = cz_arena_alloc(ds->arena, sizeof *cifar);
    if (!cifar)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", path);
    cifar->variant = find_variant(path);
    if (!cifar->variant)
        CZ_FAIL(err, CZ_ERR_IO, "%s: its files have gone", path);
    ds->impl = cifar;
    ds->vtable = &cifar_vtable;
    ds->format = cifar->variant->format;
    CZ_TRY(open_parts(ds, cifar, err));
    CZ_TRY(read_labels(ds, cifar, err));
    CZ_TRY(cz_dataset_number_classes(ds, cifar->variant->n_classes, err));
    return read_names(ds, cifar->variant, err);
}

const struct cz_format cz_format_cifar = {"cifar", cifar_probe, cifar_open};
