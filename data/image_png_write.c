/*
 * PNG out: 8 bits, gray or RGB, libspng's default filters and compression. No time, no text: same pixels,
 * same bytes.
 */
#include "base/file.h"
#include "data/image.h"

#include <spng.h>
#include <stdlib.h>

static void *encode(spng_ctx *ctx, const struct cz_image *image, size_t *size, int *code)
{
    struct spng_ihdr ihdr = {.width = (uint32_t)image->width,
                             .height = (uint32_t)image->height,
                             .bit_depth = 8,
                             .color_type = image->channels == 1 ? SPNG_COLOR_TYPE_GRAYSCALE
                                                                : SPNG_COLOR_TYPE_TRUECOLOR};
    size_t bytes = (size_t)image->height * (size_t)image->width * (size_t)image->channels;
    *code = spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);
    if (!*code)
        *code = spng_set_ihdr(ctx, &ihdr);
    if (!*code)
        *code = spng_encode_image(ctx, image->pixels, bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    return *code ? NULL : spng_get_png_buffer(ctx, size, code);
}

cz_status cz_image_write_png(const char *path, const struct cz_image *image, cz_error *err)
{
    spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    if (!ctx)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", path);
    size_t size = 0;
    int code = 0;
    void *png = encode(ctx, image, &size, &code);
    cz_status status = CZ_OK;
    if (png)
        status = cz_file_write(path, png, size, err);
    else
        status = cz_error_set(err, code == SPNG_EMEM ? CZ_ERR_MEMORY : CZ_ERR_INTERNAL,
                              "%s: cannot encode PNG: %s", path, spng_strerror(code));
    free(png);
    spng_ctx_free(ctx);
    return status;
}
