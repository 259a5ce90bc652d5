#include "data/preprocess.h"
#include "base/nearest.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct preset {
    const char *name;
    struct cz_preprocess value;
};

#define IMAGENET_MEAN                                                                                        \
    {                                                                                                        \
        0.485, 0.456, 0.406                                                                                  \
    }
#define IMAGENET_STD                                                                                         \
    {                                                                                                        \
        0.229, 0.224, 0.225                                                                                  \
    }
#define ONES                                                                                                 \
    {                                                                                                        \
        1, 1, 1                                                                                              \
    }

/* clang-format off */
static const struct preset presets[] = {
    {"torchvision",    {1, CZ_CHANNELS_RGB, CZ_RESIZE_SHORTER, {256, 256}, CZ_FILTER_BILINEAR, CZ_CROP_CENTER, {224, 224},
                        1.0 / 255, IMAGENET_MEAN, IMAGENET_STD, CZ_LAYOUT_NCHW}},
    {"torchvision-v2", {1, CZ_CHANNELS_RGB, CZ_RESIZE_SHORTER, {232, 232}, CZ_FILTER_BILINEAR, CZ_CROP_CENTER, {224, 224},
                        1.0 / 255, IMAGENET_MEAN, IMAGENET_STD, CZ_LAYOUT_NCHW}},
    {"caffe",          {1, CZ_CHANNELS_BGR, CZ_RESIZE_SHORTER, {256, 256}, CZ_FILTER_BILINEAR, CZ_CROP_CENTER, {224, 224},
                        1.0, {104, 117, 123}, ONES, CZ_LAYOUT_NCHW}},
    {"tf",             {1, CZ_CHANNELS_RGB, CZ_RESIZE_SHORTER, {256, 256}, CZ_FILTER_BILINEAR, CZ_CROP_CENTER, {224, 224},
                        1.0 / 127.5, ONES, ONES, CZ_LAYOUT_NHWC}},
    {"keras-caffe",    {1, CZ_CHANNELS_BGR, CZ_RESIZE_SQUASH, {224, 224}, CZ_FILTER_NEAREST, CZ_CROP_NONE, {0, 0},
                        1.0, {103.939, 116.779, 123.68}, ONES, CZ_LAYOUT_NHWC}},
    {"none",           {1, CZ_CHANNELS_RGB, CZ_RESIZE_NONE, {0, 0}, CZ_FILTER_BILINEAR, CZ_CROP_NONE, {0, 0},
                        1.0, {0, 0, 0}, ONES, CZ_LAYOUT_NCHW}},
};
/* clang-format on */
enum { N_PRESETS = sizeof presets / sizeof *presets };

const char *cz_preprocess_preset_name(int i)
{
    return i >= 0 && i < N_PRESETS ? presets[i].name : NULL;
}

cz_status cz_preprocess_preset(const char *name, struct cz_preprocess *out, cz_error *err)
{
    for (int i = 0; i < N_PRESETS; i++)
        if (strcmp(name, presets[i].name) == 0) {
            *out = presets[i].value;
            return CZ_OK;
        }
    const char *names[N_PRESETS];
    for (int i = 0; i < N_PRESETS; i++)
        names[i] = presets[i].name;
    const char *nearest = cz_nearest(name, names, N_PRESETS);
    if (nearest)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "preprocessing '%s': not known; nearest is '%s'", name, nearest);
    CZ_FAIL(
        err, CZ_ERR_ARGUMENT,
        "preprocessing '%s': not known; give torchvision|torchvision-v2|caffe|tf|keras-caffe|none|FILE.json",
        name);
}

int cz_preprocess_channels(const struct cz_preprocess *pp)
{
    return pp->channels == CZ_CHANNELS_GRAY ? 1 : 3;
}

/* Both sides in range, or both 0 where the mode uses none. */
static cz_status check_size(const char *key, const int size[2], int used, cz_error *err)
{
    for (int i = 0; i < 2; i++) {
        if (used && (size[i] < 1 || size[i] > CZ_PREPROCESS_SIDE_MAX))
            CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s.size_px: %d, wanted 1 to %d", key, size[i],
                    (int)CZ_PREPROCESS_SIDE_MAX);
        if (!used && size[i] != 0)
            CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s.size_px: [%d,%d], mode \"none\" wants [0,0]", key, size[0],
                    size[1]);
    }
    return CZ_OK;
}

