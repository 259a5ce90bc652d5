/*
 * A folder per class, with or without train/, val/ and test/ above the classes.
 *
 * What counts: in a class folder, every regular file (or link to one) whose name ends as an image's does, and
 * every other one whose content is an image that we read. So a broken or mislabelled photo stays a sample
 * that is reported, and a readme does not become one. Hidden names are ignored; everything else that is left
 * out leaves a notice. Folders below a class are not entered. Classes are the union over the splits, bytewise
 * sorted; a class without any image is left out.
 */
#include "base/memory.h"
#include "base/strmap.h"
#include "base/utf8.h"
#include "data/dataset_build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *folder, *split;
} split_folders[] = {
    {"train", "train"}, {"val", "val"}, {"valid", "val"}, {"validation", "val"}, {"test", "test"}};
enum { N_SPLIT_FOLDERS = sizeof split_folders / sizeof *split_folders, SNIFF_BYTES = 64 };

struct file {
    char *id;
    const char *class_name;
    int label;
};

struct folder {
    int fd; /* of the data set */
    struct file *files;
    size_t capacity, count;
};

/* A growing list of names of malloc. */
struct names {
    char **items;
    size_t capacity, count;
};

static void names_deinit(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b); /* as unsigned bytes, whatever the locale */
}

/* All entries of a folder but hidden ones, sorted. `path` is below `root`. */
static cz_status list_folder(int root, const char *path, struct names *out, cz_error *err)
{
    int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        cz_error_set(err, cz_status_of_errno(), "%s: cannot read the folder: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return CZ_ERR_IO;
    }
    cz_status status = CZ_OK;
    for (struct dirent *e; status == CZ_OK && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        if (cz_grow(&out->items, &out->capacity, out->count, sizeof *out->items) ||
            !(out->items[out->count] = strdup(e->d_name)))
            status = cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory listing the folder", path);
        else
            out->count++;
    }
    closedir(dir);
    if (out->count > 0)
        qsort(out->items, out->count, sizeof *out->items, compare_names);
    return status;
}

static mode_t kind_at(int root, const char *path)
{
    struct stat st;
    return fstatat(root, path, &st, 0) == 0 ? st.st_mode & S_IFMT : 0;
}

static int has_image_suffix(const char *name)
{
    static const char *const suffixes[] = {"jpg", "jpeg", "jpe", "jfif", "png",  "webp", "ppm", "pgm",
                                           "pnm", "gif",  "bmp", "heic", "heif", "avif", "tif", "tiff"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcasecmp(dot + 1, suffixes[i]) == 0)
            return 1;
    return 0;
}

static int has_image_content(int root, const char *path)
{
    uint8_t head[SNIFF_BYTES];
    int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, head, sizeof head) : -1;
    if (fd >= 0)
        close(fd);
    enum cz_image_type type = n > 0 ? cz_image_identify(head, (size_t)n, NULL) : CZ_IMAGE_UNKNOWN;
    return type != CZ_IMAGE_UNKNOWN && type != CZ_IMAGE_FOREIGN;
}

/* Whether `id` is a sample; leaves a notice when something that a person put there is not. */
static int is_sample(struct cz_dataset *ds, int root, const char *id, const char *name)
{
    mode_t kind = kind_at(root, id);
    if (kind == S_IFDIR)
        cz_dataset_notice(ds, id, "folder inside a class, not entered");
    else if (kind == 0 && !has_image_suffix(name))
        cz_dataset_notice(ds, id, "cannot be looked at: %s", strerror(errno));
    else if (kind != 0 && kind != S_IFREG)
        cz_dataset_notice(ds, id, "not a regular file, left out");
    else if (has_image_suffix(name) || has_image_content(root, id))
        return 1; /* a dangling link named as an image too: reading it will say so */
    else
        cz_dataset_notice(ds, id, "not an image, left out");
    return 0;
}

