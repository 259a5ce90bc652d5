/*
 * Portable seeded weights and pictures: any program can make them bit for bit from a seed, so that two
 * implementations of a network can be compared without a weight or picture file. Counter-based (splitmix64 of
 * a key made from seed and tensor name), so any element can be made alone.
 *
 *   fnv1a64(s)       = FNV-1a of the name's bytes
 *   key(seed, name)  = mix64(seed + fnv1a64(name)), mix64 being splitmix64's finaliser
 *   bits24(key, i)   = mix64(key + (i + 1) * 0x9E3779B97F4A7C15) >> 40
 *   unit(key, i)     = (2*bits24 + 1 - 2^24) * 2^-24: odd multiples of 2^-24 between -1 and 1, exact in float
 *
 * Weights [O][C][T] (T: kernel elements), fan = C*T: amplitude sqrt(9/fan) for even C, where the second half
 * of the channels is the first one negated; sqrt(6/fan) for odd C. Rows of zero sum over the channel halves
 * remove the common mean that activations have behind a ReLU; without it deep networks give nearly the same
 * logits for every picture. Everything else is (float)(centre + amplitude*unit). The weight of a BatchNorm
 * that closes a residual branch is small (1/8), so that the trunk of a deep network does not double its
 * variance per block.
 */
#ifndef CZ_ZOO_GOLDEN_H
#define CZ_ZOO_GOLDEN_H

#include "engine/tensor.h"

enum cz_fill {
    CZ_FILL_NONE, /* a graph from elsewhere */
    CZ_FILL_WEIGHT,
    CZ_FILL_BIAS,
    CZ_FILL_GATE_BIAS, /* of the second convolution of squeeze-and-excitation: keeps the gates open */
    CZ_FILL_NORM_WEIGHT,
    CZ_FILL_NORM_CLOSE,
    CZ_FILL_NORM_BIAS,
    CZ_FILL_NORM_MEAN,
    CZ_FILL_NORM_VAR,
    CZ_FILL_COUNT
};

const char *cz_fill_name(enum cz_fill); /* as the reference tables spell it: "weight", "bn_close", ... */

uint64_t cz_fnv1a64(const void *bytes, size_t size, uint64_t start);
#define CZ_FNV1A64_START UINT64_C(0xCBF29CE484222325)

/* Fills elements [first, first + n) of the float tensor `name` of that shape into out[n]. */
void cz_golden_fill(uint64_t seed, const char *name, enum cz_fill, const struct cz_shape *, int64_t first,
                    int64_t n, float *out);

/*
 * Picture `index` as bytes [channels][height][width]: value noise of two octaves (cells of 32 and 8 pixels)
 * and a base level per channel, integers only. The network's input is (byte - 128) / 64.
 */
void cz_golden_picture(uint64_t seed, int index, int channels, int height, int width, unsigned char *out);

/* The input batch of pictures first ... first + n - 1, [n][channels][height][width]. */
cz_status cz_golden_batch(uint64_t seed, int first, int n, int channels, int height, int width, float *out,
                          cz_error *);

#endif
