#include "bench/worker_process.h"
#include "base/clock.h"
#include "bench/input.h"
#include "bench/machine.h"
#include "bench/peak.h"
#include "engine/reference.h"
#include "engine/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct process {
    const struct cz_worker_options *options;
    struct cz_runtime *runtime;
    struct cz_graph *graph;
    struct cz_plan *plan;       /* NULL: reference */
    struct cz_session *session; /* NULL: reference */
    struct cz_infer *infer;     /* the plan's, or for the reference its own */
    struct cz_bench_inputs inputs;
    cz_tensor *outputs; /* of the last run */
};

/* What a request is answered with; grows by append. */
struct payload {
    unsigned char *data;
    size_t bytes;
};

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "bench: out of memory; try a smaller --batch");
}

/* Room for `bytes` more, not filled; NULL when memory ran out. */
static void *extend(struct payload *p, size_t bytes, cz_error *err)
{
    unsigned char *grown = realloc(p->data, p->bytes + bytes + 1);
    if (!grown) {
        no_memory(err);
        return NULL;
    }
    p->data = grown;
    p->bytes += bytes;
    return grown + p->bytes - bytes;
}

static cz_status append(struct payload *p, const void *data, size_t bytes, cz_error *err)
{
    void *to = extend(p, bytes, err);
    if (!to)
        return CZ_ERR_MEMORY;
    memcpy(to, data, bytes);
    return CZ_OK;
}

/* The picture's side where the model leaves height or width open; the first dimension is --batch's. */
static int open_sides(const struct process *p, cz_input_shape *shapes)
{
    int n = 0;
    for (int i = 0; i < p->graph->n_inputs && p->options->side_px > 0; i++) {
        const struct cz_value *v = &p->graph->values[p->graph->inputs[i]];
        cz_input_shape s = {.name = v->name, .rank = v->shape.rank};
        int n_open = 0;
        for (int d = 0; d < s.rank; d++) {
            int open = d > 0 && v->shape.dim[d] < 0;
            s.dim[d] = open ? p->options->side_px : -1;
            n_open += open;
        }
        if (n_open > 0)
            shapes[n++] = s;
    }
    return n;
}

static cz_status prepare_plan(struct process *p, const cz_input_shape *shapes, int n_shapes, cz_error *err)
{
    cz_plan_options options = {.struct_size = sizeof options,
                               .batch = p->options->batch,
                               .inputs = shapes,
                               .n_inputs = n_shapes,
                               .no_fuse = p->options->kind == CZ_WORKER_UNFUSED};
    if (p->options->kind == CZ_WORKER_REFERENCE)
        return cz_infer_create(p->graph, shapes, n_shapes, p->options->batch, 0, &p->infer, err);
    CZ_TRY(cz_plan_create(p->runtime, p->graph, &options, &p->plan, err));
    p->infer = p->plan->infer;
    return cz_session_create(p->plan, &p->session, err);
}

static cz_status make_inputs(struct process *p, cz_error *err)
{
    const struct cz_graph *g = p->graph;
    struct cz_shape *shapes = calloc((size_t)g->n_inputs + 1, sizeof *shapes);
    p->outputs = calloc((size_t)g->n_outputs + 1, sizeof *p->outputs);
    if (!shapes || !p->outputs) {
        free(shapes);
        return no_memory(err);
    }
    for (int i = 0; i < g->n_inputs; i++)
        shapes[i] = p->infer->shape[g->inputs[i]];
    cz_status status = cz_bench_inputs_make(shapes, g->n_inputs, &p->inputs, err);
    free(shapes);
    return status;
}

static cz_status prepare(struct process *p, cz_error *err)
{
    CZ_TRY(p->options->open(p->options->user, p->options->model, &p->graph, err));
    CZ_TRY(cz_runtime_create(&p->options->runtime, &p->runtime, err));
    cz_input_shape *shapes = calloc((size_t)p->graph->n_inputs + 1, sizeof *shapes);
    if (!shapes)
        return no_memory(err);
    cz_status status = prepare_plan(p, shapes, open_sides(p, shapes), err);
    free(shapes);
    return status == CZ_OK ? make_inputs(p, err) : status;
}

static int64_t weights_bytes(const struct cz_graph *g)
{
    int64_t bytes = 0;
    for (int i = 0; i < g->params.count; i++) {
        struct cz_shape shape = cz_tensor_shape(&g->params.items[i].value);
        bytes += (int64_t)cz_shape_bytes(&shape);
    }
    return bytes;
}

