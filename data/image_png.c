/*
 * PNG through libspng, which is shown the critical chunks only.
 *
 * We walk the chunks ourselves first: that finds where a file ends too early and the eXIf chunk, and lets
 * libspng skip everything else, so that compressed profiles and texts (which can be bombs) are never
 * unpacked. tRNS is among the skipped: alpha is dropped and nothing is composed, whatever the colour type. Of
 * an APNG this leaves the default image.
 *
 * Source: PNG specification, third edition, 5 (file structure) and 11 (chunks).
 */
#include "data/exif.h"
#include "data/image_decode.h"

#include <spng.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_BYTES = 8, CHUNK_OVERHEAD = 12 /* length, type, CRC */ };

static uint32_t u32be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Bytes of the chunk at `at`, or 0 when it does not fit into the file. */
static size_t chunk_bytes(const struct cz_bytes *in, size_t at)
{
    if (in->size - at < CHUNK_OVERHEAD)
        return 0;
    size_t length = u32be(in->data + at);
    return length > in->size - at - CHUNK_OVERHEAD ? 0 : length + CHUNK_OVERHEAD;
}

static int is_type(const struct cz_bytes *in, size_t at, const char *type)
{
    return memcmp(in->data + at + 4, type, 4) == 0;
}

/* Checks that the file is whole, up to IEND, and notes the orientation. */
static cz_status walk_chunks(const struct cz_bytes *in, struct cz_image_info *info, cz_error *err)
{
    int n_exif = 0;
    for (size_t at = SIGNATURE_BYTES;;) {
        size_t bytes = chunk_bytes(in, at);
        if (bytes == 0) {
            size_t wanted = in->size - at >= 4 ? at + CHUNK_OVERHEAD + u32be(in->data + at) : 0;
            return cz_decode_ends_at(in, info, in->size, wanted, err);
        }
        if (is_type(in, at, "IEND"))
            return CZ_OK;
        if (is_type(in, at, "eXIf") && n_exif++ == 0)
            info->orientation = cz_exif_orientation(in->data + at + 8, bytes - CHUNK_OVERHEAD);
        at += bytes;
    }
}

/* Feeds libspng: the signature, then critical chunks. `left`: bytes still to give of the present piece. */
struct feed {
    const struct cz_bytes *in;
    size_t at, left;
};

static void next_piece(struct feed *feed)
{
    const struct cz_bytes *in = feed->in;
    while (feed->at < in->size) {
        size_t bytes = chunk_bytes(in, feed->at);
        int ancillary = bytes != 0 && (in->data[feed->at + 4] & 0x20) != 0;
        feed->left = ancillary ? 0 : bytes;
        if (!ancillary)
            return;
        feed->at += bytes;
    }
}

static int feed_read(spng_ctx *ctx, void *user, void *to, size_t n)
{
    (void)ctx;
    struct feed *feed = user;
    uint8_t *p = to;
    while (n > 0) {
        if (feed->left == 0)
            next_piece(feed);
        if (feed->left == 0)
            return SPNG_IO_EOF;
        size_t take = n < feed->left ? n : feed->left;
        memcpy(p, feed->in->data + feed->at, take);
        feed->at += take;
        feed->left -= take;
        p += take;
        n -= take;
    }
    return 0;
}

/* libspng's names for its errors are for programmers; these are the ones that files cause. */
static cz_status refuse(int code, const struct feed *feed, struct cz_image_info *info, cz_error *err)
{
    if (code == SPNG_EMEM || errno == ENOMEM) /* zlib's shortage is called a damaged stream */
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory decoding PNG");
    info->error_offset = (int64_t)feed->at;
    if (code == SPNG_ECHUNK_UNKNOWN_CRITICAL)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "PNG image needs an extension unknown here at byte %zu; convert it",
                feed->at);
    CZ_FAIL(err, CZ_ERR_FORMAT, "PNG is damaged near byte %zu of %zu: %s; replace it", feed->at,
            feed->in->size, spng_strerror(code));
}

