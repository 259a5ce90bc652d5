/*
 * Floating-point mode of kernels: round to nearest, denormals flushed (they can be tens of times slower). The
 * flag is per thread, so each thread that computes sets it and puts the old one back.
 */
#ifndef CZ_BASE_FPENV_H
#define CZ_BASE_FPENV_H

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>

typedef uint32_t cz_fpenv;

static inline cz_fpenv cz_fpenv_enter(void)
{
    cz_fpenv old = _mm_getcsr();
    _mm_setcsr(0x1F80 | 0x8040); /* all exceptions masked, nearest; FTZ and DAZ */
    return old;
}

static inline void cz_fpenv_leave(cz_fpenv old)
{
    _mm_setcsr(old);
}

#elif defined(__aarch64__)

typedef uint64_t cz_fpenv;

static inline cz_fpenv cz_fpenv_enter(void)
{
    cz_fpenv old, flush = 1u << 24; /* FPCR.FZ, rounding mode nearest */
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0" : : "r"(flush));
    return old;
}

static inline void cz_fpenv_leave(cz_fpenv old)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(old));
}

#else

typedef int cz_fpenv;

static inline cz_fpenv cz_fpenv_enter(void)
{
    return 0;
}

static inline void cz_fpenv_leave(cz_fpenv old)
{
    (void)old;
}

#endif
#endif
