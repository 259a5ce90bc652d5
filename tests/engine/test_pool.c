#include "base/fpenv.h"
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TILES = 1000 };

struct job {
    int count[TILES];
    int busy[8]; /* per worker: two calls with one worker must not overlap */
    int overlaps;
};

static void body(void *ctx, int64_t tile, int worker)
{
    struct job *job = ctx;
    if (__atomic_exchange_n(&job->busy[worker], 1, __ATOMIC_ACQ_REL))
        __atomic_fetch_add(&job->overlaps, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&job->count[tile], 1, __ATOMIC_RELAXED);
    __atomic_store_n(&job->busy[worker], 0, __ATOMIC_RELEASE);
}

/* Every tile exactly once, for jobs that follow each other without a pause. */
static void every_tile_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 7; threads += 2) {
        struct cz_pool *pool;
        assert_int_equal(cz_pool_create(threads, &pool, NULL), CZ_OK);
        for (int64_t round = 0; round < 300; round++) {
            struct job job;
            memset(&job, 0, sizeof job);
            int64_t n = round * 7 % TILES;
            cz_parallel_for(pool, n, body, &job);
            assert_int_equal(job.overlaps, 0);
            for (int64_t i = 0; i < TILES; i++)
                assert_int_equal(job.count[i], i < n);
        }
        cz_pool_destroy(pool);
    }
}

static void square_tiny(void *ctx, int64_t tile, int worker)
{
    (void)worker;
    volatile float tiny = 1e-30f;
    ((float *)ctx)[tile] = tiny * 1e-10f; /* 1e-40 is a denormal */
}

/* Denormals are flushed in every thread, and the caller's own mode comes back. */
static void flushes_denormals_inside_only(void **state)
{
    (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
    struct cz_pool *pool;
    float results[64];
    volatile float tiny = 1e-30f;
    assert_int_equal(cz_pool_create(3, &pool, NULL), CZ_OK);
    cz_parallel_for(pool, 64, square_tiny, results);
    cz_pool_destroy(pool);
    for (int i = 0; i < 64; i++)
        assert_true(results[i] == 0.0f);
    assert_true(tiny * 1e-10f > 0.0f);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tile_once),
        cmocka_unit_test(flushes_denormals_inside_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
