/*
 * Accuracy reports side by side: table, sentences and the images that changed.
 */
#include "base/json_out.h"
#include "cli/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell_problem(void *user, const char *line)
{
    cz_cli_error(user, CZ_EXIT_INPUT, "%s", line);
}

static void note_what_is_same(struct cz_cli *cli, const struct cz_comparison *c)
{
    const struct cz_report *base = c->reports[0];
    cz_cli_note(cli, "%s %lld images (data %.8s), %s classes, %s preprocessing %.8s",
                c->same_data ? "same" : "the common", (long long)c->n, base->data.sha256,
                c->same_classes ? "same" : "different", c->same_preprocess ? "same" : "different",
                base->model.preprocess_sha256);
    for (int r = 1; r < c->n_reports; r++)
        if (strcmp(base->isa, c->reports[r]->isa) != 0)
            cz_cli_note(cli, "instruction tiers differ: %s and %s; last bits of the outputs may", base->isa,
                        c->reports[r]->isa);
}

static void number_cell(struct cz_table *t, const char *shown_format, double shown, double raw)
{
    char text[32], exact[32];
    snprintf(text, sizeof text, shown_format, shown);
    snprintf(exact, sizeof exact, "%.17g", raw);
    cz_table_pair(t, text, exact);
}

/* Baselines have no "only it" against several, and no test. */
static void difference_cells(struct cz_table *t, const struct cz_comparison *c, int r, int csv)
{
    const struct cz_compare_row *row = &c->rows[r];
    char text[64], exact[32];
    if (r == 0 && c->n_reports == 2)
        cz_table_cell(t, "%lld", (long long)c->rows[1].only_baseline);
    else if (r == 0)
        cz_table_pair(t, "-", "");
    else
        cz_table_cell(t, "%lld", (long long)row->only_this);
    if (r == 0) {
        cz_table_pair(t, "-", "");
        if (csv)
            cz_table_pair(t, "-", "");
        return;
    }
    snprintf(text, sizeof text, "p = %.2g", row->holm_p);
    snprintf(exact, sizeof exact, "%.17g", row->holm_p);
    cz_table_pair(t, text, exact);
    if (csv) /* people read it in the sentences */
        cz_table_text(t, cz_verdict_name(row->verdict));
}

static struct cz_table *make_table(const struct cz_compare_job *j, int csv)
{
    const struct cz_comparison *c = &j->comparison;
    struct cz_table *t = cz_table_create();
    char against[128], name[96];
    if (!t)
        return NULL;
    snprintf(against, sizeof against, "against %.100s", cz_text_cut(c->rows[0].name, 24, name, sizeof name));
    cz_table_column(t, "report", "name", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "right", csv ? "right" : NULL, CZ_RIGHT);
    if (csv)
        cz_table_column(t, "n", "n", CZ_RIGHT);
    cz_table_column(t, "top-1 %", "top1", CZ_RIGHT);
    if (csv) {
        cz_table_column(t, "low", "low", CZ_RIGHT);
        cz_table_column(t, "high", "high", CZ_RIGHT);
    } else {
        cz_table_column(t, "95 % Wilson", NULL, CZ_RIGHT);
    }
    cz_table_column(t, "calibration %", "ece", CZ_RIGHT);
    cz_table_column(t, "only it right", "only_this", CZ_RIGHT);
    cz_table_column(t, against, "holm_p", CZ_LEFT);
    if (csv)
        cz_table_column(t, "verdict", "verdict", CZ_LEFT);
    for (int r = 0; r < c->n_reports; r++) {
        const struct cz_compare_row *row = &c->rows[r];
        cz_table_row(t);
        cz_table_text(t, row->name);
        if (csv) {
            cz_table_cell(t, "%lld", (long long)row->right);
            cz_table_cell(t, "%lld", (long long)row->n);
        } else {
            cz_table_cell(t, "%lld/%lld", (long long)row->right, (long long)row->n);
        }
        number_cell(t, "%.1f", 100 * row->top1, row->top1);
        if (csv) {
            cz_table_cell(t, "%.17g", row->top1_interval.low);
            cz_table_cell(t, "%.17g", row->top1_interval.high);
        } else {
            cz_table_cell(t, "%.1f to %.1f", 100 * row->top1_interval.low, 100 * row->top1_interval.high);
        }
        number_cell(t, "%.1f", 100 * row->ece, row->ece);
        difference_cells(t, c, r, csv);
    }
    return t;
}

static json_t *row_json(const struct cz_comparison *c, int r)
{
    const struct cz_compare_row *row = &c->rows[r];
    json_t *o = json_pack("{s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "name", cz_json_text(row->name), "right",
                          (json_int_t)row->right, "n", (json_int_t)row->n, "top1", cz_json_double(row->top1),
                          "low", cz_json_double(row->top1_interval.low), "high",
                          cz_json_double(row->top1_interval.high), "ece", cz_json_double(row->ece));
    if (r == 0)
        return o;
    char sentence[CZ_SENTENCE_TEXT];
    json_t *test = json_pack(
        "{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "only_baseline", (json_int_t)row->only_baseline,
        "only_this", (json_int_t)row->only_this, "mcnemar_p", cz_json_double(row->p), "holm_p",
        cz_json_double(row->holm_p), "difference", cz_json_double(row->difference), "diff_low",
        cz_json_double(row->difference_interval.low), "diff_high",
        cz_json_double(row->difference_interval.high), "verdict", cz_verdict_name(row->verdict), "sentence",
        cz_json_text(cz_comparison_sentence(c, r, sentence, sizeof sentence)));
    json_object_update(o, test);
    json_decref(test);
    return o;
}

