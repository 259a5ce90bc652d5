#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* By first byte: the sequence's length and the range of its second byte, which excludes what RFC 3629
 * forbids. */
static const struct {
    unsigned char first, last, length, low, high;
} forms[] = {
    {0x00, 0x7F, 1, 0, 0},       {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF},
    {0xE1, 0xEC, 3, 0x80, 0xBF}, {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF},
    {0xF0, 0xF0, 4, 0x90, 0xBF}, {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

size_t cz_utf8_length(const unsigned char *p, size_t n)
{
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (p[0] < forms[f].first || p[0] > forms[f].last)
            continue;
        if (forms[f].length > n)
            return 0;
        if (forms[f].length > 1 && (p[1] < forms[f].low || p[1] > forms[f].high))
            return 0;
        for (size_t i = 2; i < forms[f].length; i++)
            if ((p[i] & 0xC0) != 0x80)
                return 0;
        return forms[f].length;
    }
    return 0;
}

size_t cz_utf8_check(const unsigned char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i]) {
        size_t length = p[i] < 0x80 ? 1 : cz_utf8_length(p + i, n - i);
        if (length == 0)
            break;
        i += length;
    }
    return i;
}

size_t cz_utf8_escape(const char *text, char *out)
{
    const size_t n = strlen(text);
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        const size_t length = cz_utf8_length((const unsigned char *)text + i, n - i);
        if (length)
            memcpy(out + used, text + i, length);
        else
            snprintf(out + used, sizeof "\\xNN", "\\x%02X", (unsigned char)text[i]);
        used += length ? length : sizeof "\\xNN" - 1;
        i += length ? length : 1;
    }
    out[used] = '\0';
    return used;
}
