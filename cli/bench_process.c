/*
 * `bench --process`: what a user waits for who starts the program for one image. hyperfine starts `convzoo
 * run` again and again: process, reading the file, planning, one run. Networks of the zoo are written to a
 * file first, because making random weights would be most of the time otherwise.
 */
#include "base/file.h"
#include "base/json_out.h"
#include "bench/input.h"
#include "cli/bench.h"
#include "cli/signals.h"
#include "importer/npy.h"
#include "importer/onnx_export.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, COMMAND_BYTES = 4 * PATH_BYTES, MAX_DOCUMENT = 64 << 20 };

struct run {
    struct cz_bench_job *job;
    char folder[512], self[PATH_BYTES];
    char **words; /* hyperfine's command line */
    int n_words;
    size_t capacity;
};

static int add_word(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* 1 when memory ran out. */
static int add_word(struct run *r, const char *fmt, ...)
{
    char text[COMMAND_BYTES];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof text ||
        cz_grow(&r->words, &r->capacity, (size_t)r->n_words + 1, sizeof *r->words))
        return 1;
    r->words[r->n_words] = cz_arena_strdup(r->job->cli->args.arena, text);
    r->words[r->n_words + 1] = NULL;
    return r->words[r->n_words++] == NULL;
}

static char *input_file(const struct run *r, int model, int64_t batch, char *buf, size_t size)
{
    snprintf(buf, size, "%s/input-%d-%lld.npy", r->folder, model, (long long)batch);
    return buf;
}

/* The model's input, and for networks of the zoo the model, as files. */
static cz_status write_files(struct run *r, int model, int64_t batch, char *file, size_t size, cz_error *err)
{
    struct cz_graph *graph;
    struct cz_infer *infer = NULL;
    struct cz_bench_inputs inputs = {0};
    const struct cz_bench_source *source = &r->job->sources[model];
    CZ_TRY(cz_bench_open(r->job, model, &graph, err));
    cz_status status = cz_infer_create(graph, NULL, 0, batch, 0, &infer, err);
    if (status == CZ_OK && graph->n_inputs != 1)
        status = cz_error_set(err, CZ_ERR_UNSUPPORTED,
                              "%s: --process is for models with one input; leave it out", source->operand);
    if (status == CZ_OK)
        status = cz_bench_inputs_make(&infer->shape[graph->inputs[0]], 1, &inputs, err);
    if (status == CZ_OK)
        status = cz_npy_write(input_file(r, model, batch, file, size), &inputs.tensors[0], err);
    snprintf(file, size, "%s", source->operand);
    if (source->entry)
        snprintf(file, size, "%s/%s.onnx", r->folder, source->entry->name);
    if (status == CZ_OK && source->entry && access(file, F_OK) != 0)
        status = cz_onnx_export(graph, file, err);
    cz_bench_inputs_deinit(&inputs);
    cz_infer_destroy(infer);
    cz_graph_release(graph);
    return status;
}

/* 'word' for hyperfine, which splits a command as a shell would. Returns buf. */
static char *quoted(const char *word, char *buf, size_t size)
{
    size_t n = 0;
    buf[n++] = '\'';
    for (; *word && n + 6 < size; word++) {
        if (*word == '\'') {
            memcpy(buf + n, "'\\'", 3);
            n += 3;
        }
        buf[n++] = *word;
    }
    buf[n++] = '\'';
    buf[n] = '\0';
    return buf;
}

static int add_cell(struct run *r, const struct cz_bench_cell *cell)
{
    cz_error err;
    const struct cz_bench_settings *s = &r->job->settings;
    char file[PATH_BYTES], input[PATH_BYTES], quotes[3][PATH_BYTES];
    if (write_files(r, cell->model, cell->batch, file, sizeof file, &err) != CZ_OK)
        return cz_cli_fail(r->job->cli, &err);
    if (add_word(r, "--command-name") ||
        add_word(r, "%s/batch:%lld/threads:%d/process", r->job->models[cell->model].name,
                 (long long)cell->batch, cell->threads) ||
        add_word(r, "%s run %s --input %s --threads %d --isa %s --gemm %s%s%s",
                 quoted(r->self, quotes[0], PATH_BYTES), quoted(file, quotes[1], PATH_BYTES),
                 quoted(input_file(r, cell->model, cell->batch, input, sizeof input), quotes[2], PATH_BYTES),
                 cell->threads, s->isa, s->gemm, s->no_fuse ? " --fuse=no" : "", s->exact ? " --exact" : ""))
        return cz_cli_error(r->job->cli, CZ_EXIT_MEMORY, "bench: out of memory; close other programs");
    return CZ_EXIT_OK;
}

/* The names stand in front of the commands: hyperfine takes the n-th for the n-th. */
static int make_command(struct run *r, const char *document)
{
    const struct cz_bench_settings *s = &r->job->settings;
    int code = CZ_EXIT_OK;
    if (add_word(r, "hyperfine") || add_word(r, "--shell=none") || add_word(r, "--style=none") ||
        add_word(r, "--warmup=%lld", s->warmup < 0 ? 3LL : (long long)s->warmup) ||
        add_word(r, "--runs=%d", s->reps) || add_word(r, "--export-json=%s", document))
        return cz_cli_error(r->job->cli, CZ_EXIT_MEMORY, "bench: out of memory; close other programs");
    for (int i = 0; i < r->job->n_cells && code == CZ_EXIT_OK; i++)
        code = add_cell(r, &r->job->cells[i]);
    return code;
}

