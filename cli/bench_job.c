/*
 * What bench and `zoo list --measure` share: from names to cells, from cells to options, and what is told and
 * kept of a measurement whatever form it is printed in.
 */
#include "base/cpu.h"
#include "bench/state.h"
#include "cli/bench.h"
#include "cli/model.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/weights.h"
#include "importer/weights_apply.h"

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

int cz_bench_first_of(int a, int b)
{
    return a != CZ_EXIT_OK ? a : b;
}

static cz_status open_with_weights(const struct cz_bench_source *source, const struct cz_bench_settings *s,
                                   const struct cz_zoo_options *options, struct cz_graph **out, cz_error *err)
{
    struct cz_weights_report report;
    struct cz_graph *g;
    CZ_TRY(cz_zoo_build(source->entry->name, options, &g, err));
    cz_status status = cz_cli_weights_into(g, source->entry, s->weights, s->strict, &report, NULL, err);
    cz_weights_report_deinit(&report);
    if (status == CZ_OK)
        *out = g;
    else
        cz_graph_release(g);
    return status;
}

cz_status cz_bench_open(void *user, int index, struct cz_graph **out, cz_error *err)
{
    const struct cz_bench_job *job = user;
    const struct cz_bench_source *source = &job->sources[index];
    if (!source->entry)
        return cz_onnx_load(source->operand, NULL, out, NULL, err);
    struct cz_zoo_options options = {
        .tag = source->tag, .side_px = job->settings.side_px, .init = job->settings.init};
    if (job->settings.weights) {
        options.init = (struct cz_init){CZ_INIT_NONE, 0};
        return open_with_weights(source, &job->settings, &options, out, err);
    }
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
    int side = job->settings.side_px;
    int code = cz_cli_zoo_find(job->cli, name, &source.entry, &weights);
    if (code != CZ_EXIT_OK)
        return code;
    int own_size = side == 0 || side == source.entry->side_px;
    source.tag = weights ? weights->tag : NULL;
    return add_model(job, &source, name, weights && weights->top1 > 0 && own_size ? weights->top1 / 100 : -1);
}

