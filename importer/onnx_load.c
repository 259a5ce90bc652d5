#include "base/file.h"
#include "engine/runtime.h"
#include "importer/onnx_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST_IR = 3, NEWEST_IR = 10, NEWEST_IMAGINABLE_OPSET = 1000 };

void onnx_log(const struct onnx_model *m, int level, const char *fmt, ...)
{
    char line[512];
    va_list args;
    if (!m->options || !m->options->log)
        return;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    m->options->log(m->options->log_user, level, line);
}

static cz_status read_opset(struct onnx_model *m, cz_error *err)
{
    int64_t found = 0;
    int is_named = 0;
    for (size_t i = 0; i < m->proto->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = m->proto->opset_import[i];
        if (!onnx_is_default_domain(o->domain))
            continue;
        if (is_named++ && found != o->version)
            CZ_FAIL(err, CZ_ERR_FORMAT, "opsets %lld and %lld at once", (long long)found,
                    (long long)o->version);
        found = o->version;
    }
    if (!is_named && m->proto->n_opset_import == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "no opset is named; not an ONNX model, or broken");
    if (!is_named) /* only operators of other domains; nodes get to say which */
        found = 1;
    if (found < 1 || found > NEWEST_IMAGINABLE_OPSET)
        CZ_FAIL(err, CZ_ERR_FORMAT, "opset %lld does not exist", (long long)found);
    m->opset = (int)found;
    return CZ_OK;
}

static cz_status read_versions(struct onnx_model *m, cz_error *err)
{
    int64_t ir = m->proto->ir_version;
    if (!m->proto->graph)
        CZ_FAIL(err, CZ_ERR_FORMAT, "no graph inside; not an ONNX model, or broken");
    if (ir < OLDEST_IR || ir > INT32_MAX)
        CZ_FAIL(err, ir == 1 || ir == 2 ? CZ_ERR_UNSUPPORTED : CZ_ERR_FORMAT,
                "IR version %lld; %d to %d are supported, export the model again", (long long)ir, OLDEST_IR,
                NEWEST_IR);
    m->ir_version = (int)ir;
    if (m->ir_version > NEWEST_IR)
        onnx_log(m, 2, "%s: IR version %d is newer than ours (%d); going on", m->name, m->ir_version,
                 NEWEST_IR);
    return read_opset(m, err);
}

static cz_status refuse_rare_content(const struct onnx_model *m, cz_error *err)
{
    const Onnx__GraphProto *g = m->graph;
    if (g->n_sparse_initializer > 0)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%zu sparse initializers; export the model with dense ones",
                g->n_sparse_initializer);
    if (g->n_node == 0 && g->n_output == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "the graph is empty: no nodes, no outputs");
    return CZ_OK;
}

static void log_remarks(const struct onnx_model *m)
{
    if (m->source.scan->n_unknown > 0)
        onnx_log(m, 1, "%s: %lld fields of a newer schema skipped", m->name,
                 (long long)m->source.scan->n_unknown);
    if (m->source.n_widened > 0)
        onnx_log(m, 1, "%s: %lld tensors of other float types widened or narrowed to float32", m->name,
                 (long long)m->source.n_widened);
}

static cz_status load_steps(struct onnx_model *m, size_t file_bytes, int wants_graph,
                            struct cz_onnx_report **report, cz_error *err)
{
    CZ_TRY(refuse_rare_content(m, err));
    CZ_TRY(onnx_expand(m, err));
    CZ_TRY(onnx_index_names(m, err));
    CZ_TRY(onnx_sort(m, err));
    CZ_TRY(onnx_judge_nodes(m, err));
    CZ_TRY(onnx_assign_roles(m, err));
    if (report)
        CZ_TRY(onnx_make_report(m, file_bytes, report, err));
    CZ_TRY(onnx_refuse_unsupported(m, err));
    if (wants_graph)
        CZ_TRY(onnx_build_graph(m, err));
    log_remarks(m);
    return CZ_OK;
}

static void deinit(struct onnx_model *m)
{
    free(m->nodes);
    free(m->order);
    free(m->constants);
    cz_strmap_deinit(&m->producers);
    cz_strmap_deinit(&m->inputs);
    cz_strmap_deinit(&m->constant_index);
    cz_strmap_deinit(&m->output_index);
    cz_strmap_deinit(&m->readers);
    cz_strmap_deinit(&m->values);
}

