#include "support.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <spng.h>
#include <webp/encode.h>

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

char *scratch_create(void)
{
    const char *base = getenv("TMPDIR");
    char *folder = malloc(4096);
    snprintf(folder, 4096, "%s/convzoo-data-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st;
    (void)kind;
    (void)walk;
    return remove(path);
}

void scratch_remove(char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

void scratch_write(const char *folder, const char *name, const void *data, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0777);
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

void scratch_write_text(const char *folder, const char *name, const char *text)
{
    scratch_write(folder, name, text, strlen(text));
}

void fill_pixels(uint8_t *pixels, size_t n, uint32_t seed)
{
    uint32_t x = seed;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(x >> 24);
    }
}

struct cz_image random_image(int height, int width, int channels, uint32_t seed)
{
    struct cz_image image;
    assert_int_equal(cz_image_create(height, width, channels, &image, NULL), CZ_OK);
    fill_pixels(image.pixels, (size_t)height * (size_t)width * (size_t)channels, seed);
    return image;
}

void make_exif(unsigned char block[EXIF_BYTES], const char *order, int orientation)
{
    static const unsigned char little[EXIF_BYTES] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1};
    static const unsigned char big[EXIF_BYTES] = {'M', 'M', 0,    42, 0, 0, 0, 8, 0,
                                                  1,   1,   0x12, 0,  3, 0, 0, 0, 1};
    int is_big = strcmp(order, "MM") == 0;
    memcpy(block, is_big ? big : little, EXIF_BYTES);
    block[18 + is_big] = (unsigned char)orientation;
}

static void set_chunks(spng_ctx *ctx, const struct png_options *options)
{
    if (options->color_type == SPNG_COLOR_TYPE_INDEXED) {
        struct spng_plte palette = {.n_entries = options->bit_depth < 4 ? 1u << options->bit_depth : 16};
        for (int i = 0; i < (int)palette.n_entries; i++)
            palette.entries[i] =
                (struct spng_plte_entry){(uint8_t)(10 + i), (uint8_t)(20 + i), (uint8_t)(30 + i), 0};
        assert_int_equal(spng_set_plte(ctx, &palette), 0);
    }
    if (options->exif) {
        struct spng_exif exif = {EXIF_BYTES, (char *)options->exif};
        assert_int_equal(spng_set_exif(ctx, &exif), 0);
    }
}

struct buffer encode_png(const void *samples, size_t bytes, int height, int width,
                         const struct png_options *options)
{
    spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr ihdr = {.width = (uint32_t)width,
                             .height = (uint32_t)height,
                             .bit_depth = (uint8_t)options->bit_depth,
                             .color_type = (uint8_t)options->color_type,
                             .interlace_method = (uint8_t)options->interlaced};
    struct buffer out;
    int code = 0;
    assert_int_equal(spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1), 0);
    assert_int_equal(spng_set_ihdr(ctx, &ihdr), 0);
    set_chunks(ctx, options);
    assert_int_equal(spng_encode_image(ctx, samples, bytes, SPNG_FMT_RAW, SPNG_ENCODE_FINALIZE), 0);
    out.data = spng_get_png_buffer(ctx, &out.size, &code);
    assert_int_equal(code, 0);
    spng_ctx_free(ctx);
    return out;
}

/* DC, then each AC coefficient on its own, then the same again for the lowest bit. */
static void ask_for_many_scans(struct jpeg_compress_struct *lib, jpeg_scan_info *scans)
{
    int n = 0;
    for (int bit = 1; bit >= 0; bit--)
        for (int k = 0; k < 64; k++)
            scans[n++] = (jpeg_scan_info){.comps_in_scan = 1, .Ss = k, .Se = k, .Ah = bit ? 0 : 1, .Al = bit};
    lib->scan_info = scans;
    lib->num_scans = n;
}

