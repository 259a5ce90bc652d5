/*
 * Candidates for shell completion. Everything comes from the tables and from lists of names: no weights are
 * read.
 */
#ifndef CZ_CLI_COMPLETE_H
#define CZ_CLI_COMPLETE_H

#include <stdio.h>

/*
 * Prints what may stand at words[at] (of n words behind the program's name; at == n: a new word), one
 * candidate a line, for some with a tab and a few words about it. Nothing: file names may stand there.
 */
void cz_complete(const char *const *words, int n, int at, FILE *out);

#endif
