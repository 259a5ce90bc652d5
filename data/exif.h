/*
 * The one EXIF field that changes pixels: orientation.
 */
#ifndef CZ_DATA_EXIF_H
#define CZ_DATA_EXIF_H

#include <stddef.h>
#include <stdint.h>

/*
 * Orientation 1 to 8 from an EXIF block, with or without its "Exif\0\0" prefix; 1 when there is none, when
 * the value is another, or when the block is damaged. Every offset is checked against `size`.
 */
int cz_exif_orientation(const uint8_t *block, size_t size);

#endif
