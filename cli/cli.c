#include "cli/cli.h"
#include "base/nearest.h"
#include "cli/help.h"
#include "base/json_memory.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "cli/signals.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum cz_exit cz_exit_of(cz_status status)
{
    static const enum cz_exit codes[] = {
        [CZ_OK] = CZ_EXIT_OK,
        [CZ_ERR_ARGUMENT] = CZ_EXIT_USAGE,
        [CZ_ERR_MEMORY] = CZ_EXIT_MEMORY,
        [CZ_ERR_IO] = CZ_EXIT_SYSTEM,
        [CZ_ERR_FORMAT] = CZ_EXIT_INPUT,
        [CZ_ERR_UNSUPPORTED] = CZ_EXIT_UNSUPPORTED,
        [CZ_ERR_SHAPE] = CZ_EXIT_INPUT, /* what came in does not fit the model */
        [CZ_ERR_STATE] = CZ_EXIT_INTERNAL,
        [CZ_ERR_NUMERIC] = CZ_EXIT_NUMERIC,
        [CZ_ERR_INTERNAL] = CZ_EXIT_INTERNAL,
    };
    return (size_t)status < sizeof codes / sizeof *codes ? codes[status] : CZ_EXIT_INTERNAL;
}

static const char *kind_of(enum cz_exit code)
{
    switch (code) {
    case CZ_EXIT_USAGE:
        return "usage";
    case CZ_EXIT_INPUT:
        return "input";
    case CZ_EXIT_UNSUPPORTED:
        return "unsupported";
    case CZ_EXIT_SYSTEM:
        return "system";
    case CZ_EXIT_MEMORY:
        return "memory";
    case CZ_EXIT_NUMERIC:
        return "numeric";
    default:
        return "internal";
    }
}

/* Writes "convzoo: LABEL: MESSAGE" cut at 512 bytes; MESSAGE is printable already. */
static void print_line(const struct cz_cli *cli, enum cz_color color, const char *label, const char *message)
{
    char line[512];
    int n = snprintf(line, sizeof line, "convzoo: %s: %s", label, message);
    size_t prefix = strlen("convzoo: ");
    if (n >= (int)sizeof line)
        line[sizeof line - 1] = '\0';
    fprintf(stderr, "%.*s%s%s%s%s\n", (int)prefix, line, cz_color_on(&cli->err, color), label,
            cz_color_off(&cli->err), line + prefix + strlen(label));
}

static const char close_others[] = "close other programs, or raise the limit";

/*
 * Out of memory has one remedy, and happens in places that know no file: both are filled in here. Once
 * jansson has lost something every complaint, such as one about a key that is not there, means memory.
 */
static enum cz_exit settle_memory(const struct cz_cli *cli, enum cz_exit code, const char **message,
                                  char *buf, size_t size)
{
    const char *where = cli->command ? cli->command->name : "command line", *text = *message;
    int lost = code != CZ_EXIT_MEMORY && cz_memory_losses() > 0;
    if (code != CZ_EXIT_MEMORY && !lost)
        return code;
    if (lost)
        text = "out of memory";
    else if (strncmp(text, ": ", 2) == 0)
        text += 2;
    snprintf(buf, size, "%s%s%s%s%s", strstr(text, ": ") ? "" : where, strstr(text, ": ") ? "" : ": ", text,
             strstr(text, "; ") ? "" : "; ", strstr(text, "; ") ? "" : close_others);
    *message = buf;
    return CZ_EXIT_MEMORY;
}

static int report(struct cz_cli *cli, enum cz_exit code, const char *message)
{
    char buf[1024];
    code = settle_memory(cli, code, &message, buf, sizeof buf);
    print_line(cli, CZ_RED, "error", message);
    cz_problem_add(&cli->errors, "%s", message);
    if (cli->errors.count == 1)
        cli->error_exit = code;
    return (int)code;
}

int cz_cli_error(struct cz_cli *cli, enum cz_exit code, const char *fmt, ...)
{
    char text[2048];
    cz_error printable;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cz_error_set(&printable, CZ_ERR_INTERNAL, "%s", text);
    return report(cli, code, printable.message);
}

int cz_cli_fail(struct cz_cli *cli, const cz_error *err)
{
    return report(cli, cz_exit_of(err->code), err->message);
}

void cz_cli_warn(struct cz_cli *cli, const char *fmt, ...)
{
    char text[2048];
    cz_error printable;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cz_error_set(&printable, CZ_OK, "%s", text);
    print_line(cli, CZ_YELLOW, "warning", printable.message);
}

static void print_note(const struct cz_cli *cli, const char *fmt, va_list args)
{
    char text[2048], clean[2048];
    vsnprintf(text, sizeof text, fmt, args);
    fprintf(stderr, "%s%s%s\n", cz_color_on(&cli->err, CZ_DIM),
            cz_printable(text, cli->utf8, clean, sizeof clean), cz_color_off(&cli->err));
}

void cz_cli_note(struct cz_cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (!cli->quiet)
        print_note(cli, fmt, args);
    va_end(args);
}

