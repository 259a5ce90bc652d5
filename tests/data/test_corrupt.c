/*
 * Damaged files: cut at many places, bytes changed at random. Nothing may crash, leak or read out of bounds
 * (the sanitizer builds run this), a cut file must be an error that says where it ends, and an error must
 * leave nothing.
 */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CUTS = 64, FLIPS = 400, N_FILES = 10 };

struct specimen {
    const char *name;
    struct buffer file;
};

static struct buffer make_pnm(const struct cz_image *image)
{
    struct buffer out = {malloc(64 + (size_t)(image->height * image->width * 3)), 0};
    int n = sprintf((char *)out.data, "P6 %d %d 255\n", image->width, image->height);
    memcpy(out.data + n, image->pixels, (size_t)(image->height * image->width * 3));
    out.size = (size_t)n + (size_t)(image->height * image->width * 3);
    return out;
}

/* 40 x 48 pixels of noise, so that every byte of the files carries something. */
static void make_specimens(struct specimen s[N_FILES])
{
    unsigned char exif[EXIF_BYTES];
    make_exif(exif, "MM", 6);
    struct cz_image rgb = random_image(40, 48, 3, 11), gray = random_image(40, 48, 1, 12);
    struct cz_image cmyk = {20, 24, 4, malloc(1920)};
    fill_pixels(cmyk.pixels, 1920, 13);
    s[0] = (struct specimen){"baseline JPEG",
                             encode_jpeg(&rgb, &(struct jpeg_options){.components = 3, .exif = exif})};
    s[1] = (struct specimen){"gray JPEG", encode_jpeg(&gray, &(struct jpeg_options){.components = 1})};
    s[2] = (struct specimen){"progressive JPEG",
                             encode_jpeg(&rgb, &(struct jpeg_options){.components = 3, .progressive = 1})};
    s[3] = (struct specimen){"CMYK JPEG",
                             encode_jpeg(&cmyk, &(struct jpeg_options){.components = 4, .adobe = 1})};
    s[4] =
        (struct specimen){"PNG", encode_png(rgb.pixels, 5760, 40, 48, &(struct png_options){8, 2, 0, exif})};
    s[5] = (struct specimen){"interlaced PNG",
                             encode_png(gray.pixels, 1920, 40, 48, &(struct png_options){8, 0, 1, NULL})};
    s[6] = (struct specimen){"palette PNG",
                             encode_png(gray.pixels, 960, 40, 48, &(struct png_options){4, 3, 0, NULL})};
    s[7] = (struct specimen){"WebP", encode_webp(&rgb, NULL)};
    s[8] = (struct specimen){"extended WebP", encode_webp(&rgb, exif)};
    s[9] = (struct specimen){"PPM", make_pnm(&rgb)};
    cz_image_deinit(&rgb);
    cz_image_deinit(&gray);
    free(cmyk.pixels);
}

static void free_specimens(struct specimen s[N_FILES])
{
    for (int i = 0; i < N_FILES; i++)
        buffer_deinit(&s[i].file);
}

/* Decodes an exact heap copy and checks what must hold whatever the bytes are. */
static cz_status decode_any(const unsigned char *bytes, size_t size, struct cz_image_info *info,
                            cz_error *err)
{
    struct cz_image image;
    unsigned char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    *err = (cz_error){0};
    cz_status status = cz_image_decode(copy, size, 1, &image, info, err);
    if (status == CZ_OK) {
        assert_true(image.height >= 1 && image.width >= 1 && (image.channels == 1 || image.channels == 3));
        volatile unsigned sum = 0; /* every pixel is read, so that a sanitizer sees it */
        for (int64_t i = 0; i < (int64_t)image.height * image.width * image.channels; i++)
            sum += image.pixels[i];
        (void)sum;
    } else {
        assert_null(image.pixels);
        assert_true(err->message[0] != '\0' && err->code == status);
    }
    cz_image_deinit(&image);
    free(copy);
    return status;
}

