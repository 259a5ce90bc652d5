/* The tables of the tiers compiled in: a tier's entries are the functions with its suffix. */
#include "engine/kernels/kernels.h"

#ifdef CZ_HAVE_TIER_AVX512
#define CZ_TIER avx512
#define CZ_TIER_WIDTH 16
#include "engine/kernels/tier_table.h"
#endif

#ifdef CZ_HAVE_TIER_AVX2
#define CZ_TIER avx2
#define CZ_TIER_WIDTH 8
#include "engine/kernels/tier_table.h"
#endif

#ifdef CZ_HAVE_TIER_NEON
#define CZ_TIER neon
#define CZ_TIER_WIDTH 4
#include "engine/kernels/tier_table.h"
#endif

#define CZ_TIER scalar
#define CZ_TIER_WIDTH 1
#include "engine/kernels/tier_table.h"

static const struct cz_kernels *const tiers[] = {
#ifdef CZ_HAVE_TIER_AVX512
    &avx512,
#endif
#ifdef CZ_HAVE_TIER_AVX2
    &avx2,
#endif
#ifdef CZ_HAVE_TIER_NEON
    &neon,
#endif
    &scalar,
};

int cz_kernels_count(void)
{
    return (int)(sizeof tiers / sizeof *tiers);
}

const struct cz_kernels *cz_kernels_at(int i)
{
    return tiers[i];
}
