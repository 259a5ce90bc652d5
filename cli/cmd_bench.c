/*
 * `convzoo bench [MODEL...]`: what a model costs here. Also what Google Benchmark's tools start when they are
 * given this program: a command line of only --benchmark_* flags.
 */
#include "base/cpu.h"
#include "base/file.h"
#include "base/json_out.h"
#include "bench/report.h"
#include "bench/state.h"
#include "bench/verify.h"
#include "cli/bench.h"
#include "cli/format.h"
#include "cli/model.h"
#include "cli/paths.h"
#include "cli/progress.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One network of each of the zoo's families: the size that the literature compares. */
static const char *const standard[] = {"lenet5",          "alexnet",       "vgg16",
                                       "resnet50",        "densenet121",   "googlenet",
                                       "efficientnet_b0", "squeezenet1_1", "mobilenet_v2"};

enum { N_STANDARD = sizeof standard / sizeof *standard };

static int no_memory(struct cz_cli *cli)
{
    return cz_cli_error(cli, CZ_EXIT_MEMORY, "bench: out of memory; close other programs");
}

static int first_of(int a, int b)
{
    return a != CZ_EXIT_OK ? a : b;
}

cz_status cz_bench_open(void *user, int index, struct cz_graph **out, cz_error *err)
{
    const struct cz_bench_job *job = user;
    const struct cz_bench_source *source = &job->sources[index];
    if (!source->entry)
        return cz_onnx_load(source->operand, NULL, out, NULL, err);
    struct cz_zoo_options options = {.tag = source->tag,
                                     .side_px = (int)cz_arg_count(&job->cli->args, "size", 0),
                                     .init = job->settings.init};
    return cz_zoo_build(source->entry->name, &options, out, err);
}

