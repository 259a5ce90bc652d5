/*
 * Images in memory: decoding JPEG, PNG, WebP and PNM by content, turning, grayscale, resizing, PNG out.
 *
 * Pixels are 8 bits. What the decoders do where readers differ:
 *   JPEG   slow-integer DCT, fancy upsampling, no scaled decode (the choices of Pillow, hence of the training
 * data of nearly all published weights); CMYK and YCCK become RGB (Adobe's are stored inverted); profiles
 * ignored. PNG    1, 2, 4, 8, 16 bits; palette to RGB; alpha dropped, nothing composed; 16 bits keep their
 * upper 8 (v >> 8). WebP   alpha dropped; of an animation the first frame is refused as not supported. PNM P5
 * and P6 (P2 and P3 are refused); maxval up to 65535, scaled to 255 with rounding. Hostile files: size, scan
 * and memory limits are set before a decoder runs; any bytes are safe input.
 */
#ifndef CZ_DATA_IMAGE_H
#define CZ_DATA_IMAGE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* [height][width][channels], no padding; channels 1 (gray) or 3 (RGB). `pixels` is the image's own. */
struct cz_image {
    int height, width, channels;
    uint8_t *pixels;
};

enum {
    CZ_IMAGE_MAX_PIXELS = 100000000, /* 300 MB as RGB; the largest photo sensors have about 100 million */
    CZ_IMAGE_MAX_SIDE = 65535,       /* what JPEG can express; keeps resize's weight tables small */
    CZ_IMAGE_MAX_SCANS = 64, /* a progressive JPEG costs full work per scan; encoders write about 10 */
};

enum cz_image_type {
    CZ_IMAGE_UNKNOWN,
    CZ_IMAGE_JPEG,
    CZ_IMAGE_PNG,
    CZ_IMAGE_WEBP,
    CZ_IMAGE_PNM,
    CZ_IMAGE_FOREIGN /* recognised and refused by name: GIF, BMP, HEIC, HTML, ... */
};

/* What was found while decoding; also filled, as far as known, when decoding fails. */
struct cz_image_info {
    enum cz_image_type type;
    int stored_height, stored_width; /* before any EXIF turn */
    int orientation;                 /* EXIF, 1 to 8; 1 where there is none */
    int n_warnings;                  /* damage that the decoder went over */
    int64_t error_offset; /* byte at which it failed, -1 when there is no such place or no failure */
};

/* "JPEG", "PNG", "WebP", "PNM"; "unknown" for the others. */
const char *cz_image_type_name(enum cz_image_type);

/*
 * The type that the content has, and its name in words ("JPEG", "GIF", "HTML text", "empty", ...), which is
 * static. 64 bytes of the file are enough. `name` may be NULL.
 */
enum cz_image_type cz_image_identify(const void *bytes, size_t size, const char **name);

/*
 * Decodes a whole file in memory to 8-bit gray or RGB.
 *
 * turn_upright  apply the EXIF orientation (JPEG APP1, PNG eXIf, WebP EXIF).
 * info          may be NULL.
 *
 * Errors   CZ_ERR_FORMAT (not an image, damaged or truncated: "JPEG ends at byte 20480 of 31072"),
 *          CZ_ERR_UNSUPPORTED (an image of a kind or size that is refused), CZ_ERR_MEMORY. The message
 *          has no file name: callers put it in front with cz_error_prefix. On error *out is empty.
 *
 * Any number of threads may decode at once.
 */
cz_status cz_image_decode(const void *bytes, size_t size, int turn_upright, struct cz_image *out,
                          struct cz_image_info *info, cz_error *);

/* Reads and decodes `path`; the message starts with the path. */
cz_status cz_image_load(const char *path, int turn_upright, struct cz_image *out, struct cz_image_info *info,
                        cz_error *);

/* Memory for an image of this size, not cleared. CZ_ERR_MEMORY, CZ_ERR_ARGUMENT (sides below 1, over the
 * limit). */
cz_status cz_image_create(int height, int width, int channels, struct cz_image *out, cz_error *);

/* Frees the pixels and empties the struct; an empty one is fine. */
void cz_image_deinit(struct cz_image *);

/* Turns the image upright in place, given EXIF orientation 1 to 8; any other value changes nothing. */
cz_status cz_image_turn(struct cz_image *, int orientation, cz_error *);

/* Luma as Pillow computes it: (19595 R + 38470 G + 7471 B + 32768) >> 16. A gray image stays as it is. */
void cz_image_to_gray(struct cz_image *);

enum cz_filter { CZ_FILTER_NEAREST, CZ_FILTER_BILINEAR, CZ_FILTER_BICUBIC };

/*
 * Resizes to out->height x out->width, bit for bit as Pillow's Image.resize with the same filter: bilinear
 * and bicubic (a = -0.5) widen with the scale, so shrinking averages (antialias). `in` and `out` are
 * different images. Errors  CZ_ERR_ARGUMENT (size), CZ_ERR_MEMORY.
 */
cz_status cz_image_resize(const struct cz_image *in, int height, int width, enum cz_filter,
                          struct cz_image *out, cz_error *);

/*
 * Where a centred part of a side begins: (side - part)/2 rounded half to even, as torchvision's CenterCrop
 * has it. When the side is the smaller one, minus the padding in front, whose half is rounded down.
 */
int cz_image_crop_offset(int side, int part);

/* The part of `in` of height x width pixels around its centre, zeros where `in` does not reach. */
cz_status cz_image_crop_center(const struct cz_image *in, int height, int width, struct cz_image *out,
                               cz_error *);

/*
 * Resize and centre crop in one: the crop's pixels of the image resized to full_height x full_width, the same
 * bits as one after the other but nothing computed that the crop leaves out. The full size may be far over
 * the limits.
 */
cz_status cz_image_resize_crop(const struct cz_image *in, const int full[2], enum cz_filter,
                               const int crop[2], struct cz_image *out, cz_error *);

/* Writes an 8-bit gray or RGB PNG, whole or not at all. Same pixels, same bytes. */
cz_status cz_image_write_png(const char *path, const struct cz_image *, cz_error *);

#endif
