/*
 * Any bytes as an image file. The memory limit of the run (1 GiB) is part of the test: a header must not be
 * able to ask for more than the limits of data/image.h allow.
 */
#include "data/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cz_image image;
    struct cz_image_info info;
    cz_error err = {CZ_OK, ""};
    cz_status status = cz_image_decode(data, size, 1, &image, &info, &err);
    if ((status == CZ_OK) != (image.pixels != NULL) || (status != CZ_OK && err.message[0] == '\0'))
        abort();
    if (info.orientation < 1 || info.orientation > 8 || info.error_offset > (int64_t)size)
        abort();
    cz_image_deinit(&image);
    return 0;
}
