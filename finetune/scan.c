#include "finetune/scan.h"
#include "base/version.h"
#include "engine/plan.h"
#include "finetune/graph_hash.h"

#include <stdlib.h>
#include <string.h>

struct cz_scan {
    struct cz_runtime *runtime;
    struct cz_graph *graph;
    const struct cz_dataset *dataset;
    struct cz_scan_options options;
    cz_plan *plan;
    cz_session *session;
    int64_t batch, n_pixels, n_output; /* n_...: elements of one image */
    cz_tensor input;
    float *pixels, *outputs;        /* outputs: only where the network's are not float32 */
    struct cz_load_result *results; /* [batch] */
};

/* The input's shape at this batch; its layout is the preprocessing's. */
static cz_input_shape input_shape(const struct cz_scan *s, int64_t batch)
{
    const struct cz_preprocess *p = &s->options.preprocess;
    const int64_t c = cz_preprocess_channels(p), h = s->options.size[0], w = s->options.size[1];
    cz_input_shape shape = {s->graph->values[s->graph->inputs[0]].name, 4, {batch, c, h, w}};
    if (p->layout == CZ_LAYOUT_NHWC) {
        shape.dim[1] = h;
        shape.dim[2] = w;
        shape.dim[3] = c;
    }
    return shape;
}

static const struct cz_shape *output_shape(const struct cz_scan *s)
{
    return &s->plan->values[s->plan->outputs[0]].shape;
}

static cz_status make_plan(struct cz_scan *s, int64_t batch, cz_error *err)
{
    const cz_input_shape shape = input_shape(s, batch);
    const cz_plan_options options = {.struct_size = sizeof options,
                                     .batch = batch,
                                     .inputs = &shape,
                                     .n_inputs = 1,
                                     .no_fuse = s->options.no_fuse};
    cz_plan_destroy(s->plan);
    s->plan = NULL;
    s->batch = batch;
    CZ_TRY(cz_plan_create(s->runtime, s->graph, &options, &s->plan, err));
    const struct cz_shape *out = output_shape(s);
    if (out->rank < 1 || out->dim[0] != batch)
        CZ_FAIL(err, CZ_ERR_SHAPE, "model: its output has no batch axis");
    s->n_output = cz_shape_count(out) / batch;
    s->input = (cz_tensor){NULL, CZ_F32, 4, {0}};
    memcpy(s->input.dim, shape.dim, sizeof shape.dim);
    s->n_pixels = shape.dim[1] * shape.dim[2] * shape.dim[3];
    return CZ_OK;
}

static cz_status prepare(struct cz_scan *s, cz_error *err)
{
    const int wanted = s->options.batch;
    cz_status status = make_plan(s, wanted, err);
    if (status == CZ_ERR_SHAPE && wanted > 1)
        status = make_plan(s, 1, err);
    if (status != CZ_OK)
        return status;
    CZ_TRY(cz_session_create(s->plan, &s->session, err));
    s->pixels = cz_calloc_aligned((size_t)(s->batch * s->n_pixels) * sizeof *s->pixels);
    s->outputs = malloc((size_t)(s->batch * s->n_output) * sizeof *s->outputs + 1);
    s->results = calloc((size_t)s->batch, sizeof *s->results);
    if (!s->pixels || !s->outputs || !s->results)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory for %lld images; give a smaller --batch",
                (long long)s->batch);
    s->input.data = s->pixels;
    return CZ_OK;
}

cz_status cz_scan_create(struct cz_runtime *runtime, struct cz_graph *g, const struct cz_dataset *dataset,
                         const struct cz_scan_options *options, struct cz_scan **out, cz_error *err)
{
    if (g->n_inputs != 1 || g->n_outputs < 1)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "model: %d inputs; one picture input is wanted", g->n_inputs);
    struct cz_scan *s = calloc(1, sizeof *s);
    if (!s)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory");
    *s = (struct cz_scan){.runtime = runtime, .graph = g, .dataset = dataset, .options = *options};
    const cz_status status = prepare(s, err);
    if (status != CZ_OK) {
        cz_scan_destroy(s);
        return status;
    }
    *out = s;
    return CZ_OK;
}

