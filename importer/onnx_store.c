#define _DEFAULT_SOURCE /* madvise */
#include "importer/onnx_store.h"
#include "base/memory.h"
#include "importer/onnx_external.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* float16 doubles when widened; honest files share little beyond that. */
enum { COPIES_PER_BYTE = 4 };
static const size_t copies_base = (size_t)64 << 20;

struct onnx_store *onnx_store_create(const char *folder)
{
    struct onnx_store *s = calloc(1, sizeof *s);
    if (s && folder && !(s->folder = strdup(folder))) {
        free(s);
        return NULL;
    }
    return s;
}

void onnx_store_destroy(void *store)
{
    struct onnx_store *s = store;
    if (!s)
        return;
    for (size_t i = 0; i < s->n_files; i++) {
        cz_file_unmap(&s->files[i].map);
        free(s->files[i].location);
    }
    for (size_t i = 0; i < s->n_blocks; i++)
        free(s->blocks[i]);
    cz_file_unmap(&s->model);
    cz_strmap_deinit(&s->file_index);
    free(s->files);
    free(s->blocks);
    free(s->folder);
    free(s);
}

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading tensors");
}

cz_status onnx_store_external(struct onnx_store *s, const char *location, struct cz_file_map *out,
                              cz_error *err)
{
    int index = cz_strmap_get(&s->file_index, location);
    if (index >= 0) {
        *out = s->files[index].map;
        return CZ_OK;
    }
    if (!s->folder)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "external data '%s': this model has no folder", location);
    if (cz_grow(&s->files, &s->file_capacity, s->n_files, sizeof *s->files))
        return no_memory(err);
    struct onnx_external_file *file = &s->files[s->n_files];
    CZ_TRY(onnx_external_map(s->folder, location, &file->map, err));
    file->location = strdup(location);
    if (!file->location || cz_strmap_set(&s->file_index, file->location, (int)s->n_files)) {
        free(file->location);
        cz_file_unmap(&file->map);
        return no_memory(err);
    }
    s->n_files++;
    s->source_bytes += file->map.size;
    *out = file->map;
    return CZ_OK;
}

cz_status onnx_store_block(struct onnx_store *s, size_t bytes, void **out, cz_error *err)
{
    if (bytes > copies_base + COPIES_PER_BYTE * s->source_bytes - s->copied_bytes)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "the tensors take many times the file's size; they overlap, refused");
    if (cz_grow(&s->blocks, &s->block_capacity, s->n_blocks, sizeof *s->blocks))
        return no_memory(err);
    void *block = cz_alloc_aligned(bytes);
    if (!block)
        return no_memory(err);
    s->blocks[s->n_blocks++] = block;
    s->copied_bytes += bytes;
    *out = block;
    return CZ_OK;
}

void onnx_store_drop_pages(const unsigned char *data, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)data + page - 1) / page * page,
              end = ((uintptr_t)data + size) / page * page;
    if (end > begin)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}

int onnx_store_has_mapped(const struct onnx_store *s, const unsigned char *data)
{
    return s->model.size > 0 && data >= s->model.data && data < s->model.data + s->model.size;
}
