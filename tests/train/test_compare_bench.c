/*
 * Benchmark files: what is read of the two formats, the three verdicts, and files that are refused.
 */
#include "finetune/compare_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_error_t why;
    json_t *root = json_loads(text, 0, &why);
    if (!root)
        fail_msg("%s: %s", text, why.text);
    return root;
}

/* n repetitions of `name` around `ms`, 1 % apart, as Google Benchmark writes them, in the unit `unit`. */
static void add_runs(json_t *root, const char *name, double time, const char *unit, int n)
{
    for (int i = 0; i < n; i++)
        json_array_append_new(json_object_get(root, "benchmarks"),
                              json_pack("{s:s, s:s, s:s, s:f, s:f, s:s}", "name", name, "run_name", name,
                                        "run_type", "iteration", "real_time",
                                        time * (1 + 0.01 * ((i * 5) % n)), "cpu_time", 1.0, "time_unit",
                                        unit));
    json_array_append_new(json_object_get(root, "benchmarks"),
                          json_pack("{s:s, s:s, s:s, s:f, s:s}", "name", "mean", "run_name", name, "run_type",
                                    "aggregate", "real_time", 1e6, "time_unit", unit));
}

static struct cz_bench_file read_file(const json_t *root, const char *name)
{
    struct cz_bench_file f;
    cz_error err;
    if (cz_bench_file_read(root, name, &f, &err) != CZ_OK)
        fail_msg("%s", err.message);
    return f;
}

static const struct cz_bench_row *row_of(const struct cz_bench_comparison *c, const char *name)
{
    for (int i = 0; i < c->n_rows; i++)
        if (strcmp(c->rows[i].benchmark, name) == 0)
            return &c->rows[i];
    fail_msg("no row '%s'", name);
    return NULL;
}

static void near(const char *what, double got, double want)
{
    if (!(fabs(got - want) <= 1e-12 * fabs(want))) /* unit conversions and a median: a few roundings */
        fail_msg("%s: got %.17g, wanted %.17g", what, got, want);
}

/* 10 ms against 12, 5 and 10 ms; the units differ, the aggregates of 1e6 must not be taken for times. */
static void three_verdicts(void **state)
{
    (void)state;
    json_t *a = parse("{\"context\": {\"isa\": \"avx2\", \"num_cpus\": 2}, \"benchmarks\": []}");
    json_t *b = parse("{\"context\": {}, \"benchmarks\": []}");
    static const char *const names[] = {"slow", "quick", "same", "gone"};
    for (int i = 0; i < 4; i++)
        add_runs(a, names[i], 10, "ms", 9);
    add_runs(b, "slow", 12000, "us", 9);
    add_runs(b, "quick", 0.005, "s", 9);
    add_runs(b, "same", 1e7, "ns", 9);
    struct cz_bench_file files[] = {read_file(a, "a.json"), read_file(b, "b.json")};
    struct cz_bench_comparison c;
    assert_string_equal(files[0].isa, "avx2");
    assert_string_equal(files[0].cpu_count, "2");
    assert_string_equal(files[1].isa, "");
    assert_int_equal(cz_bench_compare(files, 2, &c, NULL), CZ_OK);
    assert_int_equal(c.n_rows, 4);
    const struct cz_bench_row *slow = row_of(&c, "slow");
    near("baseline", slow->baseline_s, 0.0104);
    near("ratio", slow->ratio, 1.2);
    assert_true(slow->ratio_interval.low > 1 && slow->ratio_interval.high > slow->ratio_interval.low);
    /* No value of one below any of the other: 2/C(18,9), times 3 tests. */
    near("p", slow->p, 2.0 / 48620);
    near("Holm p", slow->holm_p, 6.0 / 48620);
    assert_int_equal(slow->verdict, CZ_BENCH_SLOWER);
    assert_int_equal(row_of(&c, "quick")->verdict, CZ_BENCH_FASTER);
    assert_int_equal(row_of(&c, "same")->verdict, CZ_BENCH_NOISE);
    assert_int_equal(row_of(&c, "gone")->verdict, CZ_BENCH_MISSING);
    cz_bench_comparison_deinit(&c);
    cz_bench_file_deinit(&files[0]);
    cz_bench_file_deinit(&files[1]);
    json_decref(a);
    json_decref(b);
}

