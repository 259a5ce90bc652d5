/*
 * `convzoo bench [MODEL...]`: what a model costs here. Also what Google Benchmark's tools start when they are
 * given this program: a command line of only --benchmark_* flags.
 */
#include "base/file.h"
#include "base/json_out.h"
#include "bench/report.h"
#include "bench/verify.h"
#include "cli/bench.h"
#include "cli/format.h"
#include "cli/progress.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct cz_cli *cli)
{
    return cz_cli_error(cli, CZ_EXIT_MEMORY, "bench: out of memory; close other programs");
}

/* --dry-run tells how long the rounds would take; what comes before them depends on the models. */
static int list_cells(const struct cz_bench_job *job)
{
    const struct cz_bench_settings *s = &job->settings;
    if (!s->list_tests && s->iterations > 0)
        cz_cli_note(job->cli, "%d rounds of %lld runs for each of these", s->reps, (long long)s->iterations);
    else if (!s->list_tests)
        cz_cli_note(job->cli, "%d rounds of at least %.3g s for each of these: %.3g s and more", s->reps,
                    s->min_seconds, s->reps * s->min_seconds * job->n_cells);
    for (int i = 0; i < job->n_cells; i++)
        printf("%s\n", job->cells[i].name);
    return CZ_EXIT_OK;
}

static struct cz_bench_report report_of(const struct cz_bench_job *job, const struct cz_bench *b,
                                        int aggregates)
{
    return (struct cz_bench_report){.bench = b,
                                    .time_unit = job->settings.time_unit,
                                    .aggregates_only = aggregates || job->settings.report_aggregates,
                                    .context = job->settings.context,
                                    .n_context = job->settings.n_context,
                                    .flags = job->settings.flags};
}

static int print_tables(const struct cz_bench_job *job, const struct cz_bench *b, FILE *out,
                        const struct cz_terminal *terminal)
{
    int failed = cz_bench_print_table(b, &job->settings, out, terminal);
    for (int i = 0; i < b->n_results && !failed; i++)
        if (b->results[i].steps && !job->settings.profile_file)
            failed = cz_bench_print_profile(&b->results[i], out, terminal);
    return failed;
}

static int print_result(struct cz_bench_job *job, const struct cz_bench *b)
{
    struct cz_bench_report report = report_of(job, b, job->settings.display_aggregates);
    if (job->settings.form == CZ_FORM_JSON)
        return cz_cli_emit(job->cli, cz_bench_report_json(&report));
    if (job->settings.form == CZ_FORM_CSV)
        cz_bench_report_csv(&report, stdout);
    else if (print_tables(job, b, stdout, &job->cli->out))
        return no_memory(job->cli);
    return CZ_EXIT_OK;
}

/* 1 when memory ran out. */
static int write_form(struct cz_bench_job *job, const struct cz_bench *b, FILE *out)
{
    struct cz_bench_report report = report_of(job, b, 0);
    if (job->settings.out_form == CZ_FORM_CSV)
        cz_bench_report_csv(&report, out);
    if (job->settings.out_form == CZ_FORM_TABLE)
        return print_tables(job, b, out, NULL);
    if (job->settings.out_form != CZ_FORM_JSON)
        return 0;
    json_t *document = cz_bench_report_json(&report);
    if (document)
        cz_json_print(document, out);
    json_decref(document);
    return document == NULL;
}

static int write_result(struct cz_bench_job *job, const struct cz_bench *b)
{
    cz_error err;
    struct cz_file_writer writer;
    if (cz_file_writer_open(job->settings.out, &writer, &err) != CZ_OK)
        return cz_cli_fail(job->cli, &err);
    if (write_form(job, b, writer.stream)) {
        cz_file_writer_abandon(&writer);
        return no_memory(job->cli);
    }
    return cz_file_writer_commit(&writer, &err) == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(job->cli, &err);
}

static int write_picture(struct cz_bench_job *job, const struct cz_bench *b)
{
    cz_error err;
    struct cz_file_writer writer;
    if (cz_file_writer_open(job->settings.profile_file, &writer, &err) != CZ_OK)
        return cz_cli_fail(job->cli, &err);
    cz_bench_report_svg(b, writer.stream);
    return cz_file_writer_commit(&writer, &err) == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(job->cli, &err);
}

static int measure(struct cz_bench_job *job)
{
    cz_error err;
    struct cz_bench bench;
    struct cz_bench_options options;
    if (cz_bench_measure(job, &options, &bench, &err) != CZ_OK)
        return cz_cli_fail(job->cli, &err);
    int code = cz_bench_report_failures(job, &bench);
    code = cz_bench_first_of(code, print_result(job, &bench));
    if (job->settings.out)
        code = cz_bench_first_of(code, write_result(job, &bench));
    if (job->settings.profile_file)
        code = cz_bench_first_of(code, write_picture(job, &bench));
    cz_bench_remember(job, &bench);
    cz_bench_deinit(&bench);
    return code;
}

