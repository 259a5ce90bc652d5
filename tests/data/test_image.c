/*
 * Decoding: every kind of PNG, JPEG, WebP and PNM to known pixels; types by content; what is refused, and
 * how.
 */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGB_ALPHA = 6 };

static struct cz_image decode(const struct buffer *file, struct cz_image_info *info)
{
    struct cz_image image;
    cz_error err;
    if (cz_image_decode(file->data, file->size, 1, &image, info, &err) != CZ_OK)
        fail_msg("%s", err.message);
    return image;
}

/* A PNG of one row whose packed samples are given, and the pixels it must become. */
static const struct {
    int bit_depth, color_type, width, n_samples;
    uint8_t samples[12];
    int channels;
    uint8_t pixels[12];
} png_kinds[] = {
    {1, GRAY, 4, 1, {0xA0}, 1, {255, 0, 255, 0}},
    {2, GRAY, 4, 1, {0x1B}, 1, {0, 85, 170, 255}},
    {4, GRAY, 3, 2, {0x05, 0xF0}, 1, {0, 85, 255}},
    {8, GRAY, 3, 3, {0, 7, 255}, 1, {0, 7, 255}},
    {16, GRAY, 3, 6, {0x00, 0xFF, 0x80, 0x00, 0xFF, 0x01}, 1, {0, 0x80, 0xFF}}, /* v >> 8 */
    {8, GRAY_ALPHA, 2, 4, {9, 0, 200, 255}, 1, {9, 200}}, /* alpha dropped, not composed */
    {16, GRAY_ALPHA, 2, 8, {9, 1, 0, 0, 200, 1, 255, 255}, 1, {9, 200}},
    {8, RGB, 2, 6, {1, 2, 3, 4, 5, 6}, 3, {1, 2, 3, 4, 5, 6}},
    {16, RGB, 1, 6, {1, 0xFF, 2, 0, 3, 0x80}, 3, {1, 2, 3}},
    {8, RGB_ALPHA, 2, 8, {1, 2, 3, 0, 4, 5, 6, 255}, 3, {1, 2, 3, 4, 5, 6}},
    {16, RGB_ALPHA, 1, 8, {1, 0, 2, 0, 3, 0, 0, 0}, 3, {1, 2, 3}},
    {1, PALETTE, 2, 1, {0x40}, 3, {10, 20, 30, 11, 21, 31}},
    {2, PALETTE, 2, 1, {0x70}, 3, {11, 21, 31, 13, 23, 33}},
    {4, PALETTE, 2, 1, {0xF0}, 3, {25, 35, 45, 10, 20, 30}},
    {8, PALETTE, 2, 2, {15, 1}, 3, {25, 35, 45, 11, 21, 31}},
};

static void png_of_every_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof png_kinds / sizeof *png_kinds; i++) {
        struct png_options options = {png_kinds[i].bit_depth, png_kinds[i].color_type, 0, NULL};
        struct buffer file =
            encode_png(png_kinds[i].samples, (size_t)png_kinds[i].n_samples, 1, png_kinds[i].width, &options);
        struct cz_image_info info;
        struct cz_image image = decode(&file, &info);
        assert_int_equal(info.type, CZ_IMAGE_PNG);
        assert_int_equal(image.channels, png_kinds[i].channels);
        assert_int_equal(image.width, png_kinds[i].width);
        assert_memory_equal(image.pixels, png_kinds[i].pixels, (size_t)(image.width * image.channels));
        cz_image_deinit(&image);
        buffer_deinit(&file);
    }
}

static void interlaced_png_is_the_same_picture(void **state)
{
    (void)state;
    struct cz_image in = random_image(13, 21, 3, 4);
    struct buffer file = encode_png(in.pixels, 13 * 21 * 3, 13, 21, &(struct png_options){8, RGB, 1, NULL});
    struct cz_image image = decode(&file, NULL);
    assert_memory_equal(image.pixels, in.pixels, 13 * 21 * 3);
    cz_image_deinit(&in);
    cz_image_deinit(&image);
    buffer_deinit(&file);
}

static void webp_lossless_is_exact(void **state)
{
    (void)state;
    struct cz_image in = random_image(13, 21, 3, 4);
    struct buffer file = encode_webp(&in, NULL);
    struct cz_image image = decode(&file, NULL);
    assert_int_equal(image.channels, 3);
    assert_memory_equal(image.pixels, in.pixels, 13 * 21 * 3);
    cz_image_deinit(&in);
    cz_image_deinit(&image);
    buffer_deinit(&file);
}