/* Takes the store over: it goes to the graph, or goes. */
static cz_status load_unpacked(struct onnx_model *m, struct onnx_store *store, size_t size,
                               struct cz_graph **graph, struct cz_onnx_report **report, cz_error *err)
{
    m->graph = m->proto->graph;
    cz_status status = read_versions(m, err);
    if (status == CZ_OK)
        status = cz_graph_create(m->opset, &m->out, err);
    if (status != CZ_OK) {
        onnx_store_destroy(store);
        return status;
    }
    m->out->release = onnx_store_destroy;
    m->out->release_data = store;
    status = load_steps(m, size, graph != NULL, report, err);
    if (status == CZ_OK && graph)
        *graph = m->out;
    else
        cz_graph_release(m->out);
    return status;
}

static cz_status scan_failed(const unsigned char *bytes, size_t size, cz_status status, cz_error *err)
{
    const char *other = size > 0 ? onnx_other_kind(bytes, size) : NULL;
    if (other && (status == CZ_ERR_FORMAT || status == CZ_OK))
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s", other);
    return status;
}

/* protobuf-c does not say why it gives up: memory, or the bytes. */
static void *noting_alloc(void *failed, size_t n)
{
    void *p = malloc(n);
    if (!p)
        *(int *)failed = 1;
    return p;
}

static void noting_free(void *failed, void *p)
{
    (void)failed;
    free(p);
}

/* *out (pointer to a message of `type`): freed by protobuf-c's own allocator, which is free() too. */
static cz_status unpack_skeleton(const struct onnx_scan *scan, const ProtobufCMessageDescriptor *type,
                                 const char *what, void *out, cz_error *err)
{
    int failed = 0;
    ProtobufCAllocator allocator = {noting_alloc, noting_free, &failed};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, &allocator, scan->skeleton_size, scan->skeleton);
    memcpy(out, &message, sizeof message);
    if (message)
        return CZ_OK;
    if (failed)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading the file's structure");
    CZ_FAIL(err, CZ_ERR_FORMAT, "not %s, or broken; get it again", what);
}

static cz_status unpack(const unsigned char *bytes, size_t size, struct onnx_scan *scan,
                        Onnx__ModelProto **out, cz_error *err)
{
    if (size == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "the file is empty (0 bytes); get it again");
    cz_status status = onnx_prescan(bytes, size, &onnx__model_proto__descriptor, scan, err);
    if (status != CZ_OK)
        return scan_failed(bytes, size, status, err);
    status = unpack_skeleton(scan, &onnx__model_proto__descriptor, "an ONNX model", out, err);
    free(scan->skeleton);
    scan->skeleton = NULL;
    if (status != CZ_OK)
        onnx_scan_deinit(scan);
    return status;
}

/* Most of what can be wrong with a file has one remedy; where there is a better one the message has it. */
static cz_status refused(cz_status status, const char *name, cz_error *err)
{
    int broken = status == CZ_ERR_FORMAT || status == CZ_ERR_SHAPE || status == CZ_ERR_UNSUPPORTED;
    if (err && broken && !strstr(err->message, "; ")) {
        size_t n = strlen(err->message);
        snprintf(err->message + n, sizeof err->message - n, "; export the model again");
    }
    return cz_error_prefix(err, status, "%s", name);
}

static cz_status load(const unsigned char *bytes, size_t size, const char *name, struct onnx_store *store,
                      const struct cz_onnx_options *options, struct cz_graph **graph,
                      struct cz_onnx_report **report, cz_error *err)
{
    struct onnx_scan scan;
    Onnx__ModelProto *proto;
    if (report)
        *report = NULL;
    store->source_bytes = size;
    cz_status status = unpack(bytes, size, &scan, &proto, err);
    if (status != CZ_OK) {
        onnx_store_destroy(store);
        return refused(status, name, err);
    }
    struct onnx_model m = {
        .name = name, .proto = proto, .source = {bytes, &scan, store, 0}, .options = options};
    status = load_unpacked(&m, store, size, graph, report, err);
    deinit(&m);
    onnx__model_proto__free_unpacked(proto, NULL);
    onnx_scan_deinit(&scan);
    return status == CZ_OK ? CZ_OK : refused(status, name, err);
}

