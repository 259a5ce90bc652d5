/*
 * A list of image files as a data set without labels: what `predict` and single photos use, so that they go
 * through the same loader as everything else.
 */
#include "base/memory.h"
#include "data/dataset_build.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct files {
    char **paths;
};

static const char *files_id(const struct cz_dataset *ds, int64_t index, char buf[CZ_SHA256_HEX])
{
    (void)buf;
    return ((const struct files *)ds->impl)->paths[index];
}

static int files_label(const struct cz_dataset *ds, int64_t index)
{
    (void)ds;
    (void)index;
    return -1;
}

static cz_status files_read(const struct cz_dataset *ds, int64_t index, int decode, int turn_upright,
                            struct cz_sample *out, cz_error *err)
{
    const char *path = ((const struct files *)ds->impl)->paths[index];
    return cz_sample_from_file(AT_FDCWD, path, decode, turn_upright, out, err);
}

static const struct cz_dataset_vtable files_vtable = {files_read, files_id, files_label, NULL};

static struct files *copy_paths(struct cz_arena *arena, const char *const *paths, int64_t n)
{
    struct files *files = cz_arena_alloc(arena, sizeof *files);
    if (!files)
        return NULL;
    files->paths = cz_arena_alloc(arena, (size_t)n * sizeof *files->paths);
    for (int64_t i = 0; files->paths && i < n; i++) {
        files->paths[i] = cz_arena_strdup(arena, paths[i]);
        if (!files->paths[i])
            return NULL;
    }
    return files->paths ? files : NULL;
}

cz_status cz_dataset_from_files(const char *const *paths, int64_t n, struct cz_dataset **out, cz_error *err)
{
    *out = NULL;
    if (n < 1 || n > CZ_DATASET_MAX_SAMPLES)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%jd image files: wanted 1 to %d", (intmax_t)n,
                (int)CZ_DATASET_MAX_SAMPLES);
    struct cz_dataset *ds = calloc(1, sizeof *ds);
    if (!ds)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory for a list of %jd files", (intmax_t)n);
    ds->vtable = &files_vtable;
    ds->format = "files";
    ds->path = strdup("");
    ds->arena = cz_arena_create();
    if (ds->arena)
        ds->impl = copy_paths(ds->arena, paths, n);
    cz_status status =
        ds->path && ds->impl
            ? cz_dataset_add_split(ds, "all", n, err)
            : cz_error_set(err, CZ_ERR_MEMORY, "out of memory for a list of %jd files", (intmax_t)n);
    if (status != CZ_OK) {
        cz_dataset_close(ds);
        return status;
    }
    *out = ds;
    return CZ_OK;
}
