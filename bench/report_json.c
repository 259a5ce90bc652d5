#include "base/cpu.h"
#include "base/json_out.h"
#include "base/version.h"
#include "bench/report.h"

#include <stdlib.h>
#include <string.h>

static json_t *caches_json(const struct cz_machine *m)
{
    json_t *caches = json_array();
    for (int i = 0; i < m->n_caches; i++)
        json_array_append_new(caches, json_pack("{s:s, s:i, s:I, s:i}", "type", m->caches[i].type, "level",
                                                m->caches[i].level, "size", (json_int_t)m->caches[i].bytes,
                                                "num_sharing", m->caches[i].n_sharing));
    return caches;
}

static json_t *load_json(const struct cz_machine *m)
{
    json_t *load = json_array();
    for (int i = 0; i < m->n_loads; i++)
        json_array_append_new(load, cz_json_double(m->load_avg[i]));
    return load;
}

/* The first result that says with what it was computed. */
static const struct cz_worker_facts *facts_of(const struct cz_bench *b)
{
    static const struct cz_worker_facts none;
    for (int i = 0; i < b->n_results; i++)
        if (b->results[i].facts.isa[0])
            return &b->results[i].facts;
    return &none;
}

enum { KEY_BYTES = 128 };

/* The key of "key=value". */
static const char *key_of(const char *pair, char *buf, size_t size)
{
    snprintf(buf, size, "%.*s", (int)strcspn(pair, "="), pair);
    return buf;
}

/* "key=value" of the user's, added where we do not say it ourselves. */
static void add_context(json_t *context, const char *pair)
{
    char key[KEY_BYTES];
    const char *equals = strchr(pair, '=');
    if (key_of(pair, key, sizeof key)[0] && !json_object_get(context, key))
        json_object_set_new(context, key, cz_json_text(equals ? equals + 1 : ""));
}

static json_t *context_json(const struct cz_bench_report *report)
{
    const struct cz_machine *m = &report->bench->machine;
    const struct cz_worker_facts *f = facts_of(report->bench);
#ifdef NDEBUG
    static const char build[] = "release";
#else
    static const char build[] = "debug";
#endif
    json_t *context =
        json_pack("{s:s, s:o, s:s, s:i, s:i, s:b, s:o, s:o, s:s, s:s, s:i, s:s, s:o}", "date", m->date,
                  "host_name", cz_json_text(m->host), "executable", "convzoo", "num_cpus", m->n_cpus,
                  "mhz_per_cpu", m->mhz, "cpu_scaling_enabled", m->scaling_enabled, "caches", caches_json(m),
                  "load_avg", load_json(m), "library_build_type", build, "library_version", cz_version(),
                  "json_schema_version", 1, "convzoo_schema", "convzoo.bench/1", "cpu", cz_json_text(m->cpu));
    json_t *ours = json_pack(
        "{s:s, s:s, s:b, s:o, s:i, s:o, s:s, s:s, s:s}", "isa", f->isa, "gemm", f->gemm, "exact", f->exact,
        "blas_core", f->blas_core[0] ? cz_json_text(f->blas_core) : json_null(), "threads", cz_cpu_allowed(),
        "foreign_load",
        report->bench->foreign_load < 0 ? json_null() : cz_json_double(report->bench->foreign_load), "commit",
        cz_commit(), "compiler", cz_compiler(), "flags", report->flags ? report->flags : "");
    json_object_update(context, ours);
    json_decref(ours);
    for (int i = 0; i < report->n_context; i++)
        add_context(context, report->context[i]);
    return context;
}

/* Asks the context of no benchmark at all, so that there is no second list of keys. */
int cz_bench_context_is_ours(const char *pair)
{
    const struct cz_bench none = {0};
    const struct cz_bench_report report = {.bench = &none};
    char key[KEY_BYTES];
    json_t *context = context_json(&report);
    int is_ours = json_object_get(context, key_of(pair, key, sizeof key)) != NULL;
    json_decref(context);
    return is_ours;
}

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

/* What tells a round from an aggregate, in Google Benchmark's order of keys. */
static void set_kind(json_t *o, const struct cz_bench_entry *e)
{
    const struct cz_bench_result *r = e->result;
    set(o, "run_type", json_string(e->aggregate < 0 ? "iteration" : "aggregate"));
    set(o, "repetitions", json_integer(r->n_reps));
    if (e->aggregate < 0)
        set(o, "repetition_index", json_integer(e->round));
    set(o, "threads", json_integer(r->cell->threads));
    if (e->aggregate < 0) {
        set(o, "iterations", json_integer(r->iterations));
        return;
    }
    set(o, "aggregate_name", json_string(cz_aggregate_name((enum cz_aggregate)e->aggregate)));
    set(o, "aggregate_unit", json_string(e->aggregate == CZ_CV ? "percentage" : "time"));
    set(o, "iterations", json_integer(r->n_reps));
}

struct list {
    const struct cz_bench_report *report;
    json_t *entries;
};

