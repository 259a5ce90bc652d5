/*
 * What the last bench measured here, per model: the "here" columns of `zoo list`. A JSON file in the user's
 * state folder, replaced whole, so that a reader never sees half of it.
 */
#ifndef CZ_BENCH_STATE_H
#define CZ_BENCH_STATE_H

#include "base/status.h"

#include <jansson.h>
#include <stdint.h>

#define CZ_BENCH_STATE_FILE "bench.json" /* its name in the state folder */

enum { CZ_BENCH_WORD = 32, CZ_BENCH_NAME = 192 };

struct cz_bench_record {
    double median_ms, images_per_s;
    int64_t batch, threads, planned_bytes, peak_bytes;
    char isa[CZ_BENCH_WORD];
};

struct cz_bench_state {
    json_t *models; /* name -> record */
};

/*
 * Reads the file. One that is missing, damaged or of a later version is an empty state: the measurements can
 * be made again, and a list of models must not fail for want of them. Errors  CZ_ERR_MEMORY.
 */
cz_status cz_bench_state_load(const char *path, struct cz_bench_state *out, cz_error *);
void cz_bench_state_deinit(struct cz_bench_state *);

/* 1 and the record, or 0: this model was not measured yet. */
int cz_bench_state_find(const struct cz_bench_state *, const char *model, struct cz_bench_record *out);

/* Sets or replaces a model's record. Errors  CZ_ERR_MEMORY. */
cz_status cz_bench_state_set(struct cz_bench_state *, const char *model, const struct cz_bench_record *,
                             cz_error *);

/* Writes the file; missing folders above it are made. Errors  CZ_ERR_IO, CZ_ERR_MEMORY. */
cz_status cz_bench_state_save(const struct cz_bench_state *, const char *path, cz_error *);

#endif