static void cut_files_are_errors(void **state)
{
    (void)state;
    struct specimen s[N_FILES];
    make_specimens(s);
    for (int i = 0; i < N_FILES; i++) {
        struct cz_image_info info;
        cz_error err;
        assert_int_equal(decode_any(s[i].file.data, s[i].file.size, &info, &err), CZ_OK);
        assert_int_equal(info.n_warnings, 0);
        for (size_t k = 0; k < CUTS; k++) {
            size_t size = s[i].file.size * k / CUTS;
            cz_status status = decode_any(s[i].file.data, size, &info, &err);
            if (status == CZ_OK)
                fail_msg("%s cut at %zu of %zu bytes was accepted", s[i].name, size, s[i].file.size);
            char place[32];
            snprintf(place, sizeof place, "ends at byte %zu", size);
            if (size > 16 && !strstr(err.message, place))
                fail_msg("%s: wanted '%s', got '%s'", s[i].name, place, err.message);
            if (size > 16)
                assert_int_equal(info.error_offset, (int64_t)size);
        }
    }
    free_specimens(s);
}

/* The last bytes of a JPEG are its end marker: a sequential file without it is whole, a progressive one need
 * not be. */
static void a_missing_end_marker(void **state)
{
    (void)state;
    struct specimen s[N_FILES];
    make_specimens(s);
    struct cz_image_info info;
    cz_error err;
    assert_int_equal(decode_any(s[0].file.data, s[0].file.size - 2, &info, &err), CZ_OK);
    assert_int_equal(info.n_warnings, 1);
    assert_int_equal(decode_any(s[2].file.data, s[2].file.size - 2, &info, &err), CZ_ERR_FORMAT);
    assert_non_null(strstr(err.message, "JPEG ends at byte"));
    free_specimens(s);
}

/* An end marker in the middle of a file that goes on: the picture ends there, and the message says so. */
static void an_early_end_marker_is_a_cut(void **state)
{
    (void)state;
    struct specimen s[N_FILES];
    make_specimens(s);
    struct buffer *file = &s[0].file;
    size_t at = file->size / 2;
    while (file->data[at - 1] == 0xFF || file->data[at + 1] == 0xFF)
        at++;
    file->data[at] = 0xFF;
    file->data[at + 1] = 0xD9;
    struct cz_image_info info;
    cz_error err;
    char place[64];
    snprintf(place, sizeof place, "JPEG ends at byte %zu of %zu", at + 2, file->size);
    assert_int_equal(decode_any(file->data, file->size, &info, &err), CZ_ERR_FORMAT);
    if (!strstr(err.message, place))
        fail_msg("wanted '%s', got '%s'", place, err.message);
    free_specimens(s);
}

static void trailing_bytes_do_not_matter(void **state)
{
    (void)state;
    struct specimen s[N_FILES];
    make_specimens(s);
    for (int i = 0; i < N_FILES; i++) {
        struct cz_image_info info;
        cz_error err;
        struct buffer longer = {calloc(1, s[i].file.size + 100), s[i].file.size + 100};
        memcpy(longer.data, s[i].file.data, s[i].file.size);
        if (decode_any(longer.data, longer.size, &info, &err) != CZ_OK)
            fail_msg("%s with 100 bytes behind its end: %s", s[i].name, err.message);
        buffer_deinit(&longer);
    }
    free_specimens(s);
}

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525u + 1013904223u;
    return *x >> 8;
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    struct specimen s[N_FILES];
    make_specimens(s);
    int accepted = 0;
    for (int i = 0; i < N_FILES; i++) {
        uint32_t x = (uint32_t)i + 1;
        struct buffer broken = {malloc(s[i].file.size), s[i].file.size};
        for (int k = 0; k < FLIPS; k++) {
            struct cz_image_info info;
            cz_error err;
            memcpy(broken.data, s[i].file.data, broken.size);
            for (uint32_t n = 1 + next_random(&x) % 4; n > 0; n--) {
                /* Half of the changes hit the first 200 bytes, where headers are. */
                size_t room = next_random(&x) % 2 && broken.size > 200 ? 200 : broken.size;
                broken.data[next_random(&x) % room] = (unsigned char)next_random(&x);
            }
            accepted += decode_any(broken.data, broken.size, &info, &err) == CZ_OK;
        }
        buffer_deinit(&broken);
    }
    /* Both must happen, or the test does not test: JPEG and PPM pixels may change freely, PNG has checksums.
     */
    assert_true(accepted > FLIPS && accepted < FLIPS * N_FILES - FLIPS);
    free_specimens(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_files_are_errors),         cmocka_unit_test(a_missing_end_marker),
        cmocka_unit_test(an_early_end_marker_is_a_cut), cmocka_unit_test(trailing_bytes_do_not_matter),
        cmocka_unit_test(changed_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
