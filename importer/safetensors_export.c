#include "importer/safetensors_export.h"
#include "base/file.h"
#include "base/json_out.h"
#include "importer/half.h"

#include <stdlib.h>
#include <string.h>

static int is_written(const struct cz_param *p)
{
    return p->role != CZ_CONSTANT;
}

/* "format" is what PyTorch's own readers look for. */
static json_t *metadata_of(const struct cz_graph *g)
{
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    for (int i = 0; metadata && i < g->n_metadata; i++)
        json_object_set_new(metadata, g->metadata[i].key, cz_json_text(g->metadata[i].value));
    return metadata;
}

static json_t *entry_of(const cz_tensor *value, size_t begin, size_t end)
{
    json_t *shape = json_array();
    for (int d = 0; d < value->rank; d++)
        json_array_append_new(shape, json_integer(value->dim[d]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", value->dtype == CZ_F16 ? "F16" : "F32", "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)end);
}

/* The header's text, padded with blanks so that the tensors begin at a multiple of 8; free(). */
static char *make_header(const struct cz_graph *g, const struct cz_halves *halves, size_t *size)
{
    json_t *header = json_pack("{s:o}", "__metadata__", metadata_of(g));
    size_t at = 0;
    for (int i = 0; header && i < g->params.count; i++) {
        if (!is_written(&g->params.items[i]))
            continue;
        cz_tensor value = cz_halves_value(halves, g, i);
        struct cz_shape shape = cz_tensor_shape(&value);
        size_t bytes = cz_shape_bytes(&shape);
        json_object_set_new(header, g->params.items[i].name, entry_of(&value, at, at + bytes));
        at += bytes;
    }
    size_t n = header ? json_dumpb(header, NULL, 0, JSON_COMPACT) : 0;
    *size = (n + 7) / 8 * 8;
    char *text = n ? malloc(*size) : NULL;
    if (text) {
        memset(text, ' ', *size);
        json_dumpb(header, text, n, JSON_COMPACT);
    }
    json_decref(header);
    return text;
}

static void put_bytes(const struct cz_graph *g, const struct cz_halves *halves, const char *header,
                      size_t size, FILE *stream)
{
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)size >> (8 * i));
    fwrite(length, 1, sizeof length, stream);
    fwrite(header, 1, size, stream);
    for (int i = 0; i < g->params.count; i++) {
        if (!is_written(&g->params.items[i]))
            continue;
        cz_tensor value = cz_halves_value(halves, g, i);
        struct cz_shape shape = cz_tensor_shape(&value);
        fwrite(value.data, 1, cz_shape_bytes(&shape), stream);
    }
}

static cz_status write_file(const struct cz_graph *g, const struct cz_halves *halves, const char *path,
                            cz_error *err)
{
    size_t size;
    struct cz_file_writer writer;
    char *header = make_header(g, halves, &size);
    if (!header)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", path);
    cz_status status = cz_file_writer_open(path, &writer, err);
    if (status == CZ_OK) {
        put_bytes(g, halves, header, size, writer.stream);
        status = cz_file_writer_commit(&writer, err);
    }
    free(header);
    return status;
}

cz_status cz_safetensors_export(const struct cz_graph *g, const char *path, int fp16, cz_error *err)
{
    struct cz_halves halves = {0};
    for (int i = 0; i < g->params.count; i++)
        if (is_written(&g->params.items[i]) && !g->params.items[i].value.data)
            CZ_FAIL(err, CZ_ERR_STATE,
                    "%s: parameter '%s' has no values; load or initialise the network first", path,
                    g->params.items[i].name);
    cz_status status = fp16 ? cz_halves_make(g, &halves, err) : CZ_OK;
    if (status != CZ_OK)
        return cz_error_prefix(err, status, "%s", path);
    status = write_file(g, &halves, path, err);
    cz_halves_deinit(&halves);
    return status;
}