static void pnm_headers_and_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t size;
        int channels;
        uint8_t pixels[6];
    } cases[] = {
        {"P6 2 1 255\n\1\2\3\4\5\6", 17, 3, {1, 2, 3, 4, 5, 6}},
        {"P5\n# made by hand\n2\n#\n1\n255\n\7\x80", 30, 1, {7, 128}},
        {"P5 3 1 3\n\0\1\3", 12, 1, {0, 85, 255}},
        {"P5 2 1 65535\n\x80\x00\xFF\xFF", 17, 1, {128, 255}},
        {"P5 2 1 100\n\x64\xFF", 13, 1, {255, 255}}, /* a sample above the header's largest value */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer file = {(unsigned char *)cases[i].file, cases[i].size};
        struct cz_image image = decode(&file, NULL);
        assert_int_equal(image.channels, cases[i].channels);
        assert_memory_equal(image.pixels, cases[i].pixels, (size_t)(image.width * image.channels));
        cz_image_deinit(&image);
    }
}

/* One 8 x 8 block of one colour: quality 100 keeps flat colours within 2 (one rounding each way in colour and
 * DCT). */
static void check_flat_jpeg(const uint8_t *colour, const struct jpeg_options *options, const uint8_t *want,
                            int channels)
{
    struct cz_image in = {8, 8, options->components, malloc((size_t)(64 * options->components))};
    for (int i = 0; i < 64 * options->components; i++)
        in.pixels[i] = colour[i % options->components];
    struct buffer file = encode_jpeg(&in, options);
    struct cz_image image = decode(&file, NULL);
    assert_int_equal(image.channels, channels);
    for (int i = 0; i < 64 * channels; i++)
        if (abs(image.pixels[i] - want[i % channels]) > 2)
            fail_msg("component %d of %d: wanted %d, got %d", i % channels, options->components,
                     want[i % channels], image.pixels[i]);
    free(in.pixels);
    cz_image_deinit(&image);
    buffer_deinit(&file);
}

static void jpeg_of_every_colour_space(void **state)
{
    (void)state;
    static const uint8_t colour[4] = {200, 40, 90, 30};
    check_flat_jpeg(colour, &(struct jpeg_options){.components = 1}, (const uint8_t[]){200}, 1);
    check_flat_jpeg(colour, &(struct jpeg_options){.components = 3}, colour, 3);
    check_flat_jpeg(colour, &(struct jpeg_options){.components = 3, .progressive = 1}, colour, 3);
    /* Ink 200,40,90,30: light 225, channel = 225 - 225*C/255. Stored by Adobe, 200 means ink 55. */
    static const uint8_t plain[3] = {49, 190, 146}, adobe[3] = {24, 5, 11};
    check_flat_jpeg(colour, &(struct jpeg_options){.components = 4}, plain, 3);
    check_flat_jpeg(colour, &(struct jpeg_options){.components = 4, .adobe = 1}, adobe, 3);
    check_flat_jpeg(colour, &(struct jpeg_options){.components = 4, .ycck = 1, .adobe = 1}, adobe, 3);
}

