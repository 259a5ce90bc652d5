#include "cli/progress.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { BAR = 26 };
static const double first_after = 0.5, bar_every = 0.1, line_every = 30;

char *cz_duration_text(double seconds, char *buf, size_t size)
{
    if (seconds < 99.5)
        snprintf(buf, size, "%.0f s", seconds);
    else if (seconds < 5940)
        snprintf(buf, size, "%.0f min", seconds / 60);
    else
        snprintf(buf, size, "%.1f h", seconds / 3600);
    return buf;
}

void cz_progress_start(struct cz_progress *p, const struct cz_cli *cli, const char *label, const char *unit,
                       int64_t total)
{
    *p = (struct cz_progress){.cli = cli, .label = label, .unit = unit, .total = total};
    p->start = p->last = cz_now();
}

/* "193/300  41 images/s  left 3 s" */
static void describe(const struct cz_progress *p, int64_t done, double now, const char *extra, char *buf,
                     size_t size)
{
    char left[32] = "";
    double seconds = now - p->start, speed = seconds > 0 ? (double)done / seconds : 0;
    if (speed > 0)
        cz_duration_text((double)(p->total - done) / speed, left, sizeof left);
    snprintf(buf, size, "%lld/%lld  %.3g %s/s%s%s%s%s", (long long)done, (long long)p->total, speed, p->unit,
             extra ? "  " : "", extra ? extra : "", *left ? "  left " : "", left);
}

static void draw(struct cz_progress *p, int64_t done, const char *text)
{
    char bar[BAR + 1], line[256];
    int filled = p->total > 0 ? (int)(done * BAR / p->total) : 0;
    memset(bar, '-', BAR);
    memset(bar, '#', (size_t)filled);
    bar[BAR] = '\0';
    /* One column less than the width: a full line would wrap. */
    snprintf(line, sizeof line, "%-8s [%s]  %s", p->label, bar, text);
    fprintf(stderr, "\r%s%.*s%s\033[K", cz_color_on(&p->cli->err, CZ_DIM), p->cli->err.width - 1, line,
            cz_color_off(&p->cli->err));
    fflush(stderr);
    p->drawn = 1;
}

void cz_progress_step(struct cz_progress *p, int64_t done, const char *extra)
{
    double now = cz_now();
    int bar = p->cli->err.is_terminal;
    if (p->cli->quiet || now - p->start < first_after || now - p->last < (bar ? bar_every : line_every))
        return;
    char text[200];
    describe(p, done, now, extra, text, sizeof text);
    p->last = now;
    if (bar)
        draw(p, done, text);
    else
        fprintf(stderr, "%-8s %s\n", p->label, text);
}

void cz_progress_end(struct cz_progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stderr);
    p->drawn = 0;
}
