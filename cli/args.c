#include "cli/args.h"
#include "base/nearest.h"
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -V and -h before a command are cli.c's. */
static const struct {
    char letter;
    const char *name;
} short_forms[] = {{'h', "help"}, {'q', "quiet"}, {'v', "verbose"}, {'o', "out"}};

void cz_problem_add(struct cz_problems *p, const char *fmt, ...)
{
    char line[1024];
    cz_error printable;
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    cz_error_set(&printable, CZ_ERR_ARGUMENT, "%s", line);
    if (cz_grow(&p->lines, &p->capacity, (size_t)p->count, sizeof *p->lines) == 0)
        memcpy(p->lines[p->count++], printable.message, sizeof *p->lines);
}

void cz_problems_deinit(struct cz_problems *p)
{
    free(p->lines);
    memset(p, 0, sizeof *p);
}

const char *cz_source_name(enum cz_source source)
{
    static const char *const names[] = {"default", "user", "file", "env", "line"};
    return names[source];
}

struct cz_arg *cz_arg_find(const struct cz_args *args, const char *name)
{
    for (int i = 0; i < args->count; i++)
        if (strcmp(args->items[i].option->name, name) == 0)
            return &args->items[i];
    return NULL;
}

int cz_arg_set(struct cz_args *args, struct cz_arg *arg, enum cz_source source, const char *text)
{
    int keep = (arg->option->flags & CZ_OPT_REPEATABLE) && arg->source == source ? arg->n_values : 0;
    const char **values = cz_arena_alloc(args->arena, (size_t)(keep + 1) * sizeof *values);
    if (!values)
        return 1;
    if (keep > 0)
        memcpy(values, arg->values, (size_t)keep * sizeof *values);
    values[keep] = text;
    arg->values = values;
    arg->n_values = keep + 1;
    arg->source = source;
    return 0;
}

static const struct cz_arg *nearest_arg(const struct cz_args *args, const char *name)
{
    const char **names = calloc((size_t)args->count + 1, sizeof *names);
    size_t n = 0;
    for (int i = 0; names && i < args->count; i++)
        if (!(args->items[i].option->flags & (CZ_OPT_NO_LINE | CZ_OPT_HIDDEN)))
            names[n++] = args->items[i].option->name;
    const char *nearest = names ? cz_nearest(name, names, n) : NULL;
    free(names);
    return nearest ? cz_arg_find(args, nearest) : NULL;
}

const char *cz_arg_remedy(const struct cz_args *args, const char *name, char *buf, size_t size)
{
    const struct cz_arg *nearest = nearest_arg(args, name);
    if (nearest)
        snprintf(buf, size, "nearest is --%s", nearest->option->name);
    else
        snprintf(buf, size, "see `convzoo %s --help`", args->command->name);
    return buf;
}

static int takes_value(const struct cz_option *o)
{
    return o->kind != CZ_OPT_SWITCH && !(o->flags & CZ_OPT_OPTIONAL);
}

/* Where the reader is. */
struct cursor {
    struct cz_args *args;
    const char *const *argv;
    int n, next;
    struct cz_problems *problems;
};

static int store(struct cursor *c, struct cz_arg *arg, const char *text)
{
    struct cz_value_problem why;
    const char *name = arg->option->name;
    if (cz_option_check(arg->option, text, &why) == 0)
        return cz_arg_set(c->args, arg, CZ_SOURCE_LINE, text);
    const char *join = arg->option->kind == CZ_OPT_SWITCH ? "=" : " ";
    cz_problem_add(c->problems, "--%s%s%s: %s; try --%s%s%s", name, join, *text ? text : "''", why.cause,
                   name, join, why.suggestion);
    return 0;
}

static int has_value_word(const struct cursor *c)
{
    return c->next < c->n && strncmp(c->argv[c->next], "--", 2) != 0;
}

/* Tells the nearest name; and takes that one's value along, so that it is not also called an operand too
 * many. */
static void unknown_option(struct cursor *c, const char *name, int has_value)
{
    char remedy[96];
    const struct cz_arg *nearest = nearest_arg(c->args, name);
    if (nearest && takes_value(nearest->option) && !has_value && has_value_word(c))
        c->next++;
    cz_arg_remedy(c->args, name, remedy, sizeof remedy);
    cz_problem_add(c->problems, "option --%s: unknown to `%s`; %s", name, c->args->command->name, remedy);
}

/* An option whose name is text[0..length) (no dashes); value NULL: none was attached with '='. */
static int read_option(struct cursor *c, const char *text, size_t length, const char *value)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    struct cz_arg *arg = cz_arg_find(c->args, name);
    if (!arg || (arg->option->flags & CZ_OPT_NO_LINE)) {
        unknown_option(c, name, value != NULL);
        return 0;
    }
    const struct cz_option *o = arg->option;
    if (value)
        return store(c, arg, value);
    if (o->kind == CZ_OPT_SWITCH)
        return cz_arg_set(c->args, arg, CZ_SOURCE_LINE, "yes");
    if (o->flags & CZ_OPT_OPTIONAL)
        return cz_arg_set(c->args, arg, CZ_SOURCE_LINE, o->kind == CZ_OPT_CHOICE ? "yes" : "");
    if (has_value_word(c))
        return store(c, arg, c->argv[c->next++]);
    cz_problem_add(c->problems, "option --%s: needs a value; write --%s %s", name, name, o->value);
    return 0;
}

