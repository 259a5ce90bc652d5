/*
 * What every command works with: its arguments, where it may write, and how it ends.
 *
 * Data goes to stdout, everything else to stderr. With --json stdout gets exactly one document: what the
 * command gave to cz_cli_emit, or, when it failed without one, the error. A command never calls exit.
 *
 *     int cz_cmd_count(struct cz_cli *cli)
 *     {
 *         cz_error err;
 *         if (work(cli->args.operands[0], &err) != CZ_OK)
 *             return cz_cli_fail(cli, &err);
 *         if (cli->json)
 *             return cz_cli_emit(cli, json_pack(...));
 *         printf(...);
 *         return CZ_EXIT_OK;
 *     }
 */
#ifndef CZ_CLI_CLI_H
#define CZ_CLI_CLI_H

#include "base/status.h"
#include "cli/args.h"
#include "cli/terminal.h"

#include <jansson.h>

/* A small set, not sysexits: scripts test for 1 as with grep and diff, so 1 never means a breakdown. */
enum cz_exit {
    CZ_EXIT_OK = 0,          /* done; the answer is yes */
    CZ_EXIT_NO = 1,          /* the answer asked for is no */
    CZ_EXIT_USAGE = 2,       /* command line or config wrong, nothing touched */
    CZ_EXIT_SKIPPED = 3,     /* done, some inputs skipped and listed */
    CZ_EXIT_INPUT = 4,       /* content of an input is bad or does not fit */
    CZ_EXIT_UNSUPPORTED = 5, /* sound, but not supported here */
    CZ_EXIT_SYSTEM = 6,      /* the system refused: no file, permission, disk, network */
    CZ_EXIT_MEMORY = 7,
    CZ_EXIT_NUMERIC = 8,   /* NaN or Inf in training or output */
    CZ_EXIT_INTERNAL = 70, /* our mistake: please report */
    /* 128 + signal: cleaned up, then raised again */
    CZ_EXIT_HANGUP = 129,
    CZ_EXIT_INTERRUPT = 130,
    CZ_EXIT_PIPE = 141,
    CZ_EXIT_TERMINATED = 143,
};

struct cz_cli {
    const struct cz_command *command;
    struct cz_args args;
    struct cz_terminal out, err;
    int json, csv, quiet, verbose; /* verbose 2: debug */
    int utf8;
    struct cz_problems errors; /* already on stderr; for the error document */
    enum cz_exit error_exit;
    json_t *document;
};

/* The whole program. */
int cz_cli_main(int argc, char **argv);

/* Writes "convzoo: error: ..." (at most 512 bytes) to stderr and returns the code. "WHERE: CAUSE; REMEDY". */
int cz_cli_error(struct cz_cli *, enum cz_exit, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for what the library said; the code is that of the status. */
int cz_cli_fail(struct cz_cli *, const cz_error *);
enum cz_exit cz_exit_of(cz_status);

/* "convzoo: warning: ...", also with --quiet. */
void cz_cli_warn(struct cz_cli *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line for people on stderr: what was chosen, and where it came from. Not with --quiet. */
void cz_cli_note(struct cz_cli *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Shown with -v (level 1) or -v -v (2). */
void cz_cli_detail(struct cz_cli *, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Takes the document (one reference) that --json prints at the end; a later one replaces it. CZ_EXIT_OK, or
 * CZ_EXIT_MEMORY for NULL. */
int cz_cli_emit(struct cz_cli *, json_t *document);

/* 1 when nobody reads stdout any more: a command that only prints may stop. */
int cz_cli_out_is_gone(void);

/* The runtime of --threads, --isa and --gemm, for a command that has these options; its log goes to notes. */
cz_status cz_cli_runtime(struct cz_cli *, cz_runtime **out, cz_error *);

#endif
