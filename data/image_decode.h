/*
 * Shared by the decoders of image_*.c; nobody else includes this.
 */
#ifndef CZ_DATA_IMAGE_DECODE_H
#define CZ_DATA_IMAGE_DECODE_H

#include "data/image.h"

/* The encoded file. */
struct cz_bytes {
    const uint8_t *data;
    size_t size;
};

/*
 * Decoders fill `out` (empty when called; emptied again by the caller on error) and what they learn into
 * `info`, which is never NULL: stored sizes, orientation, warnings, error_offset.
 */
cz_status cz_decode_jpeg(const struct cz_bytes *, struct cz_image *out, struct cz_image_info *info,
                         cz_error *);
cz_status cz_decode_png(const struct cz_bytes *, struct cz_image *out, struct cz_image_info *info,
                        cz_error *);
cz_status cz_decode_pnm(const struct cz_bytes *, struct cz_image *out, struct cz_image_info *info,
                        cz_error *);
cz_status cz_decode_webp(const struct cz_bytes *, struct cz_image *out, struct cz_image_info *info,
                         cz_error *);

/*
 * Notes the stored size and refuses it when it is out of limits. Called before anything is allocated.
 *
 * least_bytes  the fewest bytes that a file of this kind can need for such an image; a file that is smaller
 * is cut off, whatever else it says, and must not make us allocate what its header asks for.
 */
cz_status cz_decode_check_size(const struct cz_bytes *, struct cz_image_info *info, uint64_t height,
                               uint64_t width, uint64_t least_bytes, cz_error *);

/* "JPEG ends at byte 20480 of 31072", and info->error_offset. */
cz_status cz_decode_ends_at(const struct cz_bytes *, struct cz_image_info *info, size_t offset, size_t wanted,
                            cz_error *);

#endif
