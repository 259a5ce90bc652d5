/*
 * A map from strings to ints: names to value, parameter or node indices.
 */
#ifndef CZ_BASE_STRMAP_H
#define CZ_BASE_STRMAP_H

#include <stddef.h>

struct cz_strmap {
    struct cz_strmap_slot *slots;
    size_t capacity, count;
};

/* A zeroed struct is an empty map. Keys are not copied and must outlive it. */
void cz_strmap_deinit(struct cz_strmap *);

/* The value under `key`, or -1. */
int cz_strmap_get(const struct cz_strmap *, const char *key);

/* Sets or replaces; 0, or 1 when memory ran out. */
int cz_strmap_set(struct cz_strmap *, const char *key, int value);

#endif
