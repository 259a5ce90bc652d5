/*
 * The documents, from made-up measurements: Google Benchmark's keys in its order, the arithmetic of its
 * aggregates, and what must not be among them.
 */
#include "bench/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N_CELLS = 4, N_REPS = 4, ITERATIONS = 2 };

/* Seconds; the rounds' means are 2, 4, 4, 6 ms in the first cell: mean 4, median 4, stddev sqrt(8/3). */
static const double runs[N_REPS * ITERATIONS] = {1e-3, 3e-3, 4e-3, 4e-3, 3e-3, 5e-3, 5e-3, 7e-3};

struct sample {
    struct cz_bench bench;
    struct cz_bench_options options;
    struct cz_bench_model models[3];
    struct cz_bench_cell cells[N_CELLS];
    struct cz_bench_result results[N_CELLS];
    double real[N_REPS], cpu[N_REPS], sorted[N_REPS * ITERATIONS];
};

static void set_cell(struct sample *s, int i, int model, int64_t batch, double slower)
{
    struct cz_bench_result *r = &s->results[i];
    s->cells[i] = (struct cz_bench_cell){.model = model, .batch = batch, .threads = 2};
    cz_bench_name_cell(&s->cells[i], &s->models[model]);
    *r = (struct cz_bench_result){.cell = &s->cells[i],
                                  .iterations = ITERATIONS,
                                  .n_reps = N_REPS,
                                  .real = s->real,
                                  .cpu = s->cpu,
                                  .runs = s->sorted,
                                  .median = 4e-3 * slower,
                                  .min = 1e-3,
                                  .p95 = 6.3e-3,
                                  .peak_bytes = 3000};
    r->facts = (struct cz_worker_facts){.batch = batch,
                                        .macs = 5e6,
                                        .n_parameters = 77,
                                        .weights_bytes = 1000,
                                        .packed_bytes = 200,
                                        .arena_bytes = 30,
                                        .scratch_bytes = 4,
                                        .isa = "avx2",
                                        .gemm = "auto"};
}

static struct cz_bench_report make_sample(struct sample *s)
{
    memset(s, 0, sizeof *s);
    s->models[0] = (struct cz_bench_model){"small", 0.6};
    s->models[1] = (struct cz_bench_model){"large", 0.8};
    s->models[2] = (struct cz_bench_model){"nameless", -1};
    for (int i = 0; i < N_REPS; i++) {
        s->real[i] = (runs[2 * i] + runs[2 * i + 1]) / 2;
        s->cpu[i] = 2 * s->real[i];
    }
    set_cell(s, 0, 0, 1, 1);
    set_cell(s, 1, 0, 8, 1);
    set_cell(s, 2, 1, 1, 2);
    set_cell(s, 3, 2, 1, 1);
    cz_error_set(&s->results[3].err, CZ_ERR_MEMORY, "it did not fit; buy more");
    s->options =
        (struct cz_bench_options){.models = s->models, .cells = s->cells, .n_cells = N_CELLS, .reps = N_REPS};
    s->bench = (struct cz_bench){
        .options = &s->options, .results = s->results, .n_results = N_CELLS, .foreign_load = 0.25};
    cz_machine_read(&s->bench.machine);
    cz_bench_mark_front(&s->bench);
    return (struct cz_bench_report){.bench = &s->bench, .time_unit = "us"};
}

static json_t *entry(json_t *document, const char *name, int index)
{
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(document, "benchmarks"), i, value)
    {
        if (strcmp(json_string_value(json_object_get(value, "name")), name) == 0 && index-- == 0)
            return value;
    }
    fail_msg("no entry %s", name);
    return NULL;
}

static void keys_are(json_t *object, const char *wanted)
{
    char found[512] = "";
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        strcat(found, key);
        strcat(found, " ");
    }
    assert_string_equal(found, wanted);
}

