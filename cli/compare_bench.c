/*
 * Benchmark files side by side: faster, slower or noise.
 */
#include "base/json_out.h"
#include "cli/compare.h"

#include <stdio.h>
#include <string.h>

/* Times of different machines say more about these than about the program. */
static void note_context(struct cz_cli *cli, const struct cz_compare_job *j)
{
    const struct cz_bench_file *a = &j->benches[0];
    for (int i = 1; i < j->n; i++) {
        const struct cz_bench_file *b = &j->benches[i];
        if (strcmp(a->host, b->host) != 0 || strcmp(a->cpu_count, b->cpu_count) != 0)
            cz_cli_warn(cli, "%s, %s: measured on different machines ('%s' with %s CPUs, '%s' with %s)",
                        a->name, b->name, a->host, a->cpu_count, b->host, b->cpu_count);
        if (strcmp(a->isa, b->isa) != 0)
            cz_cli_note(cli, "%s, %s: different instruction tiers, %s and %s", a->name, b->name, a->isa,
                        b->isa);
    }
}

static int has_numbers(const struct cz_bench_row *row)
{
    return row->verdict != CZ_BENCH_MISSING && row->verdict != CZ_BENCH_FAILED;
}

static void number_cell(struct cz_table *t, const char *format, double shown, double raw)
{
    char text[32], exact[32];
    snprintf(text, sizeof text, format, shown);
    snprintf(exact, sizeof exact, "%.17g", raw);
    cz_table_pair(t, text, exact);
}

static void row_cells(struct cz_table *t, const struct cz_bench_row *row)
{
    if (!has_numbers(row)) {
        for (int i = 0; i < 6; i++)
            cz_table_pair(t, "-", "");
        return;
    }
    number_cell(t, "%.3f", 1e3 * row->baseline_s, 1e3 * row->baseline_s);
    number_cell(t, "%.3f", 1e3 * row->this_s, 1e3 * row->this_s);
    number_cell(t, "%.3f", row->ratio, row->ratio);
    number_cell(t, "%.3f", row->ratio_interval.low, row->ratio_interval.low);
    number_cell(t, "%.3f", row->ratio_interval.high, row->ratio_interval.high);
    number_cell(t, "%.2g", row->holm_p, row->holm_p);
}

static struct cz_table *make_table(const struct cz_compare_job *j, int csv)
{
    (void)csv; /* the same columns */
    struct cz_table *t = cz_table_create();
    if (!t)
        return NULL;
    cz_table_column(t, "benchmark", "benchmark", CZ_LEFT | CZ_CUT);
    if (j->n > 2)
        cz_table_column(t, "file", "name", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "baseline\nms", "baseline_ms", CZ_RIGHT);
    cz_table_column(t, "this\nms", "median_ms", CZ_RIGHT);
    cz_table_column(t, "ratio", "ratio", CZ_RIGHT);
    cz_table_column(t, "95 %\nlow", "ratio_low", CZ_RIGHT);
    cz_table_column(t, "\nhigh", "ratio_high", CZ_RIGHT);
    cz_table_column(t, "p", "holm_p", CZ_RIGHT);
    cz_table_column(t, "verdict", "verdict", CZ_LEFT);
    for (int i = 0; i < j->bench_comparison.n_rows; i++) {
        const struct cz_bench_row *row = &j->bench_comparison.rows[i];
        cz_table_row(t);
        cz_table_text(t, row->benchmark);
        if (j->n > 2)
            cz_table_text(t, j->names[row->file]);
        row_cells(t, row);
        cz_table_text(t, cz_bench_verdict_name(row->verdict));
    }
    return t;
}

static json_t *row_json(const struct cz_compare_job *j, const struct cz_bench_row *row)
{
    json_t *o = json_pack("{s:o, s:o, s:s}", "name", cz_json_text(j->names[row->file]), "benchmark",
                          cz_json_text(row->benchmark), "verdict", cz_bench_verdict_name(row->verdict));
    if (!has_numbers(row))
        return o;
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"baseline_ms", 1e3 * row->baseline_s},
                   {"median_ms", 1e3 * row->this_s},
                   {"ratio", row->ratio},
                   {"ratio_low", row->ratio_interval.low},
                   {"ratio_high", row->ratio_interval.high},
                   {"u_p", row->p},
                   {"holm_p", row->holm_p}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(o, numbers[i].key, cz_json_double(numbers[i].value));
    return o;
}

static json_t *make_document(const struct cz_compare_job *j)
{
    json_t *rows = json_array();
    for (int i = 0; i < j->bench_comparison.n_rows; i++)
        json_array_append_new(rows, row_json(j, &j->bench_comparison.rows[i]));
    return json_pack("{s:s, s:s, s:o, s:o}", "schema", "convzoo.compare/1", "kind", "bench", "baseline",
                     cz_json_text(j->names[0]), "rows", rows);
}

static void print_words(struct cz_cli *cli, const struct cz_compare_job *j)
{
    int count[5] = {0};
    for (int i = 0; i < j->bench_comparison.n_rows; i++)
        count[j->bench_comparison.rows[i].verdict]++;
    (void)cli;
    printf("%d faster, %d slower, %d noise", count[CZ_BENCH_FASTER], count[CZ_BENCH_SLOWER],
           count[CZ_BENCH_NOISE]);
    if (count[CZ_BENCH_MISSING] + count[CZ_BENCH_FAILED] > 0)
        printf(", %d missing, %d failed", count[CZ_BENCH_MISSING], count[CZ_BENCH_FAILED]);
    puts(" (U test, exact; Holm's correction; interval of the ratio by bootstrap)");
}

int cz_compare_benches(struct cz_cli *cli, struct cz_compare_job *j, json_t **root, int *worse)
{
    cz_error err;
    if (cz_bench_compare(j->benches, j->n, &j->bench_comparison, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    for (int i = 0; i < j->bench_comparison.n_rows; i++) {
        const struct cz_bench_row *row = &j->bench_comparison.rows[i];
        *worse |= row->verdict == CZ_BENCH_SLOWER && row->ratio - 1 > j->fail_margin;
    }
    note_context(cli, j);
    *root = make_document(j);
    j->make_table = make_table;
    j->print_words = print_words;
    return CZ_EXIT_OK;
}

void cz_compare_job_end(struct cz_compare_job *j)
{
    cz_comparison_deinit(&j->comparison);
    cz_bench_comparison_deinit(&j->bench_comparison);
}
