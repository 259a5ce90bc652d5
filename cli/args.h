/*
 * The command line and the settings behind it: line > environment > --config file > the user's own file >
 * default, each value remembered with its source.
 *
 * Grammar: options anywhere, `--name VALUE` or `--name=VALUE`, switches `--name` or `--name=yes|no`, `--`
 * ends them, a lone `-` is an operand. No abbreviations: an option added later must not change what an old
 * script means. The last of several wins unless the option is repeatable. Short forms: -h -q -v -o.
 */
#ifndef CZ_CLI_ARGS_H
#define CZ_CLI_ARGS_H

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/options.h"

enum cz_source { CZ_SOURCE_DEFAULT, CZ_SOURCE_USER, CZ_SOURCE_FILE, CZ_SOURCE_ENV, CZ_SOURCE_LINE };

struct cz_arg {
    const struct cz_option *option;
    enum cz_source source;
    const char **values; /* checked: they fit the option's kind */
    int n_values;        /* 0: not given and no default */
};

struct cz_args {
    const struct cz_command *command;
    struct cz_arg *items; /* one for every option of the command, in the table's order */
    int count;
    const char **operands;
    int n_operands;
    struct cz_arena *arena;
};

/* What is wrong with a command line, all of it: a line each, "WHERE: CAUSE; REMEDY". */
struct cz_problems {
    char (*lines)[512];
    int count;
    size_t capacity;
};

void cz_problem_add(struct cz_problems *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cz_problems_deinit(struct cz_problems *);

/*
 * Reads argv[n] (without program and command words) for `command`. Goes on after a mistake, so that all are
 * told at once. Values that do not fit are left out. The strings of argv must outlive the args. 1 when memory
 * ran out.
 */
int cz_args_parse(struct cz_args *, const struct cz_command *command, const char *const *argv, int n,
                  struct cz_problems *);
void cz_args_deinit(struct cz_args *);

/* Adds what environment, --config file and the user's file say, and the defaults. 1 when memory ran out. */
int cz_args_settle(struct cz_args *, struct cz_problems *);

/* "line", "env", "file", "user", "default": the words of config.json's `sources`. */
const char *cz_source_name(enum cz_source);

/*
 * Values by option name, without dashes. Asking for an option that the command does not have is our mistake
 * and ends the program with 70; numbers that were not given and have no default give `missing` or 0.
 */
const struct cz_arg *cz_arg_get(const struct cz_args *, const char *name);
int cz_arg_given(const struct cz_args *, const char *name); /* by line, environment or file; not by default */
const char *cz_arg_text(const struct cz_args *, const char *name); /* the last value, or NULL */
int cz_arg_switch(const struct cz_args *, const char *name);
int64_t cz_arg_count(const struct cz_args *, const char *name, int64_t missing);
double cz_arg_real(const struct cz_args *, const char *name, double missing);
uint64_t cz_arg_seed(const struct cz_args *, const char *name);
int64_t cz_arg_size(const struct cz_args *, const char *name, int64_t missing);
double cz_arg_time(const struct cz_args *, const char *name, double missing);

/* For args.c and settings.c: one more value; 1 when memory ran out. */
int cz_arg_set(struct cz_args *, struct cz_arg *, enum cz_source, const char *text);
struct cz_arg *cz_arg_find(const struct cz_args *, const char *name); /* NULL: not an option of the command */

/* "; nearest is --epochs", or "; see `convzoo CMD --help`" where nothing is near. */
const char *cz_arg_remedy(const struct cz_args *, const char *name, char *buf, size_t size);

#endif