static double number(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

/* Microseconds from seconds: a product and a sum of 8 terms; 1e-12 relative is thousands of roundings. */
static void near(double found, double wanted)
{
    if (fabs(found - wanted) > 1e-12 * fabs(wanted))
        fail_msg("found %.17g, wanted %.17g", found, wanted);
}

static void entries_have_their_keys_in_order(void **state)
{
    (void)state;
    struct sample s;
    struct cz_bench_report report = make_sample(&s);
    json_t *d = cz_bench_report_json(&report);
    assert_non_null(d);
    keys_are(d, "context benchmarks convzoo ");
    keys_are(
        entry(d, "small/batch:1/threads:2/real_time", 0),
        "name family_index per_family_instance_index run_name run_type repetitions repetition_index threads "
        "iterations real_time cpu_time time_unit items_per_second macs planned_bytes peak_bytes batch ");
    keys_are(
        entry(d, "small/batch:1/threads:2/real_time_median", 0),
        "name family_index per_family_instance_index run_name run_type repetitions threads aggregate_name "
        "aggregate_unit iterations real_time cpu_time time_unit items_per_second macs planned_bytes "
        "peak_bytes "
        "batch ");
    keys_are(
        entry(d, "small/batch:1/threads:2/real_time_cv", 0),
        "name family_index per_family_instance_index run_name run_type repetitions threads aggregate_name "
        "aggregate_unit iterations real_time cpu_time time_unit ");
    json_decref(d);
}

static void figures_are_right(void **state)
{
    (void)state;
    static const struct {
        const char *suffix;
        double real, cpu;
    } wanted[] = {
        {"mean", 4000, 8000},
        {"median", 4000, 8000},
        {"min", 1000, 4000},
        /* type 7 of four rounds: between the third and the last, 0.85 of the way */
        {"p95", 6300, 2 * 5700},
    };
    struct sample s;
    struct cz_bench_report report = make_sample(&s);
    json_t *d = cz_bench_report_json(&report), *e;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char name[96];
        snprintf(name, sizeof name, "small/batch:8/threads:2/real_time_%s", wanted[i].suffix);
        e = entry(d, name, 0);
        near(number(e, "real_time"), wanted[i].real);
        near(number(e, "cpu_time"), wanted[i].cpu);
        near(number(e, "items_per_second"), 8 / (wanted[i].real * 1e-6));
    }
    e = entry(d, "small/batch:1/threads:2/real_time_stddev", 0);
    near(number(e, "real_time"), 1e3 * sqrt(8.0 / 3)); /* over n - 1 = 3 */
    e = entry(d, "small/batch:1/threads:2/real_time_cv", 0);
    near(number(e, "real_time"), sqrt(8.0 / 3) / 4);
    assert_string_equal(json_string_value(json_object_get(e, "aggregate_unit")), "percentage");
    assert_string_equal(json_string_value(json_object_get(e, "time_unit")), "us");
    e = entry(d, "small/batch:1/threads:2/real_time", 3);
    near(number(e, "real_time"), 6000);
    assert_int_equal((int)number(e, "repetition_index"), 3);
    assert_int_equal((int)number(e, "iterations"), ITERATIONS);
    assert_int_equal((int)number(e, "planned_bytes"), 1234);
    assert_int_equal((int)number(e, "peak_bytes"), 3000);
    e = entry(d, "small/batch:8/threads:2/real_time", 0);
    assert_int_equal((int)number(e, "family_index"), 0);
    assert_int_equal((int)number(e, "per_family_instance_index"), 1);
    json_decref(d);
}

static void failed_cells_are_no_benchmarks(void **state)
{
    (void)state;
    struct sample s;
    struct cz_bench_report report = make_sample(&s);
    json_t *d = cz_bench_report_json(&report), *value, *failed;
    size_t i;
    json_array_foreach(json_object_get(d, "benchmarks"), i, value)
    {
        assert_null(strstr(json_string_value(json_object_get(value, "name")), "nameless"));
    }
    assert_int_equal((int)i, 3 * (N_REPS + CZ_N_AGGREGATES));
    failed = json_object_get(json_object_get(d, "convzoo"), "failed");
    assert_int_equal((int)json_array_size(failed), 1);
    value = json_array_get(failed, 0);
    assert_string_equal(json_string_value(json_object_get(value, "name")),
                        "nameless/batch:1/threads:2/real_time");
    assert_string_equal(json_string_value(json_object_get(value, "message")), "it did not fit; buy more");
    json_decref(d);
}

static void aggregates_need_two_rounds(void **state)
{
    (void)state;
    struct sample s;
    struct cz_bench_report report = make_sample(&s);
    report.aggregates_only = 1;
    json_t *d = cz_bench_report_json(&report);
    assert_int_equal((int)json_array_size(json_object_get(d, "benchmarks")), 3 * CZ_N_AGGREGATES);
    json_decref(d);
    for (int i = 0; i < N_CELLS; i++)
        s.results[i].n_reps = 1;
    d = cz_bench_report_json(&report); /* one round is all there is, so it is shown */
    assert_int_equal((int)json_array_size(json_object_get(d, "benchmarks")), 3);
    json_decref(d);
}

