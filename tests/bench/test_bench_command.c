/*
 * `convzoo bench` as a script meets it: which cells there are, what goes where, exit codes, and the file that
 * `zoo list` reads.
 */
#include "run.h"
#include "zoo/zoo.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* Short: what is tested here is not how long it takes. */
#define FAST " --reps 2 --min-time 1ms --warmup 1 --quiet"

static int count_lines(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static json_t *parse(const struct run *r)
{
    json_error_t where;
    json_t *d = json_loadb(r->out, r->out_bytes, 0, &where);
    if (!d)
        fail_msg("no JSON: line %d: %s\n%.500s", where.line, where.text, r->out);
    return d;
}

static void mistakes_are_refused_before_work(void **state)
{
    (void)state;
    char exists[256], line[1024];
    snprintf(exists, sizeof exists, "%s", run_text("exists.json", "{}"));
    snprintf(line, sizeof line, "bench lenet5 --out %s", exists);
    const struct {
        const char *line;
        int code;
        const char *err;
    } cases[] = {
        {"bench resnet5O", 2, "model 'resnet5O': not in the zoo; nearest is 'resnet50'"},
        {"bench ./none.onnx", 6, "./none.onnx: cannot read"},
        {"bench lenet5 lenet5", 2, "lenet5: two models are called so"},
        {"bench lenet5 --batch 0", 2, "--batch 0"},
        {"bench lenet5 --threads 1,x", 2, "--threads 1,x"},
        {"bench lenet5 --warmup soon", 2, "--warmup soon: not a number of runs or auto"},
        {"bench lenet5 --init zero:1", 2, "--init"},
        {"bench lenet5 --benchmark_min_time=soon", 2, "--benchmark_min_time=soon"},
        {"bench lenet5 --benchmark_list_tests=maybe", 2, "--benchmark_list_tests=maybe: not true or false"},
        {"bench lenet5 --benchmark_filter=(", 2, "--benchmark_filter=(: not a regular expression"},
        {"bench lenet5 --benchmark_context=oops", 2, "--benchmark_context=oops: no KEY=VALUE"},
        {"bench lenet5 --benchmark_context=num_cpus=9", 2,
         "--benchmark_context=num_cpus=9: a key that we write ourselves"},
        {"bench lenet5 --benchmark_context=a=1,flags=x", 2, "--benchmark_context=flags=x: a key"},
        {"bench lenet5 --benchmark_min_time=0x", 2, "--benchmark_min_time=0x: not a number of seconds or"},
        {"bench lenet5 --benchmark_min_time=99999999999x", 2, "--benchmark_min_time=99999999999x"},
        {"bench lenet5 --process --mode check", 2, "--process, --mode: do not go together"},
        {"bench lenet5 --process --profile", 2, "--process, --profile: do not go together"},
        {"bench lenet5 --mode bits --profile", 2, "--mode check and bits, --profile: do not go together"},
        {"bench lenet5 --mode check --out never.json", 2, "--mode check and bits, --out: do not go"},
        {"bench lenet5 --benchmark_out=/dev/null", 6, "/dev/null: not a regular file"},
        {"bench lenet5 --out a.json --benchmark_out=b.json", 2, "--out, --benchmark_out: mean the same"},
        {"bench lenet5 --out result.txt", 2, "result.txt: the suffix says what is written"},
        {"bench lenet5 --profile=a.png", 2, "a.png: a picture is written"},
        {line, 2, "exists; choose another --out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r = run_line(cases[i].line, RUN_PIPE);
        run_expect(&r, cases[i].code, cases[i].err);
        assert_int_equal(r.out_bytes, 0);
        run_free(&r);
    }
}

static void listing_and_filtering(void **state)
{
    (void)state;
    struct run r = run("--benchmark_list_tests=true");
    run_expect(&r, 0, NULL);
    assert_int_equal(count_lines(r.out),
                     cz_zoo_count()); /* without MODEL a filter chooses from the whole zoo */
    run_free(&r);
    r = run("bench --benchmark_list_tests --benchmark_filter=^vgg1[19]_bn/ --batch 1,8 --threads 1,2");
    run_expect(&r, 0, NULL);
    assert_string_equal(r.out,
                        "vgg11_bn/batch:1/threads:1/real_time\nvgg11_bn/batch:1/threads:2/real_time\n"
                        "vgg11_bn/batch:8/threads:1/real_time\nvgg11_bn/batch:8/threads:2/real_time\n"
                        "vgg19_bn/batch:1/threads:1/real_time\nvgg19_bn/batch:1/threads:2/real_time\n"
                        "vgg19_bn/batch:8/threads:1/real_time\nvgg19_bn/batch:8/threads:2/real_time\n");
    run_free(&r);
    r = run("bench lenet5 resnet18 --threads 1 --benchmark_list_tests --benchmark_filter=-resnet");
    run_expect(&r, 0, NULL);
    assert_string_equal(r.out, "lenet5/batch:1/threads:1/real_time\n");
    run_free(&r);
    r = run("bench lenet5 --benchmark_list_tests --benchmark_filter=vgg");
    run_expect(&r, 0, "matches no name");
    assert_int_equal(r.out_bytes, 0);
    run_free(&r);
}

/* Results are told apart by name, so no name may stand there twice. */
static void equal_cells_are_one(void **state)
{
    (void)state;
    struct run r = run("bench lenet5 --batch 1,1,2,1 --threads 2,1,2 --benchmark_list_tests");
    run_expect(&r, 0, NULL);
    assert_string_equal(r.out, "lenet5/batch:1/threads:2/real_time\nlenet5/batch:1/threads:1/real_time\n"
                               "lenet5/batch:2/threads:2/real_time\nlenet5/batch:2/threads:1/real_time\n");
    run_free(&r);
}

/* Google Benchmark's --benchmark_min_time=Nx; and every context given is on record. */
static void so_many_runs_and_no_more(void **state)
{
    (void)state;
    struct run r = run("bench lenet5 --threads 1 --benchmark_min_time=3x --benchmark_context=a=1 "
                       "--benchmark_context=b=2 --json --reps 2 --warmup 1 --quiet");
    assert_int_equal(r.code, 0);
    json_t *d = parse(&r), *context = json_object_get(d, "context");
    json_t *round = json_array_get(json_object_get(d, "benchmarks"), 1);
    assert_int_equal(json_integer_value(json_object_get(round, "iterations")), 3);
    const char *flags = json_string_value(json_object_get(context, "flags"));
    assert_non_null(strstr(flags, "--benchmark_context=a=1 --benchmark_context=b=2"));
    json_decref(d);
    run_free(&r);
    r = run("bench lenet5 --benchmark_min_time=3x --dry-run");
    run_expect(&r, 0, "9 rounds of 3 runs for each of these\n");
    run_free(&r);
    r = run("bench lenet5 --dry-run");
    run_expect(&r, 0, "9 rounds of at least 0.5 s for each of these: 4.5 s and more\n");
    run_free(&r);
}

/* Without MODEL: every family of the zoo has one network, and only one. */
static void one_of_each_family(void **state)
{
    (void)state;
    const char *families[64];
    int n = 0;
    for (int i = 0; i < cz_zoo_count(); i++) {
        int known = 0;
        for (int j = 0; j < n; j++)
            known |= strcmp(families[j], cz_zoo_at(i)->family) == 0;
        if (!known)
            families[n++] = cz_zoo_at(i)->family;
    }
    struct run r = run("bench --dry-run --quiet");
    run_expect(&r, 0, NULL);
    assert_int_equal(count_lines(r.out), n);
    for (char *line = r.out; *line; line += strcspn(line, "\n") + 1) {
        int new = 0;
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(line, "/"), line);
        for (int j = 0; j < n; j++)
            if (families[j] && strcmp(cz_zoo_find(name)->family, families[j]) == 0) {
                families[j] = NULL;
                new = 1;
            }
        assert_true(new);
    }
    run_free(&r);
}

static void flags_of_google_benchmark_alone_mean_bench(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s",
             run_text("made-before.json", "")); /* compare.py makes the file it names */
    struct run r = run("--benchmark_filter=^lenet5/ --benchmark_repetitions=3 --benchmark_min_time=0.001s "
                       "--benchmark_out=%s --benchmark_context=a=1,b=x --benchmark_time_unit=ms",
                       path);
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "model"));
    run_free(&r);
    json_t *d = json_load_file(path, 0, NULL), *list = json_object_get(d, "benchmarks");
    assert_non_null(d);
    assert_int_equal((int)json_array_size(list), 3 + 6);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "time_unit")), "ms");
    assert_string_equal(json_string_value(json_object_get(json_object_get(d, "context"), "b")), "x");
    json_decref(d);
    r = run("--benchmark_filter=^lenet5/ --benchmark_repetitions=2 --benchmark_min_time=0.001 "
            "--benchmark_format=json --benchmark_display_aggregates_only --benchmark_out=%s",
            path);
    assert_int_equal(r.code, 0);
    d = parse(&r);
    assert_int_equal((int)json_array_size(json_object_get(d, "benchmarks")), 6);
    json_decref(d);
    run_free(&r);
    d = json_load_file(path, 0, NULL);
    assert_int_equal((int)json_array_size(json_object_get(d, "benchmarks")), 2 + 6);
    json_decref(d);
}

