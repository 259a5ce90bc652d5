#include "engine/session.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/fpenv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cz_status no_memory(const struct cz_plan *plan, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY,
            "session: no memory for %zu MiB of activations; try a smaller --batch or --size",
            (plan->arena_bytes + plan->scratch_bytes) >> 20);
}

void cz_session_destroy(cz_session *s)
{
    if (!s)
        return;
    for (int i = 0; s->staged && i < s->plan->graph->n_inputs; i++)
        free(s->staged[i]);
    free(s->staged);
    free(s->arena);
    free(s->scratch);
    free(s->data);
    free(s->step_seconds);
    cz_plan_destroy(s->plan);
    free(s);
}

/* Values in the arena and constants keep their address for the life of the session; inputs are bound per run.
 */
static void bind_fixed(struct cz_session *s)
{
    struct cz_plan *plan = s->plan;
    for (int v = 0; v < plan->n_values; v++) {
        const struct cz_planned *value = &plan->values[v];
        if (value->same_as >= 0)
            s->data[v] = s->data[value->same_as];
        else if (value->storage == CZ_IN_CONSTANT)
            s->data[v] = (unsigned char *)value->constant;
        else if (value->storage == CZ_IN_ARENA)
            s->data[v] = s->arena + value->offset;
    }
}

/* The system lends more memory than it has and kills later; shapes from a file must not get that far. */
static int fits_memory(const struct cz_plan *plan, size_t threads)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t scratch, bytes;
    if (cz_mul_overflow(plan->scratch_bytes, threads, &scratch) ||
        cz_add_overflow(scratch, plan->arena_bytes, &bytes))
        return 0;
    return pages <= 0 || page <= 0 || bytes / (size_t)page < (size_t)pages;
}

cz_status cz_session_create(cz_plan *plan, cz_session **out, cz_error *err)
{
    struct cz_session *s = calloc(1, sizeof *s);
    if (!s)
        return no_memory(plan, err);
    s->plan = cz_plan_retain(plan);
    size_t threads = (size_t)cz_runtime_threads(plan->runtime);
    if (!fits_memory(plan, threads)) {
        cz_session_destroy(s);
        return no_memory(plan, err);
    }
    s->arena = cz_alloc_aligned(plan->arena_bytes);
    /* Zeroed: kernels ask their scratch which run filled it; memory of an earlier session might say this one.
     */
    s->scratch = cz_calloc_aligned(plan->scratch_bytes * threads);
    s->data = calloc((size_t)plan->n_values + 1, sizeof *s->data);
    s->staged = calloc((size_t)plan->graph->n_inputs + 1, sizeof *s->staged);
    if (!s->arena || !s->scratch || !s->data || !s->staged) {
        cz_session_destroy(s);
        return no_memory(plan, err);
    }
    bind_fixed(s);
    *out = s;
    return CZ_OK;
}

cz_status cz_session_profile(struct cz_session *s, cz_error *err)
{
    if (!s->step_seconds)
        s->step_seconds = calloc((size_t)s->plan->n_steps + 1, sizeof *s->step_seconds);
    return s->step_seconds ? CZ_OK : no_memory(s->plan, err);
}

static int same_dims(const cz_tensor *t, const struct cz_shape *s)
{
    return t->rank == s->rank && memcmp(t->dim, s->dim, sizeof *t->dim * (size_t)s->rank) == 0;
}

/* Half and double precision inputs are computed in float32. */
static cz_status stage(struct cz_session *s, int input, const cz_tensor *t, const struct cz_shape *shape,
                       cz_error *err)
{
    if (!s->staged[input] && !(s->staged[input] = cz_alloc_aligned(cz_shape_bytes(shape))))
        return no_memory(s->plan, err);
    float *to = (float *)s->staged[input];
    int64_t n = cz_shape_count(shape);
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)cz_tensor_double(t, i);
    return CZ_OK;
}

static int widens(cz_dtype from, cz_dtype to)
{
    return to == CZ_F32 && (from == CZ_F16 || from == CZ_BF16 || from == CZ_F64);
}

