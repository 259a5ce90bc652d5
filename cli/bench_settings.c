#include "bench/report.h"
#include "cli/bench.h"
#include "cli/output.h"

#include <stdio.h>
#include <string.h>

/* Google Benchmark's booleans; an option without a value is true. 1 when it is none of them. */
static int parse_flag(const char *text, int *on)
{
    static const char *const yes[] = {"", "true", "1", "yes", "on", "t", "y"};
    static const char *const no[] = {"false", "0", "no", "off", "f", "n"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcmp(text, yes[i]) == 0) {
            *on = 1;
            return 0;
        }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (strcmp(text, no[i]) == 0) {
            *on = 0;
            return 0;
        }
    return 1;
}

static int settle_flag(struct cz_cli *cli, const char *name, int *on)
{
    const char *text = cz_arg_text(&cli->args, name);
    *on = 0;
    if (text && parse_flag(text, on))
        return cz_cli_error(cli, CZ_EXIT_USAGE, "--%s=%s: not true or false; try --%s=true", name, text,
                            name);
    return CZ_EXIT_OK;
}

static int settle_flags(struct cz_cli *cli, struct cz_bench_settings *s)
{
    struct {
        const char *name;
        int *on;
    } flags[] = {{"benchmark_list_tests", &s->list_tests},
                 {"benchmark_enable_random_interleaving", &s->random_order},
                 {"benchmark_report_aggregates_only", &s->report_aggregates},
                 {"benchmark_display_aggregates_only", &s->display_aggregates},
                 {"benchmark_counters_tabular", &(int){0}}};
    int code = CZ_EXIT_OK;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (settle_flag(cli, flags[i].name, flags[i].on) != CZ_EXIT_OK)
            code = CZ_EXIT_USAGE;
    return code;
}

/* Google Benchmark's: seconds as a number, newer versions with an s behind it; "10x": so many runs. */
static int parse_min_time(const char *text, struct cz_bench_settings *s)
{
    char count[32];
    size_t n = strlen(text);
    if (n > 1 && n < sizeof count && text[n - 1] == 'x') {
        snprintf(count, sizeof count, "%.*s", (int)(n - 1), text);
        return cz_parse_count(count, 1, CZ_BENCH_MAX_ITERATIONS, &s->iterations);
    }
    return cz_parse_real(text, 0, 3600, &s->min_seconds) != 0 && cz_parse_time(text, &s->min_seconds) != 0;
}

static int settle_times(struct cz_cli *cli, struct cz_bench_settings *s)
{
    const struct cz_args *args = &cli->args;
    const char *min_time = cz_arg_text(args, "benchmark_min_time"), *warmup = cz_arg_text(args, "warmup");
    int code = CZ_EXIT_OK;
    s->reps = (int)cz_arg_count(args, "benchmark_repetitions", cz_arg_count(args, "reps", 9));
    s->min_seconds = cz_arg_time(args, "min-time", 0.5);
    s->warmup_seconds = cz_arg_real(args, "benchmark_min_warmup_time", 0);
    s->warmup = -1;
    if (min_time && parse_min_time(min_time, s))
        code =
            cz_cli_error(cli, CZ_EXIT_USAGE,
                         "--benchmark_min_time=%s: not a number of seconds or, as 10x, of runs up to %d; try "
                         "--benchmark_min_time=0.5",
                         min_time, CZ_BENCH_MAX_ITERATIONS);
    if (strcmp(warmup, "auto") != 0 && cz_parse_count(warmup, 0, 1e6, &s->warmup))
        code = cz_cli_error(cli, CZ_EXIT_USAGE,
                            "--warmup %s: not a number of runs or auto; try --warmup auto", warmup);
    return code;
}

static enum cz_bench_form form_of(const char *word)
{
    return strcmp(word, "json") == 0 ? CZ_FORM_JSON : strcmp(word, "csv") == 0 ? CZ_FORM_CSV : CZ_FORM_TABLE;
}

