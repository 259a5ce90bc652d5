/*
 * Manual pages, made from the tables of commands, options and formats. The kept copies in docs/man are
 * compared with these by a test; `cmake --build BUILD --target man_pages` writes them anew.
 */
#ifndef CZ_CLI_MAN_H
#define CZ_CLI_MAN_H

#include <stddef.h>
#include <stdio.h>

/* "convzoo.1", "convzoo-zoo-list.1", "convzoo-formats.5"; NULL after the last. */
const char *cz_man_page(int index, char *buf, size_t size);

/* Writes the page; 1: there is none of that name. */
int cz_man_print(const char *page, FILE *);

#endif
