/*
 * Texts to values, exactly: no signs, spaces, hexadecimal or trailing letters that a reader would have to
 * guess at; and, for a text that does not fit, what would.
 */
#include "base/nearest.h"
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cz_parse_count(const char *text, double low, double high, int64_t *out)
{
    const char *digits = text + (*text == '-' && low < 0);
    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return 1;
    errno = 0;
    long long n = strtoll(text, NULL, 10);
    if (errno || (double)n < low || (double)n > high)
        return 1;
    *out = n;
    return 0;
}

int cz_parse_seed(const char *text, uint64_t *out)
{
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return 1;
    errno = 0;
    *out = strtoull(text, NULL, 10);
    return errno != 0;
}

/* A decimal number at the start of the text; *end behind it. */
static int decimal(const char *text, double *out, char **end)
{
    const char *p = text + (*text == '-');
    if (!isdigit((unsigned char)*p) && !(*p == '.' && isdigit((unsigned char)p[1])))
        return 1;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) /* strtod would read hexadecimal */
        return 1;
    *out = strtod(text, end);
    return !isfinite(*out);
}

int cz_parse_real(const char *text, double low, double high, double *out)
{
    char *end;
    return decimal(text, out, &end) || *end || *out < low || *out > high;
}

int cz_parse_size(const char *text, int64_t *bytes)
{
    static const char units[] = "KMGT";
    double n;
    char *end;
    if (decimal(text, &n, &end) || n < 0)
        return 1;
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (*end && (!unit || end[1]))
        return 1;
    n *= unit ? pow(1024, (double)(unit - units + 1)) : 1;
    if (n >= 0x1p63 || n != floor(n))
        return 1;
    *bytes = (int64_t)n;
    return 0;
}

int cz_parse_time(const char *text, double *seconds)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
    double n;
    char *end;
    if (decimal(text, &n, &end) || n < 0)
        return 1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].name) == 0) {
            *seconds = n * units[i].seconds;
            return 0;
        }
    return 1;
}

int cz_parse_switch(const char *text, int *on)
{
    *on = strcmp(text, "yes") == 0;
    return !*on && strcmp(text, "no") != 0;
}

int cz_parse_counts(const char *text, double low, double high, int index, int64_t *out)
{
    for (; index > 0; index--) {
        text = strchr(text, ',');
        if (!text)
            return 1;
        text++;
    }
    size_t n = strcspn(text, ",");
    char item[32];
    if (n >= sizeof item)
        return 1;
    memcpy(item, text, n);
    item[n] = '\0';
    return cz_parse_count(item, low, high, out);
}

const char *cz_option_word(const struct cz_option *option, int i, char *buf, size_t size)
{
    const char *p = option->value;
    for (; i > 0 && p; i--) {
        p = strchr(p, '|');
        if (p)
            p++;
    }
    if (!p)
        return NULL;
    snprintf(buf, size, "%.*s", (int)strcspn(p, "|"), p);
    return buf;
}

static int check_count(const struct cz_option *o, const char *text, struct cz_value_problem *p)
{
    int64_t n;
    if (cz_parse_count(text, o->low, o->high, &n) == 0)
        return 0;
    snprintf(p->cause, sizeof p->cause, "not a whole number from %.0f to %.0f", o->low, o->high);
    /* The number it begins with, moved into the range: "4x" wants 4, "99999999" wants the largest. */
    const char *standard = cz_option_default(o);
    double near = isdigit((unsigned char)*text) ? strtod(text, NULL)
                  : standard                    ? strtod(standard, NULL)
                                                : o->low;
    snprintf(p->suggestion, sizeof p->suggestion, "%.0f", floor(fmin(fmax(near, o->low), o->high)));
    return 1;
}

static int check_counts(const struct cz_option *o, const char *text, struct cz_value_problem *p)
{
    int64_t n;
    int bad = 0, i = 0;
    for (const char *c = text; c && !bad; c = strchr(c, ','), c += c != NULL)
        bad = cz_parse_counts(text, o->low, o->high, i++, &n);
    if (bad) {
        snprintf(p->cause, sizeof p->cause, "not whole numbers from %.0f to %.0f with commas between", o->low,
                 o->high);
        snprintf(p->suggestion, sizeof p->suggestion, "1,8");
    }
    return bad;
}

