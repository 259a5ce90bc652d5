/*
 * Resize and crop: bytes equal to Pillow's (fixtures of tools/make_resize_fixtures.py), offsets equal to
 * torchvision's.
 */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static enum cz_filter filter_named(const char *name)
{
    return strcmp(name, "nearest") == 0    ? CZ_FILTER_NEAREST
           : strcmp(name, "bilinear") == 0 ? CZ_FILTER_BILINEAR
                                           : CZ_FILTER_BICUBIC;
}

static uint32_t checksum(const struct cz_image *image)
{
    return (uint32_t)crc32(0, image->pixels, (uInt)(image->height * image->width * image->channels));
}

static void equals_pillow(void **state)
{
    (void)state;
    FILE *f = fopen(CZ_SOURCE_DIR "/tests/fixtures/resize.txt", "r");
    assert_non_null(f);
    char line[256], filter[16];
    int in_h, in_w, channels, out_h, out_w, n = 0;
    unsigned seed, want;
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%d %d %d %d %d %15s %u %x", &in_h, &in_w, &channels, &out_h, &out_w,
                                filter, &seed, &want),
                         8);
        struct cz_image in = random_image(in_h, in_w, channels, seed), out;
        assert_int_equal(cz_image_resize(&in, out_h, out_w, filter_named(filter), &out, NULL), CZ_OK);
        assert_int_equal(out.height, out_h);
        assert_int_equal(out.width, out_w);
        if (checksum(&out) != want)
            fail_msg("wanted %08x, got %08x for %s", want, checksum(&out), line);
        cz_image_deinit(&in);
        cz_image_deinit(&out);
        n++;
    }
    fclose(f);
    assert_true(n >= 90);
}

/* side, part, offset: int(round((side - part) / 2.0)) of Python 3, which rounds halves to even. */
static void crop_offsets_round_half_to_even(void **state)
{
    (void)state;
    static const int cases[][3] = {{256, 224, 16}, {257, 224, 16}, {258, 224, 17}, {259, 224, 18},
                                   {261, 224, 18}, {263, 224, 20}, {224, 224, 0},  {225, 224, 0},
                                   {227, 224, 2},  {1, 1, 0},      {3, 8, -2},     {4, 8, -2},
                                   {8, 9, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(cz_image_crop_offset(cases[i][0], cases[i][1]), cases[i][2]);
}

static void crop_pads_with_zeros(void **state)
{
    (void)state;
    /* Height 2 -> 5: one row in front, two behind. Width 4 -> 3: offset round(0.5) = 0. */
    struct cz_image in = random_image(2, 4, 1, 3), out;
    assert_int_equal(cz_image_crop_center(&in, 5, 3, &out, NULL), CZ_OK);
    static const uint8_t zeros[6];
    assert_memory_equal(out.pixels, zeros, 3);
    assert_memory_equal(out.pixels + 3, in.pixels, 3);
    assert_memory_equal(out.pixels + 6, in.pixels + 4, 3);
    assert_memory_equal(out.pixels + 9, zeros, 6);
    cz_image_deinit(&in);
    cz_image_deinit(&out);
}

static void resize_then_crop(const struct cz_image *in, const int full[2], enum cz_filter filter,
                             const int crop[2], struct cz_image *out)
{
    struct cz_image resized;
    assert_int_equal(cz_image_resize(in, full[0], full[1], filter, &resized, NULL), CZ_OK);
    assert_int_equal(cz_image_crop_center(&resized, crop[0], crop[1], out, NULL), CZ_OK);
    cz_image_deinit(&resized);
}

static void cropping_inside_the_resize_gives_the_same_bytes(void **state)
{
    (void)state;
    static const int cases[][2][2] = {{{256, 341}, {224, 224}}, {{60, 80}, {97, 64}},  {{97, 131}, {97, 131}},
                                      {{200, 131}, {10, 200}},  {{97, 300}, {33, 31}}, {{20, 131}, {64, 64}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int channels = 1; channels <= 3; channels += 2)
            for (int filter = 0; filter < 3; filter++) {
                struct cz_image in = random_image(97, 131, channels, 77), want, got;
                resize_then_crop(&in, cases[i][0], (enum cz_filter)filter, cases[i][1], &want);
                assert_int_equal(
                    cz_image_resize_crop(&in, cases[i][0], (enum cz_filter)filter, cases[i][1], &got, NULL),
                    CZ_OK);
                assert_int_equal(got.height, want.height);
                assert_int_equal(got.width, want.width);
                assert_int_equal(checksum(&got), checksum(&want));
                cz_image_deinit(&in);
                cz_image_deinit(&want);
                cz_image_deinit(&got);
            }
}

/* 256 x 2,560,000 pixels would be 655 megapixels; the crop needs 224 of its columns. */
static void long_thin_images_are_cropped_without_being_made(void **state)
{
    (void)state;
    static const int full[2] = {256, 2560000}, crop[2] = {224, 224};
    for (int filter = 0; filter < 3; filter++) {
        struct cz_image in = random_image(1, 10000, 3, 5), out;
        assert_int_equal(cz_image_resize_crop(&in, full, (enum cz_filter)filter, crop, &out, NULL), CZ_OK);
        /* Enlarged 256 times in one column's width: every row shows the middle of the input. */
        assert_memory_equal(out.pixels, out.pixels + 3 * 224 * 223, 3 * 224);
        cz_image_deinit(&in);
        cz_image_deinit(&out);
    }
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    struct cz_image in = random_image(4, 4, 3, 1), out;
    cz_error err;
    assert_int_equal(cz_image_resize(&in, 0, 4, CZ_FILTER_BILINEAR, &out, &err), CZ_ERR_ARGUMENT);
    assert_int_equal(cz_image_resize(&in, 4, 1 << 25, CZ_FILTER_BILINEAR, &out, &err), CZ_ERR_ARGUMENT);
    assert_int_equal(cz_image_resize(&in, 20000, 20000, CZ_FILTER_BICUBIC, &out, &err), CZ_ERR_ARGUMENT);
    assert_null(out.pixels);
    cz_image_deinit(&in);
}

/* Pillow's own integers: pure red, green and blue, and one colour that rounds up. */
static void luma_is_pillows(void **state)
{
    (void)state;
    struct cz_image image;
    static const uint8_t rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 12, 200, 31, 255, 255, 255};
    static const uint8_t gray[] = {76, 150, 29, 125, 255};
    assert_int_equal(cz_image_create(1, 5, 3, &image, NULL), CZ_OK);
    memcpy(image.pixels, rgb, sizeof rgb);
    cz_image_to_gray(&image);
    assert_int_equal(image.channels, 1);
    assert_memory_equal(image.pixels, gray, sizeof gray);
    cz_image_deinit(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_pillow),
        cmocka_unit_test(crop_offsets_round_half_to_even),
        cmocka_unit_test(crop_pads_with_zeros),
        cmocka_unit_test(cropping_inside_the_resize_gives_the_same_bytes),
        cmocka_unit_test(long_thin_images_are_cropped_without_being_made),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(luma_is_pillows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
