#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Length of the valid UTF-8 sequence at p (n bytes left), 0 if there is none. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    size_t want = p[0] < 0x80                   ? 1
                  : p[0] >= 0xC2 && p[0] < 0xE0 ? 2
                  : (p[0] & 0xF0) == 0xE0       ? 3
                  : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                                : 0;
    if (want == 0 || want > n)
        return 0;
    for (size_t i = 1; i < want; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return want;
}

/* Copies `in` to out[size], bytes that would spoil a terminal line as \xNN; never cuts a character in two. */
static void copy_printable(char *out, size_t size, const char *in)
{
    const unsigned char *p = (const unsigned char *)in;
    size_t left = strlen(in), used = 0;
    while (left > 0) {
        size_t n = utf8_length(p, left);
        if (n == 0 || *p < 0x20 || *p == 0x7F) {
            if (used + 5 > size)
                break;
            used += (size_t)snprintf(out + used, size - used, "\\x%02X", *p);
            n = 1;
        } else {
            if (used + n + 1 > size)
                break;
            memcpy(out + used, p, n);
            used += n;
        }
        p += n;
        left -= n;
    }
    out[used] = '\0';
}

static void format_message(cz_error *err, const char *prefix_fmt, va_list args, const char *rest)
{
    char raw[2048];
    int n = vsnprintf(raw, sizeof raw, prefix_fmt, args);
    size_t used = n < 0 ? 0 : (size_t)n < sizeof raw ? (size_t)n : sizeof raw - 1;
    if (rest)
        snprintf(raw + used, sizeof raw - used, ": %s", rest);
    copy_printable(err->message, sizeof err->message, raw);
}

cz_status cz_error_set(cz_error *err, cz_status code, const char *fmt, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, fmt);
    format_message(err, fmt, args, NULL);
    va_end(args);
    err->code = code;
    return code;
}

cz_status cz_error_prefix(cz_error *err, cz_status code, const char *fmt, ...)
{
    if (!err)
        return code;
    char rest[sizeof err->message];
    memcpy(rest, err->message, sizeof rest);
    va_list args;
    va_start(args, fmt);
    format_message(err, fmt, args, rest);
    va_end(args);
    return err->code;
}

const char *cz_status_name(cz_status status)
{
    static const char *const names[] = {"ok",          "argument", "memory", "io",      "format",
                                        "unsupported", "shape",    "state",  "numeric", "internal"};
    return (unsigned)status < sizeof names / sizeof *names ? names[status] : "unknown";
}