/* stdout: --json and --csv, or --benchmark_format. */
static void settle_form(struct cz_cli *cli, struct cz_bench_settings *s)
{
    const char *format = cz_arg_text(&cli->args, "benchmark_format");
    s->form = cli->json ? CZ_FORM_JSON : cli->csv ? CZ_FORM_CSV : format ? form_of(format) : CZ_FORM_TABLE;
    cli->json = s->form == CZ_FORM_JSON;
    cli->csv = s->form == CZ_FORM_CSV;
}

/* --out is ours: the suffix says the form, nothing is replaced. --benchmark_out is Google Benchmark's: JSON
 * unless it is told otherwise, and it replaces: callers hand over a file that they made. */
static int settle_out(struct cz_cli *cli, struct cz_bench_settings *s)
{
    const struct cz_args *args = &cli->args;
    const char *out = cz_arg_text(args, "out"), *theirs = cz_arg_text(args, "benchmark_out");
    const char *format = cz_arg_text(args, "benchmark_out_format");
    cz_error err;
    if (out && theirs)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "--out, --benchmark_out: mean the same; give one of them");
    s->out = out ? out : theirs;
    if (!s->out)
        return CZ_EXIT_OK;
    const char *suffix = cz_output_suffix(s->out);
    if (out && cz_output_check_suffix(out, "--out", "json", "csv", &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    s->out_form = format ? form_of(format) : out && strcmp(suffix, "csv") == 0 ? CZ_FORM_CSV : CZ_FORM_JSON;
    if (cz_output_check(s->out, out ? "--out" : "--benchmark_out", theirs || cz_arg_switch(args, "force"),
                        &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    return CZ_EXIT_OK;
}

static int settle_profile(struct cz_cli *cli, struct cz_bench_settings *s)
{
    cz_error err;
    const char *file = cz_arg_text(&cli->args, "profile");
    s->profile = file != NULL;
    s->profile_file = file && file[0] ? file : NULL;
    if (!s->profile_file)
        return CZ_EXIT_OK;
    if (strcmp(cz_output_suffix(file), "svg") != 0)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "%s: a picture is written; give --profile=FILE.svg", file);
    if (cz_output_check(file, "--profile", cz_arg_switch(&cli->args, "force"), &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    return CZ_EXIT_OK;
}

static size_t count_pairs(const struct cz_arg *arg)
{
    size_t n = 0;
    for (int i = 0; i < arg->n_values; i++)
        for (const char *p = arg->values[i]; *p; p++)
            n += *p == '=';
    return n;
}

/* "a=1,b=2": two pairs; a pair without '=' is refused, so there is room for all. */
static int split_pairs(struct cz_cli *cli, struct cz_bench_settings *s, const char *text)
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ",");
        const char *pair = cz_arena_strndup(cli->args.arena, p, n);
        if (!pair)
            return cz_cli_error(cli, CZ_EXIT_MEMORY, "bench: out of memory; close other programs");
        if (cz_bench_context_is_ours(pair))
            return cz_cli_error(cli, CZ_EXIT_USAGE,
                                "--benchmark_context=%s: a key that we write ourselves; choose another",
                                pair);
        if (!strchr(pair, '='))
            return cz_cli_error(cli, CZ_EXIT_USAGE,
                                "--benchmark_context=%s: no KEY=VALUE; try --benchmark_context=%s=1", pair,
                                pair);
        s->context[s->n_context++] = pair;
        p += n + (p[n] == ',');
    }
    return CZ_EXIT_OK;
}

static int settle_context(struct cz_cli *cli, struct cz_bench_settings *s)
{
    const struct cz_arg *arg = cz_arg_get(&cli->args, "benchmark_context");
    int code = CZ_EXIT_OK;
    s->context = cz_arena_alloc(cli->args.arena, sizeof *s->context * (count_pairs(arg) + 1));
    if (!s->context)
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "bench: out of memory; close other programs");
    for (int i = 0; i < arg->n_values && code == CZ_EXIT_OK; i++)
        code = split_pairs(cli, s, arg->values[i]);
    return code;
}

