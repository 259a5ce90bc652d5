#include "base/status.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copies `in` to out[size], bytes that would spoil a terminal line as \xNN; never cuts a character in two. */
static void copy_printable(char *out, size_t size, const char *in)
{
    const unsigned char *p = (const unsigned char *)in;
    size_t left = strlen(in), used = 0;
    while (left > 0) {
        size_t n = cz_utf8_length(p, left);
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

cz_status(cz_error_set)(cz_error *err, cz_status code, const char *fmt, ...)
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

cz_status(cz_error_prefix)(cz_error *err, cz_status code, const char *fmt, ...)
{
    if (!err)
        return code;
    char rest[sizeof err->message];
    memcpy(rest, err->message, sizeof rest);
    va_list args;
    va_start(args, fmt);
    format_message(err, fmt, args, rest);
    va_end(args);
    return code;
}

const char *cz_status_name(cz_status status)
{
    static const char *const names[] = {"ok",          "argument", "memory", "io",      "format",
                                        "unsupported", "shape",    "state",  "numeric", "internal"};
    return (unsigned)status < sizeof names / sizeof *names ? names[status] : "unknown";
}
