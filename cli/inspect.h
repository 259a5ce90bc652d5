/*
 * What `inspect` finds out about a model, and the same as JSON.
 */
#ifndef CZ_CLI_INSPECT_H
#define CZ_CLI_INSPECT_H

#include "cli/model.h"
#include "engine/plan.h"
#include "engine/stages.h"

#include <jansson.h>

/* All that is known; what is not, is NULL or negative. */
struct cz_findings {
    struct cz_cli_model model;
    struct cz_infer *infer;
    struct cz_stage stages[CZ_MAX_STAGES];
    int n_stages, batch, utf8;
    cz_runtime *runtime;
    cz_plan *plan;
    int64_t n_parameters, weights_bytes;
    cz_error why_no_plan;
};

size_t cz_inspect_step_bytes(const struct cz_plan *, const struct cz_step *);

/* [{name, dtype, shape}] */
json_t *cz_inspect_values(const struct cz_findings *, int outputs);

/* Adds {operator: number of nodes} to `ops` (may be NULL); where shapes are known, only nodes that are
 * computed at run time. Returns how many nodes. */
int cz_inspect_count_ops(const struct cz_findings *, json_t *ops);

const char *cz_inspect_metadata(const struct cz_findings *, const char *key);

/* Metadata that is JSON, as JSON; null where there is none or it is broken. */
json_t *cz_inspect_parsed(const struct cz_findings *, const char *key);

/* convzoo.inspect/1 */
json_t *cz_inspect_document(const struct cz_cli *, const struct cz_findings *);

/* --tensors: as JSON, [{name, dtype, shape, min, max, mean, n_nan, n_inf, n_denormal}], and as a table. */
json_t *cz_inspect_tensors(const struct cz_graph *);
int cz_inspect_print_tensors(const struct cz_cli *, const struct cz_graph *);

#endif
