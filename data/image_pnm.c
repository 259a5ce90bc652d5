/*
 * PGM and PPM, binary (P5, P6): a text header and samples of 8 or 16 bits.
 *
 * Source: Netpbm's pgm(5) and ppm(5).
 */
#include "data/image_decode.h"

#include <string.h>

struct header {
    uint64_t width, height, max_value;
    size_t data_at;
};

/* Skips white space and comments, then reads a decimal number of at most 9 digits; 1 on success. */
static int read_number(const struct cz_bytes *in, size_t *at, uint64_t *value)
{
    while (*at < in->size &&
           (in->data[*at] == '#' || (in->data[*at] && strchr(" \t\r\n\v\f", in->data[*at])))) {
        if (in->data[(*at)++] == '#')
            while (*at < in->size && in->data[*at] != '\n' && in->data[*at] != '\r')
                ++*at;
    }
    size_t start = *at;
    *value = 0;
    while (*at < in->size && *at - start < 9 && in->data[*at] >= '0' && in->data[*at] <= '9')
        *value = *value * 10 + (uint64_t)(in->data[(*at)++] - '0');
    return *at > start;
}

static cz_status read_header(const struct cz_bytes *in, struct header *h, struct cz_image_info *info,
                             cz_error *err)
{
    size_t at = 2;
    int good = read_number(in, &at, &h->width) && read_number(in, &at, &h->height) &&
               read_number(in, &at, &h->max_value);
    info->error_offset = (int64_t)at;
    if (at >= in->size)
        CZ_FAIL(err, CZ_ERR_FORMAT, "PNM ends at byte %zu in its header; replace it", in->size);
    if (!good || !in->data[at] || !strchr(" \t\r\n\v\f", in->data[at]))
        CZ_FAIL(err, CZ_ERR_FORMAT, "PNM header is wrong at byte %zu; replace it", at);
    if (h->max_value < 1 || h->max_value > 65535)
        CZ_FAIL(err, CZ_ERR_FORMAT, "PNM has the largest value %ju, wanted 1 to 65535",
                (uintmax_t)h->max_value);
    info->error_offset = -1;
    h->data_at = at + 1;
    return CZ_OK;
}

/* Samples to 0..255, halves up; samples above the header's largest value count as it. */
static void convert_samples(const uint8_t *from, uint32_t max_value, size_t n, uint8_t *to)
{
    int wide = max_value > 255;
    for (size_t i = 0; i < n; i++) {
        uint32_t v = wide ? (uint32_t)from[2 * i] << 8 | from[2 * i + 1] : from[i];
        v = v > max_value ? max_value : v;
        to[i] = (uint8_t)((2 * 255 * v + max_value) / (2 * max_value));
    }
}

cz_status cz_decode_pnm(const struct cz_bytes *in, struct cz_image *out, struct cz_image_info *info,
                        cz_error *err)
{
    if (in->data[1] != '5' && in->data[1] != '6')
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "PNM of kind P%c image; convert it to P5 or P6", in->data[1]);
    struct header h;
    CZ_TRY(read_header(in, &h, info, err));
    CZ_TRY(cz_decode_check_size(in, info, h.height, h.width, 0, err));
    int channels = in->data[1] == '6' ? 3 : 1;
    size_t n = (size_t)h.height * (size_t)h.width * (size_t)channels;
    size_t wanted = h.data_at + n * (h.max_value > 255 ? 2 : 1);
    if (in->size < wanted)
        return cz_decode_ends_at(in, info, in->size, wanted, err);
    CZ_TRY(cz_image_create((int)h.height, (int)h.width, channels, out, err));
    if (h.max_value == 255)
        memcpy(out->pixels, in->data + h.data_at, n);
    else
        convert_samples(in->data + h.data_at, (uint32_t)h.max_value, n, out->pixels);
    return CZ_OK;
}