static cz_status bind_input(struct cz_session *s, int i, const cz_tensor *t, cz_error *err)
{
    const struct cz_plan *plan = s->plan;
    struct cz_planned *value = &plan->values[plan->inputs[i]];
    const char *name = plan->graph->values[plan->graph->inputs[i]].name;
    if (!same_dims(t, &value->shape) ||
        (t->dtype != value->shape.dtype && !widens(t->dtype, value->shape.dtype))) {
        struct cz_shape found = cz_tensor_shape(t);
        char want[CZ_SHAPE_TEXT], got[CZ_SHAPE_TEXT];
        CZ_FAIL(err, CZ_ERR_SHAPE, "input '%s': wants %s, found %s", name,
                cz_shape_text(&value->shape, want, sizeof want), cz_shape_text(&found, got, sizeof got));
    }
    s->data[plan->inputs[i]] = t->data;
    if (t->dtype != value->shape.dtype) {
        CZ_TRY(stage(s, i, t, &value->shape, err));
        s->data[plan->inputs[i]] = s->staged[i];
    }
    return CZ_OK;
}

/* Values that share an input's memory follow it. */
static void bind_aliases(struct cz_session *s)
{
    for (int v = 0; v < s->plan->n_values; v++)
        if (s->plan->values[v].same_as >= 0)
            s->data[v] = s->data[s->plan->values[v].same_as];
}

struct tile_job {
    const struct cz_step *step;
    const struct cz_run *run;
};

static void run_tile(void *ctx, int64_t tile, int worker)
{
    const struct tile_job *job = ctx;
    job->step->tile(job->step, job->run, tile, worker);
}

static cz_status run_step(const struct cz_session *s, const struct cz_step *step, const struct cz_run *run,
                          cz_error *err)
{
    if (step->whole) {
        cz_fpenv old = cz_fpenv_enter();
        cz_status status = step->whole(step, run, err);
        cz_fpenv_leave(old);
        return status;
    }
    struct tile_job job = {step, run};
    cz_parallel_for(s->plan->runtime->pool, step->n_tiles, run_tile, &job);
    return CZ_OK;
}

static cz_status run_steps(struct cz_session *s, cz_error *err)
{
    const struct cz_plan *plan = s->plan;
    struct cz_run run = {.data = s->data,
                         .scratch = s->scratch,
                         .scratch_stride = plan->scratch_bytes,
                         .kernels = plan->runtime->kernels,
                         .runtime = plan->runtime,
                         .serial = ++s->n_runs};
    for (int i = 0; i < plan->n_steps; i++) {
        double start = s->step_seconds ? cz_now() : 0;
        CZ_TRY(run_step(s, &plan->steps[i], &run, err));
        if (s->step_seconds)
            s->step_seconds[i] += cz_now() - start;
    }
    s->n_profiled += s->step_seconds != NULL;
    return CZ_OK;
}

static void give_output(const struct cz_session *s, int i, cz_tensor *out)
{
    int planned = s->plan->outputs[i];
    const struct cz_shape *shape = &s->plan->values[planned].shape;
    void *to = out->data;
    *out = cz_tensor_view(s->data[planned], shape);
    if (!to)
        return;
    memcpy(to, s->data[planned], cz_shape_bytes(shape));
    out->data = to;
}

cz_status cz_session_run(cz_session *s, const cz_tensor *in, size_t n_in, cz_tensor *out, size_t n_out,
                         cz_error *err)
{
    const struct cz_plan *plan = s->plan;
    const struct cz_graph *g = plan->graph;
    if (n_in != (size_t)g->n_inputs || n_out != (size_t)g->n_outputs)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%zu inputs and %zu outputs given; the model has %d and %d", n_in,
                n_out, g->n_inputs, g->n_outputs);
    if (g->params.version != plan->packed_version)
        CZ_FAIL(err, CZ_ERR_STATE, "the weights changed after planning; make a new plan");
    for (size_t i = 0; i < n_in; i++)
        CZ_TRY(bind_input(s, (int)i, &in[i], err));
    bind_aliases(s);
    CZ_TRY(run_steps(s, err));
    for (size_t i = 0; i < n_out; i++)
        give_output(s, (int)i, &out[i]);
    return CZ_OK;
}
