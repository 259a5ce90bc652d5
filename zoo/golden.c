#include "zoo/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix64(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t cz_fnv1a64(const void *bytes, size_t size, uint64_t start)
{
    const unsigned char *p = bytes;
    uint64_t h = start;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001B3);
    return h;
}

static uint64_t key_of(uint64_t seed, const char *name)
{
    return mix64(seed + cz_fnv1a64(name, strlen(name), CZ_FNV1A64_START));
}

static int32_t bits24(uint64_t key, uint64_t i)
{
    return (int32_t)(mix64(key + (i + 1) * UINT64_C(0x9E3779B97F4A7C15)) >> 40);
}

static double unit(uint64_t key, uint64_t i)
{
    return (2 * bits24(key, i) + 1 - (1 << 24)) * 0x1p-24;
}

static const struct fill {
    const char *name;
    double centre, amplitude;
} fills[CZ_FILL_COUNT] = {
    [CZ_FILL_NONE] = {"-", 0, 0},
    [CZ_FILL_WEIGHT] = {"weight", 0, 0}, /* amplitude by fan */
    [CZ_FILL_BIAS] = {"bias", 0, 1.0 / 8},
    [CZ_FILL_GATE_BIAS] = {"se_bias", 1, 1.0 / 8},
    [CZ_FILL_NORM_WEIGHT] = {"bn_weight", 1, 1.0 / 4},
    [CZ_FILL_NORM_CLOSE] = {"bn_close", 1.0 / 8, 1.0 / 32},
    [CZ_FILL_NORM_BIAS] = {"bn_bias", 0, 1.0 / 4},
    [CZ_FILL_NORM_MEAN] = {"bn_mean", 0, 1.0 / 4},
    [CZ_FILL_NORM_VAR] = {"bn_var", 1, 1.0 / 4},
};

const char *cz_fill_name(enum cz_fill fill)
{
    return fills[fill].name;
}

/* Channels of odd number have no halves: `half` is 0. Positions within a row of C*T elements. */
struct weight_rule {
    double amplitude;
    uint64_t row, half;
};

static struct weight_rule weight_rule(const struct cz_shape *s)
{
    int64_t c = s->dim[1], t = 1;
    for (int i = 2; i < s->rank; i++)
        t *= s->dim[i];
    int paired = c % 2 == 0;
    struct weight_rule r = {.row = (uint64_t)(c * t), .half = paired ? (uint64_t)(c / 2 * t) : 0};
    r.amplitude = (float)sqrt((paired ? 9.0 : 6.0) / (double)(c * t));
    return r;
}

static void fill_weight(uint64_t key, const struct weight_rule *r, uint64_t first, uint64_t n, float *out)
{
    uint64_t column = first % r->row;
    for (uint64_t i = first; i < first + n; i++) {
        int negated = r->half && column >= r->half;
        float w = (float)(unit(key, negated ? i - r->half : i) * r->amplitude);
        *out++ = negated ? -w : w;
        if (++column == r->row)
            column = 0;
    }
}

void cz_golden_fill(uint64_t seed, const char *name, enum cz_fill fill, const struct cz_shape *shape,
                    int64_t first, int64_t n, float *out)
{
    uint64_t key = key_of(seed, name);
    if (fill == CZ_FILL_WEIGHT) {
        struct weight_rule rule = weight_rule(shape);
        fill_weight(key, &rule, (uint64_t)first, (uint64_t)n, out);
        return;
    }
    const struct fill *f = &fills[fill];
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)(f->centre + f->amplitude * unit(key, (uint64_t)(first + i)));
}

/* ---- pictures ---- */

static uint64_t picture_key(uint64_t seed, int picture, int channel, const char *part)
{
    char name[64];
    snprintf(name, sizeof name, "picture%d.%d.%s", picture, channel, part);
    return key_of(seed, name);
}

/* Bilinear interpolation in a lattice of random bytes with cells of q pixels, times q*q. */
static int lattice_value(uint64_t key, int q, int width, int y, int x)
{
    int columns = (width - 1) / q + 2, fy = y % q, fx = x % q;
    uint64_t at = (uint64_t)(y / q) * (uint64_t)columns + (uint64_t)(x / q);
    int corner[4] = {bits24(key, at) >> 16, bits24(key, at + 1) >> 16,
                     bits24(key, at + (uint64_t)columns) >> 16,
                     bits24(key, at + (uint64_t)columns + 1) >> 16};
    return (corner[0] * (q - fx) + corner[1] * fx) * (q - fy) + (corner[2] * (q - fx) + corner[3] * fx) * fy;
}

void cz_golden_picture(uint64_t seed, int index, int channels, int height, int width, unsigned char *out)
{
    for (int c = 0; c < channels; c++) {
        uint64_t coarse = picture_key(seed, index, c, "32"), fine = picture_key(seed, index, c, "8");
        int base = bits24(picture_key(seed, index, c, "base"), 0) >> 16;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                int sum =
                    2 * lattice_value(coarse, 32, width, y, x) + 16 * lattice_value(fine, 8, width, y, x);
                *out++ = (unsigned char)((sum + 1024 * base) >> 12);
            }
    }
}

cz_status cz_golden_batch(uint64_t seed, int first, int n, int channels, int height, int width, float *out,
                          cz_error *err)
{
    size_t count = (size_t)channels * (size_t)height * (size_t)width;
    unsigned char *bytes = malloc(count);
    if (!bytes)
        CZ_FAIL(err, CZ_ERR_MEMORY, "picture: no memory for %zu bytes", count);
    for (int p = first; p < first + n; p++) {
        cz_golden_picture(seed, p, channels, height, width, bytes);
        for (size_t i = 0; i < count; i++)
            *out++ = (float)(bytes[i] - 128) / 64;
    }
    free(bytes);
    return CZ_OK;
}
