#include "finetune/curves.h"
#include "base/file.h"
#include "base/utf8.h"

#include <string.h>

enum { WIDTH = 640, HEIGHT = 360, LEFT = 60, RIGHT = 60, TOP = 40, BOTTOM = 50, GRID = 5 };

static const double plot_w = WIDTH - LEFT - RIGHT, plot_h = HEIGHT - TOP - BOTTOM;

/* Character data: markup escaped; what XML cannot hold becomes U+FFFD. */
static void write_text(const char *text, FILE *out)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);
    while (p < end) {
        const size_t n = cz_utf8_length(p, (size_t)(end - p));
        if (n == 0 || (*p < 0x20 && *p != '\t'))
            fputs("\xEF\xBF\xBD", out);
        else if (*p == '<' || *p == '&' || *p == '>')
            fputs(*p == '<' ? "&lt;" : *p == '&' ? "&amp;" : "&gt;", out);
        else
            fwrite(p, 1, n, out);
        p += n ? n : 1;
    }
}

/* The next of 1, 2, 5 times a power of ten. */
static double round_up(double x)
{
    double scale = 1e-6;
    for (int i = 0;; i++) {
        static const double steps[] = {1, 2, 5};
        if (steps[i % 3] * scale >= x || scale > 1e9)
            return steps[i % 3] * scale;
        if (i % 3 == 2)
            scale *= 10;
    }
}

static double x_of(int i, int n)
{
    return LEFT + (n > 1 ? plot_w * i / (n - 1) : plot_w / 2);
}

static double y_of(double share)
{
    return TOP + plot_h * (1 - share);
}

static void write_axes(double loss_top, int n, FILE *out)
{
    for (int i = 0; i <= GRID; i++) {
        const double share = (double)i / GRID, y = y_of(share);
        fprintf(out, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n", LEFT, y, WIDTH - RIGHT);
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#b3261e\">%.3g</text>\n", LEFT - 6,
                y + 4, loss_top * share);
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" fill=\"#1a56b0\">%.0f %%</text>\n", WIDTH - RIGHT + 6, y + 4,
                100 * share);
    }
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">1</text>\n", LEFT, HEIGHT - BOTTOM + 18);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", WIDTH - RIGHT,
            HEIGHT - BOTTOM + 18, n);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">epoch</text>\n", WIDTH / 2,
            HEIGHT - BOTTOM + 34);
    fprintf(out, "<text x=\"%d\" y=\"%d\" fill=\"#b3261e\">training loss, nats</text>\n", LEFT, TOP - 8);
    fprintf(out,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#1a56b0\">training images right</text>\n",
            WIDTH - RIGHT, TOP - 8);
}

static void write_line(const struct cz_curve_point *p, int n, double loss_top, int is_loss, FILE *out)
{
    fprintf(out, "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" points=\"",
            is_loss ? "#b3261e" : "#1a56b0");
    for (int i = 0; i < n; i++)
        fprintf(out, "%s%.1f,%.1f", i ? " " : "", x_of(i, n),
                y_of(is_loss ? p[i].loss_nats / loss_top : p[i].top1));
    fputs("\"/>\n", out);
}

static void write_document(const char *title, const struct cz_curve_point *p, int n, FILE *out)
{
    double largest = 0;
    for (int i = 0; i < n; i++)
        largest = p[i].loss_nats > largest ? p[i].loss_nats : largest;
    const double loss_top = round_up(largest);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"#fff\"/>\n"
            "<text x=\"%d\" y=\"16\" text-anchor=\"middle\" font-size=\"14\">",
            WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH / 2);
    write_text(title, out);
    fputs("</text>\n", out);
    write_axes(loss_top, n, out);
    write_line(p, n, loss_top, 1, out);
    write_line(p, n, loss_top, 0, out);
    fputs("</svg>\n", out);
}

cz_status cz_curves_write(const char *path, const char *title, const struct cz_curve_point *points, int n,
                          cz_error *err)
{
    struct cz_file_writer w;
    CZ_TRY(cz_file_writer_open(path, &w, err));
    write_document(title, points, n, w.stream);
    return cz_file_writer_commit(&w, err);
}