static void types_come_from_the_content(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        enum cz_image_type type;
        const char *name;
    } cases[] = {
        {"", 0, CZ_IMAGE_UNKNOWN, "empty file"},
        {"\xFF\xD8\xFF\xE0", 4, CZ_IMAGE_JPEG, "JPEG"},
        {"\x89PNG\r\n\x1A\n", 8, CZ_IMAGE_PNG, "PNG"},
        {"RIFF\0\0\0\0WEBPVP8 ", 16, CZ_IMAGE_WEBP, "WebP"},
        {"RIFF\0\0\0\0AVI LIST", 16, CZ_IMAGE_FOREIGN, "RIFF file (AVI or WAV)"},
        {"P6\n1 1\n255\nabc", 14, CZ_IMAGE_PNM, "PNM"},
        {"P6", 2, CZ_IMAGE_FOREIGN, "text"},
        {"GIF89a", 6, CZ_IMAGE_FOREIGN, "GIF image"},
        {"BM\x46\0\0\0\0\0\0\0\x36\0\0\0", 14, CZ_IMAGE_FOREIGN, "BMP image"},
        {"BMW cars", 8, CZ_IMAGE_FOREIGN, "text"},
        {"\0\0\0\x18"
         "ftypheic",
         12, CZ_IMAGE_FOREIGN, "HEIC image"},
        {"\0\0\0\x18"
         "ftypavif",
         12, CZ_IMAGE_FOREIGN, "AVIF image"},
        {"II*\0", 4, CZ_IMAGE_FOREIGN, "TIFF image"},
        {"<!DOCTYPE html><html>", 21, CZ_IMAGE_FOREIGN, "HTML text"},
        {"\xEF\xBB\xBF\n <HTML>", 11, CZ_IMAGE_FOREIGN, "HTML text"},
        {"{\"error\":404}", 13, CZ_IMAGE_FOREIGN, "JSON text"},
        {"version https://git-lfs.github.com/spec/v1\n", 43, CZ_IMAGE_FOREIGN, "git-LFS pointer"},
        {"PK\3\4....", 8, CZ_IMAGE_FOREIGN, "ZIP archive"},
        {"\0\0\0\0\0\0\0\0", 8, CZ_IMAGE_FOREIGN, "zeros"},
        {"\1\2\3\4", 4, CZ_IMAGE_UNKNOWN, "unknown kind of file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name;
        struct cz_image image;
        cz_error err;
        assert_int_equal(cz_image_identify(cases[i].bytes, cases[i].size, &name), cases[i].type);
        assert_string_equal(name, cases[i].name);
        if (cases[i].type != CZ_IMAGE_UNKNOWN && cases[i].type != CZ_IMAGE_FOREIGN)
            continue;
        assert_int_equal(cz_image_decode(cases[i].bytes, cases[i].size, 1, &image, NULL, &err),
                         strstr(name, "image") ? CZ_ERR_UNSUPPORTED : CZ_ERR_FORMAT);
        assert_non_null(strstr(err.message, name));
        assert_null(image.pixels);
    }
}

static void expect_refusal(const struct buffer *file, cz_status status, const char *words)
{
    struct cz_image image;
    cz_error err = {0};
    cz_status got = cz_image_decode(file->data, file->size, 1, &image, NULL, &err);
    if (got != status || !strstr(err.message, words))
        fail_msg("wanted %s with '%s', got %s: %s", cz_status_name(status), words, cz_status_name(got),
                 err.message);
    assert_null(image.pixels);
}