/* Deflate shrinks at most 1032 to 1, so a file has a least size for its pixels. */
static uint64_t least_bytes(const struct spng_ihdr *ihdr)
{
    static const uint8_t samples[8] = {[0] = 1, [2] = 3, [3] = 1, [4] = 2, [6] = 4};
    uint64_t bits = (uint64_t)ihdr->bit_depth * samples[ihdr->color_type & 7];
    return ihdr->height * ((ihdr->width * bits + 7) / 8) / 1032;
}

/* The upper byte of the first sample of each pixel, in place: libspng gives samples in host order. */
static void keep_gray(const struct spng_ihdr *ihdr, uint8_t *raw, size_t n)
{
    const size_t per_pixel = ihdr->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        uint16_t wide;
        if (ihdr->bit_depth == 16) {
            memcpy(&wide, raw + 2 * i * per_pixel, sizeof wide);
            raw[i] = (uint8_t)(wide >> 8);
        } else {
            raw[i] = raw[i * per_pixel];
        }
    }
}

/* Gray with alpha or 16 bits: libspng has no format for it but the file's own. */
static cz_status decode_wide_gray(spng_ctx *ctx, const struct spng_ihdr *ihdr, struct cz_image *out,
                                  int *code, cz_error *err)
{
    size_t bytes;
    *code = spng_decoded_image_size(ctx, SPNG_FMT_PNG, &bytes);
    if (*code)
        return CZ_OK;
    uint8_t *raw = malloc(bytes);
    if (!raw)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory decoding PNG (%zu bytes)", bytes);
    *code = spng_decode_image(ctx, raw, bytes, SPNG_FMT_PNG, 0);
    size_t n = (size_t)ihdr->height * ihdr->width;
    if (*code == 0) {
        keep_gray(ihdr, raw, n);
        memcpy(out->pixels, raw, n);
    }
    free(raw);
    return CZ_OK;
}

static cz_status decode_pixels(spng_ctx *ctx, const struct spng_ihdr *ihdr, struct cz_image *out, int *code,
                               cz_error *err)
{
    int alpha = ihdr->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
    int gray = ihdr->color_type == SPNG_COLOR_TYPE_GRAYSCALE || alpha;
    CZ_TRY(cz_image_create((int)ihdr->height, (int)ihdr->width, gray ? 1 : 3, out, err));
    if (gray && (alpha || ihdr->bit_depth == 16))
        return decode_wide_gray(ctx, ihdr, out, code, err);
    size_t bytes = (size_t)ihdr->height * ihdr->width * (gray ? 1 : 3);
    *code = spng_decode_image(ctx, out->pixels, bytes, gray ? SPNG_FMT_G8 : SPNG_FMT_RGB8, 0);
    return CZ_OK;
}

static cz_status decode_fed(spng_ctx *ctx, struct feed *feed, struct cz_image *out,
                            struct cz_image_info *info, cz_error *err)
{
    struct spng_ihdr ihdr;
    spng_set_crc_action(ctx, SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
    spng_set_image_limits(ctx, INT32_MAX, INT32_MAX); /* ours follow, with a better message */
    spng_set_chunk_limits(ctx, 1 << 16, 1 << 16);     /* of what is cached: only PLTE is left */
    int code = spng_set_png_stream(ctx, feed_read, feed);
    if (!code)
        code = spng_get_ihdr(ctx, &ihdr);
    if (code)
        return refuse(code, feed, info, err);
    CZ_TRY(cz_decode_check_size(feed->in, info, ihdr.height, ihdr.width, least_bytes(&ihdr), err));
    CZ_TRY(decode_pixels(ctx, &ihdr, out, &code, err));
    return code ? refuse(code, feed, info, err) : CZ_OK;
}

cz_status cz_decode_png(const struct cz_bytes *in, struct cz_image *out, struct cz_image_info *info,
                        cz_error *err)
{
    CZ_TRY(walk_chunks(in, info, err));
    errno = 0;
    spng_ctx *ctx = spng_ctx_new(0);
    if (!ctx)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory decoding PNG");
    struct feed feed = {in, 0, SIGNATURE_BYTES};
    cz_status status = decode_fed(ctx, &feed, out, info, err);
    spng_ctx_free(ctx);
    return status;
}