static void forms_of_output(void **state)
{
    (void)state;
    struct run r = run("bench lenet5 --threads 1 --csv" FAST);
    assert_int_equal(r.code, 0);
    assert_memory_equal(r.out, "name,iterations,real_time,", 26);
    assert_int_equal(count_lines(r.out), 1 + 2 + 6);
    run_free(&r);
    char path[256];
    snprintf(path, sizeof path, "%s/steps.svg", run_folder());
    r = run("bench lenet5 --threads 1 --profile=%s --json" FAST, path);
    assert_int_equal(r.code, 0);
    json_t *d = parse(&r);
    json_t *profile = json_array_get(json_object_get(json_object_get(d, "convzoo"), "profiles"), 0);
    assert_true(json_array_size(json_object_get(profile, "steps")) >= 5);
    json_decref(d);
    run_free(&r);
    assert_int_equal(access(path, R_OK), 0);
    r = run("bench lenet5 --threads 1,2 --profile --sort threads" FAST);
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "threads"));
    assert_non_null(strstr(r.out, "conv1"));
    assert_null(strstr(r.out, " 0.000 ")); /* a step of a microsecond has a time too */
    run_free(&r);
}

static void check_and_bits_answer_yes(void **state)
{
    (void)state;
    struct run r = run("bench lenet5 --mode check --json --quiet");
    run_expect(&r, 0, NULL);
    json_t *d = parse(&r), *row = json_array_get(json_object_get(d, "rows"), 0);
    assert_true(json_is_true(json_object_get(row, "pass")));
    assert_true(json_number_value(json_object_get(row, "rel_diff")) < 1e-4);
    json_decref(d);
    run_free(&r);
    r = run("bench squeezenet1_1 --batch 1,2 --size 64 --mode bits --quiet");
    run_expect(&r, 0, NULL);
    assert_int_equal(count_lines(r.out), 1 + 2);
    assert_null(strstr(r.out, "FAIL"));
    run_free(&r);
}

