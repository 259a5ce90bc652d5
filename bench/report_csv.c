/*
 * Google Benchmark's CSV: its columns in its order, the counters behind them. Its readers look for the header
 * line, so the context that the JSON carries has no place here.
 */
#include "bench/report.h"

struct rows {
    const char *unit;
    FILE *out;
};

/* RFC 4180: quotes doubled. */
static void print_quoted(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_head(FILE *out)
{
    static const struct cz_bench_result none;
    const char *name;
    double value;
    fputs("name,iterations,real_time,cpu_time,time_unit,bytes_per_second,items_per_second,label,"
          "error_occurred,error_message",
          out);
    for (int i = 0; (name = cz_bench_counter(&none, i, &value)); i++)
        fprintf(out, ",\"%s\"", name);
    fputc('\n', out);
}

static int print_row(void *user, const struct cz_bench_entry *e)
{
    const struct rows *rows = user;
    double scale = e->aggregate == CZ_CV ? 1 : cz_time_scale(rows->unit), value;
    print_quoted(e->name, rows->out);
    fprintf(rows->out, ",%lld,%.17g,%.17g,%s,,",
            (long long)(e->aggregate < 0 ? e->result->iterations : e->result->n_reps), e->real * scale,
            e->cpu * scale, rows->unit);
    if (e->has_rate)
        fprintf(rows->out, "%.17g", e->images_per_second);
    fputs(",,,", rows->out);
    for (int i = 0; cz_bench_counter(e->result, i, &value); i++)
        if (e->has_rate)
            fprintf(rows->out, ",%.17g", value);
        else
            fputc(',', rows->out);
    fputc('\n', rows->out);
    return 0;
}

void cz_bench_report_csv(const struct cz_bench_report *report, FILE *out)
{
    struct rows rows = {report->time_unit, out};
    print_head(out);
    cz_bench_report_entries(report, print_row, &rows);
}
