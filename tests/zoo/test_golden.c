/*
 * The portable fill and pictures against values worked out by hand from the rule, and against the reference's
 * sums.
 */
#include "zoo/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint32_t element(const char *name, enum cz_fill fill, struct cz_shape shape, int64_t i)
{
    float value;
    uint32_t bits;
    cz_golden_fill(1, name, fill, &shape, i, 1, &value);
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Elements of ResNet-18 at seed 1. */
static void elements_have_their_bits(void **state)
{
    (void)state;
    const struct cz_shape c3 = cz_shape_of(CZ_F32, 4, (int64_t)64, (int64_t)3, (int64_t)7, (int64_t)7),
                          c64 = cz_shape_of(CZ_F32, 4, (int64_t)64, (int64_t)64, (int64_t)3, (int64_t)3),
                          fc = cz_shape_of(CZ_F32, 2, (int64_t)1000, (int64_t)512),
                          v64 = cz_shape_of(CZ_F32, 1, (int64_t)64),
                          v1000 = cz_shape_of(CZ_F32, 1, (int64_t)1000);
    const struct {
        const char *name;
        enum cz_fill fill;
        struct cz_shape shape;
        int64_t i;
        uint32_t bits;
    } cases[] = {
        {"conv1.weight", CZ_FILL_WEIGHT, c3, 0, 0x3e12cd6a},
        {"conv1.weight", CZ_FILL_WEIGHT, c3, 1, 0xbdebea09},
        {"conv1.weight", CZ_FILL_WEIGHT, c3, 147, 0x3debd616},
        {"layer1.0.conv1.weight", CZ_FILL_WEIGHT, c64, 0, 0xbc8efc5c},
        {"layer1.0.conv1.weight", CZ_FILL_WEIGHT, c64, 287, 0xbd3c123a},
        {"layer1.0.conv1.weight", CZ_FILL_WEIGHT, c64, 288, 0x3c8efc5c}, /* the first one negated */
        {"bn1.weight", CZ_FILL_NORM_WEIGHT, v64, 0, 0x3f8ae07a},
        {"bn1.bias", CZ_FILL_NORM_BIAS, v64, 1, 0x3d3ad524},
        {"bn1.running_mean", CZ_FILL_NORM_MEAN, v64, 0, 0xbde499d2},
        {"bn1.running_var", CZ_FILL_NORM_VAR, v64, 1, 0x3f8e226b},
        {"layer1.0.bn2.weight", CZ_FILL_NORM_CLOSE, v64, 1, 0x3e07f6bf},
        {"fc.weight", CZ_FILL_WEIGHT, fc, 255, 0x3df9e721},
        {"fc.weight", CZ_FILL_WEIGHT, fc, 256, 0x3d0ade9e},
        {"fc.bias", CZ_FILL_BIAS, v1000, 1, 0xbd9361d3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t got = element(cases[i].name, cases[i].fill, cases[i].shape, cases[i].i);
        if (got != cases[i].bits)
            fail_msg("%s[%lld]: %08x, wanted %08x", cases[i].name, (long long)cases[i].i, got, cases[i].bits);
    }
}

/* Any part of a tensor is what it is in the whole. */
static void parts_equal_the_whole(void **state)
{
    (void)state;
    enum { N = 6 * 4 * 9 };
    const struct cz_shape shape = cz_shape_of(CZ_F32, 4, (int64_t)6, (int64_t)4, (int64_t)3, (int64_t)3);
    float whole[N], part[N];
    cz_golden_fill(9, "w", CZ_FILL_WEIGHT, &shape, 0, N, whole);
    for (int first = 0; first < N; first += 25) {
        int n = N - first < 41 ? N - first : 41;
        cz_golden_fill(9, "w", CZ_FILL_WEIGHT, &shape, first, n, part);
        assert_memory_equal(part, whole + first, sizeof *part * (size_t)n);
    }
}

static void pictures_have_their_sums(void **state)
{
    (void)state;
    static const struct {
        int picture, channels, side;
        unsigned char row[4];
        uint64_t sum; /* of byte * (1 + (y*width + x) % 251) */
    } cases[] = {
        {0, 1, 32, {30, 30, 30, 29}, 12227278},    {1, 1, 32, {142, 137, 132, 127}, 10516161},
        {0, 3, 64, {30, 30, 30, 29}, 197500398},   {1, 3, 64, {142, 137, 132, 127}, 172648895},
        {0, 3, 80, {30, 30, 30, 29}, 322997122},   {1, 3, 80, {142, 137, 132, 127}, 278915008},
        {0, 3, 97, {30, 30, 30, 29}, 480627137},   {1, 3, 97, {142, 137, 132, 127}, 413222715},
        {0, 3, 224, {30, 30, 30, 29}, 2423185914}, {1, 3, 224, {142, 137, 132, 127}, 2207494119},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int side = cases[i].side, pixels = side * side;
        unsigned char *bytes = malloc((size_t)(pixels * cases[i].channels));
        assert_non_null(bytes);
        cz_golden_picture(1, cases[i].picture, cases[i].channels, side, side, bytes);
        uint64_t sum = 0;
        for (int k = 0; k < pixels * cases[i].channels; k++)
            sum += (uint64_t)bytes[k] * (uint64_t)(1 + k % pixels % 251);
        assert_memory_equal(bytes, cases[i].row, sizeof cases[i].row);
        if (sum != cases[i].sum)
            fail_msg("picture %d, %d px: sum %llu, wanted %llu", cases[i].picture, side,
                     (unsigned long long)sum, (unsigned long long)cases[i].sum);
        free(bytes);
    }
}

static void batch_scales_bytes(void **state)
{
    (void)state;
    enum { SIDE = 9, N = 2 * SIDE * SIDE };
    unsigned char bytes[N];
    float batch[2 * N];
    assert_int_equal(cz_golden_batch(3, 4, 2, 2, SIDE, SIDE, batch, NULL), CZ_OK);
    cz_golden_picture(3, 5, 2, SIDE, SIDE, bytes);
    for (int i = 0; i < N; i++)
        assert_true(batch[N + i] == (float)(bytes[i] - 128) / 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_have_their_bits),
        cmocka_unit_test(parts_equal_the_whole),
        cmocka_unit_test(pictures_have_their_sums),
        cmocka_unit_test(batch_scales_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
