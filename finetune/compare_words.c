/*
 * What a comparison means, in words: a person who never met a p-value should not be misled by one.
 */
#include "finetune/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char *cz_odds_text(double p, char *buf, size_t size)
{
    static const struct {
        double from, of;
        const char *text;
    } scales[] = {{0.01, 100, "100"}, {0.0001, 10000, "10,000"}, {1e-6, 1000000, "1,000,000"}};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        if (p >= scales[i].from) {
            snprintf(buf, size, "%.0f of %s", floor(p * scales[i].of + 0.5), scales[i].text);
            return buf;
        }
    snprintf(buf, size, "less than 1 of 1,000,000");
    return buf;
}

static void append(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void append(char *buf, size_t size, const char *fmt, ...)
{
    const size_t used = strlen(buf);
    va_list args;
    va_start(args, fmt);
    vsnprintf(buf + used, size - used, fmt, args);
    va_end(args);
}

static void append_verdict(const struct cz_comparison *c, const struct cz_compare_row *row, char *buf,
                           size_t size)
{
    static const char *const words[] = {"no real difference", "better", "worse", "equivalent"};
    append(buf, size, row->verdict == CZ_NO_DIFFERENCE ? "%s: %s" : "%s is %s", row->name,
           words[row->verdict]);
    if (row->verdict == CZ_EQUIVALENT)
        append(buf, size, " within %.3g points", 100 * c->margin);
    append(buf, size, ": %+.1f points (95 %% %+.1f to %+.1f).", 100 * row->difference,
           100 * row->difference_interval.low, 100 * row->difference_interval.high);
}

static void append_test(const struct cz_comparison *c, const struct cz_compare_row *row, char *buf,
                        size_t size)
{
    char odds[64];
    const long long differ = row->only_this + row->only_baseline;
    append(buf, size,
           " They differ on %lld image%s and it is right on %lld of them; equal models would differ so "
           "unevenly in %s "
           "tests (McNemar, exact, two-sided).",
           differ, differ == 1 ? "" : "s", (long long)row->only_this,
           cz_odds_text(row->p, odds, sizeof odds));
    if (c->n_reports > 2)
        append(buf, size, " Corrected for %d comparisons (Holm): p = %.2g.", c->n_reports - 1, row->holm_p);
}

char *cz_comparison_sentence(const struct cz_comparison *c, int r, char *buf, size_t size)
{
    const struct cz_compare_row *row = &c->rows[r];
    buf[0] = '\0';
    append_verdict(c, row, buf, size);
    if (row->only_this + row->only_baseline == 0)
        append(buf, size, " They are right on the same images.");
    else
        append_test(c, row, buf, size);
    return buf;
}