/* The first cell of a network of the zoo at its own size is remembered, and nothing else. */
static void results_are_remembered(void **state)
{
    (void)state;
    char file[256];
    json_t *d, *model;
    snprintf(file, sizeof file, "%s/convzoo/bench.json", run_folder());
    unlink(file);
    struct run r = run("bench squeezenet1_1 --size 64 --threads 1" FAST);
    assert_int_equal(r.code, 0);
    run_free(&r);
    d = json_load_file(file, 0, NULL);
    assert_int_equal((int)json_object_size(json_object_get(d, "models")), 0);
    json_decref(d);
    r = run("bench lenet5 --batch 2,1 --threads 2" FAST);
    assert_int_equal(r.code, 0);
    run_free(&r);
    d = json_load_file(file, 0, NULL);
    assert_non_null(d);
    model = json_object_get(json_object_get(d, "models"), "lenet5");
    assert_int_equal((int)json_integer_value(json_object_get(model, "batch")), 2);
    assert_int_equal((int)json_integer_value(json_object_get(model, "threads")), 2);
    assert_true(json_number_value(json_object_get(model, "median_ms")) > 0);
    json_decref(d);
}

static void zoo_list_measures_first(void **state)
{
    (void)state;
    struct run r = run("zoo list lenet5_tanh --json");
    assert_int_equal(r.code, 0);
    json_t *d = parse(&r), *model = json_array_get(json_object_get(d, "models"), 0);
    assert_true(json_is_null(json_object_get(model, "median_ms")));
    json_decref(d);
    run_free(&r);
    r = run("zoo list lenet5_tanh --measure --json --quiet");
    assert_int_equal(r.code, 0);
    d = parse(&r);
    model = json_array_get(json_object_get(d, "models"), 0);
    assert_true(json_number_value(json_object_get(model, "median_ms")) > 0);
    assert_int_equal((int)json_integer_value(json_object_get(model, "batch")), 1);
    json_decref(d);
    run_free(&r);
}

