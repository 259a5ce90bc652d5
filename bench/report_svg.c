/*
 * Where the time goes: a bar per step, in the order they run, one block per measured cell. Long bars want
 * attention; a long bar with few GFLOP/s wants it more.
 */
#include "bench/report.h"

#include <string.h>

enum { ROW = 16, TITLE = 40, LEFT = 450, BAR = 420, WIDTH = LEFT + BAR + 200 };

static void print_escaped(const char *text, FILE *out)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p == '<' || *p == '>' || *p == '&' || *p == '"' || *p < 0x20 || *p > 0x7E)
            fprintf(out, "&#%u;", *p < 0x20 ? '?' : *p);
        else
            fputc(*p, out);
}

/* One hue per kind of operator, so that equal ones are seen together; the text names them. */
static const char *color_of(const char *op)
{
    static const struct {
        const char *op, *color;
    } colors[] = {{"Conv", "#4878a8"},    {"Gemm", "#a85848"},        {"MatMul", "#a85848"},
                  {"MaxPool", "#689048"}, {"AveragePool", "#689048"}, {"GlobalAveragePool", "#689048"},
                  {"Reorder", "#a09030"}};
    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
        if (strcmp(op, colors[i].op) == 0)
            return colors[i].color;
    return "#888888";
}

static double total_seconds(const struct cz_bench_result *r)
{
    double total = 0;
    for (size_t i = 0; i < r->n_steps; i++)
        total += r->steps[i].seconds;
    return total;
}

static double longest(const struct cz_bench_result *r)
{
    double most = 0;
    for (size_t i = 0; i < r->n_steps; i++)
        most = r->steps[i].seconds > most ? r->steps[i].seconds : most;
    return most > 0 ? most : 1;
}

static void print_step(const struct cz_profile_step *s, double scale, double share, int y, FILE *out)
{
    double width = s->seconds * scale;
    fprintf(out, "<text x=\"8\" y=\"%d\">", y + ROW - 4);
    print_escaped(s->op, out);
    fputs("</text><text x=\"140\" y=\"", out);
    fprintf(out, "%d\">", y + ROW - 4);
    print_escaped(s->algorithm, out);
    fprintf(out, "</text><text x=\"280\" y=\"%d\">", y + ROW - 4);
    print_escaped(s->name, out);
    fprintf(out, "</text>\n<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", LEFT, y + 2,
            width, ROW - 4, color_of(s->op));
    fprintf(out, "<text x=\"%.1f\" y=\"%d\">%.3f ms, %.1f %%", LEFT + width + 6, y + ROW - 4,
            s->seconds * 1e3, 100 * share);
    if (s->macs > 0 && s->seconds > 0)
        fprintf(out, ", %.0f GFLOP/s", 2e-9 * s->macs / s->seconds);
    fputs("</text>\n", out);
}

static int print_cell(const struct cz_bench_result *r, int y, FILE *out)
{
    double total = total_seconds(r), scale = BAR / longest(r);
    fprintf(out, "<text x=\"8\" y=\"%d\" font-weight=\"bold\">", y + TITLE - 14);
    print_escaped(r->cell->name, out);
    fprintf(out, ": %.3f ms in %zu steps</text>\n", total * 1e3, r->n_steps);
    y += TITLE;
    for (size_t i = 0; i < r->n_steps; i++, y += ROW)
        print_step(&r->steps[i], scale, total > 0 ? r->steps[i].seconds / total : 0, y, out);
    return y;
}

void cz_bench_report_svg(const struct cz_bench *b, FILE *out)
{
    int height = 8, y = 0;
    for (int i = 0; i < b->n_results; i++)
        if (b->results[i].steps)
            height += TITLE + ROW * (int)b->results[i].n_steps;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"white\"/>\n",
            WIDTH, height, WIDTH, height);
    for (int i = 0; i < b->n_results; i++)
        if (b->results[i].steps)
            y = print_cell(&b->results[i], y, out);
    fputs("</svg>\n", out);
}
