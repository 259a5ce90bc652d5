/*
 * Reading JSON in one pass, for headers whose size a stranger chooses: no tree, no recursion, memory only for
 * the strings that the caller keeps. Each function takes the next token or fails with the byte where it
 * stood.
 *
 * Source: RFC 8259.
 */
#ifndef CZ_IMPORTER_JSON_SCAN_H
#define CZ_IMPORTER_JSON_SCAN_H

#include "base/memory.h"
#include "base/status.h"

struct json_scan {
    const unsigned char *start, *p, *end;
};

/* 1 and past it if the next token is `c`, one of {}[]:, */
int jscan_take(struct json_scan *, char c);
cz_status jscan_want(struct json_scan *, char c, cz_error *);

/* A string, unescaped, into the arena. Refused: bytes that are not UTF-8, lone surrogates, NUL. */
cz_status jscan_string(struct json_scan *, struct cz_arena *, const char **out, cz_error *);

/* A whole number from 0 to INT64_MAX, without sign, fraction or exponent. */
cz_status jscan_count(struct json_scan *, int64_t *out, cz_error *);

/* Nothing but blanks is left. */
int jscan_at_end(struct json_scan *);

/* "header byte N: WHAT" */
cz_status jscan_bad(const struct json_scan *, const char *what, cz_error *);

#endif
