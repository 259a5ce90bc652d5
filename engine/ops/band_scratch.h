/*
 * A worker's scratch that remembers what it was filled with: tiles of one band differ only in their output
 * channels, and those that run on one worker share the band's prepared input.
 */
#ifndef CZ_ENGINE_OPS_BAND_SCRATCH_H
#define CZ_ENGINE_OPS_BAND_SCRATCH_H

#include "engine/plan.h"

struct cz_band_scratch {
    const void *owner; /* the step's choice */
    uint64_t serial;
    int64_t band;
    float pad[10]; /* to 64 bytes */
    float data[];
};

/* 1 if the scratch holds this band of this run already; if not, it is marked so and the caller fills it. */
static inline int cz_band_scratch_holds(struct cz_band_scratch *s, const void *owner, uint64_t serial,
                                        int64_t band)
{
    if (s->owner == owner && s->serial == serial && s->band == band)
        return 1;
    s->owner = owner;
    s->serial = serial;
    s->band = band;
    return 0;
}

#endif