void cz_scan_destroy(struct cz_scan *s)
{
    if (!s)
        return;
    cz_session_destroy(s->session);
    cz_plan_destroy(s->plan);
    free(s->pixels);
    free(s->outputs);
    free(s->results);
    free(s);
}

int64_t cz_scan_output_size(const struct cz_scan *s)
{
    return s->n_output;
}

const struct cz_dataset *cz_scan_dataset(const struct cz_scan *s)
{
    return s->dataset;
}

cz_status cz_scan_identity(const struct cz_scan *s, struct cz_sha256 *hash, cz_error *err)
{
    char preprocess[CZ_SHA256_HEX];
    uint8_t graph[CZ_SHA256_BYTES];
    const char *core = cz_runtime_blas_core(s->runtime);
    const int32_t numbers[4] = {s->options.size[0], s->options.size[1], s->options.no_fuse,
                                s->runtime->exact};
    CZ_TRY(cz_preprocess_hash(&s->options.preprocess, preprocess, err));
    cz_graph_hash(s->graph, graph);
    cz_sha256_init(hash);
    cz_sha256_update_string(hash, cz_version());
    cz_sha256_update_string(hash, cz_commit());
    cz_sha256_update_string(hash, cz_compiler());
    cz_sha256_update_string(hash, cz_runtime_isa(s->runtime));
    cz_sha256_update_string(hash, cz_runtime_gemm(s->runtime));
    cz_sha256_update_string(hash, core ? core : "");
    cz_sha256_update_string(hash, preprocess);
    cz_sha256_update(hash, numbers, sizeof numbers);
    cz_sha256_update(hash, graph, sizeof graph);
    return CZ_OK;
}

size_t cz_scan_bytes(const struct cz_scan *s)
{
    return cz_plan_arena_bytes(s->plan) + cz_plan_packed_bytes(s->plan) +
           (size_t)(s->batch * (s->n_pixels + s->n_output)) * sizeof(float);
}

/* Runs the loaded batch; the first output as float32. */
static cz_status run_batch(struct cz_scan *s, const float **output, cz_error *err)
{
    cz_tensor *out = calloc((size_t)s->graph->n_outputs, sizeof *out);
    if (!out)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory");
    const cz_status status = cz_session_run(s->session, &s->input, 1, out, (size_t)s->graph->n_outputs, err);
    *output = out[0].data;
    if (status == CZ_OK && out[0].dtype != CZ_F32) {
        for (int64_t i = 0; i < s->batch * s->n_output; i++)
            s->outputs[i] = (float)cz_tensor_double(&out[0], i);
        *output = s->outputs;
    }
    free(out);
    return status;
}

cz_status cz_scan_look(struct cz_scan *s, int64_t sample, struct cz_load_result *result, cz_error *err)
{
    int64_t n_failed;
    return cz_load_batch(s->dataset, &s->options.preprocess, &sample, 1, s->options.size, 1, s->pixels,
                         result, &n_failed, err);
}

cz_status cz_scan_run(struct cz_scan *s, const int64_t *samples, int64_t n,
                      cz_status (*image)(void *, const struct cz_scan_image *, cz_error *), void *user,
                      cz_error *err)
{
    const int threads = cz_runtime_threads(s->runtime);
    for (int64_t first = 0; first < n; first += s->batch) {
        const int64_t count = n - first < s->batch ? n - first : s->batch;
        const float *output = NULL;
        int64_t n_failed;
        CZ_TRY(cz_load_batch(s->dataset, &s->options.preprocess, samples + first, count, s->options.size,
                             threads, s->pixels, s->results, &n_failed, err));
        CZ_TRY(run_batch(s, &output, err));
        for (int64_t i = 0; i < count; i++) {
            const int readable = s->results[i].status == CZ_OK;
            const struct cz_scan_image item = {first + i, samples[first + i], &s->results[i],
                                               readable ? output + i * s->n_output : NULL, s->n_output};
            CZ_TRY(image(user, &item, err));
        }
    }
    return CZ_OK;
}