cz_status cz_preprocess_check(const struct cz_preprocess *pp, cz_error *err)
{
    CZ_TRY(check_size("resize", pp->resize_size, pp->resize_mode != CZ_RESIZE_NONE, err));
    CZ_TRY(check_size("crop", pp->crop_size, pp->crop_mode != CZ_CROP_NONE, err));
    if (pp->resize_mode == CZ_RESIZE_SHORTER && pp->resize_size[0] != pp->resize_size[1])
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "resize.size_px: [%d,%d], mode \"shorter\" wants the same number twice",
                pp->resize_size[0], pp->resize_size[1]);
    if (!isfinite(pp->scale) || pp->scale <= 0)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "scale: %g, wanted a number above 0", pp->scale);
    for (int c = 0; c < cz_preprocess_channels(pp); c++) {
        if (!isfinite(pp->mean[c]))
            CZ_FAIL(err, CZ_ERR_ARGUMENT, "mean[%d]: %g, wanted a finite number", c, pp->mean[c]);
        if (!isfinite(pp->std[c]) || pp->std[c] <= 0)
            CZ_FAIL(err, CZ_ERR_ARGUMENT, "std[%d]: %g, wanted a number above 0", c, pp->std[c]);
    }
    return CZ_OK;
}

int cz_preprocess_output_size(const struct cz_preprocess *pp, int size[2])
{
    const int *fixed = pp->crop_mode == CZ_CROP_CENTER       ? pp->crop_size
                       : pp->resize_mode == CZ_RESIZE_SQUASH ? pp->resize_size
                                                             : NULL;
    if (!fixed)
        return 0;
    size[0] = fixed[0];
    size[1] = fixed[1];
    return 1;
}

static cz_status check_side(const char *what, int64_t side, cz_error *err)
{
    if (side < 1 || side > CZ_PREPROCESS_SIDE_MAX)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s of %jd pixels: wanted 1 to %d", what, (intmax_t)side,
                (int)CZ_PREPROCESS_SIDE_MAX);
    return CZ_OK;
}

cz_status cz_preprocess_scale_to(struct cz_preprocess *pp, int side, cz_error *err)
{
    const int cropped = pp->crop_mode == CZ_CROP_CENTER, resized = pp->resize_mode != CZ_RESIZE_NONE;
    if (!cropped && !resized)
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "preprocessing has neither resize nor crop, so there is no size to set");
    CZ_TRY(check_side("input", side, err));
    struct cz_preprocess scaled = *pp;
    for (int i = 0; i < 2 && resized; i++) {
        /* Without a crop the resize itself becomes the side. */
        int64_t base = cropped ? pp->crop_size[i] : pp->resize_size[i];
        int64_t wanted = ((int64_t)2 * pp->resize_size[i] * side + base) / (2 * base);
        CZ_TRY(check_side("resize", wanted, err));
        scaled.resize_size[i] = (int)wanted;
    }
    if (pp->resize_mode == CZ_RESIZE_SHORTER) /* one number, also where the crop was no square */
        scaled.resize_size[1] = scaled.resize_size[0];
    if (cropped)
        scaled.crop_size[0] = scaled.crop_size[1] = side;
    *pp = scaled;
    return CZ_OK;
}

/* Sides after resizing, which may be far above what an image may have: only the crop is made. */
static cz_status full_size(const struct cz_preprocess *pp, const struct cz_image *in, int full[2],
                           cz_error *err)
{
    full[0] = pp->resize_mode == CZ_RESIZE_SQUASH ? pp->resize_size[0] : in->height;
    full[1] = pp->resize_mode == CZ_RESIZE_SQUASH ? pp->resize_size[1] : in->width;
    if (pp->resize_mode != CZ_RESIZE_SHORTER)
        return CZ_OK;
    int shorter = in->width <= in->height ? 1 : 0;
    int64_t longer = (int64_t)pp->resize_size[0] * full[1 - shorter] / full[shorter];
    if (longer > INT32_MAX)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "image of %d x %d pixels is too long and thin to resize its shorter side to %d", in->height,
                in->width, pp->resize_size[0]);
    full[shorter] = pp->resize_size[0];
    full[1 - shorter] = (int)longer;
    return CZ_OK;
}

static cz_status copy_image(const struct cz_image *in, struct cz_image *out, cz_error *err)
{
    CZ_TRY(cz_image_create(in->height, in->width, in->channels, out, err));
    memcpy(out->pixels, in->pixels, (size_t)in->height * (size_t)in->width * (size_t)in->channels);
    return CZ_OK;
}

