/*
 * Reader of PyTorch's files (torch.save), in both layouts.
 *
 * Zip (since 1.6): FOLDER/data.pkl names the storages, FOLDER/data/KEY holds each one's elements. Legacy:
 * five pickles (magic, version, system, object, keys of the storages), then each storage as a count and its
 * elements.
 *
 * The object is a dictionary of tensors, or one that holds such a dictionary under a usual name (state_dict).
 * Only the storages of those tensors are read, so an optimizer's state costs nothing.
 *
 * Source: torch/serialization.py.
 */
#include "base/checked.h"
#include "importer/archive.h"
#include "importer/pickle.h"
#include "importer/weights_readers.h"

#include <stdlib.h>
#include <string.h>

/* Where training scripts put the network's tensors, the plain ones before their running average. */
static const char *const wrappers[] = {"state_dict", "model_state_dict", "model", "state_dict_ema",
                                       "model_ema"};
enum { MAX_WRAPPING = 3 };

/* A legacy file's pickles, in order; the first is the magic. */
enum { VERSION, SYSTEM, OBJECT, KEYS, N_PICKLES, MAGIC_BYTES = 15, COUNT_BYTES = 8 };

/* A storage's bytes, once. */
struct bytes {
    const unsigned char *data;
    size_t size;
};

struct reader {
    struct cz_weights *weights;
    struct cz_strmap index; /* storage key -> loaded */
    struct bytes *loaded;
    size_t n_loaded, loaded_capacity;
    /* zip */
    struct archive archive;
    const char *folder; /* with its slash */
};

static int holds_tensors(const struct pickle_value *dict)
{
    for (size_t i = 0; dict->kind == PICKLE_DICT && i < dict->list.count; i += 2)
        if (dict->list.items[i]->kind == PICKLE_TEXT && dict->list.items[i + 1]->kind == PICKLE_TENSOR)
            return 1;
    return 0;
}

/* The usual names come before tensors beside them: those are the training's own (an average, a clock). */
static cz_status find_state_dict(struct cz_weights *w, const struct pickle_value **dict, cz_error *err)
{
    for (int depth = 0; depth < MAX_WRAPPING; depth++) {
        const struct pickle_value *inner = NULL;
        for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers && !inner; i++) {
            inner = pickle_get(*dict, wrappers[i]);
            if (inner && inner->kind == PICKLE_DICT)
                w->note = cz_arena_printf(w->arena, "its entry '%s'", wrappers[i]);
            else
                inner = NULL;
        }
        if (!inner)
            break;
        *dict = inner;
    }
    if (holds_tensors(*dict))
        return CZ_OK;
    CZ_FAIL(err, CZ_ERR_FORMAT, "%s; save model.state_dict()",
            (*dict)->kind == PICKLE_TENSOR ? "one tensor without a name"
                                           : "no dictionary of tensors, nor one under state_dict or model");
}

/* ---- storages ---- */

static cz_status remember(struct reader *r, const char *key, struct bytes bytes, cz_error *err)
{
    if (cz_grow(&r->loaded, &r->loaded_capacity, r->n_loaded, sizeof *r->loaded) ||
        cz_strmap_set(&r->index, key, (int)r->n_loaded))
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory listing storages");
    r->loaded[r->n_loaded++] = bytes;
    return CZ_OK;
}

static cz_status load_member(struct reader *r, const char *key, cz_error *err)
{
    struct cz_weights *w = r->weights;
    const char *name = cz_arena_printf(w->arena, "%sdata/%s", r->folder, key);
    unsigned char *data;
    size_t size;
    if (!name)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory listing storages");
    int member = archive_find(&r->archive, name);
    if (member < 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "storage '%s' is missing; the file is broken", key);
    CZ_TRY(archive_read(&r->archive, member, &data, &size, err));
    CZ_TRY(weights_keep(w, data, err));
    return remember(r, key, (struct bytes){data, size}, err);
}

static cz_status find_storage(struct reader *r, const struct pickle_storage *s, struct bytes *out,
                              cz_error *err)
{
    int i = cz_strmap_get(&r->index, s->key);
    if (i < 0 && !r->folder)
        CZ_FAIL(err, CZ_ERR_FORMAT, "storage '%s' is missing; the file is broken", s->key);
    if (i < 0) {
        CZ_TRY(load_member(r, s->key, err));
        i = cz_strmap_get(&r->index, s->key);
    }
    *out = r->loaded[i];
    return CZ_OK;
}

/* ---- tensors ---- */

/* One past the last element that a tensor of some elements reaches. 1 on overflow. */
static int find_reach(const struct pickle_tensor *t, int64_t *reach)
{
    int64_t end;
    if (__builtin_add_overflow(t->offset, 1, &end))
        return 1;
    for (int i = 0; i < t->rank; i++) {
        int64_t step;
        if (__builtin_mul_overflow(t->size[i] - 1, t->stride[i], &step) ||
            __builtin_add_overflow(end, step, &end))
            return 1;
    }
    *reach = end;
    return 0;
}

