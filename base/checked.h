/*
 * Sizes are checked before they are multiplied: every product of numbers that came from a file goes through
 * here.
 */
#ifndef CZ_BASE_CHECKED_H
#define CZ_BASE_CHECKED_H

#include <stddef.h>
#include <stdint.h>

/* *out = a*b or a+b; 1 on overflow. */
static inline int cz_mul_overflow(size_t a, size_t b, size_t *out)
{
    return __builtin_mul_overflow(a, b, out);
}

static inline int cz_add_overflow(size_t a, size_t b, size_t *out)
{
    return __builtin_add_overflow(a, b, out);
}

/* Product of dim[rank]; 1 if a dimension is negative or the product leaves int64_t. rank 0 gives 1. */
static inline int cz_count_overflow(const int64_t *dim, int rank, int64_t *count)
{
    int64_t n = 1;
    for (int i = 0; i < rank; i++)
        if (dim[i] < 0 || __builtin_mul_overflow(n, dim[i], &n))
            return 1;
    *count = n;
    return 0;
}

static inline int64_t cz_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static inline size_t cz_round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

#endif