static cz_status add_file(struct cz_dataset *ds, struct folder *f, const char *id, const char *class_name,
                          cz_error *err)
{
    if (f->count >= CZ_DATASET_MAX_SAMPLES)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s: more than %d images", ds->path, (int)CZ_DATASET_MAX_SAMPLES);
    char *copy = cz_arena_strdup(ds->arena, id);
    if (!copy || cz_grow(&f->files, &f->capacity, f->count, sizeof *f->files))
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory listing images", ds->path);
    f->files[f->count++] = (struct file){copy, class_name, -1};
    return CZ_OK;
}

/* Class names go into JSON, and a network's come from there: what is not UTF-8 is escaped here and there
 * alike. */
static const char *class_name_of(struct cz_arena *arena, const char *folder)
{
    char *name = cz_arena_alloc(arena, 4 * strlen(folder) + 1);
    if (name)
        cz_utf8_escape(folder, name);
    return name;
}

static cz_status add_class(struct cz_dataset *ds, struct folder *f, const char *class_path,
                           const char *class_name, cz_error *err)
{
    struct names names = {0};
    size_t before = f->count;
    const char *kept = class_name_of(ds->arena, class_name);
    cz_status status = kept ? list_folder(f->fd, class_path, &names, err)
                            : cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory", ds->path);
    for (size_t i = 0; status == CZ_OK && i < names.count; i++) {
        char *id = cz_path_join(class_path, names.items[i]);
        if (!id)
            status = cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory", ds->path);
        else if (is_sample(ds, f->fd, id, names.items[i]))
            status = add_file(ds, f, id, kept, err);
        free(id);
    }
    names_deinit(&names);
    if (status == CZ_OK && f->count == before)
        cz_dataset_notice(ds, class_path, "no images in this folder");
    return status;
}

/* All classes below `prefix` ("" or a split's folder) as one split. */
static cz_status add_split(struct cz_dataset *ds, struct folder *f, const char *prefix, const char *split,
                           cz_error *err)
{
    struct names names = {0};
    size_t before = f->count;
    cz_status status = list_folder(f->fd, *prefix ? prefix : ".", &names, err);
    for (size_t i = 0; status == CZ_OK && i < names.count; i++) {
        char *path = *prefix ? cz_path_join(prefix, names.items[i]) : strdup(names.items[i]);
        if (!path)
            status = cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory", ds->path);
        else if (kind_at(f->fd, path) == S_IFDIR)
            status = add_class(ds, f, path, names.items[i], err);
        else if (has_image_suffix(path))
            cz_dataset_notice(ds, path, "image outside a class folder, left out");
        free(path);
    }
    names_deinit(&names);
    if (status != CZ_OK || f->count == before)
        return status;
    if (cz_dataset_split(ds, split))
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: two folders for the split '%s'; keep one", ds->path, split);
    return cz_dataset_add_split(ds, split, (int64_t)(f->count - before), err);
}

/* 1 when `path` below root is a folder that holds folders. */
static int holds_folders(int root, const char *path)
{
    struct names names = {0};
    int found = 0;
    if (kind_at(root, path) == S_IFDIR && list_folder(root, path, &names, NULL) == CZ_OK)
        for (size_t i = 0; !found && i < names.count; i++) {
            char *inner = cz_path_join(path, names.items[i]);
            found = inner && kind_at(root, inner) == S_IFDIR;
            free(inner);
        }
    names_deinit(&names);
    return found;
}

/* Folders beside train, val and test would silently not count: say so. */
static cz_status notice_unused(struct cz_dataset *ds, struct folder *f, cz_error *err)
{
    struct names names = {0};
    cz_status status = list_folder(f->fd, ".", &names, err);
    for (size_t i = 0; status == CZ_OK && i < names.count; i++) {
        int used = 0;
        for (int s = 0; s < N_SPLIT_FOLDERS; s++)
            used |= strcmp(names.items[i], split_folders[s].folder) == 0;
        if (!used && kind_at(f->fd, names.items[i]) == S_IFDIR)
            cz_dataset_notice(ds, names.items[i], "folder beside the splits, left out");
    }
    names_deinit(&names);
    return status;
}

