#include "base/memory.h"
#include "cli/bench.h"
#include "cli/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20 };

static void cell_ms(struct cz_table *t, double seconds)
{
    double ms = seconds * 1e3;
    char shown[CZ_FORMAT], raw[32];
    snprintf(raw, sizeof raw, "%.17g", ms);
    cz_table_pair(t, cz_format_ms(ms, shown), raw);
}

static void cell_number(struct cz_table *t, double x)
{
    cz_table_cell(t, x < 10 ? "%.2f" : x < 100 ? "%.1f" : "%.0f", x);
}

static void cell_top1(struct cz_table *t, double top1)
{
    if (top1 < 0)
        cz_table_text(t, "-");
    else
        cz_table_cell(t, "%.1fp", 100 * top1);
}

static int varies_in_threads(const struct cz_bench *b)
{
    for (int i = 1; i < b->n_results; i++)
        if (b->results[i].cell->threads != b->results[0].cell->threads)
            return 1;
    return 0;
}

static void add_columns(struct cz_table *t, int with_threads)
{
    cz_table_column(t, "model", "model", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "batch", "batch", CZ_RIGHT);
    if (with_threads)
        cz_table_column(t, "threads", "threads", CZ_RIGHT);
    cz_table_column(t, "median\nms", "median_ms", CZ_RIGHT);
    cz_table_column(t, "min\nms", "min_ms", CZ_RIGHT);
    cz_table_column(t, "p95\nms", "p95_ms", CZ_RIGHT);
    cz_table_column(t, "spread\n%", "spread", CZ_RIGHT);
    cz_table_column(t, "img/s", "images_per_s", CZ_RIGHT);
    cz_table_column(t, "GFLOP/s\neff.", "gflops", CZ_RIGHT);
    cz_table_column(t, "top-1\n%", "top1", CZ_RIGHT);
    cz_table_column(t, "\nplan", "planned_mib", CZ_RIGHT);
    cz_table_column(t, "\npeak", "peak_mib", CZ_RIGHT);
    cz_table_span(t, with_threads + 9, with_threads + 10, "memory MiB");
    cz_table_column(t, "front", "pareto", CZ_RIGHT);
}

static void add_row(struct cz_table *t, const struct cz_bench *b, const struct cz_bench_result *r,
                    int with_threads)
{
    const struct cz_bench_model *m = &b->options->models[r->cell->model];
    cz_table_row(t);
    cz_table_text(t, m->name);
    cz_table_cell(t, "%lld", (long long)r->facts.batch);
    if (with_threads)
        cz_table_cell(t, "%d", r->cell->threads);
    cell_ms(t, r->median);
    cell_ms(t, r->min);
    cell_ms(t, r->p95);
    cz_table_cell(t, "%.1f", 100 * r->spread);
    cell_number(t, cz_bench_images_per_second(r));
    cell_number(t, cz_bench_flops(r) * 1e-9);
    cell_top1(t, m->top1);
    cz_table_cell(t, "%.0f", (double)cz_bench_planned_bytes(r) / MIB);
    cz_table_cell(t, "%.0f", (double)r->peak_bytes / MIB);
    cz_table_text(t, r->on_front ? "*" : "");
    if (r->on_front)
        cz_table_color(t, CZ_GREEN);
}

/* What --sort compares; smallest first, so larger-is-better columns are turned round. */
static double sort_key(const struct cz_bench *b, const struct cz_bench_result *r, const char *by)
{
    const struct {
        const char *name;
        double value;
    } keys[] = {{"batch", (double)r->cell->batch},
                {"threads", r->cell->threads},
                {"median", r->median},
                {"rate", -cz_bench_images_per_second(r)},
                {"gflops", -cz_bench_flops(r)},
                {"top1", -b->options->models[r->cell->model].top1},
                {"plan", (double)cz_bench_planned_bytes(r)},
                {"peak", (double)r->peak_bytes}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i].name, by) == 0)
            return keys[i].value;
    return 0;
}

static int comes_before(const struct cz_bench *b, const struct cz_bench_result *x,
                        const struct cz_bench_result *y, const char *by)
{
    if (strcmp(by, "model") == 0)
        return strcmp(b->options->models[x->cell->model].name, b->options->models[y->cell->model].name) < 0;
    return sort_key(b, x, by) < sort_key(b, y, by);
}

