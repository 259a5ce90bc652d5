/*
 * WebP through libwebp: one still picture, alpha dropped. Animations are refused: which frame is meant is a
 * guess.
 *
 * Source: "WebP Container Specification" (RIFF chunks), libwebp's decode.h.
 */
#include "data/exif.h"
#include "data/image_decode.h"

#include <string.h>
#include <webp/decode.h>

static uint32_t u32le(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The EXIF chunk's orientation; chunks are id, size, content, padded to even. */
static int find_orientation(const struct cz_bytes *in)
{
    size_t at = 12;
    while (in->size - at >= 8) {
        size_t content = u32le(in->data + at + 4);
        size_t left = in->size - at - 8;
        if (content > left)
            return 1;
        if (memcmp(in->data + at, "EXIF", 4) == 0)
            return cz_exif_orientation(in->data + at + 8, content);
        content += content & 1;
        if (content >= left)
            return 1;
        at += 8 + content;
    }
    return 1;
}

static cz_status refuse(VP8StatusCode code, const struct cz_bytes *in, struct cz_image_info *info,
                        cz_error *err)
{
    if (code == VP8_STATUS_NOT_ENOUGH_DATA)
        return cz_decode_ends_at(in, info, in->size, (size_t)u32le(in->data + 4) + 8, err);
    if (code == VP8_STATUS_OUT_OF_MEMORY || errno == ENOMEM) /* not every shortage is called one */
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory decoding WebP of %d x %d", info->stored_height,
                info->stored_width);
    if (code == VP8_STATUS_UNSUPPORTED_FEATURE)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "WebP image uses a feature that libwebp lacks; convert it");
    CZ_FAIL(err, CZ_ERR_FORMAT, "WebP is damaged (libwebp error %d); replace it", (int)code);
}

cz_status cz_decode_webp(const struct cz_bytes *in, struct cz_image *out, struct cz_image_info *info,
                         cz_error *err)
{
    WebPDecoderConfig config;
    errno = 0;
    if (!WebPInitDecoderConfig(&config))
        CZ_FAIL(err, CZ_ERR_INTERNAL, "libwebp is of another version than its header");
    VP8StatusCode code = WebPGetFeatures(in->data, in->size, &config.input);
    if (code != VP8_STATUS_OK)
        return refuse(code, in, info, err);
    if (config.input.has_animation)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "WebP image is an animation; extract the frame that is meant");
    CZ_TRY(
        cz_decode_check_size(in, info, (uint64_t)config.input.height, (uint64_t)config.input.width, 0, err));
    info->orientation = find_orientation(in);
    CZ_TRY(cz_image_create(config.input.height, config.input.width, 3, out, err));
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->pixels;
    config.output.u.RGBA.stride = 3 * out->width;
    config.output.u.RGBA.size = 3 * (size_t)out->width * (size_t)out->height;
    code = WebPDecode(in->data, in->size, &config);
    WebPFreeDecBuffer(&config.output);
    return code == VP8_STATUS_OK ? CZ_OK : refuse(code, in, info, err);
}