cz_status cz_preprocess_pixels(const struct cz_preprocess *pp, const struct cz_image *in,
                               struct cz_image *out, cz_error *err)
{
    int full[2];
    memset(out, 0, sizeof *out);
    CZ_TRY(full_size(pp, in, full, err));
    struct cz_image gray = {0};
    if (pp->channels == CZ_CHANNELS_GRAY && in->channels == 3) {
        CZ_TRY(copy_image(in, &gray, err));
        cz_image_to_gray(&gray);
        in = &gray;
    }
    cz_status status = cz_image_resize_crop(in, full, pp->filter,
                                            pp->crop_mode == CZ_CROP_CENTER ? pp->crop_size : full, out, err);
    cz_image_deinit(&gray);
    return status;
}

/* value[c][pixel] for output channel c. */
static void fill_table(const struct cz_preprocess *pp, float value[3][256])
{
    for (int c = 0; c < cz_preprocess_channels(pp); c++)
        for (int pixel = 0; pixel < 256; pixel++)
            value[c][pixel] = (float)((pixel * pp->scale - pp->mean[c]) / pp->std[c]);
}

/* Where output channel c is in an image's pixel; a gray image serves all channels. */
static int source_channel(const struct cz_preprocess *pp, const struct cz_image *image, int c)
{
    if (image->channels == 1)
        return 0;
    return pp->channels == CZ_CHANNELS_BGR ? 2 - c : c;
}

static void look_up(const struct cz_preprocess *pp, const struct cz_image *image, float *out)
{
    float value[3][256];
    fill_table(pp, value);
    const size_t n = (size_t)image->height * (size_t)image->width,
                 n_channels = (size_t)cz_preprocess_channels(pp);
    const size_t pixel_step = pp->layout == CZ_LAYOUT_NCHW ? 1 : n_channels;
    const size_t channel_step = pp->layout == CZ_LAYOUT_NCHW ? n : 1;
    for (size_t c = 0; c < n_channels; c++) {
        const uint8_t *from = image->pixels + source_channel(pp, image, (int)c);
        float *to = out + c * channel_step;
        for (size_t i = 0; i < n; i++)
            to[i * pixel_step] = value[c][from[i * (size_t)image->channels]];
    }
}

cz_status cz_preprocess_image(const struct cz_preprocess *pp, const struct cz_image *in, const int size[2],
                              float *out, cz_error *err)
{
    struct cz_image pixels;
    CZ_TRY(cz_preprocess_pixels(pp, in, &pixels, err));
    cz_status status = CZ_OK;
    if (pixels.height == size[0] && pixels.width == size[1])
        look_up(pp, &pixels, out);
    else
        status = cz_error_set(
            err, CZ_ERR_SHAPE,
            "gives %d x %d pixels (height x width), wanted %d x %d; crop it, or give --preprocess",
            pixels.height, pixels.width, size[0], size[1]);
    cz_image_deinit(&pixels);
    return status;
}

struct text {
    char *buf;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void add_text(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(t->buf + t->used, t->size - t->used, fmt, args);
    va_end(args);
    t->used += n > 0 ? (size_t)n : 0;
    if (t->used >= t->size)
        t->used = t->size - 1;
}

static void add_size(struct text *t, const char *word, const int size[2])
{
    if (size[0] == size[1])
        add_text(t, "%s %d", word, size[0]);
    else
        add_text(t, "%s %d x %d", word, size[0], size[1]);
}

char *cz_preprocess_describe(const struct cz_preprocess *pp, char *buf, size_t size)
{
    static const char *const filters[] = {"nearest", "bilinear", "bicubic"};
    static const char *const channels[] = {"", ", BGR", ", gray"};
    struct text t = {buf, size, 0};
    if (pp->resize_mode == CZ_RESIZE_NONE) {
        add_text(&t, "not resized");
    } else {
        add_size(&t, pp->resize_mode == CZ_RESIZE_SHORTER ? "shorter side" : "squashed to", pp->resize_size);
        add_text(&t, " %s", filters[pp->filter]);
    }
    if (pp->crop_mode == CZ_CROP_CENTER)
        add_size(&t, ", crop", pp->crop_size);
    add_text(&t, "%s%s%s", channels[pp->channels], pp->layout == CZ_LAYOUT_NHWC ? ", NHWC" : "",
             pp->exif ? "" : ", EXIF ignored");
    return buf;
}