static cz_status check_place(const struct pickle_tensor *t, const char *name, size_t stored, cz_error *err)
{
    const struct pickle_storage *s = t->storage;
    int64_t count, reach = 0, bytes;
    if (cz_count_overflow(t->size, t->rank, &count) || (count > 0 && find_reach(t, &reach)) ||
        reach > s->count)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "tensor '%s': reaches beyond its storage of %lld elements; the file is broken", name,
                (long long)s->count);
    if (__builtin_add_overflow(s->first, s->count, &bytes) ||
        __builtin_mul_overflow(bytes, (int64_t)s->type->element_size, &bytes) || (uint64_t)bytes > stored)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "tensor '%s': its storage claims %lld elements and has %zu bytes; cut short or broken", name,
                (long long)s->count, stored);
    return CZ_OK;
}

static cz_status add_tensor(struct reader *r, const char *name, const struct pickle_tensor *from,
                            cz_error *err)
{
    struct bytes bytes;
    struct cz_weight *t;
    const struct pickle_global *type = from->storage->type;
    CZ_TRY(find_storage(r, from->storage, &bytes, err));
    CZ_TRY(check_place(from, name, bytes.size, err));
    CZ_TRY(weights_add(r->weights, &t, err));
    t->name = name;
    t->type = type->name;
    t->has_dtype = type->has_dtype;
    t->shape = (struct cz_shape){.dtype = type->dtype, .rank = from->rank};
    memcpy(t->shape.dim, from->size, sizeof t->shape.dim);
    memcpy(t->stride, from->stride, sizeof t->stride);
    /* A tensor without elements may begin anywhere; nothing of it is read. */
    int64_t first = from->storage->first + (from->offset <= from->storage->count ? from->offset : 0);
    t->data = bytes.data + (size_t)first * type->element_size;
    return CZ_OK;
}

static cz_status add_tensors(struct reader *r, const struct pickle_value *object, cz_error *err)
{
    CZ_TRY(find_state_dict(r->weights, &object, err));
    for (size_t i = 0; i < object->list.count; i += 2) {
        const struct pickle_value *key = object->list.items[i], *value = object->list.items[i + 1];
        if (key->kind == PICKLE_TEXT && value->kind == PICKLE_TENSOR)
            CZ_TRY(add_tensor(r, key->text, value->tensor, err));
    }
    return CZ_OK;
}

static void deinit(struct reader *r)
{
    cz_strmap_deinit(&r->index);
    free(r->loaded);
}

/* ---- zip ---- */

static cz_status find_folder(struct reader *r, cz_error *err)
{
    static const char pickle[] = "/data.pkl";
    const size_t n = sizeof pickle - 1;
    for (int i = 0; i < archive_count(&r->archive); i++) {
        const char *name = archive_name(&r->archive, i), *slash = strchr(name, '/');
        if (slash && strcmp(slash, pickle) == 0)
            r->folder = cz_arena_strndup(r->weights->arena, name, strlen(name) - n + 1);
    }
    for (int i = 0; i < archive_count(&r->archive) && r->folder; i++) {
        const char *name = archive_name(&r->archive, i), *slash = strchr(name, '/');
        if (slash && (strncmp(slash, "/code/", 6) == 0 || strcmp(slash, "/constants.pkl") == 0))
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                    "a TorchScript program (it holds '%s'), not weights; save model.state_dict()", name);
    }
    if (!r->folder)
        CZ_FAIL(err, CZ_ERR_FORMAT, "a zip archive without data.pkl: not PyTorch's; NumPy's is called .npz");
    return CZ_OK;
}

static cz_status check_byte_order(struct reader *r, cz_error *err)
{
    const char *name = cz_arena_printf(r->weights->arena, "%sbyteorder", r->folder);
    int member = name ? archive_find(&r->archive, name) : -1;
    unsigned char *data;
    size_t size;
    if (member < 0) /* older than 2.1, which began to say it */
        return CZ_OK;
    CZ_TRY(archive_read(&r->archive, member, &data, &size, err));
    int is_little = size == 6 && memcmp(data, "little", 6) == 0;
    free(data);
    if (!is_little)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "not little-endian; save it again on an x86 or ARM machine");
    return CZ_OK;
}

static cz_status read_zip(struct reader *r, cz_error *err)
{
    struct pickle pickle;
    unsigned char *bytes;
    size_t size;
    CZ_TRY(find_folder(r, err));
    CZ_TRY(check_byte_order(r, err));
    const char *name = cz_arena_printf(r->weights->arena, "%sdata.pkl", r->folder);
    if (!name)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading the archive");
    CZ_TRY(archive_read(&r->archive, archive_find(&r->archive, name), &bytes, &size, err));
    cz_status status = pickle_read(bytes, size, r->weights->arena, &pickle, err);
    free(bytes);
    CZ_TRY(status);
    return add_tensors(r, pickle.value, err);
}

cz_status weights_read_pth_zip(struct cz_weights *w, const char *name, cz_error *err)
{
    struct reader r = {.weights = w};
    (void)name;
    CZ_TRY(archive_open(&w->map, &r.archive, err));
    cz_status status = read_zip(&r, err);
    archive_close(&r.archive);
    deinit(&r);
    return status;
}