void cz_cli_detail(struct cz_cli *cli, int level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (cli->verbose >= level)
        print_note(cli, fmt, args);
    va_end(args);
}

int cz_cli_emit(struct cz_cli *cli, json_t *document)
{
    if (!document || cz_memory_losses() > 0) {
        json_decref(document);
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "--json: out of memory");
    }
    json_decref(cli->document);
    cli->document = document;
    return CZ_EXIT_OK;
}

int cz_cli_out_is_gone(void)
{
    struct pollfd p = {STDOUT_FILENO, POLLOUT, 0};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

static void log_line(void *user, int level, const char *line)
{
    struct cz_cli *cli = user;
    if (level >= 2)
        cz_cli_warn(cli, "%s", line);
    else
        cz_cli_detail(cli, level == 1 ? 1 : 2, "%s", line);
}

cz_status cz_cli_runtime(struct cz_cli *cli, cz_runtime **out, cz_error *err)
{
    cz_runtime_options options = {
        .struct_size = sizeof options,
        .n_threads = (int)cz_arg_count(&cli->args, "threads", 0),
        .isa = cz_arg_text(&cli->args, "isa"),
        .gemm = cz_arg_text(&cli->args, "gemm"),
        .exact = cz_arg_switch(&cli->args, "exact"),
        .log = log_line,
        .log_user = cli,
    };
    return cz_runtime_create(&options, out, err);
}

/* "WHERE: CAUSE; REMEDY" into its parts: the first ": " and the last "; ". */
static json_t *error_parts(const char *line)
{
    const char *colon = strstr(line, ": "), *semicolon = NULL;
    const char *cause = colon ? colon + 2 : line;
    for (const char *p = cause; (p = strstr(p, "; ")); p += 2)
        semicolon = p;
    size_t n_cause = semicolon ? (size_t)(semicolon - cause) : strlen(cause);
    return json_pack("{s:s%, s:s%, s:s}", "where", line, colon ? (size_t)(colon - line) : (size_t)0, "cause",
                     cause, n_cause, "remedy", semicolon ? semicolon + 2 : "");
}

/* convzoo.error/1: the first error; further ones of the same command under `more`. */
static json_t *error_document(const struct cz_cli *cli)
{
    json_t *root = json_pack("{s:s, s:i, s:s}", "schema", "convzoo.error/1", "exit", (int)cli->error_exit,
                             "kind", kind_of(cli->error_exit));
    json_t *first = error_parts(cli->errors.lines[0]), *more = json_array();
    json_object_update(root, first);
    json_decref(first);
    for (int i = 1; i < cli->errors.count; i++)
        json_array_append_new(more, error_parts(cli->errors.lines[i]));
    if (json_array_size(more) > 0)
        json_object_set(root, "more", more);
    json_decref(more);
    return root;
}

static void print_document(struct cz_cli *cli)
{
    if (!cli->document && cli->errors.count > 0)
        cli->document = error_document(cli);
    if (cli->json && cli->document)
        cz_json_print(cli->document, stdout);
}

/* Ends stdout. A reader that went away ends us quietly, as SIGPIPE would have; anything else is an error. */
static int close_stdout(struct cz_cli *cli, int code)
{
    int broken = ferror(stdout);
    errno = 0;
    broken |= fflush(stdout) != 0;
    int reason = errno;
    if (broken && (reason == EPIPE || cz_cli_out_is_gone())) {
        cz_signal_raise(SIGPIPE);
        return CZ_EXIT_PIPE;
    }
    if (!broken && close(STDOUT_FILENO) != 0) {
        broken = 1;
        reason = errno;
    }
    if (!broken)
        return code;
    return cz_cli_error(cli, CZ_EXIT_SYSTEM, "stdout: cannot write: %s; give it a place to go, or use --out",
                        reason ? strerror(reason) : "the disk is full or the stream is closed");
}

static int finish(struct cz_cli *cli, int code)
{
    unsigned losses = cz_memory_losses();
    print_document(cli);
    if (cz_memory_losses() > losses) /* jansson allocates for printing too */
        code = cz_cli_error(cli, CZ_EXIT_MEMORY, "stdout: out of memory; the document is not whole");
    code = close_stdout(cli, code);
    cz_args_deinit(&cli->args);
    cz_problems_deinit(&cli->errors);
    json_decref(cli->document);
    if (code > 128)
        cz_signal_raise(code - 128);
    return code;
}

static void resolve_common(struct cz_cli *cli)
{
    const struct cz_args *args = &cli->args;
    const char *when = cz_arg_text(args, "color");
    cli->out = cz_terminal_of(stdout, when);
    cli->err = cz_terminal_of(stderr, when);
    cli->quiet = cz_arg_switch(args, "quiet");
    cli->verbose = cz_arg_switch(args, "verbose") ? cz_arg_get(args, "verbose")->n_values : 0;
    cli->json |= cz_arg_find(args, "json") && cz_arg_switch(args, "json");
    cli->csv = cz_arg_find(args, "csv") && cz_arg_switch(args, "csv");
}

static int run_command(struct cz_cli *cli, const char *const *argv, int n)
{
    struct cz_problems problems = {0};
    int no_memory =
        cz_args_parse(&cli->args, cli->command, argv, n, &problems) || cz_args_settle(&cli->args, &problems);
    if (!no_memory)
        resolve_common(cli);
    int code = no_memory ? CZ_EXIT_MEMORY : CZ_EXIT_OK;
    if (no_memory)
        cz_cli_error(cli, CZ_EXIT_MEMORY, "%s: out of memory; close other programs", cli->command->name);
    else if (cz_arg_switch(&cli->args, "help"))
        cz_help_command(cli->command, stdout);
    else if (problems.count > 0)
        for (int i = 0; i < problems.count; i++)
            code = report(cli, CZ_EXIT_USAGE, problems.lines[i]);
    else if (cli->json && cli->csv)
        code = cz_cli_error(cli, CZ_EXIT_USAGE, "--json, --csv: one document at a time; give one of them");
    else
        code = cli->command->run(cli);
    if (cz_memory_losses() > 0 && cli->errors.count == 0 && code < 128)
        code = cz_cli_error(cli, CZ_EXIT_MEMORY, "out of memory");
    cz_problems_deinit(&problems);
    return code;
}

static int unknown_command(struct cz_cli *cli, const char *word, const char *second, int is_family)
{
    const char *names[64];
    char wanted[128];
    size_t n = 0;
    for (int i = 0; i < cz_command_count() && n < 64; i++)
        if (cz_command_at(i)->group != CZ_HIDDEN)
            names[n++] = cz_command_at(i)->name;
    snprintf(wanted, sizeof wanted, "%s%s%s", word, is_family && second ? " " : "",
             is_family && second ? second : "");
    const char *nearest = cz_nearest(wanted, names, n);
    if (nearest)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "command '%s': unknown; nearest is '%s'", wanted, nearest);
    return cz_cli_error(cli, CZ_EXIT_USAGE, "command '%s': %s; see `convzoo%s%s --help`", wanted,
                        is_family && !second ? "needs a second word" : "unknown", is_family ? " " : "",
                        is_family ? word : "");
}