/* The file's name without folder and suffix: results must not depend on where a file lies. */
static const char *name_of_file(struct cz_bench_job *job, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    return cz_arena_strndup(job->cli->args.arena, base,
                            dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

static int has_name(const struct cz_bench_job *job, const char *name)
{
    for (int i = 0; i < job->n_models; i++)
        if (strcmp(job->models[i].name, name) == 0)
            return 1;
    return 0;
}

static int add_model(struct cz_bench_job *job, const struct cz_bench_source *source, const char *name,
                     double top1)
{
    if (!name || cz_grow(&job->sources, &job->source_capacity, (size_t)job->n_models, sizeof *job->sources) ||
        cz_grow(&job->models, &job->model_capacity, (size_t)job->n_models, sizeof *job->models))
        return no_memory(job->cli);
    if (has_name(job, name))
        return cz_cli_error(
            job->cli, CZ_EXIT_USAGE,
            "%s: two models are called so, and results are told apart by name; bench them one by one", name);
    job->sources[job->n_models] = *source;
    job->models[job->n_models++] = (struct cz_bench_model){name, top1};
    return CZ_EXIT_OK;
}

static int add_file(struct cz_bench_job *job, const char *path)
{
    struct cz_bench_source source = {.operand = path};
    if (access(path, R_OK) != 0)
        return cz_cli_error(
            job->cli, CZ_EXIT_SYSTEM,
            "%s: cannot read; built-in models are named without '/' or '.onnx', see `convzoo zoo list`",
            path);
    return add_model(job, &source, name_of_file(job, path), -1);
}

/* The published accuracy is one at the published size. */
static int add_zoo(struct cz_bench_job *job, const char *name)
{
    struct cz_bench_source source = {.operand = name};
    const struct cz_zoo_published *weights;
    int64_t side = cz_arg_count(&job->cli->args, "size", 0);
    int code = cz_cli_zoo_find(job->cli, name, &source.entry, &weights);
    if (code != CZ_EXIT_OK)
        return code;
    int own_size = side == 0 || side == source.entry->side_px;
    source.tag = weights ? weights->tag : NULL;
    return add_model(job, &source, name, weights && weights->top1 > 0 && own_size ? weights->top1 / 100 : -1);
}

/* What was named, else one of each family, else, where a filter is to choose, the whole zoo. */
static int collect_models(struct cz_bench_job *job)
{
    const struct cz_args *args = &job->cli->args;
    int whole = job->settings.filter || job->settings.list_tests, code = CZ_EXIT_OK;
    for (int i = 0; i < args->n_operands && code == CZ_EXIT_OK; i++)
        code = cz_model_is_file(args->operands[i]) ? add_file(job, args->operands[i])
                                                   : add_zoo(job, args->operands[i]);
    if (args->n_operands > 0)
        return code;
    for (int i = 0; i < (whole ? cz_zoo_count() : N_STANDARD) && code == CZ_EXIT_OK; i++)
        code = add_zoo(job, whole ? cz_zoo_at(i)->name : standard[i]);
    return code;
}

/* -REGEX: all that do not match. */
static int passes(const regex_t *filter, int negated, const char *name)
{
    return (regexec(filter, name, 0, NULL, 0) == 0) != negated;
}

static int64_t item(const struct cz_bench_job *job, const char *option, double high, int index)
{
    int64_t n;
    const char *text = cz_arg_text(&job->cli->args, option);
    if (!text) /* --threads: what the pool takes by itself */
        return index == 0 ? cz_cpu_allowed() : 0;
    return cz_parse_counts(text, 1, high, index, &n) == 0 ? n : 0;
}

static int add_cell(struct cz_bench_job *job, int model, int64_t batch, int64_t threads,
                    const regex_t *filter, int negated)
{
    struct cz_bench_cell cell = {.model = model, .batch = batch, .threads = (int)threads};
    cz_bench_name_cell(&cell, &job->models[model]);
    if (filter && !passes(filter, negated, cell.name))
        return CZ_EXIT_OK;
    if (cz_grow(&job->cells, &job->cell_capacity, (size_t)job->n_cells, sizeof *job->cells))
        return no_memory(job->cli);
    job->cells[job->n_cells++] = cell;
    return CZ_EXIT_OK;
}

static int cross(struct cz_bench_job *job, const regex_t *filter, int negated)
{
    int64_t batch, threads;
    int code = CZ_EXIT_OK;
    for (int m = 0; m < job->n_models; m++)
        for (int b = 0; (batch = item(job, "batch", 65536, b)) > 0; b++)
            for (int t = 0; (threads = item(job, "threads", 256, t)) > 0 && code == CZ_EXIT_OK; t++)
                code = add_cell(job, m, batch, threads, filter, negated);
    return code;
}

static int make_cells(struct cz_bench_job *job)
{
    regex_t regex;
    const char *filter = job->settings.filter;
    int negated = filter && filter[0] == '-';
    if (!filter || strcmp(filter, "all") == 0) /* Google Benchmark's word for everything */
        return cross(job, NULL, 0);
    if (regcomp(&regex, filter + negated, REG_EXTENDED | REG_NOSUB) != 0)
        return cz_cli_error(job->cli, CZ_EXIT_USAGE,
                            "--benchmark_filter=%s: not a regular expression; try --benchmark_filter=resnet",
                            filter);
    int code = cross(job, &regex, negated);
    regfree(&regex);
    if (code == CZ_EXIT_OK && job->n_cells == 0)
        cz_cli_warn(job->cli, "--benchmark_filter=%s: matches no name; --benchmark_list_tests shows them",
                    filter);
    return code;
}

/* --dry-run tells how long the rounds would take; what comes before them depends on the models. */
static int list_cells(const struct cz_bench_job *job)
{
    const struct cz_bench_settings *s = &job->settings;
    if (!s->list_tests)
        cz_cli_note(job->cli, "%d rounds of at least %.3g s for each of these: %.0f s and more", s->reps,
                    s->min_seconds, s->reps * s->min_seconds * job->n_cells);
    for (int i = 0; i < job->n_cells; i++)
        printf("%s\n", job->cells[i].name);
    return CZ_EXIT_OK;
}

static void log_line(void *user, int level, const char *line)
{
    struct cz_cli *cli = user;
    if (level >= 2)
        cz_cli_warn(cli, "%s", line);
    else
        cz_cli_detail(cli, level == 1 ? 1 : 2, "%s", line);
}

static void show_progress(void *user, int64_t done, int64_t total)
{
    struct cz_progress *progress = user;
    progress->total = total;
    cz_progress_step(progress, done, NULL);
}

static struct cz_bench_options options_of(struct cz_bench_job *job, struct cz_progress *progress)
{
    const struct cz_bench_settings *s = &job->settings;
    const struct cz_args *args = &job->cli->args;
    return (struct cz_bench_options){
        .models = job->models,
        .cells = job->cells,
        .n_cells = job->n_cells,
        .open = cz_bench_open,
        .user = job,
        .runtime = {.struct_size = sizeof(cz_runtime_options),
                    .isa = cz_arg_text(args, "isa"),
                    .gemm = cz_arg_text(args, "gemm"),
                    .log = log_line,
                    .log_user = job->cli},
        .side_px = (int)cz_arg_count(args, "size", 0),
        .no_fuse = !cz_arg_switch(args, "fuse"),
        .reps = s->reps,
        .min_seconds = s->min_seconds,
        .warmup = s->warmup,
        .warmup_seconds = s->warmup_seconds,
        .random_order = s->random_order,
        .profile = s->profile,
        .progress = show_progress,
        .progress_user = progress,
    };
}

/* What was measured with, as the first model that could be planned says. */
static void note_machine(struct cz_cli *cli, const struct cz_bench *b)
{
    char load[48] = "other load not known";
    const struct cz_worker_facts *f = NULL;
    for (int i = 0; i < b->n_results && !f; i++)
        f = b->results[i].facts.isa[0] ? &b->results[i].facts : NULL;
    if (!f)
        return;
    if (b->foreign_load >= 0)
        snprintf(load, sizeof load, "other load %.2f", b->foreign_load);
    cz_cli_note(cli, "%d of %d CPUs, %s, GEMM %s, BLAS core %s, %s; %d rounds, %s", cz_cpu_allowed(),
                b->machine.n_cpus, f->isa, f->gemm, f->blas_core[0] ? f->blas_core : "none", load,
                b->options->reps, b->n_groups > 1 ? "models interleaved in groups" : "models interleaved");
    if (b->foreign_load > 0.1)
        cz_cli_warn(cli,
                    "other programs kept %.1f CPUs busy while we measured: times are too high; stop them, or "
                    "trust only what was measured side by side",
                    b->foreign_load);
}

static void note_weights(struct cz_bench_job *job)
{
    for (int i = 0; i < job->n_models; i++)
        if (job->sources[i].entry) {
            cz_cli_note(job->cli,
                        "zoo networks carry seeded weights (--init %s); top-1 is that of published ones",
                        cz_arg_text(&job->cli->args, "init"));
            return;
        }
}

/* What the library said of a model, with its name in front where it is not there yet. */
static int report_failure(const struct cz_bench_job *job, const struct cz_bench_cell *cell,
                          const cz_error *err)
{
    const char *operand = job->sources[cell->model].operand;
    if (strncmp(err->message, operand, strlen(operand)) == 0)
        return cz_cli_fail(job->cli, err);
    return cz_cli_error(job->cli, cz_exit_of(err->code), "%s: %s", operand, err->message);
}

/* The errors of cells that could not be measured; the exit code of the first. */
static int report_failures(struct cz_bench_job *job, const struct cz_bench *b)
{
    int code = CZ_EXIT_OK;
    for (int i = 0; i < b->n_results; i++)
        if (b->results[i].err.code != CZ_OK)
            code = first_of(code, report_failure(job, b->results[i].cell, &b->results[i].err));
    return code;
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

static struct cz_bench_record record_of(const struct cz_bench_result *r)
{
    struct cz_bench_record record = {.median_ms = r->median * 1e3,
                                     .images_per_s = cz_bench_images_per_second(r),
                                     .batch = r->facts.batch,
                                     .threads = r->cell->threads,
                                     .planned_bytes = cz_bench_planned_bytes(r),
                                     .peak_bytes = r->peak_bytes};
    snprintf(record.isa, sizeof record.isa, "%s", r->facts.isa);
    return record;
}

/* A model's first cell is the one it is remembered by. Only networks of the zoo at their own size and planned
 * as usual are: `zoo list` shows nothing else. */
static cz_status remember(const struct cz_bench_job *job, const struct cz_bench *b, cz_error *err)
{
    char path[CZ_PATH_MAX], file[CZ_PATH_MAX + 16];
    struct cz_bench_state state;
    snprintf(file, sizeof file, "%s/bench.json", cz_path_state(path));
    CZ_TRY(cz_bench_state_load(file, &state, err));
    cz_status status = CZ_OK;
    for (int i = 0, last = -1; i < b->n_results && status == CZ_OK; i++) {
        const struct cz_bench_result *r = &b->results[i];
        const struct cz_zoo_entry *entry = job->sources[r->cell->model].entry;
        if (r->err.code != CZ_OK || r->cell->model == last || !entry)
            continue;
        struct cz_bench_record record = record_of(r);
        last = r->cell->model;
        status = cz_bench_state_set(&state, entry->name, &record, err);
    }
    if (status == CZ_OK)
        status = cz_bench_state_save(&state, file, err);
    cz_bench_state_deinit(&state);
    return status;
}

static void remember_results(struct cz_bench_job *job, const struct cz_bench *b)
{
    cz_error err;
    if (b->options->side_px == 0 && !b->options->no_fuse && remember(job, b, &err) != CZ_OK)
        cz_cli_warn(job->cli, "%s", err.message);
}

static int measure(struct cz_bench_job *job)
{
    cz_error err;
    struct cz_bench bench;
    struct cz_progress progress;
    struct cz_bench_options options = options_of(job, &progress);
    note_weights(job);
    cz_progress_start(&progress, job->cli, "bench", "rounds", 1);
    cz_status status = cz_bench_run(&options, &bench, &err);
    cz_progress_end(&progress);
    if (status != CZ_OK)
        return cz_cli_fail(job->cli, &err);
    note_machine(job->cli, &bench);
    int code = report_failures(job, &bench);
    code = first_of(code, print_result(job, &bench));
    if (job->settings.out)
        code = first_of(code, write_result(job, &bench));
    if (job->settings.profile_file)
        code = first_of(code, write_picture(job, &bench));
    remember_results(job, &bench);
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
            broken = first_of(broken, report_failure(job, v[i].cell, &v[i].err));
        else if (!v[i].pass)
            no = CZ_EXIT_NO;
        if (v[i].text[0])
            cz_cli_note(job->cli, "%s: %s", v[i].cell->name, v[i].text);
    }
    return first_of(broken, no);
}

static int verify(struct cz_bench_job *job, int bits)
{
    struct cz_progress progress;
    struct cz_bench_options options = options_of(job, &progress);
    struct cz_verdict *verdicts = calloc((size_t)job->n_cells + 1, sizeof *verdicts);
    if (!verdicts)
        return no_memory(job->cli);
    cz_progress_start(&progress, job->cli, bits ? "bits" : "check", "models", job->n_cells);
    (bits ? cz_verify_bits : cz_verify_check)(&options, verdicts);
    cz_progress_end(&progress);
    int code = judge(job, verdicts);
    if (job->cli->json)
        code = first_of(code, cz_cli_emit(job->cli, verdicts_json(job, verdicts, bits)));
    else if (print_verdicts(job, verdicts, bits))
        code = first_of(code, no_memory(job->cli));
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
        code = collect_models(&job);
    if (code == CZ_EXIT_OK)
        code = make_cells(&job);
    if (code == CZ_EXIT_OK)
        code = run_job(&job);
    free(job.sources);
    free(job.models);
    free(job.cells);
    return code;
}