static void collect_facts(const struct process *p, struct cz_worker_facts *f)
{
    const char *core = cz_runtime_blas_core(p->runtime);
    memset(f, 0, sizeof *f);
    f->n_parameters = cz_graph_parameter_count(p->graph);
    f->weights_bytes = weights_bytes(p->graph);
    f->macs = cz_infer_macs(p->infer);
    f->threads = cz_runtime_threads(p->runtime);
    f->exact = p->runtime->exact;
    f->resident_bytes = cz_process_resident_bytes();
    f->batch = p->inputs.n > 0 && p->inputs.tensors[0].rank > 0 ? p->inputs.tensors[0].dim[0] : 1;
    snprintf(f->isa, sizeof f->isa, "%s", cz_runtime_isa(p->runtime));
    snprintf(f->gemm, sizeof f->gemm, "%s", cz_runtime_gemm(p->runtime));
    snprintf(f->blas_core, sizeof f->blas_core, "%s", core ? core : "");
    if (!p->plan)
        return;
    f->packed_bytes = (int64_t)cz_plan_packed_bytes(p->plan);
    f->arena_bytes = (int64_t)cz_plan_arena_bytes(p->plan);
    f->scratch_bytes = (int64_t)p->plan->scratch_bytes * f->threads;
}

static cz_status run_once(struct process *p, cz_error *err)
{
    memset(p->outputs, 0, sizeof *p->outputs * (size_t)p->graph->n_outputs);
    return cz_session_run(p->session, p->inputs.tensors, (size_t)p->inputs.n, p->outputs,
                          (size_t)p->graph->n_outputs, err);
}

static cz_status do_run(struct process *p, int64_t n, struct payload *out, cz_error *err)
{
    double *times = malloc(sizeof *times * ((size_t)n + 1));
    if (!times)
        return no_memory(err);
    cz_status status = CZ_OK;
    double cpu = cz_process_cpu_seconds();
    for (int64_t i = 0; i < n && status == CZ_OK; i++) {
        double start = cz_now();
        status = run_once(p, err);
        times[i + 1] = cz_now() - start;
    }
    times[0] = cz_process_cpu_seconds() - cpu;
    if (status == CZ_OK)
        status = append(out, times, sizeof *times * ((size_t)n + 1), err);
    free(times);
    return status;
}

static cz_status do_peak(struct process *p, int64_t n, struct payload *out, cz_error *err)
{
    double cpu = cz_process_cpu_seconds(), found[2] = {cz_peak_measure(p->runtime), 0};
    (void)n;
    found[1] = cz_process_cpu_seconds() - cpu;
    return append(out, found, sizeof found, err);
}

static cz_status append_doubles(struct payload *out, const cz_tensor *t, cz_error *err)
{
    struct cz_shape shape = cz_tensor_shape(t);
    int64_t n = cz_shape_count(&shape);
    double *to = extend(out, sizeof *to * (size_t)n, err); /* only doubles in this payload: aligned */
    if (!to)
        return CZ_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++)
        to[i] = cz_tensor_double(t, i);
    return CZ_OK;
}

static cz_status do_output(struct process *p, int64_t n, struct payload *out, cz_error *err)
{
    struct cz_reference *reference = NULL;
    cz_status status = CZ_OK;
    (void)n;
    if (p->session)
        CZ_TRY(run_once(p, err));
    else
        CZ_TRY(cz_reference_run(p->graph, p->inputs.tensors, p->inputs.n, &reference, err));
    for (int i = 0; i < p->graph->n_outputs && status == CZ_OK; i++)
        status = append_doubles(out, reference ? cz_reference_output(reference, i) : &p->outputs[i], err);
    cz_reference_destroy(reference);
    return status;
}

/* The first n images of each output; an output whose first dimension is no batch counts whole. */
static cz_status do_output_bytes(struct process *p, int64_t n, struct payload *out, cz_error *err)
{
    int64_t batch = p->inputs.n > 0 && p->inputs.tensors[0].rank > 0 ? p->inputs.tensors[0].dim[0] : 1;
    CZ_TRY(run_once(p, err));
    for (int i = 0; i < p->graph->n_outputs; i++) {
        struct cz_shape shape = cz_tensor_shape(&p->outputs[i]);
        size_t bytes = cz_shape_bytes(&shape);
        if (n > 0 && n < batch && shape.rank > 0 && shape.dim[0] == batch)
            bytes = bytes / (size_t)batch * (size_t)n;
        CZ_TRY(append(out, p->outputs[i].data, bytes, err));
    }
    return CZ_OK;
}

