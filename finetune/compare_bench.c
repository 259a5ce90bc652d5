#include "finetune/compare_bench.h"
#include "finetune/json_in.h"

#include <stdlib.h>
#include <string.h>

static const double significance = 0.05;
enum {
    BOOTSTRAP_SEED = 0,     /* one fixed seed: the same files give the same interval */
    MAX_REPETITIONS = 10000 /* tests and bootstrap of more would take minutes and tell nothing new */
};

static cz_status no_memory(const char *name, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", name);
}

int cz_bench_recognise(const json_t *root)
{
    return json_is_array(json_object_get(root, "benchmarks")) ||
           json_is_array(json_object_get(root, "results"));
}

static struct cz_bench_series *find_series(const struct cz_bench_file *f, const char *name)
{
    const int i = cz_strmap_get(&f->index, name);
    return i < 0 ? NULL : &f->series[i];
}

static struct cz_bench_series *add_series(struct cz_bench_file *f, const char *name)
{
    struct cz_bench_series *found = find_series(f, name);
    if (found)
        return found;
    if (cz_grow(&f->series, &f->capacity, (size_t)f->n_series, sizeof *f->series))
        return NULL;
    const char *copy = cz_arena_strdup(f->arena, name);
    if (!copy || cz_strmap_set(&f->index, copy, f->n_series))
        return NULL;
    f->series[f->n_series] = (struct cz_bench_series){.name = copy};
    return &f->series[f->n_series++];
}

static cz_status add_time(struct cz_bench_file *f, struct cz_bench_series *s, double seconds, cz_error *err)
{
    if (!(seconds > 0 && seconds < 1e9))
        CZ_FAIL(err, CZ_ERR_FORMAT, "benchmark '%s': time %g s; a positive one is wanted", s->name, seconds);
    if (s->n == MAX_REPETITIONS)
        CZ_FAIL(err, CZ_ERR_FORMAT, "benchmark '%s': over %d repetitions; that many are not compared",
                s->name, (int)MAX_REPETITIONS);
    if (cz_grow(&s->seconds, &s->capacity, (size_t)s->n, sizeof *s->seconds))
        return no_memory(f->name, err);
    s->seconds[s->n++] = seconds;
    return CZ_OK;
}

static cz_status unit_seconds(const char *unit, const char *name, double *out, cz_error *err)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].unit, unit) == 0) {
            *out = units[i].seconds;
            return CZ_OK;
        }
    CZ_FAIL(err, CZ_ERR_FORMAT, "benchmark '%s': time_unit '%s', wanted ns, us, ms or s", name, unit);
}

/* One entry of Google Benchmark's list: aggregates are passed over, they are computed again from the
 * repetitions. */
static cz_status read_entry(struct cz_bench_file *f, const json_t *item, cz_error *err)
{
    const char *name, *unit, *run_type = json_string_value(json_object_get(item, "run_type"));
    double time, scale = 0;
    if (run_type && strcmp(run_type, "aggregate") == 0)
        return CZ_OK;
    CZ_TRY(cz_json_get_string(item, "benchmarks", json_object_get(item, "run_name") ? "run_name" : "name",
                              &name, err));
    struct cz_bench_series *s = add_series(f, name);
    if (!s)
        return no_memory(f->name, err);
    if (json_is_true(json_object_get(item, "error_occurred"))) {
        s->failed = 1;
        return CZ_OK;
    }
    CZ_TRY(cz_json_get_string(item, name, "time_unit", &unit, err));
    CZ_TRY(cz_json_get_number(item, name, "real_time", &time, err));
    CZ_TRY(unit_seconds(unit, name, &scale, err));
    return add_time(f, s, time * scale, err);
}

static cz_status read_command(struct cz_bench_file *f, const json_t *item, cz_error *err)
{
    const char *name;
    const json_t *times;
    CZ_TRY(cz_json_get_string(item, "results", "command", &name, err));
    CZ_TRY(cz_json_get_array(item, name, "times", &times, err));
    struct cz_bench_series *s = add_series(f, name);
    if (!s)
        return no_memory(f->name, err);
    for (size_t i = 0; i < json_array_size(times); i++) {
        const json_t *time = json_array_get(times, i);
        if (!json_is_number(time))
            CZ_FAIL(err, CZ_ERR_FORMAT, "result '%s': item %zu of 'times' is no number", name, i);
        CZ_TRY(add_time(f, s, json_number_value(time), err));
    }
    return CZ_OK;
}

/* A word of the context as text; "" where it is missing. */
static const char *context_text(struct cz_bench_file *f, const json_t *context, const char *key)
{
    const json_t *v = json_object_get(context, key);
    const char *text = json_is_string(v) ? cz_arena_strdup(f->arena, json_string_value(v))
                       : json_is_integer(v)
                           ? cz_arena_printf(f->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(v))
                           : NULL;
    return text ? text : "";
}

