/*
 * Images as memory, and decoding by content.
 */
#include "data/image.h"
#include "base/file.h"
#include "data/image_decode.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 30 }; /* three bytes a pixel at the pixel limit is well below */

cz_status cz_image_create(int height, int width, int channels, struct cz_image *out, cz_error *err)
{
    memset(out, 0, sizeof *out);
    if (height < 1 || width < 1 || (channels != 1 && channels != 3) ||
        (int64_t)height * width > CZ_IMAGE_MAX_PIXELS)
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "image of %d x %d x %d: wanted sides from 1, 1 or 3 channels, at most %d pixels", height,
                width, channels, (int)CZ_IMAGE_MAX_PIXELS);
    size_t bytes = (size_t)height * (size_t)width * (size_t)channels;
    out->pixels = malloc(bytes);
    if (!out->pixels)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory for an image of %d x %d (%zu bytes)", height, width,
                bytes);
    out->height = height;
    out->width = width;
    out->channels = channels;
    return CZ_OK;
}

void cz_image_deinit(struct cz_image *image)
{
    free(image->pixels);
    memset(image, 0, sizeof *image);
}

void cz_image_to_gray(struct cz_image *image)
{
    if (image->channels != 3)
        return;
    size_t n = (size_t)image->height * (size_t)image->width;
    uint8_t *p = image->pixels;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)((19595u * p[3 * i] + 38470u * p[3 * i + 1] + 7471u * p[3 * i + 2] + 32768u) >> 16);
    image->channels = 1;
}

/* How an EXIF orientation is undone: rows and columns change places first, then each axis may run backwards.
 */
struct turn {
    int transpose, flip_rows, flip_columns;
};

static const struct turn turns[9] = {
    [2] = {0, 0, 1}, [3] = {0, 1, 1}, [4] = {0, 1, 0}, [5] = {1, 0, 0},
    [6] = {1, 0, 1}, [7] = {1, 1, 1}, [8] = {1, 1, 0},
};

static void turn_pixels(const struct cz_image *in, const struct turn *t, struct cz_image *out)
{
    const int c = in->channels;
    for (int y = 0; y < out->height; y++) {
        int v = t->flip_rows ? out->height - 1 - y : y;
        for (int x = 0; x < out->width; x++) {
            int u = t->flip_columns ? out->width - 1 - x : x;
            int from_y = t->transpose ? u : v, from_x = t->transpose ? v : u;
            memcpy(out->pixels + ((size_t)y * (size_t)out->width + (size_t)x) * (size_t)c,
                   in->pixels + ((size_t)from_y * (size_t)in->width + (size_t)from_x) * (size_t)c, (size_t)c);
        }
    }
}

cz_status cz_image_turn(struct cz_image *image, int orientation, cz_error *err)
{
    if (orientation < 2 || orientation > 8)
        return CZ_OK;
    const struct turn *t = &turns[orientation];
    struct cz_image turned;
    CZ_TRY(cz_image_create(t->transpose ? image->width : image->height,
                           t->transpose ? image->height : image->width, image->channels, &turned, err));
    turn_pixels(image, t, &turned);
    cz_image_deinit(image);
    *image = turned;
    return CZ_OK;
}

int cz_image_crop_offset(int side, int part)
{
    int rest = side - part;
    if (rest < 0)
        return -(-rest / 2);
    int half = rest / 2;
    return half + (rest % 2 != 0 && half % 2 != 0);
}

/* Copies the part of `in` that lies under `out` when out's corner is at (top, left); zeros elsewhere. */
static void copy_window(const struct cz_image *in, int top, int left, struct cz_image *out)
{
    const size_t c = (size_t)in->channels;
    memset(out->pixels, 0, (size_t)out->height * (size_t)out->width * c);
    int first = left < 0 ? -left : 0;
    int last = in->width - left < out->width ? in->width - left : out->width;
    for (int y = 0; y < out->height && first < last; y++) {
        int from = y + top;
        if (from >= 0 && from < in->height)
            memcpy(out->pixels + ((size_t)y * (size_t)out->width + (size_t)first) * c,
                   in->pixels + ((size_t)from * (size_t)in->width + (size_t)(first + left)) * c,
                   (size_t)(last - first) * c);
    }
}

