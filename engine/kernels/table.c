#include "engine/kernels/kernels.h"

/* One table per compiled tier, its entries the functions with that tier's suffix. */
#ifdef CZ_HAVE_TIER_AVX512
#define KERNEL(name, ret, args) ret cz_##name##_avx512 args;
#include "engine/kernels/kernels.def"
#undef KERNEL
static const struct cz_kernels avx512 = {
    .tier = "avx512",
    .width = 16,
#define KERNEL(name, ret, args) .name = cz_##name##_avx512,
#include "engine/kernels/kernels.def"
#undef KERNEL
};
#endif

#ifdef CZ_HAVE_TIER_AVX2
#define KERNEL(name, ret, args) ret cz_##name##_avx2 args;
#include "engine/kernels/kernels.def"
#undef KERNEL
static const struct cz_kernels avx2 = {
    .tier = "avx2",
    .width = 8,
#define KERNEL(name, ret, args) .name = cz_##name##_avx2,
#include "engine/kernels/kernels.def"
#undef KERNEL
};
#endif

#ifdef CZ_HAVE_TIER_NEON
#define KERNEL(name, ret, args) ret cz_##name##_neon args;
#include "engine/kernels/kernels.def"
#undef KERNEL
static const struct cz_kernels neon = {
    .tier = "neon",
    .width = 4,
#define KERNEL(name, ret, args) .name = cz_##name##_neon,
#include "engine/kernels/kernels.def"
#undef KERNEL
};
#endif

#define KERNEL(name, ret, args) ret cz_##name##_scalar args;
#include "engine/kernels/kernels.def"
#undef KERNEL
static const struct cz_kernels scalar = {
    .tier = "scalar",
    .width = 1,
#define KERNEL(name, ret, args) .name = cz_##name##_scalar,
#include "engine/kernels/kernels.def"
#undef KERNEL
};

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