/* Indices of the measured results; insertion keeps equal ones in their order. */
static int order_rows(const struct cz_bench *b, const char *by, int *order)
{
    int n = 0;
    for (int i = 0; i < b->n_results; i++) {
        const struct cz_bench_result *r = &b->results[i];
        if (r->err.code != CZ_OK)
            continue;
        int at = n++;
        for (; by && at > 0 && comes_before(b, r, &b->results[order[at - 1]], by); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return n;
}

static void count_answers(const struct cz_bench *b, int *right, int *checked)
{
    *right = *checked = 0;
    for (int i = 0; i < b->n_results; i++) {
        *right += b->results[i].answers == CZ_ANSWERS_RIGHT;
        *checked += b->results[i].answers != CZ_ANSWERS_UNCHECKED;
    }
}

static void print_legend(const struct cz_bench *b, FILE *out)
{
    int right, checked;
    count_answers(b, &right, &checked);
    fputs("eff.: 2*MACs/time;", out);
    for (int i = 0; i < b->n_peaks; i++)
        fprintf(out, " measured peak %.0f with %d thread%s;", b->peaks[i].flops * 1e-9, b->peaks[i].threads,
                b->peaks[i].threads > 1 ? "s" : "");
    fputs(" above it where an algorithm saves work.\n"
          "top-1: p published. front *: no other model here is faster and at least as accurate.\n"
          "spread: quartiles' distance over the median; min and p95 of single runs.",
          out);
    fprintf(out, " Answers checked: %d of %d right", right, checked);
    if (b->check_isa[0])
        fprintf(out, " (against unfused %s)", b->check_isa);
    fputs(".\n", out);
}

int cz_bench_print_table(const struct cz_bench *b, const struct cz_bench_settings *s, FILE *out,
                         const struct cz_terminal *terminal)
{
    struct cz_table *t = cz_table_create();
    int *order = calloc((size_t)b->n_results + 1, sizeof *order), with_threads = varies_in_threads(b);
    int n = order ? order_rows(b, s->sort, order) : 0, failed = !t || !order;
    if (!failed && n > 0) {
        add_columns(t, with_threads);
        for (int i = 0; i < n; i++)
            add_row(t, b, &b->results[order[i]], with_threads);
        failed = cz_table_print(t, out, terminal);
        if (terminal && terminal->is_terminal)
            print_legend(b, out);
    }
    free(order);
    cz_table_destroy(t);
    return failed;
}

/* Steps of one operator and algorithm. */
struct kind {
    const char *op, *algorithm;
    double seconds, macs;
    int n;
};

static int collect_kinds(const struct cz_bench_result *r, struct kind *kinds)
{
    int n = 0;
    for (size_t i = 0; i < r->n_steps; i++) {
        const struct cz_profile_step *s = &r->steps[i];
        int k = 0;
        while (k < n && (strcmp(kinds[k].op, s->op) != 0 || strcmp(kinds[k].algorithm, s->algorithm) != 0))
            k++;
        if (k == n)
            kinds[n++] = (struct kind){.op = s->op, .algorithm = s->algorithm};
        kinds[k].seconds += s->seconds;
        kinds[k].macs += s->macs;
        kinds[k].n++;
    }
    return n;
}

static int slower_first(const void *a, const void *b)
{
    double x = ((const struct kind *)a)->seconds, y = ((const struct kind *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void cell_gflops(struct cz_table *t, double macs, double seconds)
{
    if (macs > 0 && seconds > 0)
        cell_number(t, 2e-9 * macs / seconds);
    else
        cz_table_text(t, "-");
}

static int print_kinds(const struct cz_bench_result *r, double total, FILE *out,
                       const struct cz_terminal *terminal)
{
    struct kind *kinds = calloc(r->n_steps + 1, sizeof *kinds);
    struct cz_table *t = cz_table_create();
    int failed = !kinds || !t, n = kinds ? collect_kinds(r, kinds) : 0;
    if (!failed) {
        qsort(kinds, (size_t)n, sizeof *kinds, slower_first);
        cz_table_column(t, "operator", "op", CZ_LEFT);
        cz_table_column(t, "algorithm", "algorithm", CZ_LEFT);
        cz_table_column(t, "steps", "n_steps", CZ_RIGHT);
        cz_table_column(t, "ms", "time_ms", CZ_RIGHT);
        cz_table_column(t, "%", "share", CZ_RIGHT);
        cz_table_column(t, "GFLOP/s", "gflops", CZ_RIGHT);
        for (int i = 0; i < n; i++) {
            cz_table_row(t);
            cz_table_text(t, kinds[i].op);
            cz_table_text(t, kinds[i].algorithm);
            cz_table_cell(t, "%d", kinds[i].n);
            cell_ms(t, kinds[i].seconds);
            cz_table_cell(t, "%.1f", 100 * kinds[i].seconds / total);
            cell_gflops(t, kinds[i].macs, kinds[i].seconds);
        }
        failed = cz_table_print(t, out, terminal);
    }
    free(kinds);
    cz_table_destroy(t);
    return failed;
}

static int print_steps(const struct cz_bench_result *r, double total, FILE *out,
                       const struct cz_terminal *terminal)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "step", "node", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "operator", "op", CZ_LEFT);
    cz_table_column(t, "algorithm", "algorithm", CZ_LEFT);
    cz_table_column(t, "output", "output", CZ_LEFT);
    cz_table_column(t, "ms", "time_ms", CZ_RIGHT);
    cz_table_column(t, "%", "share", CZ_RIGHT);
    cz_table_column(t, "GFLOP/s", "gflops", CZ_RIGHT);
    cz_table_column(t, "GB/s", "gbytes_per_s", CZ_RIGHT);
    for (size_t i = 0; i < r->n_steps; i++) {
        const struct cz_profile_step *s = &r->steps[i];
        cz_table_row(t);
        cz_table_text(t, s->name);
        cz_table_text(t, s->op);
        cz_table_text(t, s->algorithm);
        cz_table_text(t, s->shape);
        cell_ms(t, s->seconds);
        cz_table_cell(t, "%.1f", 100 * s->seconds / total);
        cell_gflops(t, s->macs, s->seconds);
        cell_number(t, s->seconds > 0 ? 1e-9 * (double)s->bytes / s->seconds : 0);
    }
    int failed = cz_table_print(t, out, terminal);
    cz_table_destroy(t);
    return failed;
}

int cz_bench_print_profile(const struct cz_bench_result *r, FILE *out, const struct cz_terminal *terminal)
{
    double total = 0;
    for (size_t i = 0; i < r->n_steps; i++)
        total += r->steps[i].seconds;
    total = total > 0 ? total : 1;
    fprintf(out, "\n%s: %.3f ms in %zu steps, a clock around each\n", r->cell->name, total * 1e3, r->n_steps);
    int failed = print_kinds(r, total, out, terminal);
    fputc('\n', out);
    return failed | print_steps(r, total, out, terminal);
}
