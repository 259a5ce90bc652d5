#ifndef CZ_BASE_CLOCK_H
#define CZ_BASE_CLOCK_H

#include <time.h>

/* Monotonic time in seconds. */
static inline double cz_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