static json_t *verdicts_json(const struct cz_bench_job *job, const struct cz_verdict *v, int bits)
{
    json_t *rows = json_array();
    for (int i = 0; i < job->n_cells; i++) {
        json_t *row = json_pack("{s:s, s:b}", "name", v[i].cell->name, "pass", v[i].pass);
        if (v[i].err.code != CZ_OK)
            json_object_set_new(row, "error", cz_json_text(v[i].err.message));
        else if (bits)
            json_object_set_new(row, "n_bytes", json_integer((json_int_t)v[i].n));
        else
            json_object_set_new(row, "rel_diff", cz_json_double(v[i].difference));
        if (v[i].text[0])
            json_object_set_new(row, "cause", cz_json_text(v[i].text));
        json_array_append_new(rows, row);
    }
    return json_pack("{s:s, s:s, s:o}", "schema", "convzoo.bench_check/1", "mode", bits ? "bits" : "check",
                     "rows", rows);
}

static void add_verdict(struct cz_table *t, const struct cz_bench_job *job, const struct cz_verdict *v,
                        int bits)
{
    char count[CZ_FORMAT];
    cz_table_row(t);
    cz_table_text(t, job->models[v->cell->model].name);
    cz_table_cell(t, "%lld", (long long)v->cell->batch);
    if (!bits)
        cz_table_cell(t, "%d", v->cell->threads);
    cz_table_pair(t, cz_format_count((int64_t)v->n, count), count);
    if (!bits && v->err.code == CZ_OK)
        cz_table_cell(t, "%.1e", v->difference);
    else if (!bits)
        cz_table_text(t, "-");
    cz_table_text(t, v->err.code != CZ_OK ? "not run" : v->pass ? "pass" : "FAIL");
    cz_table_color(t, v->pass ? CZ_GREEN : CZ_RED);
}

static int print_verdicts(const struct cz_bench_job *job, const struct cz_verdict *v, int bits)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "model", "model", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "batch", "batch", CZ_RIGHT);
    if (!bits)
        cz_table_column(t, "threads", "threads", CZ_RIGHT);
    cz_table_column(t, bits ? "bytes" : "values", bits ? "n_bytes" : "n_values", CZ_RIGHT);
    if (!bits)
        cz_table_column(t, "relative diff", "rel_diff", CZ_RIGHT);
    cz_table_column(t, "result", "result", CZ_LEFT);
    for (int i = 0; i < job->n_cells; i++)
        add_verdict(t, job, &v[i], bits);
    int failed = job->cli->csv ? cz_table_print_csv(t, stdout) : cz_table_print(t, stdout, &job->cli->out);
    cz_table_destroy(t);
    return failed;
}

/* What could not be run is a breakdown and says so; what differs is a plain no. */
static int judge(struct cz_bench_job *job, const struct cz_verdict *v)
{
    int broken = CZ_EXIT_OK, no = CZ_EXIT_OK;
    for (int i = 0; i < job->n_cells; i++) {
        if (v[i].err.code != CZ_OK)
            broken = cz_bench_first_of(broken, cz_bench_report_failure(job, v[i].cell, &v[i].err));
        else if (!v[i].pass)
            no = CZ_EXIT_NO;
        if (v[i].text[0])
            cz_cli_note(job->cli, "%s: %s", v[i].cell->name, v[i].text);
    }
    return cz_bench_first_of(broken, no);
}

static int verify(struct cz_bench_job *job, int bits)
{
    struct cz_progress progress;
    struct cz_bench_options options = cz_bench_options_of(job, &progress);
    struct cz_verdict *verdicts = calloc((size_t)job->n_cells + 1, sizeof *verdicts);
    if (!verdicts)
        return no_memory(job->cli);
    cz_progress_start(&progress, job->cli, bits ? "bits" : "check", "models", job->n_cells);
    (bits ? cz_verify_bits : cz_verify_check)(&options, verdicts);
    cz_progress_end(&progress);
    int code = judge(job, verdicts);
    if (job->cli->json)
        code = cz_bench_first_of(code, cz_cli_emit(job->cli, verdicts_json(job, verdicts, bits)));
    else if (print_verdicts(job, verdicts, bits))
        code = cz_bench_first_of(code, no_memory(job->cli));
    free(verdicts);
    return code;
}

static int run_job(struct cz_bench_job *job)
{
    const struct cz_bench_settings *s = &job->settings;
    if (s->list_tests || cz_arg_switch(&job->cli->args, "dry-run"))
        return list_cells(job);
    if (s->process)
        return cz_bench_process(job);
    if (strcmp(s->mode, "speed") != 0)
        return verify(job, strcmp(s->mode, "bits") == 0);
    return measure(job);
}

int cz_cmd_bench(struct cz_cli *cli)
{
    struct cz_bench_job job = {.cli = cli};
    int code = cz_bench_settle(cli, &job.settings);
    if (code == CZ_EXIT_OK)
        code = cz_bench_collect(&job);
    if (code == CZ_EXIT_OK)
        code = cz_bench_make_cells(&job);
    if (code == CZ_EXIT_OK)
        code = run_job(&job);
    cz_bench_job_deinit(&job);
    return code;
}
