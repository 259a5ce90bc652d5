#include "bench/state.h"
#include "base/file.h"
#include "base/json_out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char schema[] = "convzoo.bench-state/1";

enum { MAX_FILE_BYTES = 1 << 20 }; /* a record is about 200 bytes */

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "bench state: out of memory; close other programs");
}

/* The file's "models", or NULL. */
static json_t *read_models(const char *path)
{
    unsigned char *text;
    size_t size;
    json_t *models = NULL;
    if (cz_file_read(path, MAX_FILE_BYTES, &text, &size, NULL) != CZ_OK)
        return NULL;
    json_t *root = json_loadb((const char *)text, size, 0, NULL);
    const char *found = json_string_value(json_object_get(root, "schema"));
    if (found && strcmp(found, schema) == 0 && json_is_object(json_object_get(root, "models")))
        models = json_incref(json_object_get(root, "models"));
    json_decref(root);
    free(text);
    return models;
}

cz_status cz_bench_state_load(const char *path, struct cz_bench_state *out, cz_error *err)
{
    out->models = read_models(path);
    if (!out->models)
        out->models = json_object();
    return out->models ? CZ_OK : no_memory(err);
}

void cz_bench_state_deinit(struct cz_bench_state *state)
{
    json_decref(state->models);
    state->models = NULL;
}

static int read_record(json_t *value, struct cz_bench_record *out)
{
    const char *isa;
    json_int_t batch, threads, planned, peak;
    if (json_unpack(value, "{s:F, s:F, s:I, s:I, s:s, s:I, s:I}", "median_ms", &out->median_ms,
                    "images_per_s", &out->images_per_s, "batch", &batch, "threads", &threads, "isa", &isa,
                    "planned_bytes", &planned, "peak_bytes", &peak) != 0)
        return 0;
    out->batch = batch;
    out->threads = threads;
    out->planned_bytes = planned;
    out->peak_bytes = peak;
    snprintf(out->isa, sizeof out->isa, "%s", isa);
    return out->median_ms > 0 && out->images_per_s > 0;
}

int cz_bench_state_find(const struct cz_bench_state *state, const char *model, struct cz_bench_record *out)
{
    memset(out, 0, sizeof *out);
    return read_record(json_object_get(state->models, model), out);
}

cz_status cz_bench_state_set(struct cz_bench_state *state, const char *model, const struct cz_bench_record *r,
                             cz_error *err)
{
    json_t *value =
        json_pack("{s:o, s:o, s:I, s:I, s:s, s:I, s:I}", "median_ms", cz_json_double(r->median_ms),
                  "images_per_s", cz_json_double(r->images_per_s), "batch", (json_int_t)r->batch, "threads",
                  (json_int_t)r->threads, "isa", r->isa, "planned_bytes", (json_int_t)r->planned_bytes,
                  "peak_bytes", (json_int_t)r->peak_bytes);
    return value && json_object_set_new(state->models, model, value) == 0 ? CZ_OK : no_memory(err);
}

/* mkdir -p of everything above the file. */
static cz_status make_folders(const char *path, cz_error *err)
{
    char folder[4096];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        CZ_FAIL(err, CZ_ERR_IO, "%s: name too long; set XDG_STATE_HOME", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            CZ_FAIL(err, CZ_ERR_IO, "%s: cannot create: %s; set XDG_STATE_HOME", folder, strerror(errno));
        *slash = '/';
    }
    return CZ_OK;
}

cz_status cz_bench_state_save(const struct cz_bench_state *state, const char *path, cz_error *err)
{
    struct cz_file_writer writer;
    json_t *root = json_pack("{s:s, s:O}", "schema", schema, "models", state->models);
    if (!root)
        return no_memory(err);
    cz_status status = make_folders(path, err);
    if (status == CZ_OK)
        status = cz_file_writer_open(path, &writer, err);
    if (status == CZ_OK) {
        cz_json_print(root, writer.stream);
        status = cz_file_writer_commit(&writer, err);
    }
    json_decref(root);
    return status;
}
