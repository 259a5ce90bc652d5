/*
 * The thread pool: one per runtime. Work is cut into tiles whose number and bounds never depend on the number
 * of threads; who computes a tile may vary, what is computed may not.
 */
#ifndef CZ_BASE_POOL_H
#define CZ_BASE_POOL_H

#include "base/status.h"

struct cz_pool;

/* n_threads counts the calling thread; 1 makes no thread at all. */
cz_status cz_pool_create(int n_threads, struct cz_pool **out, cz_error *err);
void cz_pool_destroy(struct cz_pool *);
int cz_pool_threads(const struct cz_pool *);

/*
 * Calls body(ctx, tile, worker) once for each tile in 0..n_tiles-1, at most 2^32-1 of them; worker is in
 * 0..threads-1 and no two calls with one worker overlap. Returns when all are done. Not to be nested; two
 * callers take turns. Every participating thread computes with round-to-nearest and flushed denormals,
 * restored on return.
 */
void cz_parallel_for(struct cz_pool *, int64_t n_tiles, void (*body)(void *ctx, int64_t tile, int worker),
                     void *ctx);

#endif
