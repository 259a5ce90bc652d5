/*
 * The one table of options. Parser, --help, completion, manual pages and the keys of --config files all read
 * it.
 *
 * A row belongs to the commands it names ("finetune,train"), to all ("*"), or is shared ("-"): a shared row
 * holds for the commands that list it in commands.def. A row that names the command wins over a shared one,
 * so that
 * --batch can have another default in bench than in predict.
 */
#ifndef CZ_CLI_OPTIONS_H
#define CZ_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct cz_command;

enum cz_option_kind {
    CZ_OPT_SWITCH, /* --name, --name=yes|no */
    CZ_OPT_COUNT,  /* whole number in [low, high] */
    CZ_OPT_COUNTS, /* one or more of those, comma between */
    CZ_OPT_REAL,   /* decimal number in [low, high] */
    CZ_OPT_SEED,   /* 64 unsigned bits */
    CZ_OPT_SIZE,   /* bytes: 512M, 2G (1024s) */
    CZ_OPT_TIME,   /* seconds: 90s, 10m, 2h, 250ms */
    CZ_OPT_CHOICE, /* one of the words in `value`, '|' between */
    CZ_OPT_TEXT,
    CZ_OPT_PATH,   /* a file or folder to read */
    CZ_OPT_OUTPUT, /* a file or folder to write */
};

enum cz_option_flags {
    CZ_OPT_REPEATABLE = 1, /* every value counts; else the last one wins */
    CZ_OPT_OPTIONAL = 2,   /* --name alone is allowed: "yes" for a choice, "" for text and paths */
    CZ_OPT_ENV = 4,        /* CONVZOO_NAME may set it */
    CZ_OPT_USER = 8,       /* may stand in the user's own config.json: changes no number */
    CZ_OPT_NO_LINE = 16,   /* a setting without an option on the command line */
    CZ_OPT_NO_CONFIG = 32, /* not a key of --config files */
    CZ_OPT_HIDDEN = 64,    /* accepted, but in no help */
};

struct cz_option {
    const char *commands, *name;
    enum cz_option_kind kind;
    unsigned flags;
    const char *value;    /* "N", "FILE", or the words of a choice; NULL for a switch */
    const char *standard; /* default value; "(in parentheses)": prose for help only; NULL: none */
    double low, high;
    const char
        *group; /* heading in help; NULL: named on the "Also:" line, explained by `convzoo help options` */
    const char *sentence;
};

int cz_option_count(void);
const struct cz_option *cz_option_at(int index);

/* 1 if the row holds for the command (see above). */
int cz_option_applies(const struct cz_option *, const struct cz_command *);

/* The row `name` (without dashes) of the command, or NULL. */
const struct cz_option *cz_option_find(const struct cz_command *, const char *name);

/* The first row of that name of any command, or NULL: to find the command word among options. */
const struct cz_option *cz_option_find_any(const char *name);

/* What a row's text must look like; all exact, without spaces or signs that mean nothing. 1 when it does not
 * fit. */
int cz_parse_count(const char *text, double low, double high, int64_t *out);
int cz_parse_real(const char *text, double low, double high, double *out);
int cz_parse_seed(const char *text, uint64_t *out);
int cz_parse_size(const char *text, int64_t *bytes);
int cz_parse_time(const char *text, double *seconds);
int cz_parse_switch(const char *text, int *on);

/* Item `index` of "1,8,32"; 1 when there is none or it does not fit. */
int cz_parse_counts(const char *text, double low, double high, int index, int64_t *out);

/* Word i of a choice ("auto|avx2"), or NULL after the last. */
const char *cz_option_word(const struct cz_option *, int i, char *buf, size_t size);

/* The option's default where it is a value, else NULL. */
const char *cz_option_default(const struct cz_option *);

struct cz_value_problem {
    char cause[256];     /* "not a whole number from 1 to 65536" */
    char suggestion[80]; /* "4": a value that would do; may be empty */
};

/* 0 when `text` is a value of the option, else 1 and why. */
int cz_option_check(const struct cz_option *, const char *text, struct cz_value_problem *);

#endif
