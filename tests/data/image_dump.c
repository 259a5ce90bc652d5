/*
 * Hands our pixels to the comparison tests: three int32 (height, width, channels) and the bytes on stdout.
 *
 *   image_dump FILE [H W nearest|bilinear|bicubic]      decoded, upright, perhaps resized; on error exit 1
 * and a message image_dump --preprocess NAME|FILE.json SIDE FILE    the float32 tensor, its three dimensions
 * in front
 */
#include "data/preprocess.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_all(const int32_t head[3], const void *data, size_t bytes)
{
    return fwrite(head, sizeof *head, 3, stdout) == 3 && fwrite(data, 1, bytes, stdout) == bytes ? 0 : 1;
}

static cz_status dump_pixels(char **argv, int argc, cz_error *err)
{
    static const char *const filters[] = {"nearest", "bilinear", "bicubic"};
    struct cz_image image, resized;
    CZ_TRY(cz_image_load(argv[1], 1, &image, NULL, err));
    if (argc > 4) {
        int filter = 0;
        while (filter < 2 && strcmp(filters[filter], argv[4]) != 0)
            filter++;
        cz_status status =
            cz_image_resize(&image, atoi(argv[2]), atoi(argv[3]), (enum cz_filter)filter, &resized, err);
        cz_image_deinit(&image);
        if (status != CZ_OK)
            return status;
        image = resized;
    }
    const int32_t head[3] = {image.height, image.width, image.channels};
    int bad =
        write_all(head, image.pixels, (size_t)image.height * (size_t)image.width * (size_t)image.channels);
    cz_image_deinit(&image);
    return bad ? CZ_ERR_IO : CZ_OK;
}

static cz_status dump_tensor(const char *name, int side, const char *path, cz_error *err)
{
    struct cz_preprocess pp;
    struct cz_image image;
    CZ_TRY(strstr(name, ".json") ? cz_preprocess_load(name, &pp, err) : cz_preprocess_preset(name, &pp, err));
    CZ_TRY(cz_preprocess_scale_to(&pp, side, err));
    CZ_TRY(cz_image_load(path, pp.exif, &image, NULL, err));
    const int size[2] = {side, side};
    const int channels = cz_preprocess_channels(&pp), last = pp.layout == CZ_LAYOUT_NHWC;
    const int32_t head[3] = {last ? side : channels, side, last ? channels : side};
    size_t n = (size_t)channels * (size_t)side * (size_t)side;
    float *tensor = malloc(n * sizeof *tensor);
    cz_status status = tensor ? cz_preprocess_image(&pp, &image, size, tensor, err) : CZ_ERR_MEMORY;
    if (status == CZ_OK && write_all(head, tensor, n * sizeof *tensor))
        status = CZ_ERR_IO;
    free(tensor);
    cz_image_deinit(&image);
    return status;
}

int main(int argc, char **argv)
{
    cz_error err = {CZ_OK, "usage: see the source"};
    cz_status status = CZ_ERR_ARGUMENT;
    if (argc == 5 && strcmp(argv[1], "--preprocess") == 0)
        status = dump_tensor(argv[2], atoi(argv[3]), argv[4], &err);
    else if (argc == 2 || argc == 5)
        status = dump_pixels(argv, argc, &err);
    if (status != CZ_OK)
        fprintf(stderr, "%s\n", err.message);
    return status != CZ_OK;
}
