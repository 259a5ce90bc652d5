/*
 * The type of a file from its first bytes. Names lie: data sets hold PNGs called .jpg and error pages called
 * .png.
 */
#include "data/image.h"

#include <string.h>
#include <strings.h>

struct signature {
    enum cz_image_type type;
    int offset, size;
    const char *bytes;
    const char *name;
};

/* clang-format off */
static const struct signature signatures[] = {
    {CZ_IMAGE_JPEG,    0,  3, "\xFF\xD8\xFF",                                     "JPEG"},
    {CZ_IMAGE_PNG,     0,  8, "\x89PNG\r\n\x1A\n",                                "PNG"},
    {CZ_IMAGE_WEBP,    8,  4, "WEBP",                                             "WebP"},
    {CZ_IMAGE_FOREIGN, 0,  4, "GIF8",                                             "GIF image"},
    {CZ_IMAGE_FOREIGN, 0,  4, "II*\0",                                            "TIFF image"},
    {CZ_IMAGE_FOREIGN, 0,  4, "MM\0*",                                            "TIFF image"},
    {CZ_IMAGE_FOREIGN, 4,  8, "ftypavif",                                         "AVIF image"},
    {CZ_IMAGE_FOREIGN, 4,  8, "ftypheic",                                         "HEIC image"},
    {CZ_IMAGE_FOREIGN, 4,  8, "ftypheix",                                         "HEIC image"},
    {CZ_IMAGE_FOREIGN, 4,  8, "ftypmif1",                                         "HEIF image"},
    {CZ_IMAGE_FOREIGN, 4,  8, "ftypmsf1",                                         "HEIF image"},
    {CZ_IMAGE_FOREIGN, 4,  4, "ftyp",                                             "MP4 or QuickTime video"},
    {CZ_IMAGE_FOREIGN, 0, 12, "\0\0\0\x0CJXL \r\n\x87\n",                         "JPEG XL image"},
    {CZ_IMAGE_FOREIGN, 0,  2, "\xFF\x0A",                                         "JPEG XL image"},
    {CZ_IMAGE_FOREIGN, 0, 12, "\0\0\0\x0CjP  \r\n\x87\n",                         "JPEG 2000 image"},
    {CZ_IMAGE_FOREIGN, 0,  4, "\0\0\1\0",                                         "icon (ICO)"},
    {CZ_IMAGE_FOREIGN, 0,  4, "8BPS",                                             "Photoshop image"},
    {CZ_IMAGE_FOREIGN, 0,  5, "%PDF-",                                            "PDF document"},
    {CZ_IMAGE_FOREIGN, 0,  4, "PK\3\4",                                           "ZIP archive"},
    {CZ_IMAGE_FOREIGN, 0,  2, "\x1F\x8B",                                         "gzip file"},
    {CZ_IMAGE_FOREIGN, 0,  4, "RIFF",                                             "RIFF file (AVI or WAV)"},
    {CZ_IMAGE_FOREIGN, 0, 23, "version https://git-lfs",                          "git-LFS pointer"},
    {CZ_IMAGE_FOREIGN, 0,  6, "\x93NUMPY",                                        "NumPy array"},
};
/* clang-format on */

static int matches(const struct signature *s, const uint8_t *p, size_t size)
{
    size_t end = (size_t)s->offset + (size_t)s->size;
    if (size < end || memcmp(p + s->offset, s->bytes, (size_t)s->size) != 0)
        return 0;
    return s->type != CZ_IMAGE_WEBP || memcmp(p, "RIFF", 4) == 0;
}

/* "P1" to "P6" and white space. */
static int is_pnm(const uint8_t *p, size_t size)
{
    return size >= 3 && p[0] == 'P' && p[1] >= '1' && p[1] <= '6' && (p[2] == '#' || strchr(" \t\r\n", p[2]));
}

/* "BM", and the reserved words that every writer leaves 0: two letters alone would claim texts. */
static int is_bmp(const uint8_t *p, size_t size)
{
    return size >= 10 && p[0] == 'B' && p[1] == 'M' && p[6] == 0 && p[7] == 0 && p[8] == 0 && p[9] == 0;
}

static int is_text(const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] == 0x7F || (p[i] < 0x20 && !strchr("\t\n\f\r", p[i])) || p[i] == 0)
            return 0;
    return 1;
}

static int is_zeros(const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != 0)
            return 0;
    return 1;
}

static const char *text_kind(const uint8_t *p, size_t size)
{
    static const struct {
        const char *start, *name;
    } kinds[] = {{"<!doctype html", "HTML text"},
                 {"<html", "HTML text"},
                 {"<svg", "SVG drawing"},
                 {"<?xml", "XML text"},
                 {"{", "JSON text"}};
    if (size >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) { /* byte order mark */
        p += 3;
        size -= 3;
    }
    for (; size > 0 && strchr(" \t\r\n", *p); p++)
        size--;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].start);
        if (size >= n && strncasecmp((const char *)p, kinds[i].start, n) == 0)
            return kinds[i].name;
    }
    return "text";
}

static enum cz_image_type identify(const uint8_t *p, size_t size, const char **name)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (matches(&signatures[i], p, size)) {
            *name = signatures[i].name;
            return signatures[i].type;
        }
    if (is_pnm(p, size)) {
        *name = "PNM";
        return CZ_IMAGE_PNM;
    }
    size_t seen = size < 64 ? size : 64;
    *name = size == 0           ? "empty file"
            : is_bmp(p, size)   ? "BMP image"
            : is_text(p, seen)  ? text_kind(p, size)
            : is_zeros(p, seen) ? "zeros"
                                : "unknown kind of file";
    return size == 0 || strcmp(*name, "unknown kind of file") == 0 ? CZ_IMAGE_UNKNOWN : CZ_IMAGE_FOREIGN;
}

enum cz_image_type cz_image_identify(const void *bytes, size_t size, const char **name)
{
    const char *found;
    enum cz_image_type type = identify(bytes, size, &found);
    if (name)
        *name = found;
    return type;
}

const char *cz_image_type_name(enum cz_image_type type)
{
    static const char *const names[] = {"unknown", "JPEG", "PNG", "WebP", "PNM", "unknown"};
    return (unsigned)type < sizeof names / sizeof *names ? names[type] : "unknown";
}