/* What went wrong in planning says in which model. */
static void a_model_that_does_not_fit_is_named(void **state)
{
    (void)state;
    struct run r = run("bench lenet5 --size 64 --mode check --quiet");
    run_expect(&r, 4, "convzoo: error: lenet5: node 'fc1'");
    assert_non_null(strstr(r.out, "not run"));
    run_free(&r);
    r = run("bench lenet5 --size 64" FAST);
    run_expect(&r, 4, "convzoo: error: lenet5: node 'fc1'");
    run_free(&r);
}

static void a_bad_file_fails_alone(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s", run_text("bad.onnx", "not a model"));
    struct run r = run("bench %s lenet5 --threads 1 --json" FAST, path);
    assert_int_equal(r.code, 4);
    assert_non_null(strstr(r.err, "bad.onnx"));
    json_t *d = parse(&r), *ours = json_object_get(d, "convzoo");
    assert_int_equal((int)json_array_size(json_object_get(ours, "failed")), 1);
    assert_int_equal((int)json_array_size(json_object_get(d, "benchmarks")), 2 + 6);
    json_decref(d);
    run_free(&r);
}

static void whole_processes_with_hyperfine(void **state)
{
    (void)state;
    if (system("command -v hyperfine > /dev/null") != 0)
        skip();
    struct run r = run("bench lenet5 --process --reps 3 --warmup 0 --json --quiet --threads 1");
    run_expect(&r, 0, ""); /* hyperfine may warn of outliers on a machine that is not quiet */
    json_t *d = parse(&r), *result = json_array_get(json_object_get(d, "results"), 0);
    assert_string_equal(json_string_value(json_object_get(result, "command")),
                        "lenet5/batch:1/threads:1/process");
    assert_int_equal((int)json_array_size(json_object_get(result, "times")), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_integer_value(json_array_get(json_object_get(result, "exit_codes"), i)), 0);
    json_decref(d);
    run_free(&r);
    char blank[256];
    snprintf(blank, sizeof blank, "%s/a b", run_folder());
    assert_int_equal(mkdir(blank, 0700), 0);
    r = run("'TMPDIR=%s' bench lenet5 --process --reps 2 --warmup 0 --quiet --threads 1", blank);
    run_expect(&r, 0, "");
    run_free(&r);
    assert_int_equal(rmdir(blank), 0); /* and nothing stays in it */
    r = run("PATH=/nonexistent bench lenet5 --process --quiet");
    run_expect(&r, 6, "--process: hyperfine is not installed");
    run_free(&r);
    r = run("TMPDIR=/nonexistent bench lenet5 --process --quiet");
    run_expect(&r, 6, "/nonexistent: cannot create a folder");
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_refused_before_work),
        cmocka_unit_test(listing_and_filtering),
        cmocka_unit_test(equal_cells_are_one),
        cmocka_unit_test(so_many_runs_and_no_more),
        cmocka_unit_test(one_of_each_family),
        cmocka_unit_test(flags_of_google_benchmark_alone_mean_bench),
        cmocka_unit_test(forms_of_output),
        cmocka_unit_test(check_and_bits_answer_yes),
        cmocka_unit_test(results_are_remembered),
        cmocka_unit_test(zoo_list_measures_first),
        cmocka_unit_test(a_model_that_does_not_fit_is_named),
        cmocka_unit_test(a_bad_file_fails_alone),
        cmocka_unit_test(whole_processes_with_hyperfine),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