static void describe_step(const struct cz_session *s, int i, struct cz_profile_step *d)
{
    const struct cz_step *step = &s->plan->steps[i];
    memset(d, 0, sizeof *d);
    snprintf(d->name, sizeof d->name, "%s", step->name ? step->name : "");
    snprintf(d->op, sizeof d->op, "%s", step->op ? step->op : "");
    snprintf(d->algorithm, sizeof d->algorithm, "%s", step->algorithm ? step->algorithm : "");
    if (step->n_out > 0)
        cz_shape_text(&s->plan->values[step->out[0]].shape, d->shape, sizeof d->shape);
    for (int v = 0; v < step->n_in + step->n_out; v++) {
        int planned = v < step->n_in ? step->in[v] : step->out[v - step->n_in];
        if (planned >= 0)
            d->bytes += (int64_t)s->plan->values[planned].bytes;
    }
    d->seconds = s->step_seconds[i] / (double)s->n_profiled;
    d->macs = step->macs;
}

static cz_status do_profile(struct process *p, int64_t n, struct payload *out, cz_error *err)
{
    struct cz_profile_step step;
    CZ_TRY(cz_session_profile(p->session, err));
    for (int64_t i = 0; i < n; i++)
        CZ_TRY(run_once(p, err));
    for (int i = 0; i < p->plan->n_steps; i++) {
        describe_step(p->session, i, &step);
        CZ_TRY(append(out, &step, sizeof step, err));
    }
    return CZ_OK;
}

static cz_status do_peak_bytes(struct process *p, int64_t n, struct payload *out, cz_error *err)
{
    int64_t bytes = cz_process_peak_bytes();
    (void)p;
    (void)n;
    return append(out, &bytes, sizeof bytes, err);
}

static const struct action {
    cz_status (*act)(struct process *, int64_t n, struct payload *, cz_error *);
    int for_reference;
} actions[] = {
    [CZ_DO_RUN] = {do_run, 0},
    [CZ_DO_PEAK] = {do_peak, 1},
    [CZ_DO_OUTPUT_BYTES] = {do_output_bytes, 0},
    [CZ_DO_OUTPUT] = {do_output, 1},
    [CZ_DO_PROFILE] = {do_profile, 0},
    [CZ_DO_PEAK_BYTES] = {do_peak_bytes, 1},
};

static cz_status answer(struct process *p, const struct cz_worker_request *r, struct payload *out,
                        cz_error *err)
{
    if (!p->session && !actions[r->action].for_reference)
        CZ_FAIL(err, CZ_ERR_STATE, "bench: the reference only gives outputs");
    return actions[r->action].act(p, r->n, out, err);
}

/* 1 when nobody listens any more. */
static int send_reply(int socket, cz_status status, const cz_error *err, const struct payload *payload)
{
    struct cz_worker_reply reply = {.bytes = status == CZ_OK ? payload->bytes : 0};
    if (status != CZ_OK)
        reply.err = *err;
    reply.err.code = status;
    return cz_worker_send(socket, &reply, sizeof reply) ||
           cz_worker_send(socket, payload->data, (size_t)reply.bytes);
}

static int send_facts(int socket, struct process *p)
{
    cz_error err = {0};
    struct cz_worker_facts facts;
    cz_status status = prepare(p, &err);
    if (status == CZ_OK)
        collect_facts(p, &facts);
    struct payload payload = {(unsigned char *)&facts, sizeof facts};
    return send_reply(socket, status, &err, &payload) || status != CZ_OK;
}

void cz_worker_serve(int socket, const struct cz_worker_options *options)
{
    struct process p = {.options = options};
    struct cz_worker_request request;
    int gone = send_facts(socket, &p);
    while (!gone && cz_worker_receive(socket, &request, sizeof request) == 0) {
        cz_error err = {0};
        struct payload payload = {0};
        cz_status status = answer(&p, &request, &payload, &err);
        gone = send_reply(socket, status, &err, &payload);
        free(payload.data);
    }
    /* The process ends here: what it holds goes with it. */
}