cz_status cz_image_crop_center(const struct cz_image *in, int height, int width, struct cz_image *out,
                               cz_error *err)
{
    CZ_TRY(cz_image_create(height, width, in->channels, out, err));
    copy_window(in, cz_image_crop_offset(in->height, height), cz_image_crop_offset(in->width, width), out);
    return CZ_OK;
}

cz_status cz_decode_check_size(const struct cz_bytes *in, struct cz_image_info *info, uint64_t height,
                               uint64_t width, uint64_t least_bytes, cz_error *err)
{
    const char *type = cz_image_type_name(info->type);
    if (height == 0 || width == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s has %ju x %ju pixels; replace it", type, (uintmax_t)height,
                (uintmax_t)width);
    if (height > CZ_IMAGE_MAX_SIDE || width > CZ_IMAGE_MAX_SIDE || height * width > CZ_IMAGE_MAX_PIXELS)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "%s has %ju x %ju pixels, the limit is %d a side and %d megapixels; shrink it", type,
                (uintmax_t)height, (uintmax_t)width, (int)CZ_IMAGE_MAX_SIDE, CZ_IMAGE_MAX_PIXELS / 1000000);
    info->stored_height = (int)height;
    info->stored_width = (int)width;
    if (in->size >= least_bytes)
        return CZ_OK;
    info->error_offset = (int64_t)in->size;
    CZ_FAIL(err, CZ_ERR_FORMAT, "%s ends at byte %zu, %ju x %ju pixels need at least %ju; replace it", type,
            in->size, (uintmax_t)height, (uintmax_t)width, (uintmax_t)least_bytes);
}

cz_status cz_decode_ends_at(const struct cz_bytes *in, struct cz_image_info *info, size_t offset,
                            size_t wanted, cz_error *err)
{
    info->error_offset = (int64_t)offset;
    if (wanted <= offset)
        wanted = in->size;
    CZ_FAIL(err, CZ_ERR_FORMAT, "%s ends at byte %zu of %zu; replace it", cz_image_type_name(info->type),
            offset, wanted);
}

static cz_status decode_by_type(const struct cz_bytes *in, const char *name, struct cz_image *out,
                                struct cz_image_info *info, cz_error *err)
{
    switch (info->type) {
    case CZ_IMAGE_JPEG:
        return cz_decode_jpeg(in, out, info, err);
    case CZ_IMAGE_PNG:
        return cz_decode_png(in, out, info, err);
    case CZ_IMAGE_WEBP:
        return cz_decode_webp(in, out, info, err);
    case CZ_IMAGE_PNM:
        return cz_decode_pnm(in, out, info, err);
    default:
        info->error_offset = 0;
        if (strstr(name, "image"))
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s; convert it to JPEG, PNG, WebP or PNM", name);
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s, not an image; remove or replace it", name);
    }
}

cz_status cz_image_decode(const void *bytes, size_t size, int turn_upright, struct cz_image *out,
                          struct cz_image_info *info, cz_error *err)
{
    struct cz_image_info unwanted;
    if (!info)
        info = &unwanted;
    memset(out, 0, sizeof *out);
    *info = (struct cz_image_info){.orientation = 1, .error_offset = -1};
    const char *name;
    info->type = cz_image_identify(bytes, size, &name);
    cz_status status = decode_by_type(&(struct cz_bytes){bytes, size}, name, out, info, err);
    if (status == CZ_OK && turn_upright)
        status = cz_image_turn(out, info->orientation, err);
    if (status != CZ_OK)
        cz_image_deinit(out);
    return status;
}

cz_status cz_image_load(const char *path, int turn_upright, struct cz_image *out, struct cz_image_info *info,
                        cz_error *err)
{
    unsigned char *bytes;
    size_t size;
    memset(out, 0, sizeof *out);
    if (info)
        *info = (struct cz_image_info){.orientation = 1, .error_offset = -1};
    CZ_TRY(cz_file_read(path, FILE_BYTES_MAX, &bytes, &size, err));
    cz_status status = cz_image_decode(bytes, size, turn_upright, out, info, err);
    free(bytes);
    return status == CZ_OK ? CZ_OK : cz_error_prefix(err, status, "%s", path);
}
