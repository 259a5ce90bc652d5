/*
 * Tables: one set of rows, printed for people (aligned ASCII) or as CSV under the names of the JSON keys.
 *
 *     struct cz_table *t = cz_table_create();
 *     cz_table_column(t, "model", "model", CZ_LEFT | CZ_CUT);
 *     cz_table_column(t, "median\nms", "median_ms", CZ_RIGHT);
 *     cz_table_row(t);
 *     cz_table_text(t, name);
 *     cz_table_cell(t, "%.1f", ms);
 *
 * A table remembers that memory ran out and says so when it is printed.
 */
#ifndef CZ_CLI_TABLE_H
#define CZ_CLI_TABLE_H

#include "cli/terminal.h"

#include <stdio.h>

enum cz_column_flags {
    CZ_LEFT = 0,
    CZ_RIGHT = 1,
    CZ_CUT = 2, /* may be shortened in the middle when a terminal is too narrow */
};

struct cz_table;

struct cz_table *cz_table_create(void);
void cz_table_destroy(struct cz_table *); /* accepts NULL */

/* head: up to two lines ("median\nms": the unit below the name). key: name in the CSV, NULL: not in it. */
void cz_table_column(struct cz_table *, const char *head, const char *key, unsigned flags);

/* A heading over the columns first..last (it stands in the first line of their heads, which must be empty
 * there). */
void cz_table_span(struct cz_table *, int first, int last, const char *head);

void cz_table_row(struct cz_table *);

/* The next cell of the row. Names of any bytes are fine. */
void cz_table_text(struct cz_table *, const char *text);
void cz_table_cell(struct cz_table *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The next cell, shown as `shown`, in CSV as `raw` (a number without unit or mark; "" where it is not known).
 */
void cz_table_pair(struct cz_table *, const char *shown, const char *raw);

/* Colours the row's last cell where the terminal has colours. */
void cz_table_color(struct cz_table *, enum cz_color);

/* `t`: the terminal, or NULL for none. Return 1 when memory ran out while the table was filled. */
int cz_table_print(const struct cz_table *, FILE *, const struct cz_terminal *t);
int cz_table_print_csv(const struct cz_table *, FILE *); /* RFC 4180, but lines end in \n */

#endif
