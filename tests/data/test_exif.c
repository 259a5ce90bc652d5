/*
 * EXIF orientation: what the eight values do to pixels, both byte orders, all three containers, damaged
 * blocks.
 */
#include "data/exif.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* [[0,1,2],[3,4,5]] made upright, by hand from the EXIF standard's picture of row 0 and column 0. */
static const struct {
    int height, width;
    uint8_t pixels[6];
} upright[9] = {
    [1] = {2, 3, {0, 1, 2, 3, 4, 5}}, [2] = {2, 3, {2, 1, 0, 5, 4, 3}}, [3] = {2, 3, {5, 4, 3, 2, 1, 0}},
    [4] = {2, 3, {3, 4, 5, 0, 1, 2}}, [5] = {3, 2, {0, 3, 1, 4, 2, 5}}, [6] = {3, 2, {3, 0, 4, 1, 5, 2}},
    [7] = {3, 2, {5, 2, 4, 1, 3, 0}}, [8] = {3, 2, {2, 5, 1, 4, 0, 3}},
};

static struct cz_image two_by_three(int channels)
{
    struct cz_image image;
    assert_int_equal(cz_image_create(2, 3, channels, &image, NULL), CZ_OK);
    for (int i = 0; i < 6 * channels; i++)
        image.pixels[i] = (uint8_t)(i / channels + 40 * (i % channels));
    return image;
}

static void check_upright(const struct cz_image *image, int orientation)
{
    assert_int_equal(image->height, upright[orientation].height);
    assert_int_equal(image->width, upright[orientation].width);
    for (int i = 0; i < 6 * image->channels; i++)
        assert_int_equal(image->pixels[i],
                         upright[orientation].pixels[i / image->channels] + 40 * (i % image->channels));
}

static void eight_orientations_turn_gray_and_rgb(void **state)
{
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int channels = 1; channels <= 3; channels += 2) {
            struct cz_image image = two_by_three(channels);
            assert_int_equal(cz_image_turn(&image, orientation, NULL), CZ_OK);
            check_upright(&image, orientation);
            cz_image_deinit(&image);
        }
}

static void other_values_change_nothing(void **state)
{
    (void)state;
    static const int values[] = {-1, 0, 9, 100};
    for (int i = 0; i < 4; i++) {
        struct cz_image image = two_by_three(1);
        assert_int_equal(cz_image_turn(&image, values[i], NULL), CZ_OK);
        check_upright(&image, 1);
        cz_image_deinit(&image);
    }
}

/* Decodes a lossless file and compares with the stored 2 x 3 picture turned. */
static void check_file(struct buffer *file, int orientation)
{
    struct cz_image image;
    struct cz_image_info info;
    cz_error err;
    if (cz_image_decode(file->data, file->size, 1, &image, &info, &err) != CZ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(info.orientation, orientation);
    assert_int_equal(info.stored_height, 2);
    assert_int_equal(info.stored_width, 3);
    check_upright(&image, orientation);
    cz_image_deinit(&image);
    assert_int_equal(cz_image_decode(file->data, file->size, 0, &image, &info, NULL), CZ_OK);
    check_upright(&image, 1);
    cz_image_deinit(&image);
    buffer_deinit(file);
}

static void png_and_webp_carry_it(void **state)
{
    (void)state;
    static const char *const orders[] = {"II", "MM"};
    for (int i = 0; i < 16; i++) {
        int orientation = i / 2 + 1;
        unsigned char exif[EXIF_BYTES];
        make_exif(exif, orders[i % 2], orientation);
        struct cz_image image = two_by_three(3);
        struct buffer png = encode_png(image.pixels, 18, 2, 3, &(struct png_options){8, 2, 0, exif});
        check_file(&png, orientation);
        struct buffer webp = encode_webp(&image, exif);
        check_file(&webp, orientation);
        cz_image_deinit(&image);
    }
}

/* JPEG loses, so each of the six fields is a block of 8 x 8 equal pixels, which quality 100 keeps within 2.
 */
static void jpeg_carries_it(void **state)
{
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++) {
        unsigned char exif[EXIF_BYTES];
        make_exif(exif, orientation % 2 ? "II" : "MM", orientation);
        struct cz_image blocks, image;
        struct cz_image_info info;
        assert_int_equal(cz_image_create(16, 24, 1, &blocks, NULL), CZ_OK);
        for (int i = 0; i < 16 * 24; i++)
            blocks.pixels[i] = (uint8_t)(40 * (i / 24 / 8 * 3 + i % 24 / 8));
        struct buffer file = encode_jpeg(&blocks, &(struct jpeg_options){.components = 1, .exif = exif});
        assert_int_equal(cz_image_decode(file.data, file.size, 1, &image, &info, NULL), CZ_OK);
        assert_int_equal(info.orientation, orientation);
        assert_int_equal(image.height, 8 * upright[orientation].height);
        for (int y = 0; y < image.height; y++)
            for (int x = 0; x < image.width; x++) {
                int want = 40 * upright[orientation].pixels[y / 8 * upright[orientation].width + x / 8];
                assert_true(abs(image.pixels[y * image.width + x] - want) <= 2);
            }
        cz_image_deinit(&image);
        cz_image_deinit(&blocks);
        buffer_deinit(&file);
    }
}

