#include "engine/ops/walk.h"

#include <string.h>

struct cz_walk cz_walk_over(const int64_t *dim, int rank, int n)
{
    struct cz_walk w = {.rank = rank, .n = n};
    memcpy(w.dim, dim, sizeof *dim * (size_t)rank);
    return w;
}
