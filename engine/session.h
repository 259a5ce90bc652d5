/*
 * Session: the working memory of one plan, and the loop over its steps.
 */
#ifndef CZ_ENGINE_SESSION_H
#define CZ_ENGINE_SESSION_H

#include "engine/plan.h"

struct cz_session {
    struct cz_plan *plan;
    unsigned char *arena, *scratch;
    unsigned char **data;   /* per planned value */
    unsigned char **staged; /* per graph input: converted copy, NULL where the caller's memory is used */
    double *step_seconds;   /* sums per step; NULL: not profiling */
    int64_t n_profiled;
    uint64_t n_runs;
};

/* Starts summing the time of each step over the following runs. */
cz_status cz_session_profile(struct cz_session *, cz_error *);

#endif
