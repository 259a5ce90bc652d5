/*
 * EXIF is a TIFF file in small: byte order, 42, offset of the first directory (IFD0), which is a count and
 * entries of 12 bytes: tag, type, count, value. Only IFD0 is read, so there is no chain to loop in.
 *
 * Source: CIPA DC-008 (Exif 2.32), 4.5.2 and 4.6.4; TIFF 6.0, section 2.
 */
#include "data/exif.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, IFD_ENTRY_BYTES = 12 };

struct tiff {
    const uint8_t *data;
    size_t size;
    int big_endian;
};

static uint32_t u16_at(const struct tiff *t, size_t at)
{
    const uint8_t *p = t->data + at;
    return t->big_endian ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t u32_at(const struct tiff *t, size_t at)
{
    uint32_t first = u16_at(t, at), second = u16_at(t, at + 2);
    return t->big_endian ? first << 16 | second : second << 16 | first;
}

/* 1 when the block begins as TIFF does. */
static int open_tiff(const uint8_t *block, size_t size, struct tiff *out)
{
    static const uint8_t prefix[6] = "Exif\0";
    if (size >= sizeof prefix && memcmp(block, prefix, sizeof prefix) == 0) {
        block += sizeof prefix;
        size -= sizeof prefix;
    }
    if (size < 8 || block[0] != block[1] || (block[0] != 'I' && block[0] != 'M'))
        return 0;
    *out = (struct tiff){block, size, block[0] == 'M'};
    return u16_at(out, 2) == 42;
}

int cz_exif_orientation(const uint8_t *block, size_t size)
{
    struct tiff t;
    if (!open_tiff(block, size, &t))
        return 1;
    size_t ifd = u32_at(&t, 4);
    if (ifd > t.size - 2)
        return 1;
    uint32_t n_entries = u16_at(&t, ifd);
    for (uint32_t i = 0; i < n_entries; i++) {
        size_t entry = ifd + 2 + (size_t)i * IFD_ENTRY_BYTES;
        if (entry + IFD_ENTRY_BYTES > t.size)
            return 1;
        if (u16_at(&t, entry) != TAG_ORIENTATION)
            continue;
        uint32_t value = u16_at(&t, entry + 8);
        int valid = u16_at(&t, entry + 2) == TYPE_SHORT && u32_at(&t, entry + 4) == 1;
        return valid && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