static void context_says_where_and_with_what(void **state)
{
    (void)state;
    static const char *const wanted[] = {"date",
                                         "host_name",
                                         "executable",
                                         "num_cpus",
                                         "caches",
                                         "mhz_per_cpu",
                                         "cpu_scaling_enabled",
                                         "load_avg",
                                         "isa",
                                         "library_build_type",
                                         "convzoo_schema",
                                         "gemm",
                                         "blas_core",
                                         "threads",
                                         "foreign_load",
                                         "commit",
                                         "flags"};
    static const char *const pairs[] = {"weather=fair", "isa=mine", "empty="};
    struct sample s;
    struct cz_bench_report report = make_sample(&s);
    report.context = pairs;
    report.n_context = 3;
    json_t *d = cz_bench_report_json(&report), *c = json_object_get(d, "context");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!json_object_get(c, wanted[i]))
            fail_msg("no %s in the context", wanted[i]);
    assert_string_equal(json_string_value(json_object_get(c, "weather")), "fair");
    assert_string_equal(json_string_value(json_object_get(c, "empty")), "");
    assert_string_equal(json_string_value(json_object_get(c, "isa")), "avx2"); /* ours cannot be forged */
    near(number(c, "foreign_load"), 0.25);
    assert_true(json_is_boolean(json_object_get(c, "cpu_scaling_enabled")));
    int year, month, day, hour, minute, second, zone_hour, zone_minute;
    char sign;
    assert_int_equal(sscanf(json_string_value(json_object_get(c, "date")), "%4d-%2d-%2dT%2d:%2d:%2d%c%2d:%2d",
                            &year, &month, &day, &hour, &minute, &second, &sign, &zone_hour, &zone_minute),
                     9);
    json_decref(d);
}

static void csv_has_the_same_rows(void **state)
{
    (void)state;
    struct sample s;
    struct cz_bench_report report = make_sample(&s);
    char *text, *line;
    size_t size;
    int rows = 0;
    FILE *out = open_memstream(&text, &size);
    cz_bench_report_csv(&report, out);
    fclose(out);
    static const char head[] =
        "name,iterations,real_time,cpu_time,time_unit,bytes_per_second,items_per_second,label,"
        "error_occurred,error_message,\"macs\",\"planned_bytes\",\"peak_bytes\",\"batch\"\n";
    assert_memory_equal(text, head, strlen(head));
    for (line = text; *line; line += strcspn(line, "\n") + 1) {
        int commas = 0;
        for (const char *p = line; *p && *p != '\n'; p++)
            commas += *p == ',';
        assert_int_equal(commas, 13);
        rows++;
    }
    assert_int_equal(rows, 1 + 3 * (N_REPS + CZ_N_AGGREGATES));
    assert_non_null(strstr(
        text, "\n\"large/batch:1/threads:2/real_time_median\",4,4000,8000,us,,250,,,,5000000,1234,3000,1\n"));
    free(text);
}

static void the_front_is_not_beaten(void **state)
{
    (void)state;
    struct sample s;
    make_sample(&s);
    assert_true(s.results[0].on_front);  /* faster than large */
    assert_true(s.results[1].on_front);  /* alone at batch 8 */
    assert_true(s.results[2].on_front);  /* more accurate than small */
    assert_false(s.results[3].on_front); /* failed */
    s.models[1].top1 = 0.6;              /* as accurate as small, but slower */
    cz_bench_mark_front(&s.bench);
    assert_true(s.results[0].on_front);
    assert_false(s.results[2].on_front);
    s.models[1].top1 = -1; /* not known */
    cz_bench_mark_front(&s.bench);
    assert_false(s.results[2].on_front);
}

static void the_picture_escapes_names(void **state)
{
    (void)state;
    struct sample s;
    char *text;
    size_t size;
    make_sample(&s);
    struct cz_profile_step steps[] = {
        {.name = "a<b&\"c\"", .op = "Conv", .algorithm = "direct", .seconds = 1e-3, .macs = 1e6},
        {.name = "d", .op = "Relu", .algorithm = "", .seconds = 0}};
    s.results[0].steps = steps;
    s.results[0].n_steps = 2;
    FILE *out = open_memstream(&text, &size);
    cz_bench_report_svg(&s.bench, out);
    fclose(out);
    assert_non_null(strstr(text, "a&#60;b&#38;&#34;c&#34;"));
    assert_non_null(strstr(text, "1.000 ms, 100.0 %, 2 GFLOP/s"));
    assert_non_null(strstr(text, "</svg>"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_have_their_keys_in_order), cmocka_unit_test(figures_are_right),
        cmocka_unit_test(failed_cells_are_no_benchmarks),   cmocka_unit_test(aggregates_need_two_rounds),
        cmocka_unit_test(context_says_where_and_with_what), cmocka_unit_test(csv_has_the_same_rows),
        cmocka_unit_test(the_front_is_not_beaten),          cmocka_unit_test(the_picture_escapes_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