/* -q, -o FILE; -qv would have to be guessed at and is refused. */
static int read_short(struct cursor *c, const char *text)
{
    for (size_t i = 0; i < sizeof short_forms / sizeof *short_forms; i++)
        if (text[1] == short_forms[i].letter && !text[2])
            return read_option(c, short_forms[i].name, strlen(short_forms[i].name), NULL);
    cz_problem_add(c->problems,
                   "option %s: unknown; short ones are -h -q -v and -o FILE, a file of that name is ./%s",
                   text, text);
    return 0;
}

static int read_word(struct cursor *c, const char *word, int *ended)
{
    if (*ended || word[0] != '-' || !word[1]) {
        c->args->operands[c->args->n_operands++] = word;
        return 0;
    }
    if (strcmp(word, "--") == 0) {
        *ended = 1;
        return 0;
    }
    if (word[1] != '-')
        return read_short(c, word);
    const char *name = word + 2, *equals = strchr(name, '=');
    return read_option(c, name, equals ? (size_t)(equals - name) : strlen(name), equals ? equals + 1 : NULL);
}

static void check_operands(struct cursor *c)
{
    const struct cz_command *command = c->args->command;
    const struct cz_arg *help = cz_arg_find(c->args, "help");
    int n = c->args->n_operands;
    if (help && help->source == CZ_SOURCE_LINE)
        return;
    if (n < command->n_min)
        cz_problem_add(c->problems, "%s: %s missing; write `convzoo %s %s`", command->name,
                       n == 0 ? "operands are" : "an operand is", command->name, command->operands);
    if (command->n_max >= 0 && n > command->n_max)
        cz_problem_add(c->problems, "%s: one operand too many: '%s'; see `convzoo %s --help`", command->name,
                       c->args->operands[command->n_max], command->name);
}

static int create_items(struct cz_args *args)
{
    int n = cz_option_count();
    args->items = cz_arena_alloc(args->arena, (size_t)n * sizeof *args->items);
    for (int i = 0; args->items && i < n; i++)
        if (cz_option_applies(cz_option_at(i), args->command))
            args->items[args->count++].option = cz_option_at(i);
    return args->items == NULL;
}

int cz_args_parse(struct cz_args *args, const struct cz_command *command, const char *const *argv, int n,
                  struct cz_problems *problems)
{
    memset(args, 0, sizeof *args);
    args->command = command;
    args->arena = cz_arena_create();
    if (!args->arena || create_items(args))
        return 1;
    args->operands = cz_arena_alloc(args->arena, (size_t)(n + 1) * sizeof *args->operands);
    if (!args->operands)
        return 1;
    struct cursor c = {args, argv, n, 0, problems};
    int ended = 0;
    while (c.next < n)
        if (read_word(&c, argv[c.next++], &ended))
            return 1;
    check_operands(&c);
    return 0;
}

void cz_args_deinit(struct cz_args *args)
{
    cz_arena_destroy(args->arena);
    memset(args, 0, sizeof *args);
}

const struct cz_arg *cz_arg_get(const struct cz_args *args, const char *name)
{
    const struct cz_arg *arg = cz_arg_find(args, name);
    if (!arg) {
        fprintf(stderr, "convzoo: error: `%s` has no option --%s; please report this\n", args->command->name,
                name);
        exit(70); /* CZ_EXIT_INTERNAL */
    }
    return arg;
}

int cz_arg_given(const struct cz_args *args, const char *name)
{
    const struct cz_arg *arg = cz_arg_get(args, name);
    return arg->n_values > 0 && arg->source != CZ_SOURCE_DEFAULT;
}

const char *cz_arg_text(const struct cz_args *args, const char *name)
{
    const struct cz_arg *arg = cz_arg_get(args, name);
    return arg->n_values > 0 ? arg->values[arg->n_values - 1] : NULL;
}

int cz_arg_switch(const struct cz_args *args, const char *name)
{
    const char *text = cz_arg_text(args, name);
    return text && strcmp(text, "yes") == 0;
}

int64_t cz_arg_count(const struct cz_args *args, const char *name, int64_t missing)
{
    const struct cz_arg *arg = cz_arg_get(args, name);
    int64_t n;
    if (arg->n_values == 0 ||
        cz_parse_count(arg->values[arg->n_values - 1], arg->option->low, arg->option->high, &n))
        return missing;
    return n;
}

double cz_arg_real(const struct cz_args *args, const char *name, double missing)
{
    const struct cz_arg *arg = cz_arg_get(args, name);
    double x;
    if (arg->n_values == 0 ||
        cz_parse_real(arg->values[arg->n_values - 1], arg->option->low, arg->option->high, &x))
        return missing;
    return x;
}

uint64_t cz_arg_seed(const struct cz_args *args, const char *name)
{
    const char *text = cz_arg_text(args, name);
    uint64_t seed;
    return text && cz_parse_seed(text, &seed) == 0 ? seed : 0;
}

int64_t cz_arg_size(const struct cz_args *args, const char *name, int64_t missing)
{
    const char *text = cz_arg_text(args, name);
    int64_t bytes;
    return text && cz_parse_size(text, &bytes) == 0 ? bytes : missing;
}

double cz_arg_time(const struct cz_args *args, const char *name, double missing)
{
    const char *text = cz_arg_text(args, name);
    double seconds;
    return text && cz_parse_time(text, &seconds) == 0 ? seconds : missing;
}
