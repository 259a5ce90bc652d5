/*
 * Preprocessing as data: how an image becomes a network's input, written as one JSON object that travels with
 * the model, has one canonical form and therefore a hash.
 *
 * Order of work: decode, EXIF turn, gray where the network wants it, resize (8 bits, Pillow's), crop, then
 *   value = (pixel * scale - mean) / std
 * computed per channel for each of the 256 pixel values in double (one multiply, one subtract, one divide),
 * rounded once to float32 and looked up. So the same image gives the same bits on every machine, tier and
 * thread count.
 */
#ifndef CZ_DATA_PREPROCESS_H
#define CZ_DATA_PREPROCESS_H

#include "base/sha256.h"
#include "data/image.h"

enum cz_channels { CZ_CHANNELS_RGB, CZ_CHANNELS_BGR, CZ_CHANNELS_GRAY };
enum cz_resize_mode {
    CZ_RESIZE_SHORTER, /* the shorter side becomes resize_size[0] (= [1]), the other keeps the ratio,
                          truncated */
    CZ_RESIZE_SQUASH,  /* both sides, ratio not kept */
    CZ_RESIZE_NONE
};
enum cz_crop_mode { CZ_CROP_CENTER, CZ_CROP_NONE };
enum cz_picture_layout { CZ_LAYOUT_NCHW, CZ_LAYOUT_NHWC };

/* Plain data: copy and change it freely, then cz_preprocess_check. Sizes are {height, width}, {0, 0} for mode
 * none. */
struct cz_preprocess {
    int exif; /* apply the EXIF turn */
    enum cz_channels channels;
    enum cz_resize_mode resize_mode;
    int resize_size[2];
    enum cz_filter filter;
    enum cz_crop_mode crop_mode;
    int crop_size[2];
    double scale, mean[3], std[3]; /* mean and std in the order of `channels`; one of each for GRAY */
    enum cz_picture_layout
        layout; /* a model whose input is [N,3,H,W] or [N,H,W,3] decides; callers may set it */
};

enum { CZ_PREPROCESS_SIDE_MAX = 16384 };

/*
 * A named preset: "torchvision" (shorter side 256, crop 224), "torchvision-v2" (232, 224), "caffe" (256, 224;
 * BGR, mean 104 117 123, no scaling), "tf" (256, 224; -1 to 1, NHWC), "keras-caffe" (squashed to 224 by
 * nearest, the default of that framework's loader; BGR, mean 103.939 116.779 123.68, NHWC), "none" (pixels 0
 * to 255 as they are). Errors  CZ_ERR_ARGUMENT, naming the nearest presets.
 */
cz_status cz_preprocess_preset(const char *name, struct cz_preprocess *out, cz_error *);

/* Name i of the presets, NULL after the last. */
const char *cz_preprocess_preset_name(int i);

/*
 * Parses the JSON object: schema "convzoo.preprocess/1", all keys required, unknown and duplicate ones
 * refused. Errors  CZ_ERR_FORMAT (which key, found and wanted), CZ_ERR_UNSUPPORTED (a newer schema),
 * CZ_ERR_MEMORY.
 */
cz_status cz_preprocess_parse(const char *json, size_t size, struct cz_preprocess *out, cz_error *);

/* Parses the file `path`; messages start with it. */
cz_status cz_preprocess_load(const char *path, struct cz_preprocess *out, cz_error *);

/*
 * The canonical JSON in memory of malloc: RFC 8785, that is keys sorted, no spaces, shortest numbers that
 * round-trip. NULL when memory ran out.
 */
char *cz_preprocess_print(const struct cz_preprocess *);

/* SHA-256 of the canonical JSON; `text` 64 digits, of which the first 8 are what people are shown. */
cz_status cz_preprocess_hash(const struct cz_preprocess *, char text[CZ_SHA256_HEX], cz_error *);

/* "shorter side 232 bilinear, crop 224": one line for people, cut at `size`. Returns buf. */
char *cz_preprocess_describe(const struct cz_preprocess *, char *buf, size_t size);
enum { CZ_PREPROCESS_TEXT = 160 };

/* Refuses values that parsing would refuse, for structs made in code. CZ_ERR_ARGUMENT, naming the key. */
cz_status cz_preprocess_check(const struct cz_preprocess *, cz_error *);

/* 1 for GRAY, else 3. */
int cz_preprocess_channels(const struct cz_preprocess *);

/* {height, width} of the tensor, where the image does not decide it: 1. Else (resize shorter or none without
 * crop): 0.
 */
int cz_preprocess_output_size(const struct cz_preprocess *, int size[2]);

/*
 * Makes the output side x side: the crop (or the squash) becomes `side`, resize scales with it,
 * round(resize * side / crop), halves up.
 * Errors  CZ_ERR_ARGUMENT (side out of range; nothing to scale: resize none, crop none).
 */
cz_status cz_preprocess_scale_to(struct cz_preprocess *, int side, cz_error *);

/*
 * Fills out[channels*height*width] (one image of the batch, in `layout`) from a decoded image.
 *
 * size    {height, width} that `out` has room for.
 * Errors  CZ_ERR_SHAPE (the image gives another size), CZ_ERR_MEMORY. On error `out` is unspecified.
 */
cz_status cz_preprocess_image(const struct cz_preprocess *, const struct cz_image *, const int size[2],
                              float *out, cz_error *);

/* The geometry alone: gray, resize and crop as 8-bit pixels, channels still RGB. */
cz_status cz_preprocess_pixels(const struct cz_preprocess *, const struct cz_image *, struct cz_image *out,
                               cz_error *);

#endif
