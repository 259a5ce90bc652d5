#define _DEFAULT_SOURCE /* struct winsize */
#include "cli/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MIN_WIDTH = 80 };

static int is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static int auto_color(int is_terminal)
{
    const char *term = getenv("TERM");
    if (is_set("NO_COLOR"))
        return 0;
    if (is_set("CLICOLOR_FORCE") || is_set("FORCE_COLOR"))
        return 1;
    return is_terminal && term && *term && strcmp(term, "dumb") != 0;
}

struct cz_terminal cz_terminal_of(FILE *stream, const char *when)
{
    struct cz_terminal t = {.is_terminal = isatty(fileno(stream)) == 1};
    struct winsize size;
    if (t.is_terminal && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0)
        t.width = size.ws_col > MIN_WIDTH ? size.ws_col : MIN_WIDTH;
    else if (t.is_terminal)
        t.width = MIN_WIDTH;
    t.color = strcmp(when, "always") == 0 || (strcmp(when, "auto") == 0 && auto_color(t.is_terminal));
    return t;
}

const char *cz_color_on(const struct cz_terminal *t, enum cz_color color)
{
    static const char *const codes[] = {"\033[31m", "\033[33m", "\033[32m", "\033[2m"};
    return t->color ? codes[color] : "";
}

const char *cz_color_off(const struct cz_terminal *t)
{
    return t->color ? "\033[0m" : "";
}

int cz_locale_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Bytes of the UTF-8 character at p, 0 if it is not one. */
static size_t utf8_length(const unsigned char *p)
{
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xC2 && p[0] < 0xE0 ? 2
               : (p[0] & 0xF0) == 0xE0       ? 3
               : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

char *cz_printable(const char *name, int utf8, char *buf, size_t size)
{
    size_t used = 0;
    for (const unsigned char *p = (const unsigned char *)name; *p;) {
        size_t n = utf8_length(p);
        int plain = n > 0 && *p >= 0x20 && *p != 0x7F && (utf8 || n == 1);
        if (used + (plain ? n : 4) >= size)
            break;
        if (plain) {
            memcpy(buf + used, p, n);
            used += n;
            p += n;
        } else {
            used += (size_t)snprintf(buf + used, size - used, "\\x%02X", *p++);
        }
    }
    buf[used] = '\0';
    return buf;
}

int cz_text_width(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

/* The byte at which character `index` begins. */
static size_t offset_of(const char *text, int index)
{
    size_t at = 0;
    while (text[at] && index > 0) {
        at++;
        while (((unsigned char)text[at] & 0xC0) == 0x80)
            at++;
        index--;
    }
    return at;
}

char *cz_text_cut(const char *text, int width, char *buf, size_t size)
{
    int n = cz_text_width(text), keep = width - 3;
    if (n <= width || keep < 2) {
        snprintf(buf, size, "%s", text);
        return buf;
    }
    /* The end tells names apart more often than the beginning: it gets the larger half. */
    int tail = (keep + 1) / 2, head = keep - tail;
    snprintf(buf, size, "%.*s...%s", (int)offset_of(text, head), text, text + offset_of(text, n - tail));
    return buf;
}