/* Options of the line that are no file's name. */
static void record_flags(const struct cz_cli *cli, struct cz_bench_settings *s)
{
    size_t used = 0;
    for (int i = 0; i < cli->args.count; i++) {
        const struct cz_arg *a = &cli->args.items[i];
        int is_file = a->option->kind == CZ_OPT_OUTPUT || a->option->kind == CZ_OPT_PATH;
        for (int v = 0; v < a->n_values && a->source != CZ_SOURCE_DEFAULT && !is_file; v++) {
            size_t room = used < sizeof s->flags ? sizeof s->flags - used : 0;
            int n = snprintf(s->flags + (room ? used : 0), room, "%s--%s=%s", used ? " " : "",
                             a->option->name, a->values[v]);
            used += n > 0 ? (size_t)n : 0;
        }
    }
}

/* What would be left undone without a word. */
static int settle_mode(struct cz_cli *cli, struct cz_bench_settings *s)
{
    const char *first = s->process                      ? "--process"
                        : strcmp(s->mode, "speed") != 0 ? "--mode check and bits"
                                                        : NULL;
    const char *second = s->process && strcmp(s->mode, "speed") != 0 ? "--mode"
                         : s->profile                                ? "--profile"
                         : s->out && !s->process                     ? "--out"
                                                                     : NULL;
    if (first && second)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "%s, %s: do not go together; give one of them", first,
                            second);
    return CZ_EXIT_OK;
}

static void settle_color(struct cz_cli *cli)
{
    const char *color = cz_arg_text(&cli->args, "benchmark_color");
    int on;
    if (color && strcmp(color, "auto") != 0 && parse_flag(color, &on) == 0)
        cli->out = cz_terminal_of(stdout, on ? "always" : "never");
}

int cz_bench_settle(struct cz_cli *cli, struct cz_bench_settings *s)
{
    const struct cz_args *args = &cli->args;
    const char *unit = cz_arg_text(args, "benchmark_time_unit");
    cz_error err;
    memset(s, 0, sizeof *s);
    s->mode = cz_arg_text(args, "mode");
    s->sort = cz_arg_text(args, "sort");
    s->filter = cz_arg_text(args, "benchmark_filter");
    s->process = cz_arg_switch(args, "process");
    s->batch = cz_arg_text(args, "batch");
    s->threads = cz_arg_text(args, "threads");
    s->isa = cz_arg_text(args, "isa");
    s->gemm = cz_arg_text(args, "gemm");
    s->exact = cz_arg_switch(args, "exact");
    s->init_text = cz_arg_text(args, "init");
    s->weights = cz_arg_text(args, "weights");
    s->strict = strcmp(cz_arg_text(args, "strict"), "no") != 0;
    s->side_px = (int)cz_arg_count(args, "size", 0);
    s->no_fuse = !cz_arg_switch(args, "fuse");
    s->time_unit = unit ? unit : "us"; /* readers print times without decimals */
    settle_form(cli, s);
    settle_color(cli);
    record_flags(cli, s);
    int (*const parts[])(struct cz_cli *, struct cz_bench_settings *) = {
        settle_flags, settle_times, settle_out, settle_profile, settle_context, settle_mode};
    int code = CZ_EXIT_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int part = parts[i](cli, s);
        code = code == CZ_EXIT_OK ? part : code;
    }
    if (cz_init_parse(s->init_text, &s->init, &err) != CZ_OK)
        code = cz_cli_fail(cli, &err);
    if (s->weights && cz_arg_given(args, "init"))
        code = cz_cli_error(cli, CZ_EXIT_USAGE,
                            "--init: seeded weights, and --weights names others; give one of them");
    return code;
}
