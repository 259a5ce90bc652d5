/*
 * A job is published as one 64-bit ticket: its generation in the high half, the tiles left in the low half. A
 * thread claims a tile by a compare-and-swap of the whole ticket, so a late thread can never take a tile of
 * another job, and the caller waits for tiles, not for threads: a worker that the system has put aside holds
 * nobody up.
 */
#include "base/pool.h"
#include "base/fpenv.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct worker {
    struct cz_pool *pool;
    pthread_t thread;
    int index;
};

struct cz_pool {
    _Atomic uint64_t ticket;
    _Atomic int64_t done;
    _Atomic int stop, sleepers;
    int64_t n_tiles;
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

/* Computes one tile; 0 when none was left. */
static int take_tile(struct cz_pool *pool, int worker)
{
    uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
    do {
        if (tiles_left(ticket) == 0)
            return 0;
    } while (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, ticket - 1, memory_order_acq_rel,
                                                    memory_order_acquire));
    pool->body(pool->ctx, pool->n_tiles - tiles_left(ticket), worker);
    atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
    return 1;
}

static int has_work(struct cz_pool *pool)
{
    return tiles_left(atomic_load(&pool->ticket)) > 0 || atomic_load(&pool->stop);
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
        while (take_tile(w->pool, w->index))
            ;
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

cz_status cz_pool_create(int n_threads, struct cz_pool **out, cz_error *err)
{
    struct cz_pool *pool = calloc(1, sizeof *pool);
    if (!pool || !(pool->workers = calloc((size_t)n_threads, sizeof *pool->workers))) {
        free(pool);
        CZ_FAIL(err, CZ_ERR_MEMORY, "thread pool: out of memory");
    }
    pool->n_threads = n_threads;
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
    free(pool->workers);
    free(pool);
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
    pool->n_tiles = n_tiles;
    pool->body = body;
    pool->ctx = ctx;
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    uint64_t generation = (atomic_load_explicit(&pool->ticket, memory_order_relaxed) >> 32) + 1;
    atomic_store(&pool->ticket, generation << 32 | (uint64_t)n_tiles);
    wake_all(pool);
    while (take_tile(pool, 0))
        ;
    wait_for_tiles(pool, n_tiles);
    cz_fpenv_leave(old);
    pthread_mutex_unlock(&pool->turn);
}