static const struct cz_prediction *prediction(const struct cz_comparison *c, int r, int64_t i)
{
    return &c->reports[r]->predictions[c->place[r * c->n + i]];
}

/* 1 where not all are right, and not all wrong. */
static int differ(const struct cz_comparison *c, int64_t i)
{
    const int first = cz_comparison_right(c, 0, i);
    for (int r = 1; r < c->n_reports; r++)
        if (cz_comparison_right(c, r, i) != first)
            return 1;
    return 0;
}

static json_t *flip_json(const struct cz_comparison *c, int64_t i)
{
    const struct cz_prediction *p = prediction(c, 0, i);
    json_t *answers = json_array();
    for (int r = 0; r < c->n_reports; r++)
        json_array_append_new(answers,
                              cz_json_text(c->reports[r]->data.classes[prediction(c, r, i)->top[0]]));
    return json_pack("{s:o, s:o, s:o}", "id", cz_json_text(p->id), "truth",
                     cz_json_text(c->reports[0]->data.classes[p->truth]), "answers", answers);
}

static json_t *make_document(const struct cz_comparison *c, int64_t n_flips)
{
    json_t *rows = json_array(), *flips = json_array();
    for (int r = 0; r < c->n_reports; r++)
        json_array_append_new(rows, row_json(c, r));
    for (int64_t i = 0; i < c->n && (int64_t)json_array_size(flips) < n_flips; i++)
        if (differ(c, i))
            json_array_append_new(flips, flip_json(c, i));
    return json_pack("{s:s, s:s, s:o, s:{s:b, s:b, s:b}, s:I, s:o, s:o}", "schema", "convzoo.compare/1",
                     "kind", "accuracy", "baseline", cz_json_text(c->rows[0].name), "same", "data",
                     c->same_data, "classes", c->same_classes, "preprocess", c->same_preprocess, "n",
                     (json_int_t)c->n, "rows", rows, "flips", flips);
}

/* Breaks at spaces so that lines fit the width. */
static void print_wrapped(const char *text, int width)
{
    while (*text) {
        size_t n = strlen(text), cut = n;
        if (n > (size_t)width) {
            for (cut = (size_t)width; cut > 0 && text[cut] != ' ';)
                cut--;
            cut = cut ? cut : (size_t)width;
        }
        printf("%.*s\n", (int)cut, text);
        text += cut + (text[cut] == ' ');
    }
}

static void print_flips(struct cz_cli *cli, const struct cz_comparison *c, int64_t wanted)
{
    char clean[512];
    for (int64_t i = 0, n = 0; i < c->n && n < wanted; i++) {
        if (!differ(c, i))
            continue;
        const struct cz_prediction *p = prediction(c, 0, i);
        printf("%s", cz_printable(p->id, cli->utf8, clean, sizeof clean));
        printf("  is %s",
               cz_printable(c->reports[0]->data.classes[p->truth], cli->utf8, clean, sizeof clean));
        for (int r = 0; r < c->n_reports; r++)
            printf("%s %s", r ? "," : "; taken for",
                   cz_printable(c->reports[r]->data.classes[prediction(c, r, i)->top[0]], cli->utf8, clean,
                                sizeof clean));
        putchar('\n');
        n++;
    }
}

static void print_words(struct cz_cli *cli, const struct cz_compare_job *j)
{
    char sentence[CZ_SENTENCE_TEXT], clean[CZ_SENTENCE_TEXT];
    for (int r = 1; r < j->comparison.n_reports; r++) {
        cz_comparison_sentence(&j->comparison, r, sentence, sizeof sentence);
        print_wrapped(cz_printable(sentence, cli->utf8, clean, sizeof clean),
                      cli->out.width > 0 ? cli->out.width : 100);
    }
    print_flips(cli, &j->comparison, cz_arg_count(&cli->args, "flips", 0));
}

int cz_compare_accuracies(struct cz_cli *cli, struct cz_compare_job *j, json_t **root, int *worse)
{
    cz_error err;
    const struct cz_compare_options options = {j->allow, j->margin, tell_problem, cli};
    const cz_status status = cz_compare_reports((const struct cz_report *const *)j->reports, j->names, j->n,
                                                &options, &j->comparison, &err);
    if (status == CZ_ERR_FORMAT)
        return CZ_EXIT_INPUT; /* told already, every reason */
    if (status != CZ_OK)
        return cz_cli_fail(cli, &err);
    const struct cz_comparison *c = &j->comparison;
    for (int r = 1; r < c->n_reports; r++)
        *worse |= c->rows[r].verdict == CZ_WORSE && -c->rows[r].difference > j->fail_margin;
    note_what_is_same(cli, c);
    *root = make_document(c, cz_arg_count(&cli->args, "flips", 0));
    j->make_table = make_table;
    j->print_words = print_words;
    return CZ_EXIT_OK;
}
