/*
 * The vector vocabulary kernels are written in: type vf of VW floats, and about twenty operations. One header
 * per tier defines them; this one chooses, and adds what can be said in terms of them.
 *
 * vf_max and vf_min return their second operand when either is NaN, so vf_max(bound, x) keeps a NaN of x.
 */
#ifndef CZ_KERNELS_VEC_H
#define CZ_KERNELS_VEC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/kernels/kernels.h"

#if defined(CZ_TIER_AVX512)
#include "engine/kernels/vec_avx512.h"
#elif defined(CZ_TIER_AVX2)
#include "engine/kernels/vec_avx2.h"
#elif defined(CZ_TIER_NEON)
#include "engine/kernels/vec_neon.h"
#else
#include "engine/kernels/vec_scalar.h"
#endif

#define CZ_PASTE3(a, b, c) a##b##c
#define CZ_EXPAND3(a, b, c) CZ_PASTE3(a, b, c)
/* cz_<name>_<tier> */
#define CZ_KERNEL(name) CZ_EXPAND3(cz_##name, _, CZ_TIER)

#define CZ_INLINE static inline __attribute__((always_inline))

/* Loops over accumulators must vanish, or the accumulators live in memory. */
#if defined(__clang__)
#define CZ_UNROLL _Pragma("unroll")
#else
#define CZ_UNROLL _Pragma("GCC unroll 32")
#endif

CZ_INLINE vf vf_clamp(vf x, vf low, vf high)
{
    return vf_min(high, vf_max(low, x));
}

/* The kernels of this tier, declared. */
#define KERNEL(name, ret, args) ret CZ_KERNEL(name) args;
#include "engine/kernels/kernels.def"
#undef KERNEL

#endif
