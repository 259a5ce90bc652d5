/*
 * One tier's table, included by table.c once per tier: CZ_TIER is its name, CZ_TIER_WIDTH its vector width in
 * floats. Declares the tier's kernels and defines `static const struct cz_kernels <tier>`. No guard: every
 * inclusion is another tier.
 */
#define CZ_PASTE4(a, b, c, d) a##b##c##d
#define CZ_EXPAND4(a, b, c, d) CZ_PASTE4(a, b, c, d)
#define CZ_QUOTE(x) #x
#define CZ_NAME_OF(x) CZ_QUOTE(x)

#define KERNEL(name, ret, args) ret CZ_EXPAND4(cz_, name, _, CZ_TIER) args;
#include "engine/kernels/kernels.def"
#undef KERNEL

static const struct cz_kernels CZ_TIER = {
    .tier = CZ_NAME_OF(CZ_TIER),
    .width = CZ_TIER_WIDTH,
#define KERNEL(name, ret, args) .name = CZ_EXPAND4(cz_, name, _, CZ_TIER),
#include "engine/kernels/kernels.def"
#undef KERNEL
};

#undef CZ_PASTE4
#undef CZ_EXPAND4
#undef CZ_QUOTE
#undef CZ_NAME_OF
#undef CZ_TIER
#undef CZ_TIER_WIDTH
