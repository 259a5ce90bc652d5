/*
 * A job's tiles are cut into one range per thread. A thread takes the tiles of its own range first and then
 * those of the others, so that it tends to meet what it wrote in the step before: on some machines a core
 * reads another one's cache hardly faster than memory.
 *
 * A range is published as one 64-bit ticket: its generation in the high half, the tiles left in the low half.
 * A thread claims a tile by a compare-and-swap of the whole ticket, so a late thread can never take a tile of
 * another job, and the caller waits for tiles, not for threads: a worker that the system has put aside holds
 * nobody up.
 */
#include "base/pool.h"
#include "base/fpenv.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct worker {
    struct cz_pool *pool;
    pthread_t thread;
    int index;
};

enum { CACHE_LINE = 64 };

struct range {
    _Alignas(CACHE_LINE) _Atomic uint64_t ticket;
    int64_t end; /* one past its last tile */
};

struct cz_pool {
    _Atomic int64_t done;
    _Atomic int stop, sleepers;
    struct range *ranges; /* one per thread */
    uint64_t generation;
    void (*body)(void *, int64_t, int);
    void *ctx;
    pthread_mutex_t turn, lock;
    pthread_cond_t wake;
    int n_threads, n_started;
    struct worker *workers;
};

/* About 50 microseconds: longer than the gap between two steps of a plan, shorter than a scheduler's slice.
 */
enum { SPINS = 2000 };

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static inline uint32_t tiles_left(uint64_t ticket)
{
    return (uint32_t)ticket;
}

/* Computes one tile of a range; 0 when none was left. */
static int take_from(struct cz_pool *pool, struct range *range, int worker)
{
    uint64_t ticket = atomic_load_explicit(&range->ticket, memory_order_acquire);
    do {
        if (tiles_left(ticket) == 0)
            return 0;
    } while (!atomic_compare_exchange_weak_explicit(&range->ticket, &ticket, ticket - 1, memory_order_acq_rel,
                                                    memory_order_acquire));
    pool->body(pool->ctx, range->end - tiles_left(ticket), worker);
    atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
    return 1;
}

/* All tiles that this thread can get, its own first. */
static void take_tiles(struct cz_pool *pool, int worker)
{
    for (int i = 0; i < pool->n_threads; i++)
        while (take_from(pool, &pool->ranges[(worker + i) % pool->n_threads], worker))
            ;
}

static int has_work(struct cz_pool *pool)
{
    for (int i = 0; i < pool->n_threads; i++)
        if (tiles_left(atomic_load(&pool->ranges[i].ticket)) > 0)
            return 1;
    return atomic_load(&pool->stop);
}

static void wait_for_work(struct cz_pool *pool)
{
    for (int i = 0; i < SPINS; i++) {
        if (has_work(pool))
            return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!has_work(pool))
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    cz_fpenv_enter();
    while (!atomic_load(&w->pool->stop)) {
        take_tiles(w->pool, w->index);
        wait_for_work(w->pool);
    }
    return NULL;
}

static void wake_all(struct cz_pool *pool)
{
    if (atomic_load(&pool->sleepers) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

static int allocate(struct cz_pool *pool, int n_threads)
{
    size_t bytes = sizeof *pool->ranges * (size_t)n_threads;
    pool->n_threads = n_threads;
    pool->workers = calloc((size_t)n_threads, sizeof *pool->workers);
    pool->ranges = aligned_alloc(CACHE_LINE, bytes);
    if (pool->ranges)
        memset(pool->ranges, 0, bytes);
    return pool->workers && pool->ranges;
}

static void release(struct cz_pool *pool)
{
    if (pool) {
        free(pool->workers);
        free(pool->ranges);
    }
    free(pool);
}

cz_status cz_pool_create(int n_threads, struct cz_pool **out, cz_error *err)
{
    struct cz_pool *pool = calloc(1, sizeof *pool);
    if (!pool || !allocate(pool, n_threads)) {
        release(pool);
        CZ_FAIL(err, CZ_ERR_MEMORY, "thread pool: out of memory");
    }
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    for (int i = 1; i < n_threads; i++) {
        pool->workers[i] = (struct worker){.pool = pool, .index = i};
        if (pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i]) != 0) {
            cz_pool_destroy(pool);
            CZ_FAIL(err, CZ_ERR_MEMORY, "thread pool: the system refuses thread %d; give --threads %d", i + 1,
                    i);
        }
        pool->n_started = i;
    }
    *out = pool;
    return CZ_OK;
}

void cz_pool_destroy(struct cz_pool *pool)
{
    if (!pool)
        return;
    atomic_store(&pool->stop, 1);
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 1; i <= pool->n_started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    release(pool);
}

int cz_pool_threads(const struct cz_pool *pool)
{
    return pool->n_threads;
}

static void run_alone(int64_t n_tiles, void (*body)(void *, int64_t, int), void *ctx)
{
    cz_fpenv old = cz_fpenv_enter();
    for (int64_t tile = 0; tile < n_tiles; tile++)
        body(ctx, tile, 0);
    cz_fpenv_leave(old);
}

/* Other threads may hold the last tiles; on a busy machine they need our processor to finish. */
static void wait_for_tiles(struct cz_pool *pool, int64_t n_tiles)
{
    for (int i = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < n_tiles; i++)
        if (i < SPINS)
            relax();
        else
            sched_yield();
}

/* Ranges as equal as can be. */
static void publish(struct cz_pool *pool, int64_t n_tiles)
{
    int64_t first = 0;
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    pool->generation++;
    for (int i = 0; i < pool->n_threads; i++) {
        struct range *range = &pool->ranges[i];
        range->end = first + (n_tiles - first) / (pool->n_threads - i);
        atomic_store(&range->ticket, pool->generation << 32 | (uint64_t)(range->end - first));
        first = range->end;
    }
}

void cz_parallel_for(struct cz_pool *pool, int64_t n_tiles, void (*body)(void *, int64_t, int), void *ctx)
{
    if (n_tiles <= 0)
        return;
    pthread_mutex_lock(&pool->turn);
    if (pool->n_threads == 1 || n_tiles == 1) {
        run_alone(n_tiles, body, ctx);
        pthread_mutex_unlock(&pool->turn);
        return;
    }
    cz_fpenv old = cz_fpenv_enter();
    pool->body = body;
    pool->ctx = ctx;
    publish(pool, n_tiles);
    wake_all(pool);
    take_tiles(pool, 0);
    wait_for_tiles(pool, n_tiles);
    cz_fpenv_leave(old);
    pthread_mutex_unlock(&pool->turn);
}