static void put_u32be(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

static uint32_t crc_of(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

static void headers_that_lie_about_size_cost_nothing(void **state)
{
    (void)state;
    struct cz_image in = random_image(8, 8, 1, 1);
    static const struct {
        uint32_t height, width;
        cz_status status;
        const char *words;
    } sizes[] = {{0x7FFFFFFF, 1, CZ_ERR_UNSUPPORTED, "65535 a side"},
                 {65500, 65500, CZ_ERR_UNSUPPORTED, "100 megapixels"},
                 {9000, 9000, CZ_ERR_FORMAT, "9000 x 9000 pixels need at least"}};
    for (int i = 0; i < 3; i++) {
        struct buffer png = encode_png(in.pixels, 64, 8, 8, &(struct png_options){8, GRAY, 0, NULL});
        put_u32be(png.data + 16, sizes[i].width);
        put_u32be(png.data + 20, sizes[i].height);
        put_u32be(png.data + 29, crc_of(png.data + 12, 17));
        expect_refusal(&png, sizes[i].status, sizes[i].words);
        buffer_deinit(&png);
        if (sizes[i].height > 65535)
            continue;
        struct buffer jpeg = encode_jpeg(&in, &(struct jpeg_options){.components = 1});
        unsigned char *frame = jpeg.data;
        while (frame[0] != 0xFF || frame[1] != 0xC0)
            frame++;
        frame[5] = (unsigned char)(sizes[i].height >> 8);
        frame[6] = (unsigned char)sizes[i].height;
        frame[7] = (unsigned char)(sizes[i].width >> 8);
        frame[8] = (unsigned char)sizes[i].width;
        expect_refusal(&jpeg, i == 1 ? CZ_ERR_UNSUPPORTED : CZ_ERR_FORMAT, sizes[i].words);
        buffer_deinit(&jpeg);
    }
    cz_image_deinit(&in);
}

static void too_many_scans_are_refused(void **state)
{
    (void)state;
    struct cz_image in = random_image(16, 16, 1, 1);
    struct buffer file = encode_jpeg(&in, &(struct jpeg_options){.components = 1, .many_scans = 1});
    expect_refusal(&file, CZ_ERR_UNSUPPORTED, "more than 64 scans");
    cz_image_deinit(&in);
    buffer_deinit(&file);
}

static void png_chunks_that_do_not_matter_are_skipped(void **state)
{
    (void)state;
    struct cz_image in = random_image(8, 8, 1, 1);
    struct buffer png = encode_png(in.pixels, 64, 8, 8, &(struct png_options){8, GRAY, 0, NULL});
    /* A text chunk of 1 MiB with a wrong CRC, right behind IHDR (which ends at byte 33). */
    const size_t extra = 12 + (1 << 20);
    struct buffer large = {calloc(1, png.size + extra), png.size + extra};
    memcpy(large.data, png.data, 33);
    put_u32be(large.data + 33, 1 << 20);
    memcpy(large.data + 37, "zTXt", 4);
    memcpy(large.data + 33 + extra, png.data + 33, png.size - 33);
    struct cz_image image = decode(&large, NULL);
    assert_memory_equal(image.pixels, in.pixels, 64);
    memcpy(large.data + 37, "ZTXt", 4); /* the same as a critical chunk */
    expect_refusal(&large, CZ_ERR_UNSUPPORTED, "extension unknown here");
    cz_image_deinit(&in);
    cz_image_deinit(&image);
    buffer_deinit(&png);
    buffer_deinit(&large);
}

static void damaged_png_is_an_error(void **state)
{
    (void)state;
    struct cz_image in = random_image(8, 8, 1, 1);
    struct buffer png = encode_png(in.pixels, 64, 8, 8, &(struct png_options){8, GRAY, 0, NULL});
    png.data[60] ^= 1; /* in IDAT: its CRC is wrong now */
    expect_refusal(&png, CZ_ERR_FORMAT, "PNG is damaged near byte");
    cz_image_deinit(&in);
    buffer_deinit(&png);
}

static void other_pnm_and_components_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        cz_status status;
        const char *words;
    } cases[] = {
        {"P3 1 1 255 1 2 3", CZ_ERR_UNSUPPORTED, "kind P3"},
        {"P4 8 1\nx", CZ_ERR_UNSUPPORTED, "kind P4"},
        {"P6 0 1 255\nx", CZ_ERR_FORMAT, "1 x 0 pixels"},
        {"P6 1 1 0\nxyz", CZ_ERR_FORMAT, "largest value 0"},
        {"P6 -1 1 255\nxyz", CZ_ERR_FORMAT, "header"},
        {"P6 1 1 255", CZ_ERR_FORMAT, "in its header"},
        {"P6 999999999 999999999 255\nx", CZ_ERR_UNSUPPORTED, "limit"},
        {"P6 100 100 255\nxyz", CZ_ERR_FORMAT, "PNM ends at byte 18 of 30015"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer file = {(unsigned char *)cases[i].text, strlen(cases[i].text)};
        expect_refusal(&file, cases[i].status, cases[i].words);
    }
}

static void png_out_is_read_back_and_repeats(void **state)
{
    (void)state;
    char *folder = scratch_create(), path[2][4096];
    for (int channels = 1; channels <= 3; channels += 2) {
        struct cz_image in = random_image(31, 17, channels, 9), out;
        for (int i = 0; i < 2; i++) {
            snprintf(path[i], sizeof path[i], "%s/%d.png", folder, i);
            assert_int_equal(cz_image_write_png(path[i], &in, NULL), CZ_OK);
        }
        assert_int_equal(cz_image_load(path[1], 1, &out, NULL, NULL), CZ_OK);
        assert_int_equal(out.channels, channels);
        assert_memory_equal(out.pixels, in.pixels, (size_t)(31 * 17 * channels));
        char command[9000];
        snprintf(command, sizeof command, "cmp %s %s", path[0], path[1]);
        assert_int_equal(system(command), 0);
        cz_image_deinit(&in);
        cz_image_deinit(&out);
    }
    cz_error err;
    struct cz_image in = random_image(2, 2, 1, 9);
    assert_int_equal(cz_image_write_png("/nowhere/x.png", &in, &err), CZ_ERR_IO);
    cz_image_deinit(&in);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_of_every_kind),
        cmocka_unit_test(interlaced_png_is_the_same_picture),
        cmocka_unit_test(webp_lossless_is_exact),
        cmocka_unit_test(pnm_headers_and_ranges),
        cmocka_unit_test(jpeg_of_every_colour_space),
        cmocka_unit_test(types_come_from_the_content),
        cmocka_unit_test(headers_that_lie_about_size_cost_nothing),
        cmocka_unit_test(too_many_scans_are_refused),
        cmocka_unit_test(png_chunks_that_do_not_matter_are_skipped),
        cmocka_unit_test(damaged_png_is_an_error),
        cmocka_unit_test(other_pnm_and_components_are_refused),
        cmocka_unit_test(png_out_is_read_back_and_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