static int append_entry(void *user, const struct cz_bench_entry *e)
{
    struct list *list = user;
    const char *unit = list->report->time_unit, *name;
    double scale = e->aggregate == CZ_CV ? 1 : cz_time_scale(unit), value;
    json_t *o = json_object();
    set(o, "name", json_string(e->name));
    set(o, "family_index", json_integer(e->result->cell->model));
    set(o, "per_family_instance_index", json_integer(e->instance));
    set(o, "run_name", json_string(e->result->cell->name));
    set_kind(o, e);
    set(o, "real_time", cz_json_double(e->real * scale));
    set(o, "cpu_time", cz_json_double(e->cpu * scale));
    set(o, "time_unit", json_string(unit));
    if (e->has_rate)
        set(o, "items_per_second", cz_json_double(e->images_per_second));
    for (int i = 0; e->has_rate && (name = cz_bench_counter(e->result, i, &value)); i++)
        set(o, name, cz_json_double(value));
    return json_array_append_new(list->entries, o) != 0;
}

static json_t *models_json(const struct cz_bench *b)
{
    json_t *models = json_array();
    for (int i = 0, last = -1; i < b->n_results; i++) {
        const struct cz_bench_result *r = &b->results[i];
        if (r->cell->model == last || r->err.code != CZ_OK)
            continue;
        last = r->cell->model;
        const struct cz_bench_model *m = &b->options->models[last];
        json_array_append_new(models,
                              json_pack("{s:o, s:o, s:I, s:o, s:I}", "name", cz_json_text(m->name), "top1",
                                        m->top1 < 0 ? json_null() : cz_json_double(m->top1), "n_parameters",
                                        (json_int_t)r->facts.n_parameters, "macs_per_image",
                                        cz_json_double(r->facts.macs / (double)r->facts.batch),
                                        "weights_bytes", (json_int_t)r->facts.weights_bytes));
    }
    return models;
}

static json_t *pareto_json(const struct cz_bench *b)
{
    json_t *front = json_array();
    for (int i = 0; i < b->n_results; i++)
        if (b->results[i].on_front)
            json_array_append_new(front, json_string(b->results[i].cell->name));
    return front;
}

static json_t *failed_json(const struct cz_bench *b)
{
    json_t *failed = json_array();
    for (int i = 0; i < b->n_results; i++)
        if (b->results[i].err.code != CZ_OK)
            json_array_append_new(failed, json_pack("{s:s, s:s, s:o}", "name", b->results[i].cell->name,
                                                    "status", cz_status_name(b->results[i].err.code),
                                                    "message", cz_json_text(b->results[i].err.message)));
    return failed;
}

static json_t *answers_json(const struct cz_bench *b)
{
    json_t *answers = json_array();
    for (int i = 0; i < b->n_results; i++)
        if (b->results[i].answers != CZ_ANSWERS_UNCHECKED)
            json_array_append_new(answers, json_pack("{s:s, s:o, s:b}", "name", b->results[i].cell->name,
                                                     "rel_diff", cz_json_double(b->results[i].difference),
                                                     "right", b->results[i].answers == CZ_ANSWERS_RIGHT));
    return answers;
}

static json_t *peaks_json(const struct cz_bench *b)
{
    json_t *peaks = json_array();
    for (int i = 0; i < b->n_peaks; i++)
        json_array_append_new(peaks, json_pack("{s:i, s:o}", "threads", b->peaks[i].threads, "flops_per_s",
                                               cz_json_double(b->peaks[i].flops)));
    return peaks;
}

static json_t *profile_json(const struct cz_bench_result *r)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < r->n_steps; i++) {
        const struct cz_profile_step *s = &r->steps[i];
        json_array_append_new(steps,
                              json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:I}", "node", cz_json_text(s->name),
                                        "op", s->op, "algorithm", s->algorithm, "output", s->shape, "time_ms",
                                        cz_json_double(s->seconds * 1e3), "macs", cz_json_double(s->macs),
                                        "bytes", (json_int_t)s->bytes));
    }
    return json_pack("{s:s, s:o}", "name", r->cell->name, "steps", steps);
}

static json_t *profiles_json(const struct cz_bench *b)
{
    json_t *profiles = json_array();
    for (int i = 0; i < b->n_results; i++)
        if (b->results[i].steps)
            json_array_append_new(profiles, profile_json(&b->results[i]));
    return profiles;
}

json_t *cz_bench_report_json(const struct cz_bench_report *report)
{
    const struct cz_bench *b = report->bench;
    struct list list = {report, json_array()};
    if (cz_bench_report_entries(report, append_entry, &list)) {
        json_decref(list.entries);
        return NULL;
    }
    json_t *ours = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "schema", "convzoo.bench/1", "models",
                             models_json(b), "pareto", pareto_json(b), "failed", failed_json(b), "answers",
                             answers_json(b), "peaks", peaks_json(b));
    if (b->options->profile)
        json_object_set_new(ours, "profiles", profiles_json(b));
    return json_pack("{s:o, s:o, s:o}", "context", context_json(report), "benchmarks", list.entries,
                     "convzoo", ours);
}
