/*
 * The table of commands, and how to find one. A command is a function in cmd_<name>.c, a line in commands.def
 * and its rows in options.def; nothing else knows it.
 */
#ifndef CZ_CLI_COMMANDS_H
#define CZ_CLI_COMMANDS_H

struct cz_cli;

enum cz_group { CZ_LOOK, CZ_USE, CZ_MEASURE, CZ_TRAIN, CZ_LEARN, CZ_OTHER, CZ_HIDDEN };

struct cz_command {
    const char *name;            /* "predict", or two words: "zoo list" */
    int (*run)(struct cz_cli *); /* returns an enum cz_exit */
    enum cz_group group;
    const char *operands; /* "MODEL IMAGE...", for the usage line and for completion */
    int n_min, n_max;     /* operands; n_max -1: any number */
    const char *shared;   /* shared options it takes, spaces between */
    const char *summary;  /* a few words, for the list of commands */
    const char *about;    /* one or two sentences */
    const char *examples; /* a line each: command, tab, what it shows */
    const char *notes;    /* lines "Files: ..." and "Exit ..."; may be "" */
};

int cz_command_count(void);
const struct cz_command *cz_command_at(int index);

/*
 * The command that words[n] begin with: two words before one. *used: how many words name it. NULL: none;
 * *used is then 1 where the first word alone begins a two-word command.
 */
const struct cz_command *cz_command_find(const char *const *words, int n, int *used);

/* Positions of the first two words of argv[n] that are neither options nor their values; how many there are.
 */
int cz_command_words(const char *const *argv, int n, int at[2]);

const char *cz_group_title(enum cz_group);

/* Every command's function. */
#define COMMAND(name, function, ...) int function(struct cz_cli *);
#include "cli/commands.def"
#undef COMMAND

#endif
