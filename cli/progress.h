/*
 * Progress on stderr: a bar on a terminal (at most ten times a second, after half a second), else a line
 * every 30 seconds; nothing with --quiet.
 */
#ifndef CZ_CLI_PROGRESS_H
#define CZ_CLI_PROGRESS_H

#include "cli/cli.h"

#include <stdint.h>

struct cz_progress {
    const struct cz_cli *cli;
    const char *label, *unit; /* "features", "images" */
    int64_t total;
    double start, last;
    int drawn;
};

void cz_progress_start(struct cz_progress *, const struct cz_cli *, const char *label, const char *unit,
                       int64_t total);

/* `done` of total; `extra` (may be NULL) stands behind the speed: "loss 0.412". */
void cz_progress_step(struct cz_progress *, int64_t done, const char *extra);

/* Clears the bar, so that a message or the result can follow. */
void cz_progress_end(struct cz_progress *);

/* "45 s", "12 min", "3.2 h". Returns buf. */
char *cz_duration_text(double seconds, char *buf, size_t size);

#endif
