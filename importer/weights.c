#include "importer/weights.h"
#include "base/utf8.h"
#include "importer/onnx_model.h"
#include "importer/weights_readers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Who reads what. The first row decides whose magic and suffix both fit, then the first whose magic fits,
 * then the first whose suffix does (its reader says what is wrong with the bytes).
 */
static const struct format {
    const char *name, *suffixes; /* separated by blanks */
    struct {
        size_t offset, size;
        const char *bytes; /* NULL: the format has none */
    } magic;
    weights_reader *read;
} formats[] = {
    {"safetensors", "safetensors", {8, 1, "{"}, weights_read_safetensors},
    {"PyTorch (zip)", "pth pt bin ckpt", {0, 4, "PK\x03\x04"}, weights_read_pth_zip},
    /* A pickle of the integer 0x1950a86a20f9469cfc6c, as torch.save of versions before 1.6 begins. */
    {"PyTorch (legacy)",
     "pth pt bin ckpt",
     {0, 15, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."},
     weights_read_pth_legacy},
    {"NumPy", "npz", {0, 4, "PK\x03\x04"}, weights_read_npz},
    {"ONNX", "onnx", {0, 0, NULL}, weights_read_onnx},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

const char *cz_weights_suffixes(void)
{
    return "safetensors, pth, pt, npz, onnx";
}

static int has_suffix(const struct format *f, const char *name)
{
    const char *dot = strrchr(name, '.');
    for (const char *p = f->suffixes; dot && *p;) {
        size_t n = strcspn(p, " ");
        if (strlen(dot + 1) == n && strncasecmp(dot + 1, p, n) == 0)
            return 1;
        p += n + strspn(p + n, " ");
    }
    return 0;
}

/* Safetensors' brace alone is weak evidence: without the suffix, the length before it must be under 4 GiB
 * too. */
static int has_magic(const struct format *f, const struct cz_file_map *map, const char *name)
{
    size_t end = f->magic.offset + f->magic.size;
    return f->magic.bytes && map->size >= end &&
           memcmp(map->data + f->magic.offset, f->magic.bytes, f->magic.size) == 0 &&
           (f->magic.offset == 0 || has_suffix(f, name) ||
            (map->data[4] | map->data[5] | map->data[6] | map->data[7]) == 0);
}

static const struct format *choose(const struct cz_file_map *map, const char *name)
{
    const struct format *found = NULL;
    int best = 0;
    for (int i = 0; i < N_FORMATS; i++) {
        int score = 2 * has_magic(&formats[i], map, name) + has_suffix(&formats[i], name);
        if (score > best) {
            best = score;
            found = &formats[i];
        }
    }
    return found;
}

static cz_status no_weights(const struct cz_file_map *map, cz_error *err)
{
    const char *kind = onnx_other_kind(map->data, map->size);
    CZ_FAIL(err, CZ_ERR_FORMAT, "%s; weights come as %s",
            kind ? kind : "neither its first bytes nor its suffix are a weight file's",
            cz_weights_suffixes());
}

static cz_status read_map(struct cz_weights *w, const char *name, cz_error *err)
{
    if (w->map.size == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "the file is empty (0 bytes); get it again");
    const struct format *f = choose(&w->map, name);
    /* What the suffix promises, the bytes may not hold: a web page, a git-LFS pointer. */
    if (!f || (!has_magic(f, &w->map, name) && f->magic.bytes && onnx_other_kind(w->map.data, w->map.size)))
        return no_weights(&w->map, err);
    w->format = f->name;
    CZ_TRY(f->read(w, name, err));
    if (w->count == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "no tensors inside");
    return weights_check_names(w, err);
}

static cz_status load(struct cz_file_map map, int is_mapped, const char *name, struct cz_weights **out,
                      cz_error *err)
{
    struct cz_weights *w = calloc(1, sizeof *w);
    cz_status status = CZ_ERR_MEMORY;
    if (w && (w->arena = cz_arena_create())) {
        w->map = map;
        w->is_file = is_mapped;
        status = read_map(w, name, err);
    } else {
        cz_error_set(err, CZ_ERR_MEMORY, "out of memory");
        if (is_mapped)
            cz_file_unmap(&map);
    }
    if (status == CZ_OK) {
        *out = w;
        return CZ_OK;
    }
    cz_weights_destroy(w);
    if (err && strncmp(err->message, name, strlen(name)) == 0) /* ONNX's reader has said it */
        return status;
    return cz_error_prefix(err, status, "%s", name);
}

cz_status cz_weights_load(const char *path, struct cz_weights **out, cz_error *err)
{
    struct cz_file_map map;
    *out = NULL;
    CZ_TRY(cz_file_map(path, &map, err));
    return load(map, 1, path, out, err);
}

cz_status cz_weights_load_memory(const void *bytes, size_t size, const char *name, struct cz_weights **out,
                                 cz_error *err)
{
    *out = NULL;
    return load((struct cz_file_map){bytes, size}, 0, name, out, err);
}

void cz_weights_destroy(struct cz_weights *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_blocks; i++)
        free(w->blocks[i]);
    free(w->blocks);
    free(w->items);
    cz_graph_release(w->graph);
    cz_arena_destroy(w->arena);
    if (w->is_file)
        cz_file_unmap(&w->map);
    free(w);
}

cz_status weights_add(struct cz_weights *w, struct cz_weight **out, cz_error *err)
{
    if (w->count >= CZ_WEIGHTS_MAX)
        CZ_FAIL(err, CZ_ERR_FORMAT, "more than %d tensors", CZ_WEIGHTS_MAX);
    if (cz_grow(&w->items, &w->capacity, (size_t)w->count, sizeof *w->items))
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory listing tensors");
    *out = &w->items[w->count++];
    **out = (struct cz_weight){.role = -1};
    return CZ_OK;
}

void weights_set_row_major(struct cz_weight *t)
{
    int64_t step = 1;
    for (int i = t->shape.rank - 1; i >= 0; i--) {
        t->stride[i] = step;
        step *= t->shape.dim[i];
    }
}

cz_status weights_keep(struct cz_weights *w, void *block, cz_error *err)
{
    if (cz_grow(&w->blocks, &w->block_capacity, w->n_blocks, sizeof *w->blocks)) {
        free(block);
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory keeping tensors");
    }
    w->blocks[w->n_blocks++] = block;
    return CZ_OK;
}

cz_status weights_check_names(const struct cz_weights *w, cz_error *err)
{
    struct cz_strmap seen = {0};
    cz_status status = CZ_OK;
    for (int i = 0; i < w->count && status == CZ_OK; i++) {
        const char *name = w->items[i].name;
        size_t n = strlen(name);
        if (n == 0 || cz_utf8_check((const unsigned char *)name, n) != n)
            status = cz_error_set(err, CZ_ERR_FORMAT, "tensor %d: its name '%s' is no text", i, name);
        else if (cz_strmap_get(&seen, name) >= 0)
            status = cz_error_set(err, CZ_ERR_FORMAT, "tensor '%s': there twice", name);
        else if (cz_strmap_set(&seen, name, i))
            status = cz_error_set(err, CZ_ERR_MEMORY, "out of memory listing tensors");
    }
    cz_strmap_deinit(&seen);
    return status;
}
