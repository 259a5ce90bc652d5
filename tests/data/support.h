/*
 * What the data tests share: a scratch folder, encoders for small files, random pixels.
 */
#ifndef TESTS_DATA_SUPPORT_H
#define TESTS_DATA_SUPPORT_H

#include "data/image.h"

struct buffer {
    unsigned char *data;
    size_t size;
};

void buffer_deinit(struct buffer *);

/* A new folder below the system's temporary one. scratch_remove deletes it and everything in it. */
char *scratch_create(void);
void scratch_remove(char *folder);

/* Writes scratch/name, making the folders on the way. */
void scratch_write(const char *folder, const char *name, const void *data, size_t size);
void scratch_write_text(const char *folder, const char *name, const char *text);

/* Pixels from a seed, by the generator that tools/make_resize_fixtures.py has too. */
void fill_pixels(uint8_t *pixels, size_t n, uint32_t seed);
struct cz_image random_image(int height, int width, int channels, uint32_t seed);

/* EXIF block with one orientation entry; `order` is "II" or "MM". */
enum { EXIF_BYTES = 26 };
void make_exif(unsigned char block[EXIF_BYTES], const char *order, int orientation);

struct png_options {
    int bit_depth, color_type, interlaced; /* as in IHDR */
    const unsigned char *exif;             /* EXIF_BYTES or NULL */
};

/* `samples`: the file's own packed rows. A palette (color type 3) is 0:(10,20,30), 1:(11,21,31), ... of 16
 * entries. */
struct buffer encode_png(const void *samples, size_t bytes, int height, int width,
                         const struct png_options *);

struct jpeg_options {
    int components;              /* 1, 3 or 4 */
    int ycck, adobe;             /* for 4 components */
    int progressive, many_scans; /* many_scans: a scan per coefficient and bit, over 100 of them */
    const unsigned char *exif;
};

/* Quality 100, no subsampling. */
struct buffer encode_jpeg(const struct cz_image *gray_rgb_or_cmyk, const struct jpeg_options *);

/* Lossless; `exif` NULL or EXIF_BYTES, then in an extended container. */
struct buffer encode_webp(const struct cz_image *rgb, const unsigned char *exif);

#endif