static cz_status scan(struct cz_dataset *ds, struct folder *f, cz_error *err)
{
    int has_splits = 0;
    for (int s = 0; s < N_SPLIT_FOLDERS; s++)
        if (holds_folders(f->fd, split_folders[s].folder)) {
            has_splits = 1;
            CZ_TRY(add_split(ds, f, split_folders[s].folder, split_folders[s].split, err));
        }
    return has_splits ? notice_unused(ds, f, err) : add_split(ds, f, "", "all", err);
}

static int compare_class_names(const void *a, const void *b)
{
    return strcmp((*(const struct file *const *)a)->class_name, (*(const struct file *const *)b)->class_name);
}

/* The distinct class names, sorted, and each file's index among them. */
static cz_status label_files(struct cz_dataset *ds, struct folder *f, cz_error *err)
{
    struct file **by_class = malloc(f->count * sizeof *by_class);
    ds->class_names =
        cz_arena_alloc(ds->arena, (f->count < CZ_DATASET_MAX_CLASSES ? f->count : CZ_DATASET_MAX_CLASSES) *
                                      sizeof *ds->class_names);
    cz_status status =
        by_class && ds->class_names ? CZ_OK : cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory", ds->path);
    for (size_t i = 0; status == CZ_OK && i < f->count; i++)
        by_class[i] = &f->files[i];
    if (status == CZ_OK)
        qsort(by_class, f->count, sizeof *by_class, compare_class_names);
    for (size_t i = 0; status == CZ_OK && i < f->count; i++) {
        if (i == 0 || strcmp(by_class[i]->class_name, by_class[i - 1]->class_name) != 0) {
            if (ds->n_classes == CZ_DATASET_MAX_CLASSES)
                status = cz_error_set(err, CZ_ERR_UNSUPPORTED, "%s: more than %d classes", ds->path,
                                      (int)CZ_DATASET_MAX_CLASSES);
            else
                ds->class_names[ds->n_classes++] = (char *)by_class[i]->class_name;
        }
        by_class[i]->label = ds->n_classes - 1;
    }
    free(by_class);
    return status;
}

static const char *folder_id(const struct cz_dataset *ds, int64_t index, char buf[CZ_SHA256_HEX])
{
    (void)buf;
    return ((const struct folder *)ds->impl)->files[index].id;
}

static int folder_label(const struct cz_dataset *ds, int64_t index)
{
    return ((const struct folder *)ds->impl)->files[index].label;
}

static cz_status folder_read(const struct cz_dataset *ds, int64_t index, int decode, int turn_upright,
                             struct cz_sample *out, cz_error *err)
{
    const struct folder *f = ds->impl;
    return cz_sample_from_file(f->fd, f->files[index].id, decode, turn_upright, out, err);
}

static void folder_close(struct cz_dataset *ds)
{
    struct folder *f = ds->impl;
    if (f->fd >= 0)
        close(f->fd);
    free(f->files);
}

static const struct cz_dataset_vtable folder_vtable = {folder_read, folder_id, folder_label, folder_close};

static cz_status folder_open(const char *path, struct cz_dataset *ds, cz_error *err)
{
    struct folder *f = cz_arena_alloc(ds->arena, sizeof *f);
    if (!f)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", path);
    f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ds->impl = f;
    ds->vtable = &folder_vtable;
    if (f->fd < 0)
        CZ_FAIL(err, cz_status_of_errno(), "%s: %s", path, strerror(errno));
    CZ_TRY(scan(ds, f, err));
    if (f->count == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "%s: no images found; wanted is a folder per class, with JPEG, PNG or WebP files", path);
    return label_files(ds, f, err);
}

/* Any folder that holds folders. */
static int folder_probe(const char *path)
{
    return holds_folders(AT_FDCWD, path);
}

const struct cz_format cz_format_folder = {"folder", folder_probe, folder_open};
