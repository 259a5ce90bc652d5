/*
 * Runs the program as a user would and keeps what came of it.
 */
#ifndef CZ_TESTS_CLI_RUN_H
#define CZ_TESTS_CLI_RUN_H

#include <stddef.h>

struct run {
    int code; /* exit code, or 128 + signal */
    char *out, *err;
    size_t out_bytes, err_bytes;
    double cpu_ms; /* of the program, user and system */
    long peak_kib; /* the most memory it held */
};

enum run_stdout {
    RUN_PIPE,   /* kept in `out` */
    RUN_CLOSED, /* no stdout at all */
    RUN_FULL,   /* /dev/full: every write fails */
    RUN_GONE,   /* a pipe nobody reads */
};

/* The line is split at blanks ('...' holds blanks); "VAR=value" words in front set the environment. Fails the
 * test when the program cannot be started. Release with run_free. */
struct run run_line(const char *line, enum run_stdout);
struct run run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void run_free(struct run *);

/* A new empty folder, which run_clean, the teardown of the test group, removes. */
const char *run_folder(void);
int run_clean(void **state);

/* Writes a file below run_folder(); returns its path, which stays valid for the next 7 calls. */
const char *run_file(const char *name, const void *bytes, size_t size);
const char *run_text(const char *name, const char *text);

/* Fails, showing the whole run, unless the code is `code` and stderr holds `err` (NULL: is empty). */
void run_expect(struct run *, int code, const char *err);

/* $CONVZOO_TEST_DATA, or NULL. */
const char *run_data(void);

#endif