/* What was named, else one of each family, else, where a filter is to choose, the whole zoo. */
int cz_bench_collect(struct cz_bench_job *job)
{
    const struct cz_args *args = &job->cli->args;
    int whole = job->settings.filter || job->settings.list_tests, code = CZ_EXIT_OK;
    for (int i = 0; i < args->n_operands && code == CZ_EXIT_OK; i++)
        code = cz_model_is_file(args->operands[i]) ? add_file(job, args->operands[i])
                                                   : add_zoo(job, args->operands[i]);
    if (code == CZ_EXIT_OK && job->settings.weights && (job->n_models != 1 || !job->sources[0].entry))
        return cz_cli_error(job->cli, CZ_EXIT_USAGE,
                            "--weights: is for one network of the zoo; name it, and no other model");
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

/* Item `index` of a list, 0 after the last. */
static int64_t item(const char *list, double high, int index)
{
    int64_t n;
    if (!list) /* --threads: what the pool takes by itself */
        return index == 0 ? cz_cpu_allowed() : 0;
    return cz_parse_counts(list, 1, high, index, &n) == 0 ? n : 0;
}

static int add_cell(struct cz_bench_job *job, int model, int64_t batch, int64_t threads,
                    const regex_t *filter, int negated)
{
    struct cz_bench_cell cell = {.model = model, .batch = batch, .threads = (int)threads};
    cz_bench_name_cell(&cell, &job->models[model]);
    for (int i = 0; i < job->n_cells; i++) /* `--batch 1,1`: results are told apart by name */
        if (job->cells[i].model == model && job->cells[i].batch == batch && job->cells[i].threads == threads)
            return CZ_EXIT_OK;
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
        for (int b = 0; (batch = item(job->settings.batch, 65536, b)) > 0; b++)
            for (int t = 0; (threads = item(job->settings.threads, 256, t)) > 0 && code == CZ_EXIT_OK; t++)
                code = add_cell(job, m, batch, threads, filter, negated);
    return code;
}

int cz_bench_make_cells(struct cz_bench_job *job)
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

struct cz_bench_options cz_bench_options_of(struct cz_bench_job *job, struct cz_progress *progress)
{
    const struct cz_bench_settings *s = &job->settings;
    return (struct cz_bench_options){
        .models = job->models,
        .cells = job->cells,
        .n_cells = job->n_cells,
        .open = cz_bench_open,
        .user = job,
        .runtime = {.struct_size = sizeof(cz_runtime_options),
                    .isa = s->isa,
                    .gemm = s->gemm,
                    .exact = s->exact,
                    .log = log_line,
                    .log_user = job->cli},
        .side_px = s->side_px,
        .no_fuse = s->no_fuse,
        .reps = s->reps,
        .min_seconds = s->min_seconds,
        .iterations = s->iterations,
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
    for (int i = 0; i < job->n_models && !job->settings.weights; i++)
        if (job->sources[i].entry) {
            cz_cli_note(job->cli,
                        "zoo networks carry seeded weights (--init %s); top-1 is that of published ones",
                        job->settings.init_text);
            return;
        }
}

/* What the library said of a model, with its name in front where it is not there yet. */
int cz_bench_report_failure(const struct cz_bench_job *job, const struct cz_bench_cell *cell,
                            const cz_error *err)
{
    const char *operand = job->sources[cell->model].operand;
    if (strncmp(err->message, operand, strlen(operand)) == 0)
        return cz_cli_fail(job->cli, err);
    return cz_cli_error(job->cli, cz_exit_of(err->code), "%s: %s", operand, err->message);
}

/* The errors of cells that could not be measured; the exit code of the first. */
int cz_bench_report_failures(struct cz_bench_job *job, const struct cz_bench *b)
{
    int code = CZ_EXIT_OK;
    for (int i = 0; i < b->n_results; i++)
        if (b->results[i].err.code != CZ_OK)
            code =
                cz_bench_first_of(code, cz_bench_report_failure(job, b->results[i].cell, &b->results[i].err));
    return code;
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
    char path[CZ_PATH_MAX], file[CZ_PATH_MAX + sizeof "/" CZ_BENCH_STATE_FILE];
    struct cz_bench_state state;
    snprintf(file, sizeof file, "%s/%s", cz_path_state(path), CZ_BENCH_STATE_FILE);
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

void cz_bench_remember(struct cz_bench_job *job, const struct cz_bench *b)
{
    cz_error err;
    if (b->options->side_px == 0 && !b->options->no_fuse && remember(job, b, &err) != CZ_OK)
        cz_cli_warn(job->cli, "%s", err.message);
}

void cz_bench_job_deinit(struct cz_bench_job *job)
{
    free(job->sources);
    free(job->models);
    free(job->cells);
}

cz_status cz_bench_measure(struct cz_bench_job *job, struct cz_bench_options *options, struct cz_bench *bench,
                           cz_error *err)
{
    struct cz_progress progress;
    *options = cz_bench_options_of(job, &progress);
    note_weights(job);
    cz_progress_start(&progress, job->cli, "bench", "rounds", 1);
    cz_status status = cz_bench_run(options, bench, err);
    cz_progress_end(&progress);
    if (status == CZ_OK)
        note_machine(job->cli, bench);
    return status;
}

int cz_bench_quick(struct cz_cli *cli, const char *const *names, int n)
{
    /* Three rounds of a tenth of a second: enough for a list's two digits. */
    struct cz_bench_job job = {.cli = cli,
                               .settings = {.mode = "speed",
                                            .reps = 3,
                                            .min_seconds = 0.1,
                                            .warmup = -1,
                                            .batch = "1",
                                            .init = {CZ_INIT_GOLDEN, 1},
                                            .init_text = "golden:1"}};
    struct cz_bench_options options;
    struct cz_bench bench;
    cz_error err;
    int code = CZ_EXIT_OK;
    for (int i = 0; i < n && code == CZ_EXIT_OK; i++)
        code = add_zoo(&job, names[i]);
    if (code == CZ_EXIT_OK)
        code = cz_bench_make_cells(&job);
    if (code == CZ_EXIT_OK && cz_bench_measure(&job, &options, &bench, &err) != CZ_OK)
        code = cz_cli_fail(cli, &err);
    else if (code == CZ_EXIT_OK) {
        code = cz_bench_report_failures(&job, &bench);
        cz_bench_remember(&job, &bench);
        cz_bench_deinit(&bench);
    }
    cz_bench_job_deinit(&job);
    return code;
}
