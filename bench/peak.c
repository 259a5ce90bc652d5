/*
 * One loop per tier. 16 accumulators: two units with a latency of 4 or 5 cycles need 10 in flight, and 16 are
 * all the registers that AVX2 has, so the multiplier and the summand are the accumulator itself: a = a*a + a.
 * It stays 0, which no CPU computes faster than another number. The scalar tier multiplies, then adds, as its
 * kernels do.
 *
 * In assembly, because a compiler would see that nothing changes.
 */
#include "bench/peak.h"
#include "base/clock.h"

#include <stdint.h>
#include <string.h>

enum { ACCUMULATORS = 16, SPIN = 4096 /* about 16 microseconds at 2 multiply-adds a cycle and 2 GHz */ };

#define EACH(op)                                                                                             \
    op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)

#if defined(__x86_64__)
#define AVX2(i) "vfmadd231ps %%ymm" #i ", %%ymm" #i ", %%ymm" #i "\n\t"
#define AVX2_ZERO(i) "vxorps %%ymm" #i ", %%ymm" #i ", %%ymm" #i "\n\t"
#define AVX2_USED(i) , "xmm" #i
#define AVX512(i) "vfmadd231ps %%zmm" #i ", %%zmm" #i ", %%zmm" #i "\n\t"
#define AVX512_ZERO(i) "vpxord %%zmm" #i ", %%zmm" #i ", %%zmm" #i "\n\t"

static void spin_avx2(void)
{
    int64_t n = SPIN;
    __asm__ volatile(EACH(AVX2_ZERO) "1:\n\t" EACH(AVX2) "dec %0\n\tjnz 1b\n\tvzeroupper"
                     : "+r"(n)::"cc" EACH(AVX2_USED));
}

static void spin_avx512(void)
{
    int64_t n = SPIN;
    __asm__ volatile(EACH(AVX512_ZERO) "1:\n\t" EACH(AVX512) "dec %0\n\tjnz 1b\n\tvzeroupper"
                     : "+r"(n)::"cc" EACH(AVX2_USED));
}
#elif defined(__aarch64__)
#define NEON(i) "fmla v" #i ".4s, v" #i ".4s, v" #i ".4s\n\t"
#define NEON_ZERO(i) "movi v" #i ".4s, #0\n\t"
#define NEON_USED(i) , "v" #i

static void spin_neon(void)
{
    int64_t n = SPIN;
    __asm__ volatile(EACH(NEON_ZERO) "1:\n\t" EACH(NEON) "subs %0, %0, #1\n\tb.ne 1b"
                     : "+r"(n)::"cc" EACH(NEON_USED));
}
#endif

#if defined(__x86_64__)
#define SCALAR(i) "mulps %%xmm" #i ", %%xmm" #i "\n\taddps %%xmm" #i ", %%xmm" #i "\n\t"
#define SCALAR_ZERO(i) "xorps %%xmm" #i ", %%xmm" #i "\n\t"
#define SCALAR_USED(i) , "xmm" #i
#define SCALAR_LOOP "1:\n\t" EACH(SCALAR) "dec %0\n\tjnz 1b"
#elif defined(__aarch64__)
#define SCALAR(i) "fmul v" #i ".4s, v" #i ".4s, v" #i ".4s\n\tfadd v" #i ".4s, v" #i ".4s, v" #i ".4s\n\t"
#define SCALAR_ZERO(i) "movi v" #i ".4s, #0\n\t"
#define SCALAR_USED(i) , "v" #i
#define SCALAR_LOOP "1:\n\t" EACH(SCALAR) "subs %0, %0, #1\n\tb.ne 1b"
#endif

/* What every CPU of the architecture has: a compiler makes vectors of 4 floats of the scalar kernels too. */
static void spin_scalar(void)
{
#ifdef SCALAR_LOOP
    int64_t n = SPIN;
    __asm__ volatile(EACH(SCALAR_ZERO) SCALAR_LOOP : "+r"(n)::"cc" EACH(SCALAR_USED));
#else
    float a[4 * ACCUMULATORS] = {0};
    for (int n = 0; n < SPIN; n++) {
        for (int i = 0; i < 4 * ACCUMULATORS; i++)
            a[i] = a[i] * a[i] + a[i];
        __asm__ volatile("" : : "r"(a) : "memory");
    }
#endif
}

static const struct loop {
    const char *tier;
    void (*spin)(void);
    int lanes;
} loops[] = {
#if defined(__x86_64__)
    {"avx2", spin_avx2, 8},
    {"avx512", spin_avx512, 16},
#elif defined(__aarch64__)
    {"neon", spin_neon, 4},
#endif
    {"scalar", spin_scalar, 4},
};

static const struct loop *loop_of(const char *tier)
{
    size_t i = 0;
    while (i + 1 < sizeof loops / sizeof *loops && strcmp(loops[i].tier, tier) != 0)
        i++;
    return &loops[i];
}

static void spin_tile(void *ctx, int64_t tile, int worker)
{
    const struct loop *loop = ctx;
    (void)tile;
    (void)worker;
    loop->spin();
}

/* 256 tiles a thread: some milliseconds, and a thread that comes late still finds work. */
double cz_peak_measure(const struct cz_runtime *rt)
{
    const struct loop *loop = loop_of(cz_runtime_isa(rt));
    int64_t n_tiles = 256 * (int64_t)cz_runtime_threads(rt);
    double start = cz_now();
    cz_parallel_for(rt->pool, n_tiles, spin_tile, (void *)loop);
    return 2.0 * loop->lanes * ACCUMULATORS * SPIN * (double)n_tiles / (cz_now() - start);
}