/* `at` and `value` change one byte of a good block of orientation 6. */
static void damaged_blocks_mean_upright(void **state)
{
    (void)state;
    static const struct {
        int at, value;
        const char *what;
    } cases[] = {
        {0, 'X', "byte order"},       {1, 'M', "mixed byte order"}, {2, 43, "magic"},
        {4, 0xFF, "offset past end"}, {7, 0xFF, "offset 2^31"},     {10, 0x13, "another tag"},
        {12, 4, "type LONG"},         {14, 2, "count 2"},           {17, 0xFF, "count 2^32"},
        {18, 0, "orientation 0"},     {18, 9, "orientation 9"},     {19, 1, "orientation 262"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char block[EXIF_BYTES];
        make_exif(block, "II", 6);
        assert_int_equal(cz_exif_orientation(block, sizeof block), 6);
        block[cases[i].at] = (unsigned char)cases[i].value;
        if (cz_exif_orientation(block, sizeof block) != 1)
            fail_msg("%s: wanted 1, got %d", cases[i].what, cz_exif_orientation(block, sizeof block));
    }
}

/* Exact heap blocks, so that the address sanitizer sees a read behind the end; 22 bytes hold header and
 * entry. */
static void short_blocks_are_not_read_past_their_end(void **state)
{
    (void)state;
    for (size_t size = 0; size <= EXIF_BYTES; size++)
        for (int prefixed = 0; prefixed < 2; prefixed++) {
            unsigned char whole[6 + EXIF_BYTES] = "Exif\0";
            make_exif(whole + 6, "MM", 8);
            unsigned char *from = prefixed ? whole : whole + 6;
            size_t n = prefixed ? size + 6 : size;
            unsigned char *block = malloc(n ? n : 1);
            memcpy(block, from, n);
            assert_int_equal(cz_exif_orientation(block, n), size >= 22 ? 8 : 1);
            free(block);
        }
}

static void entries_that_claim_more_than_there_is(void **state)
{
    (void)state;
    unsigned char block[EXIF_BYTES];
    make_exif(block, "II", 6);
    block[8] = 0xFF; /* 65535 entries, of which the first is another tag */
    block[9] = 0xFF;
    block[10] = 0;
    assert_int_equal(cz_exif_orientation(block, sizeof block), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_orientations_turn_gray_and_rgb),
        cmocka_unit_test(other_values_change_nothing),
        cmocka_unit_test(png_and_webp_carry_it),
        cmocka_unit_test(jpeg_carries_it),
        cmocka_unit_test(damaged_blocks_mean_upright),
        cmocka_unit_test(short_blocks_are_not_read_past_their_end),
        cmocka_unit_test(entries_that_claim_more_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