/* ---- legacy ---- */

static cz_status check_system(const struct pickle *pickles, cz_error *err)
{
    const struct pickle_value *version = pickles[VERSION].value,
                              *little = pickle_get(pickles[SYSTEM].value, "little_endian");
    if (version->kind != PICKLE_INT || version->number != 1001)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "a legacy PyTorch file of an unknown version; save it again");
    if (!little || little->kind != PICKLE_BOOL || !little->number)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "not little-endian; save it again on an x86 or ARM machine");
    return CZ_OK;
}

/* Every storage that the object names, once, by key: its length in the file counts elements. */
static cz_status index_storages(const struct pickle_storage *last, struct cz_strmap *index,
                                const struct pickle_storage **list, cz_error *err)
{
    int n = 0;
    for (const struct pickle_storage *s = last; s; s = s->previous) {
        int i = cz_strmap_get(index, s->key);
        if (i >= 0 && (list[i]->type != s->type || list[i]->whole != s->whole))
            CZ_FAIL(err, CZ_ERR_FORMAT, "storage '%s': two types or sizes; the file is broken", s->key);
        list[n] = s;
        if (i < 0 && cz_strmap_set(index, s->key, n++))
            CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory listing storages");
    }
    return CZ_OK;
}

/* One storage at bytes[*at], a count and its elements; past it. */
static cz_status take_storage(struct reader *r, const char *key, const struct pickle_storage *s, size_t *at,
                              cz_error *err)
{
    const struct cz_file_map *map = &r->weights->map;
    uint64_t count = 0, bytes, left = map->size - *at;
    for (int i = COUNT_BYTES - 1; i >= 0 && left >= COUNT_BYTES; i--)
        count = count << 8 | map->data[*at + (size_t)i];
    if (left < COUNT_BYTES || count != (uint64_t)s->whole ||
        __builtin_mul_overflow(count, (uint64_t)s->type->element_size, &bytes) || bytes > left - COUNT_BYTES)
        CZ_FAIL(
            err, CZ_ERR_FORMAT,
            "storage '%s': claims %llu elements, %lld are expected, %llu bytes are left; cut short or broken",
            key, (unsigned long long)count, (long long)s->whole, (unsigned long long)left);
    if (cz_strmap_get(&r->index, key) >= 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "storage '%s': there twice", key);
    CZ_TRY(remember(r, key, (struct bytes){map->data + *at + COUNT_BYTES, (size_t)bytes}, err));
    *at += COUNT_BYTES + (size_t)bytes;
    return CZ_OK;
}

static cz_status take_storages(struct reader *r, const struct pickle_value *keys,
                               const struct cz_strmap *index, const struct pickle_storage *const *list,
                               size_t at, cz_error *err)
{
    if (keys->kind != PICKLE_LIST)
        CZ_FAIL(err, CZ_ERR_FORMAT, "no list of storages; the file is broken");
    for (size_t i = 0; i < keys->list.count; i++) {
        const struct pickle_value *key = keys->list.items[i];
        int s = key->kind == PICKLE_TEXT ? cz_strmap_get(index, key->text) : -1;
        if (s < 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "storage %zu of its list is named nowhere; the file is broken", i);
        CZ_TRY(take_storage(r, key->text, list[s], &at, err));
    }
    return CZ_OK;
}

static cz_status read_storages(struct reader *r, const struct pickle *object, const struct pickle *keys,
                               size_t at, cz_error *err)
{
    struct cz_strmap index = {0};
    size_t n = 0;
    for (const struct pickle_storage *s = object->storages; s; s = s->previous)
        n++;
    const struct pickle_storage **list = cz_arena_alloc(r->weights->arena, (n + 1) * sizeof *list);
    cz_status status = list ? index_storages(object->storages, &index, list, err)
                            : cz_error_set(err, CZ_ERR_MEMORY, "out of memory listing storages");
    if (status == CZ_OK)
        status = take_storages(r, keys->value, &index, list, at, err);
    cz_strmap_deinit(&index);
    return status;
}

static cz_status read_legacy(struct reader *r, cz_error *err)
{
    const struct cz_file_map *map = &r->weights->map;
    struct pickle pickles[N_PICKLES];
    size_t at = MAGIC_BYTES;
    for (int i = 0; i < N_PICKLES; i++) {
        if (at > map->size)
            CZ_FAIL(err, CZ_ERR_FORMAT, "cut short; get it again");
        CZ_TRY(pickle_read(map->data + at, map->size - at, r->weights->arena, &pickles[i], err));
        at += pickles[i].used;
    }
    CZ_TRY(check_system(pickles, err));
    CZ_TRY(read_storages(r, &pickles[OBJECT], &pickles[KEYS], at, err));
    return add_tensors(r, pickles[OBJECT].value, err);
}

cz_status weights_read_pth_legacy(struct cz_weights *w, const char *name, cz_error *err)
{
    struct reader r = {.weights = w};
    (void)name;
    cz_status status = read_legacy(&r, err);
    deinit(&r);
    return status;
}
