/*
 * Help texts, all made from the tables of commands and options.
 */
#ifndef CZ_CLI_HELP_H
#define CZ_CLI_HELP_H

#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>

void cz_help_main(FILE *);
void cz_help_command(const struct cz_command *, FILE *);

/* The commands that begin with `word` ("zoo"). */
void cz_help_family(const char *word, FILE *);

/* The options that several commands share. */
void cz_help_options(FILE *);

/* "--batch N", "--json", "--tune[=no|yes|free]". Returns buf. */
char *cz_help_option(const struct cz_option *, char *buf, size_t size);

/* The sentence with its default behind it: "workers ... [8]". Returns buf. */
char *cz_help_sentence(const struct cz_option *, char *buf, size_t size);

/* Line `index` of a command's examples split at the tab; 0 after the last. Buffers of 128 and 128 bytes. */
int cz_help_example(const struct cz_command *, int index, char *line, char *comment);
enum { CZ_HELP_EXAMPLE = 128, CZ_HELP_NOTE = 1024 };

/* Note `index` of a command: a line with those below it that begin with a blank. 0 after the last. */
int cz_help_note(const struct cz_command *, int index, char *buf, size_t size);

#endif
