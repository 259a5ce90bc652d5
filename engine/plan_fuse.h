/*
 * What the rules of plan_fuse.c share.
 */
#ifndef CZ_ENGINE_PLAN_FUSE_H
#define CZ_ENGINE_PLAN_FUSE_H

#include "engine/plan.h"

struct cz_fuser {
    struct cz_plan *plan;
    int *producer; /* per value: plan node, -1 */
    int *uses;     /* per value: inputs that read it, graph outputs included */
    int *same_as;  /* per value: what its readers read instead, its node being dropped; -1 */
    char *is_output;
};

/* A rule looks at plan node n; 1 if it changed something. */
int cz_fuse_pad(struct cz_fuser *, int n);
int cz_fuse_codes(struct cz_fuser *, int n);
int cz_fuse_integer_cast(struct cz_fuser *, int n);

#endif