/* A terminal's Ctrl-C reaches hyperfine too; what was sent to us alone has to be passed on. */
static int wait_for(pid_t pid)
{
    const struct timespec nap = {.tv_nsec = 20000000};
    int status = 0, told = 0;
    pid_t ended;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (cz_interrupted() && !told++)
            kill(pid, SIGTERM);
        nanosleep(&nap, NULL);
    }
    return status;
}

/* hyperfine's own output is only wanted when it complains. */
static int start(struct run *r)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        execvp(r->words[0], r->words);
        _exit(127);
    }
    if (pid < 0)
        return cz_cli_error(r->job->cli, CZ_EXIT_SYSTEM,
                            "--process: cannot start hyperfine: %s; close other programs", strerror(errno));
    status = wait_for(pid);
    if (cz_interrupted())
        return CZ_EXIT_INTERRUPT;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return cz_cli_error(r->job->cli, CZ_EXIT_SYSTEM,
                            "--process: hyperfine is not installed; run `apt install hyperfine`");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return cz_cli_error(
            r->job->cli, CZ_EXIT_INTERNAL,
            "--process: hyperfine failed, see its message above; bench the models without --process");
    return CZ_EXIT_OK;
}

static double number(const json_t *result, const char *key)
{
    return json_number_value(json_object_get(result, key)) * 1e3;
}

static int print_table(struct run *r, const json_t *document)
{
    static const char *const columns[][3] = {
        {"median\nms", "median_ms", "median"}, {"min\nms", "min_ms", "min"},
        {"max\nms", "max_ms", "max"},          {"mean\nms", "mean_ms", "mean"},
        {"stddev\nms", "stddev_ms", "stddev"}, {"user\nms", "user_ms", "user"},
        {"system\nms", "system_ms", "system"}};
    enum { N_COLUMNS = sizeof columns / sizeof *columns };
    const json_t *results = json_object_get(document, "results");
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "start-up and one run of", "name", CZ_LEFT | CZ_CUT);
    for (int c = 0; c < N_COLUMNS; c++)
        cz_table_column(t, columns[c][0], columns[c][1], CZ_RIGHT);
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        cz_table_row(t);
        cz_table_text(t, json_string_value(json_object_get(result, "command")));
        for (int c = 0; c < N_COLUMNS; c++)
            cz_table_cell(t, "%.1f", number(result, columns[c][2]));
    }
    int failed =
        r->job->cli->csv ? cz_table_print_csv(t, stdout) : cz_table_print(t, stdout, &r->job->cli->out);
    cz_table_destroy(t);
    return failed;
}

/* --json and --out are hyperfine's document as it is. */
static int show(struct run *r, const char *path)
{
    cz_error err;
    unsigned char *text;
    size_t size;
    struct cz_cli *cli = r->job->cli;
    if (cz_file_read(path, MAX_DOCUMENT, &text, &size, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    json_t *document = json_loadb((const char *)text, size, 0, NULL);
    int code = CZ_EXIT_OK;
    if (!document)
        code = cz_cli_error(cli, CZ_EXIT_INTERNAL, "--process: hyperfine wrote no JSON; please report it");
    else if (r->job->settings.out && cz_file_write(r->job->settings.out, text, size, &err) != CZ_OK)
        code = cz_cli_fail(cli, &err);
    else if (cli->json)
        code = cz_cli_emit(cli, json_incref(document));
    else if (print_table(r, document))
        code = cz_cli_error(cli, CZ_EXIT_MEMORY, "bench: out of memory; close other programs");
    json_decref(document);
    free(text);
    return code;
}

static int make_folder(struct run *r)
{
    ssize_t n = readlink("/proc/self/exe", r->self, sizeof r->self - 1);
    const char *temporary = getenv("TMPDIR");
    temporary = temporary && temporary[0] ? temporary : "/tmp";
    snprintf(r->folder, sizeof r->folder, "%s/convzoo-bench-XXXXXX", temporary);
    if (n <= 0 || !mkdtemp(r->folder))
        return cz_cli_error(r->job->cli, CZ_EXIT_SYSTEM, "%s: cannot create a folder: %s; set TMPDIR",
                            temporary, strerror(errno));
    return CZ_EXIT_OK;
}

/* The files have names that we know. */
static void remove_folder(const struct run *r, const char *document)
{
    char file[PATH_BYTES];
    for (int i = 0; i < r->job->n_cells; i++) {
        const struct cz_bench_cell *cell = &r->job->cells[i];
        const struct cz_zoo_entry *entry = r->job->sources[cell->model].entry;
        unlink(input_file(r, cell->model, cell->batch, file, sizeof file));
        snprintf(file, sizeof file, "%s/%s.onnx", r->folder, entry ? entry->name : "none");
        unlink(file);
    }
    unlink(document);
    rmdir(r->folder);
}

int cz_bench_process(struct cz_bench_job *job)
{
    struct run r = {.job = job};
    char document[600];
    int code = make_folder(&r);
    if (code != CZ_EXIT_OK)
        return code;
    snprintf(document, sizeof document, "%s/hyperfine.json", r.folder);
    cz_signals_catch(); /* the folder must go, whatever ends us */
    code = make_command(&r, document);
    if (code == CZ_EXIT_OK)
        code = start(&r);
    if (cz_interrupted())
        code = 128 + cz_interrupted();
    if (code == CZ_EXIT_OK)
        code = show(&r, document);
    remove_folder(&r, document);
    free(r.words);
    return code;
}