static void hyperfine_files(void **state)
{
    (void)state;
    json_t *a = parse("{\"results\": [{\"command\": \"x\", \"times\": [1.0, 1.1, 1.2, 1.3, 1.4]}]}");
    json_t *b = parse("{\"results\": [{\"command\": \"x\", \"times\": [2.0, 2.1, 2.2, 2.3, 2.4]}]}");
    struct cz_bench_file files[] = {read_file(a, "a"), read_file(b, "b"), read_file(a, "c")};
    struct cz_bench_comparison c;
    assert_int_equal(cz_bench_compare(files, 3, &c, NULL), CZ_OK);
    assert_int_equal(c.n_rows, 2);
    near("ratio", c.rows[0].ratio, 2.2 / 1.2);
    assert_int_equal(c.rows[0].verdict, CZ_BENCH_SLOWER);
    assert_int_equal(c.rows[1].file, 2);
    assert_int_equal(c.rows[1].verdict, CZ_BENCH_NOISE);
    cz_bench_comparison_deinit(&c);
    for (int i = 0; i < 3; i++)
        cz_bench_file_deinit(&files[i]);
    json_decref(a);
    json_decref(b);
}

static void failures_are_kept_apart(void **state)
{
    (void)state;
    json_t *a = parse("{\"benchmarks\": []}"),
           *b = parse("{\"benchmarks\": [{\"name\": \"x\", \"error_occurred\": true}]}");
    add_runs(a, "x", 10, "ms", 3);
    struct cz_bench_file files[] = {read_file(a, "a"), read_file(b, "b")};
    struct cz_bench_comparison c;
    assert_int_equal(cz_bench_compare(files, 2, &c, NULL), CZ_OK);
    assert_int_equal(c.rows[0].verdict, CZ_BENCH_FAILED);
    cz_bench_comparison_deinit(&c);
    cz_bench_file_deinit(&files[0]);
    cz_bench_file_deinit(&files[1]);
    json_decref(a);
    json_decref(b);
}

static void one_repetition_proves_nothing(void **state)
{
    (void)state;
    json_t *a = parse("{\"benchmarks\": []}");
    cz_error err;
    add_runs(a, "x", 10, "ms", 1);
    struct cz_bench_file files[] = {read_file(a, "a"), read_file(a, "b.json")};
    struct cz_bench_comparison c;
    assert_int_equal(cz_bench_compare(files, 2, &c, &err), CZ_ERR_FORMAT);
    assert_string_equal(err.message, "b.json: 1 and 1 repetitions of 'x'; at least 2 are wanted, 9 are good");
    cz_bench_file_deinit(&files[0]);
    cz_bench_file_deinit(&files[1]);
    json_decref(a);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"benchmarks\": []}", "no benchmark in it"},
        {"{\"benchmarks\": [7]}", "missing"},
        {"{\"benchmarks\": [{\"name\": \"x\"}]}", "time_unit"},
        {"{\"benchmarks\": [{\"name\": \"x\", \"time_unit\": \"h\", \"real_time\": 1}]}",
         "wanted ns, us, ms or s"},
        {"{\"benchmarks\": [{\"name\": \"x\", \"time_unit\": \"s\", \"real_time\": 0}]}", "a positive one"},
        {"{\"benchmarks\": [{\"name\": \"x\", \"time_unit\": \"s\", \"real_time\": -1}]}", "a positive one"},
        {"{\"benchmarks\": [{\"name\": \"x\", \"time_unit\": \"s\", \"real_time\": \"1\"}]}",
         "wanted a number"},
        {"{\"results\": [{\"command\": \"x\", \"times\": [1, null]}]}", "item 1 of 'times'"},
        {"{\"results\": [{\"command\": \"x\"}]}", "times"},
        {"{\"results\": {}}", "wanted a list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root = parse(cases[i].text);
        struct cz_bench_file f;
        cz_error err = {0};
        if (cz_bench_file_read(root, "x.json", &f, &err) != CZ_ERR_FORMAT ||
            !strstr(err.message, cases[i].message) || strncmp(err.message, "x.json: ", 8) != 0)
            fail_msg("%s: '%s', wanted '%s'", cases[i].text, err.message, cases[i].message);
        json_decref(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_verdicts),          cmocka_unit_test(hyperfine_files),
        cmocka_unit_test(failures_are_kept_apart), cmocka_unit_test(one_repetition_proves_nothing),
        cmocka_unit_test(bad_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
