#include "importer/json_scan.h"
#include "base/utf8.h"

#include <string.h>

cz_status jscan_bad(const struct json_scan *s, const char *what, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_FORMAT, "header byte %zu: %s; the file is broken", (size_t)(s->p - s->start), what);
}

static void skip_blanks(struct json_scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

int jscan_take(struct json_scan *s, char c)
{
    skip_blanks(s);
    if (s->p == s->end || *s->p != (unsigned char)c)
        return 0;
    s->p++;
    return 1;
}

cz_status jscan_want(struct json_scan *s, char c, cz_error *err)
{
    char what[] = "'?' is missing";
    what[1] = c;
    return jscan_take(s, c) ? CZ_OK : jscan_bad(s, what, err);
}

int jscan_at_end(struct json_scan *s)
{
    skip_blanks(s);
    return s->p == s->end;
}

cz_status jscan_count(struct json_scan *s, int64_t *out, cz_error *err)
{
    int64_t value = 0;
    skip_blanks(s);
    const unsigned char *first = s->p;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *s->p - '0', &value))
            return jscan_bad(s, "a number over 2^63", err);
    if (s->p == first || (*first == '0' && s->p - first > 1) ||
        (s->p < s->end && (*s->p == '.' || *s->p == 'e' || *s->p == 'E')))
        return jscan_bad(s, "a whole number, not negative, is wanted", err);
    *out = value;
    return CZ_OK;
}

/* Four hexadecimal digits at p, or -1. */
static int hex4(const unsigned char *p, const unsigned char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int c = p[i] | 0x20, digit = c >= '0' && c <= '9'   ? c - '0'
                                     : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                            : -1;
        if (digit < 0 || p[i] < '0')
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t put_utf8(char *out, int c)
{
    static const int first[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(first[n] | c);
    return n;
}

/* \uXXXX, a pair of them for what lies above U+FFFF; behind the 'u'. Returns the code point, -1: none. */
static int unicode_escape(struct json_scan *s)
{
    int c = hex4(s->p, s->end);
    s->p += c >= 0 ? 4 : 0;
    if (c < 0xD800 || c > 0xDFFF)
        return c > 0 ? c : -1;
    int low = s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u' ? hex4(s->p + 2, s->end) : -1;
    if (c > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
        return -1;
    s->p += 6;
    return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
}

/* Behind the backslash; the number of bytes put, 0: no escape of JSON's. */
static size_t unescape(struct json_scan *s, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (s->p == s->end)
        return 0;
    const char *at = strchr(from, *s->p);
    if (*s->p && at) {
        s->p++;
        *out = to[at - from];
        return 1;
    }
    if (*s->p++ != 'u')
        return 0;
    int c = unicode_escape(s);
    return c < 0 ? 0 : put_utf8(out, c);
}

cz_status jscan_string(struct json_scan *s, struct cz_arena *arena, const char **out, cz_error *err)
{
    CZ_TRY(jscan_want(s, '"', err));
    const unsigned char *close = s->p;
    while (close < s->end && *close != '"')
        close += *close == '\\' && close + 1 < s->end ? 2 : 1;
    if (close >= s->end)
        return jscan_bad(s, "a string has no end", err);
    char *text =
        cz_arena_alloc(arena, (size_t)(close - s->p) + 1); /* no escape is shorter than what it means */
    size_t n = 0;
    if (!text)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading the header");
    while (s->p < close) {
        size_t length = cz_utf8_length(s->p, (size_t)(close - s->p));
        if (*s->p == '\\') {
            s->p++;
            length = unescape(s, text + n);
        } else if (*s->p >= 0x20) {
            memcpy(text + n, s->p, length);
            s->p += length;
        } else {
            length = 0;
        }
        if (length == 0)
            return jscan_bad(s, "a string holds what JSON does not allow", err);
        n += length;
    }
    s->p++;
    *out = text;
    return CZ_OK;
}