static int check_real(const struct cz_option *o, const char *text, struct cz_value_problem *p)
{
    double x;
    if (cz_parse_real(text, o->low, o->high, &x) == 0)
        return 0;
    snprintf(p->cause, sizeof p->cause, "not a number from %g to %g", o->low, o->high);
    const char *standard = cz_option_default(o);
    if (standard)
        snprintf(p->suggestion, sizeof p->suggestion, "%s", standard);
    else
        snprintf(p->suggestion, sizeof p->suggestion, "%g", o->low);
    return 1;
}

static int check_choice(const struct cz_option *o, const char *text, struct cz_value_problem *p)
{
    char words[16][32], list[160];
    const char *names[16];
    size_t n = 0, used = 0;
    for (; n < 16 && cz_option_word(o, (int)n, words[n], sizeof words[n]); n++) {
        names[n] = words[n];
        if (strcmp(text, words[n]) == 0)
            return 0;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", n ? ", " : "", words[n]);
    }
    const char *nearest = cz_nearest(text, names, n);
    snprintf(p->cause, sizeof p->cause, "not one of %s", list);
    snprintf(p->suggestion, sizeof p->suggestion, "%s", nearest ? nearest : names[0]);
    return 1;
}

/* The digits a text begins with and a unit: "2Gb" wants 2G. */
static void suggest_unit(const char *text, const char *unit, const char *otherwise,
                         struct cz_value_problem *p)
{
    int n = (int)strspn(text, "0123456789");
    if (n > 0 && n < 10)
        snprintf(p->suggestion, sizeof p->suggestion, "%.*s%s", n, text, unit);
    else
        snprintf(p->suggestion, sizeof p->suggestion, "%s", otherwise);
}

int cz_option_check(const struct cz_option *o, const char *text, struct cz_value_problem *p)
{
    int64_t bytes;
    double seconds;
    uint64_t seed;
    int on;
    memset(p, 0, sizeof *p);
    switch (o->kind) {
    case CZ_OPT_COUNT:
        return check_count(o, text, p);
    case CZ_OPT_COUNTS:
        return check_counts(o, text, p);
    case CZ_OPT_REAL:
        return check_real(o, text, p);
    case CZ_OPT_CHOICE:
        return check_choice(o, text, p);
    case CZ_OPT_SWITCH:
        if (cz_parse_switch(text, &on) == 0)
            return 0;
        snprintf(p->cause, sizeof p->cause, "a switch is yes or no");
        snprintf(p->suggestion, sizeof p->suggestion, "yes");
        return 1;
    case CZ_OPT_SEED:
        if (cz_parse_seed(text, &seed) == 0)
            return 0;
        snprintf(p->cause, sizeof p->cause, "not a whole number from 0 to 18446744073709551615");
        snprintf(p->suggestion, sizeof p->suggestion, "0");
        return 1;
    case CZ_OPT_SIZE:
        if (cz_parse_size(text, &bytes) == 0)
            return 0;
        snprintf(p->cause, sizeof p->cause, "not a size like 512M or 2G");
        suggest_unit(text, strpbrk(text, "gG") ? "G" : "M", "512M", p);
        return 1;
    case CZ_OPT_TIME:
        if (cz_parse_time(text, &seconds) == 0)
            return 0;
        snprintf(p->cause, sizeof p->cause, "not a time like 90s, 10m or 2h");
        suggest_unit(text, "s", "90s", p);
        return 1;
    case CZ_OPT_TEXT:
    case CZ_OPT_PATH:
    case CZ_OPT_OUTPUT:
        break;
    }
    if (*text || (o->flags & CZ_OPT_OPTIONAL))
        return 0;
    snprintf(p->cause, sizeof p->cause, "is empty");
    snprintf(p->suggestion, sizeof p->suggestion, "%s", o->value);
    return 1;
}