static void choose_form(struct jpeg_compress_struct *lib, const struct jpeg_options *options,
                        jpeg_scan_info *scans)
{
    static const J_COLOR_SPACE spaces[5] = {[1] = JCS_GRAYSCALE, [3] = JCS_RGB, [4] = JCS_CMYK};
    lib->input_components = options->components;
    lib->in_color_space = spaces[options->components];
    jpeg_set_defaults(lib);
    if (options->components == 4)
        jpeg_set_colorspace(lib, options->ycck ? JCS_YCCK : JCS_CMYK);
    lib->write_Adobe_marker = (boolean)(options->components == 4 && options->adobe);
    jpeg_set_quality(lib, 100, TRUE);
    for (int c = 0; c < lib->num_components; c++)
        lib->comp_info[c].h_samp_factor = lib->comp_info[c].v_samp_factor = 1;
    if (options->many_scans)
        ask_for_many_scans(lib, scans);
    else if (options->progressive)
        jpeg_simple_progression(lib);
}

struct buffer encode_jpeg(const struct cz_image *image, const struct jpeg_options *options)
{
    struct jpeg_compress_struct lib;
    struct jpeg_error_mgr errors;
    jpeg_scan_info scans[128];
    unsigned char *data = NULL;
    unsigned long size = 0;
    lib.err = jpeg_std_error(&errors);
    jpeg_create_compress(&lib);
    jpeg_mem_dest(&lib, &data, &size);
    lib.image_height = (JDIMENSION)image->height;
    lib.image_width = (JDIMENSION)image->width;
    choose_form(&lib, options, scans);
    jpeg_start_compress(&lib, TRUE);
    if (options->exif) {
        unsigned char marker[6 + EXIF_BYTES] = "Exif\0";
        memcpy(marker + 6, options->exif, EXIF_BYTES);
        jpeg_write_marker(&lib, JPEG_APP0 + 1, marker, sizeof marker);
    }
    while (lib.next_scanline < lib.image_height) {
        JSAMPROW row =
            image->pixels + (size_t)lib.next_scanline * (size_t)(image->width * options->components);
        jpeg_write_scanlines(&lib, &row, 1);
    }
    jpeg_finish_compress(&lib);
    jpeg_destroy_compress(&lib);
    return (struct buffer){data, size};
}

static void put_u32le(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

/* RIFF header, VP8X with the EXIF flag, the simple file's image chunk, EXIF. */
static struct buffer extend_webp(const struct buffer *simple, const struct cz_image *image,
                                 const unsigned char *exif)
{
    size_t chunk = simple->size - 12;
    struct buffer out = {NULL, 12 + 18 + chunk + 8 + EXIF_BYTES};
    out.data = calloc(1, out.size);
    memcpy(out.data, "RIFF....WEBPVP8X", 16);
    put_u32le(out.data + 4, (uint32_t)out.size - 8);
    put_u32le(out.data + 16, 10);
    out.data[20] = 1 << 3;
    put_u32le(out.data + 24,
              (uint32_t)image->width - 1); /* 24 bits; the next field overwrites the fourth byte */
    put_u32le(out.data + 27, (uint32_t)image->height - 1);
    memcpy(out.data + 30, simple->data + 12, chunk);
    memcpy(out.data + 30 + chunk, "EXIF", 4);
    put_u32le(out.data + 34 + chunk, EXIF_BYTES);
    memcpy(out.data + 38 + chunk, exif, EXIF_BYTES);
    return out;
}

struct buffer encode_webp(const struct cz_image *rgb, const unsigned char *exif)
{
    uint8_t *data;
    size_t size = WebPEncodeLosslessRGB(rgb->pixels, rgb->width, rgb->height, 3 * rgb->width, &data);
    assert_true(size > 0);
    struct buffer simple = {malloc(size + 1), size};
    memcpy(simple.data, data, size);
    WebPFree(data);
    if (!exif)
        return simple;
    struct buffer out = extend_webp(&simple, rgb, exif);
    buffer_deinit(&simple);
    return out;
}
