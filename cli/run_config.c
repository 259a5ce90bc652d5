#define _GNU_SOURCE /* gethostname without the limits of older standards */
#include "cli/run_config.h"
#include "base/cpu.h"
#include "base/json_out.h"
#include "base/version.h"
#include "engine/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *last_part(const char *path, size_t *n)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    *n = end - begin;
    return path + begin;
}

char *cz_base_name(const char *path, char *buf, size_t size)
{
    size_t n;
    const char *name = last_part(path, &n);
    const int is_dots = n <= 2 && strspn(name, ".") >= n; /* what "." is called is what counts */
    char *real = is_dots ? realpath(path, NULL) : NULL;
    if (real)
        name = last_part(real, &n);
    snprintf(buf, size, "%.*s", (int)n, name);
    free(real);
    return buf;
}

char *cz_result_name(const struct cz_cli_model *m, const char *operand, char *buf, size_t size)
{
    const char *said = m->entry ? m->label : cz_graph_metadata(m->graph, "convzoo.model");
    if (!said)
        return cz_base_name(operand, buf, size);
    snprintf(buf, size, "%s", said);
    return buf;
}

/* Options that say where, how loud or how long change no number. */
static int changes_numbers(const struct cz_option *o)
{
    static const char *const others[] = {"help", "quiet", "verbose", "max-mem", "max-time"};
    if (o->flags & (CZ_OPT_NO_CONFIG | CZ_OPT_NO_LINE | CZ_OPT_USER | CZ_OPT_HIDDEN))
        return 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(o->name, others[i]) == 0)
            return 0;
    return 1;
}

static int names_a_file(const struct cz_option *o)
{
    static const char *const files[] = {"data", "preprocess", "classes"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(o->name, files[i]) == 0)
            return 1;
    return o->kind == CZ_OPT_PATH;
}

static json_t *value_json(const struct cz_option *o, const char *text)
{
    char name[512];
    int64_t count;
    double real;
    int on;
    if (o->kind == CZ_OPT_COUNT && cz_parse_count(text, o->low, o->high, &count) == 0)
        return json_integer(count);
    if (o->kind == CZ_OPT_REAL && cz_parse_real(text, o->low, o->high, &real) == 0)
        return cz_json_double(real);
    if (o->kind == CZ_OPT_SWITCH && cz_parse_switch(text, &on) == 0)
        return json_boolean(on);
    return cz_json_text(names_a_file(o) ? cz_base_name(text, name, sizeof name) : text);
}

void cz_run_config_set(json_t *config, const char *option, json_t *value, const char *source)
{
    json_object_set_new(config, option, value);
    json_object_set_new(json_object_get(config, "sources"), option, json_string(source));
}

json_t *cz_run_config(const struct cz_cli *cli, const char *model, const cz_runtime *runtime)
{
    json_t *config =
        json_pack("{s:s, s:s, s:s, s:o, s:{}}", "schema", "convzoo.config/1", "command", cli->command->name,
                  "version", cz_version(), "model", cz_json_text(model), "sources");
    for (int i = 0; config && i < cli->args.count; i++) {
        const struct cz_arg *arg = &cli->args.items[i];
        if (arg->n_values == 0 || !changes_numbers(arg->option))
            continue;
        cz_run_config_set(config, arg->option->name, value_json(arg->option, arg->values[arg->n_values - 1]),
                          cz_source_name(arg->source));
    }
    if (config) /* what "auto" came to here */
        json_object_set_new(config, "isa", json_string(cz_runtime_isa(runtime)));
    return config;
}

/* The command as it was given: every word that came from the line, options first. */
static json_t *command_json(const struct cz_cli *cli)
{
    json_t *words = json_array();
    json_array_append_new(words, json_string("convzoo"));
    json_array_append_new(words, json_string(cli->command->name));
    for (int i = 0; i < cli->args.count; i++) {
        const struct cz_arg *arg = &cli->args.items[i];
        for (int v = 0; arg->source == CZ_SOURCE_LINE && v < arg->n_values; v++) {
            char word[4200];
            snprintf(word, sizeof word, "--%s=%s", arg->option->name, arg->values[v]);
            json_array_append_new(words, cz_json_text(word));
        }
    }
    for (int i = 0; i < cli->args.n_operands; i++)
        json_array_append_new(words, cz_json_text(cli->args.operands[i]));
    return words;
}

json_t *cz_run_machine(const struct cz_cli *cli, const cz_runtime *runtime)
{
    char host[256] = "", cpu[128], started[32], folder[4096];
    const time_t now = time(NULL);
    struct tm utc;
    gethostname(host, sizeof host - 1);
    cz_cpu_name(cpu, sizeof cpu);
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return json_pack("{s:s, s:s, s:o, s:o, s:i, s:s, s:s, s:b, s:o, s:s, s:s, s:o, s:o}", "schema",
                     "convzoo.machine/1", "started", started, "host", cz_json_text(host), "cpu",
                     cz_json_text(cpu), "n_threads", cz_runtime_threads(runtime), "isa",
                     cz_runtime_isa(runtime), "gemm", cz_runtime_gemm(runtime), "exact", runtime->exact,
                     "blas_core", cz_json_text(cz_runtime_blas_core(runtime)), "commit", cz_commit(),
                     "compiler", cz_compiler(), "working_folder", cz_json_text(getcwd(folder, sizeof folder)),
                     "command", command_json(cli));
}
