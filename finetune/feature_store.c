#include "finetune/feature_store.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

/* Values are as the machine has them; the mark tells one of the other byte order. */
struct header {
    char magic[8];
    uint32_t byte_order;
    int32_t n, n_features, reserved;
    uint8_t key[CZ_SHA256_BYTES];
};

static const char magic[8] = "czfeat1";
enum { BYTE_ORDER_MARK = 0x01020304 };

static char *chunk_path(const char *folder, const struct cz_chunk *c)
{
    char name[CZ_SHA256_HEX];
    const size_t size = strlen(folder) + sizeof name + sizeof "/.features";
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s.features", folder, cz_sha256_hex(c->key, name));
    return path;
}

static struct header header_of(const struct cz_chunk *c)
{
    struct header h = {.byte_order = BYTE_ORDER_MARK, .n = c->n, .n_features = c->n_features};
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.key, c->key, sizeof h.key);
    return h;
}

static size_t values_bytes(const struct cz_chunk *c)
{
    return (size_t)c->n * (size_t)c->n_features * sizeof *c->x;
}

/* A file is the header, ok, x, and XXH3 of these. */
static int read_chunk(const unsigned char *data, size_t size, struct cz_chunk *c)
{
    const struct header wanted = header_of(c);
    const size_t n = (size_t)c->n, values = values_bytes(c), body = sizeof wanted + n + values;
    uint64_t hash;
    if (size != body + sizeof hash || memcmp(data, &wanted, sizeof wanted) != 0)
        return 0;
    memcpy(&hash, data + body, sizeof hash);
    if (hash != XXH3_64bits(data, body))
        return 0;
    memcpy(c->ok, data + sizeof wanted, n);
    memcpy(c->x, data + sizeof wanted + n, values);
    return 1;
}

int cz_chunk_load(const char *folder, struct cz_chunk *c)
{
    unsigned char *data = NULL;
    size_t size;
    const size_t largest = sizeof(struct header) + (size_t)c->n + values_bytes(c) + sizeof(uint64_t);
    char *path = chunk_path(folder, c);
    const int found =
        path && cz_file_read(path, largest, &data, &size, NULL) == CZ_OK && read_chunk(data, size, c);
    free(path);
    free(data);
    return found;
}

static cz_status make_folders(const char *folder, cz_error *err)
{
    char *path = strdup(folder);
    if (!path)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", folder);
    int failed = 0, reason = 0;
    for (char *slash = path + 1; !failed; *slash++ = '/') {
        slash += strcspn(slash, "/");
        const int last = *slash == '\0';
        *slash = '\0';
        failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        reason = errno;
        if (last)
            break;
    }
    free(path);
    if (failed)
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot create: %s", folder, strerror(reason));
    return CZ_OK;
}

static void write_chunk(FILE *out, const struct cz_chunk *c, XXH3_state_t *state)
{
    const struct header h = header_of(c);
    const struct {
        const void *data;
        size_t size;
    } parts[] = {{&h, sizeof h}, {c->ok, (size_t)c->n}, {c->x, values_bytes(c)}};
    XXH3_64bits_reset(state);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        fwrite(parts[i].data, 1, parts[i].size, out);
        XXH3_64bits_update(state, parts[i].data, parts[i].size);
    }
    const uint64_t hash = XXH3_64bits_digest(state);
    fwrite(&hash, sizeof hash, 1, out);
}

cz_status cz_chunk_save(const char *folder, const struct cz_chunk *c, cz_error *err)
{
    struct cz_file_writer w;
    CZ_TRY(make_folders(folder, err));
    char *path = chunk_path(folder, c);
    XXH3_state_t *state = XXH3_createState();
    cz_status status = path && state ? cz_file_writer_open(path, &w, err)
                                     : cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory", folder);
    if (status == CZ_OK) {
        write_chunk(w.stream, c, state);
        status = cz_file_writer_commit(&w, err);
    }
    free(path);
    XXH3_freeState(state);
    return status;
}
