/*
 * What a stream can show: width, colours, UTF-8.
 */
#ifndef CZ_CLI_TERMINAL_H
#define CZ_CLI_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

struct cz_terminal {
    int is_terminal, color;
    int width; /* columns; 0: not a terminal, nothing is shortened */
};

/*
 * `when` is --color's word. auto: NO_COLOR (not empty) turns colours off, else CLICOLOR_FORCE or FORCE_COLOR
 * (not empty) on, else a terminal whose TERM is set and not "dumb".
 */
struct cz_terminal cz_terminal_of(FILE *, const char *when);

/* The four uses, each also with a word or a mark of its own: sixteen colours only. */
enum cz_color { CZ_RED, CZ_YELLOW, CZ_GREEN, CZ_DIM };
const char *cz_color_on(const struct cz_terminal *, enum cz_color); /* "" without colours */
const char *cz_color_off(const struct cz_terminal *);

/* 1 where the locale's character set is UTF-8 (setlocale must have been called). */
int cz_locale_is_utf8(void);

/*
 * A name as a terminal may show it: control and invalid bytes as \xNN, and so every byte over 0x7F where utf8
 * is 0. Cuts at the end of buf. Returns buf.
 */
char *cz_printable(const char *name, int utf8, char *buf, size_t size);

/* Columns that a printable text takes: its characters. */
int cz_text_width(const char *text);

/* Shortens in the middle to `width` columns: "a_very_lo...name.jpg". Returns buf. */
char *cz_text_cut(const char *text, int width, char *buf, size_t size);

#endif