static int is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* What stands alone: no words, help, version, and a command line of Google Benchmark's flags, which means
 * bench. */
static int without_command(struct cz_cli *cli, int n, const char *const *argv)
{
    static const char benchmark[] = "--benchmark_";
    static const char *const version = "version", *const bench = "bench";
    int used, all_benchmark = n > 0;
    for (int i = 0; i < n; i++) {
        if (is_one_of(argv[i], "-h", "--help")) {
            cz_help_main(stdout);
            return CZ_EXIT_OK;
        }
        if (is_one_of(argv[i], "-V", "--version")) {
            cli->command = cz_command_find(&version, 1, &used);
            return run_command(cli, argv, 0);
        }
        all_benchmark &= strncmp(argv[i], benchmark, strlen(benchmark)) == 0;
    }
    if (all_benchmark && (cli->command = cz_command_find(&bench, 1, &used)))
        return run_command(cli, argv, n);
    if (n > 0)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "command line: no command in it; see `convzoo --help`");
    cz_help_main(stderr);
    return CZ_EXIT_USAGE;
}

static int has_word(int n, const char *const *argv, const char *a, const char *b)
{
    for (int i = 0; i < n && strcmp(argv[i], "--") != 0; i++)
        if (is_one_of(argv[i], a, b))
            return 1;
    return 0;
}

/* argv without the command's words goes to the command. */
static int dispatch(struct cz_cli *cli, int n, const char *const *argv)
{
    int at[2] = {-1, -1}, used = 0;
    int found = cz_command_words(argv, n, at);
    if (found == 0)
        return without_command(cli, n, argv);
    const char *words[2] = {argv[at[0]], found > 1 ? argv[at[1]] : NULL};
    cli->command = cz_command_find(words, found, &used);
    if (!cli->command && used == 1 && has_word(n, argv, "-h", "--help")) {
        cz_help_family(words[0], stdout);
        return CZ_EXIT_OK;
    }
    if (!cli->command)
        return unknown_command(cli, words[0], words[1], used == 1);
    const char **rest = calloc((size_t)n + 1, sizeof *rest);
    if (!rest)
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "command line: out of memory; close other programs");
    int m = 0;
    for (int i = 0; i < n; i++)
        if (i != at[0] && (used < 2 || i != at[1]))
            rest[m++] = argv[i];
    int code = run_command(cli, rest, m);
    free(rest);
    return code;
}

int cz_cli_main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* the character set only: numbers keep their point everywhere */
    cz_signals_prepare();
    cz_json_watch();
    struct cz_cli cli = {.out = cz_terminal_of(stdout, "auto"), .err = cz_terminal_of(stderr, "auto")};
    const char *const *args = (const char *const *)argv + (argc > 0);
    int n = argc > 0 ? argc - 1 : 0;
    cli.utf8 = cz_locale_is_utf8();
    cli.json = has_word(n, args, "--json", "--json=yes"); /* known before anything can fail */
    return finish(&cli, dispatch(&cli, n, args));
}