static cz_status new_store(const char *folder, struct onnx_store **out, cz_error *err)
{
    *out = onnx_store_create(folder);
    if (!*out)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory");
    return CZ_OK;
}

cz_status cz_onnx_load_memory(const void *bytes, size_t size, const char *name, const char *folder,
                              const struct cz_onnx_options *options, struct cz_graph **graph,
                              struct cz_onnx_report **report, cz_error *err)
{
    struct onnx_store *store;
    CZ_TRY(new_store(folder, &store, err));
    return load(bytes, size, name, store, options, graph, report, err);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

cz_status cz_onnx_load(const char *path, const struct cz_onnx_options *options, struct cz_graph **graph,
                       struct cz_onnx_report **report, cz_error *err)
{
    struct cz_file_map map;
    struct onnx_store *store = NULL;
    if (report)
        *report = NULL;
    CZ_TRY(cz_file_map(path, &map, err));
    char *folder = folder_of(path);
    cz_status status =
        folder ? new_store(folder, &store, err) : cz_error_set(err, CZ_ERR_MEMORY, "out of memory");
    free(folder);
    if (status != CZ_OK) {
        cz_file_unmap(&map);
        return status;
    }
    store->model = map;
    return load(map.data, map.size, path, store, options, graph, report, err);
}

cz_status cz_model_load(cz_runtime *runtime, const char *path, cz_model **out, cz_error *err)
{
    struct cz_onnx_options options = {0};
    if (!path || !out)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "model: a path and a place for the result are wanted");
    if (runtime)
        options = (struct cz_onnx_options){runtime->log, runtime->log_user};
    return cz_onnx_load(path, &options, out, NULL, err);
}

static cz_status own_values(struct onnx_source *src, const Onnx__TensorProto *proto, cz_tensor *out,
                            cz_error *err)
{
    cz_tensor view;
    CZ_TRY(onnx_tensor_values(src, proto, 0, &view, err));
    struct cz_shape shape = cz_tensor_shape(&view);
    size_t bytes = cz_shape_bytes(&shape);
    void *data = cz_alloc_aligned(bytes);
    if (!data)
        CZ_FAIL(err, CZ_ERR_MEMORY, "no memory for %zu bytes", bytes);
    if (bytes)
        memcpy(data, view.data, bytes);
    *out = cz_tensor_view(data, &shape);
    return CZ_OK;
}

static cz_status parse_tensor(const unsigned char *bytes, size_t size, struct onnx_store *store,
                              cz_tensor *out, cz_error *err)
{
    struct onnx_scan scan;
    CZ_TRY(onnx_prescan(bytes, size, &onnx__tensor_proto__descriptor, &scan, err));
    struct onnx_source source = {bytes, &scan, store, 0};
    Onnx__TensorProto *proto = NULL;
    cz_status status = unpack_skeleton(&scan, &onnx__tensor_proto__descriptor, "a tensor", &proto, err);
    if (status == CZ_OK)
        status = own_values(&source, proto, out, err);
    onnx__tensor_proto__free_unpacked(proto, NULL);
    onnx_scan_deinit(&scan);
    return status;
}

cz_status cz_onnx_tensor_parse(const void *bytes, size_t size, const char *name, cz_tensor *out,
                               cz_error *err)
{
    struct onnx_store *store;
    CZ_TRY(new_store(NULL, &store, err));
    store->source_bytes = size;
    cz_status status = parse_tensor(bytes, size, store, out, err);
    onnx_store_destroy(store);
    return status == CZ_OK ? CZ_OK : cz_error_prefix(err, status, "%s", name);
}

cz_status cz_onnx_tensor_read(const char *path, cz_tensor *out, cz_error *err)
{
    struct cz_file_map map;
    CZ_TRY(cz_file_map(path, &map, err));
    cz_status status = cz_onnx_tensor_parse(map.data, map.size, path, out, err);
    cz_file_unmap(&map);
    return status;
}