static cz_status read_document(const json_t *root, struct cz_bench_file *f, cz_error *err)
{
    const json_t *list = json_object_get(root, "benchmarks"), *context = json_object_get(root, "context");
    const int google = json_is_array(list);
    f->isa = context_text(f, context, "isa");
    f->cpu_count = context_text(f, context, "num_cpus");
    f->host = context_text(f, context, "host_name");
    if (!google)
        CZ_TRY(cz_json_get_array(root, "", "results", &list, err));
    for (size_t i = 0; i < json_array_size(list); i++)
        CZ_TRY(google ? read_entry(f, json_array_get(list, i), err)
                      : read_command(f, json_array_get(list, i), err));
    if (f->n_series == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "no benchmark in it");
    return CZ_OK;
}

cz_status cz_bench_file_read(const json_t *root, const char *name, struct cz_bench_file *out, cz_error *err)
{
    memset(out, 0, sizeof *out);
    out->name = name;
    out->arena = cz_arena_create();
    if (!out->arena)
        return no_memory(name, err);
    const cz_status status = read_document(root, out, err);
    if (status != CZ_OK) {
        cz_bench_file_deinit(out);
        return cz_error_prefix(err, status, "%s", name);
    }
    return CZ_OK;
}

void cz_bench_file_deinit(struct cz_bench_file *f)
{
    for (int i = 0; i < f->n_series; i++)
        free(f->series[i].seconds);
    free(f->series);
    cz_strmap_deinit(&f->index);
    cz_arena_destroy(f->arena);
    memset(f, 0, sizeof *f);
}

const char *cz_bench_verdict_name(enum cz_bench_verdict v)
{
    static const char *const names[] = {"noise", "faster", "slower", "missing", "failed"};
    return names[v];
}

static double median_of(const struct cz_bench_series *s, double *work)
{
    memcpy(work, s->seconds, (size_t)s->n * sizeof *work);
    cz_sort(work, (size_t)s->n);
    return cz_quantile(work, (size_t)s->n, 0.5);
}

static cz_status fill_row(struct cz_bench_row *row, const struct cz_bench_series *a,
                          const struct cz_bench_series *b, cz_error *err)
{
    double u;
    double *work = malloc((size_t)(a->n > b->n ? a->n : b->n) * sizeof *work);
    if (!work)
        return no_memory(a->name, err);
    row->baseline_s = median_of(a, work);
    row->this_s = median_of(b, work);
    free(work);
    CZ_TRY(cz_mann_whitney(a->seconds, a->n, b->seconds, b->n, &u, &row->p, err));
    return cz_median_ratio(a->seconds, a->n, b->seconds, b->n, BOOTSTRAP_SEED, &row->ratio,
                           &row->ratio_interval, err);
}

static cz_status add_row(struct cz_bench_comparison *c, const struct cz_bench_file *files, int file,
                         const struct cz_bench_series *a, cz_error *err)
{
    const struct cz_bench_series *b = find_series(&files[file], a->name);
    struct cz_bench_row *row = &c->rows[c->n_rows++];
    *row = (struct cz_bench_row){.benchmark = a->name, .file = file};
    if (!b || a->failed || b->failed) {
        row->verdict = b ? CZ_BENCH_FAILED : CZ_BENCH_MISSING;
        return CZ_OK;
    }
    if (a->n < 2 || b->n < 2)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: %d and %d repetitions of '%s'; at least 2 are wanted, 9 are good",
                files[file].name, a->n, b->n, a->name);
    return fill_row(row, a, b, err);
}

static int is_tested(const struct cz_bench_row *row)
{
    return row->verdict != CZ_BENCH_MISSING && row->verdict != CZ_BENCH_FAILED;
}

static cz_status judge(struct cz_bench_comparison *c, cz_error *err)
{
    double *p = malloc((2 * (size_t)c->n_rows + 1) * sizeof *p);
    int n = 0;
    if (!p)
        return no_memory("compare", err);
    for (int i = 0; i < c->n_rows; i++)
        if (is_tested(&c->rows[i]))
            p[n++] = c->rows[i].p;
    const cz_status status = cz_holm(p, n, p + n, err);
    const double *next = p + n;
    for (int i = 0; i < c->n_rows && status == CZ_OK; i++) {
        struct cz_bench_row *row = &c->rows[i];
        if (!is_tested(row))
            continue;
        row->holm_p = *next++;
        if (row->holm_p < significance && row->ratio_interval.high < 1)
            row->verdict = CZ_BENCH_FASTER;
        else if (row->holm_p < significance && row->ratio_interval.low > 1)
            row->verdict = CZ_BENCH_SLOWER;
    }
    free(p);
    return status;
}

cz_status cz_bench_compare(const struct cz_bench_file *files, int n, struct cz_bench_comparison *c,
                           cz_error *err)
{
    memset(c, 0, sizeof *c);
    c->rows = calloc((size_t)(n - 1) * (size_t)files[0].n_series + 1, sizeof *c->rows);
    if (!c->rows)
        return no_memory("compare", err);
    cz_status status = CZ_OK;
    for (int i = 0; i < files[0].n_series; i++)
        for (int file = 1; file < n && status == CZ_OK; file++)
            status = add_row(c, files, file, &files[0].series[i], err);
    if (status == CZ_OK)
        status = judge(c, err);
    if (status != CZ_OK)
        cz_bench_comparison_deinit(c);
    return status;
}

void cz_bench_comparison_deinit(struct cz_bench_comparison *c)
{
    free(c->rows);
    memset(c, 0, sizeof *c);
}
