/*
 * `convzoo zoo list`: every network with what is known of it, and what bench measured here.
 */
#include "base/json_out.h"
#include "bench/state.h"
#include "cli/bench.h"
#include "cli/format.h"
#include "cli/paths.h"
#include "cli/pulled.h"
#include "cli/table.h"
#include "cli/zoo_select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const struct cz_zoo_entry *entry;
    const struct cz_zoo_published *weights; /* NULL: none published */
    double parameters, macs, top1;          /* top1 percent; -1 what is not known */
    const struct cz_zoo_source *source;     /* of the weights; NULL: none */
    int is_pulled, measured;
    struct cz_bench_record here;
    int front;
};

struct list {
    struct row *rows; /* of the whole zoo: the front is among all that were measured */
    unsigned char *chosen;
    const struct row **shown;
    int n_shown;
};

static cz_status count_network(struct row *r, cz_error *err)
{
    struct cz_graph *g;
    struct cz_infer *infer;
    CZ_TRY(cz_zoo_build(r->entry->name, NULL, &g, err));
    cz_status status = cz_infer_create(g, NULL, 0, 1, 0, &infer, err);
    if (status == CZ_OK) {
        r->parameters = (double)cz_graph_parameter_count(g);
        r->macs = cz_infer_macs(infer);
        cz_infer_destroy(infer);
    }
    cz_graph_release(g);
    return status;
}

static cz_status load_state(struct cz_bench_state *state, cz_error *err)
{
    char folder[CZ_PATH_MAX], path[CZ_PATH_MAX + sizeof "/" CZ_BENCH_STATE_FILE];
    snprintf(path, sizeof path, "%s/%s", cz_path_state(folder), CZ_BENCH_STATE_FILE);
    return cz_bench_state_load(path, state, err);
}

/* Nobody measured here is at least as fast and as accurate, and better in one of them. */
static int is_front(const struct row *rows, const struct row *r)
{
    if (!r->measured || r->top1 < 0)
        return 0;
    for (int i = 0; i < cz_zoo_count(); i++) {
        const struct row *o = &rows[i];
        if (o->measured && o->here.images_per_s >= r->here.images_per_s && o->top1 >= r->top1 &&
            (o->here.images_per_s > r->here.images_per_s || o->top1 > r->top1))
            return 0;
    }
    return 1;
}

static cz_status fill_rows(const struct cz_cli *cli, struct list *l, cz_error *err)
{
    struct cz_bench_state state;
    CZ_TRY(load_state(&state, err));
    cz_status status = CZ_OK;
    for (int i = 0; i < cz_zoo_count() && status == CZ_OK; i++) {
        struct row *r = &l->rows[i];
        const struct cz_zoo_published *p;
        r->entry = cz_zoo_at(i);
        p = cz_zoo_find_published(r->entry->name, NULL);
        r->weights = p && cz_zoo_has_weights(p) ? p : NULL;
        r->source = cz_zoo_find_source(r->weights);
        r->is_pulled = r->source && cz_pulled_bytes(cli, r->source) >= 0;
        r->top1 = r->weights ? r->weights->top1 : -1;
        r->measured = cz_bench_state_find(&state, r->entry->name, &r->here);
        if (l->chosen[i])
            status = count_network(r, err);
    }
    cz_bench_state_deinit(&state);
    for (int i = 0; i < cz_zoo_count(); i++)
        l->rows[i].front = is_front(l->rows, &l->rows[i]);
    return status;
}

/* ---- order ---- */

/* What --sort compares, so that less comes first and the unknown last. */
static double key_none(const struct row *r)
{
    (void)r;
    return 0;
}

static double key_parameters(const struct row *r)
{
    return r->parameters;
}

static double key_macs(const struct row *r)
{
    return r->macs;
}

static double key_top1(const struct row *r)
{
    return -r->top1;
}

static double key_ms(const struct row *r)
{
    return r->measured ? r->here.median_ms : 1e300;
}

static double key_speed(const struct row *r)
{
    return r->measured ? -r->here.images_per_s : 1e300;
}

static double key_planned(const struct row *r)
{
    return r->measured ? (double)r->here.planned_bytes : 1e300;
}

static double key_peak(const struct row *r)
{
    return r->measured ? (double)r->here.peak_bytes : 1e300;
}

static const struct order {
    const char *word;
    double (*key)(const struct row *);
} orders[] = {
    {"model", key_none}, {"params", key_parameters}, {"macs", key_macs},    {"top1", key_top1},
    {"ms", key_ms},      {"speed", key_speed},       {"plan", key_planned}, {"peak", key_peak},
};

static const struct order *find_order(const char *word)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (word && strcmp(orders[i].word, word) == 0)
            return &orders[i];
    return NULL;
}

/* Insertion: stable, so that equal ones stay in the zoo's order, and the list is short. */
static void insert(struct list *l, const struct row *r, const struct order *order)
{
    int at = l->n_shown++;
    while (order && at > 0) {
        const struct row *before = l->shown[at - 1];
        double a = order->key(before), b = order->key(r);
        int stays = order->key == key_none ? strcmp(before->entry->name, r->entry->name) <= 0 : a <= b;
        if (stays)
            break;
        l->shown[at--] = before;
    }
    l->shown[at] = r;
}

/* ---- output ---- */

static void number_cell(struct cz_table *t, const char *shown, double raw)
{
    char number[64];
    snprintf(number, sizeof number, "%.17g", raw);
    cz_table_pair(t, shown, number);
}

/* decimals negative: as a time. */
static void measured_cell(struct cz_table *t, const struct row *r, int decimals, double shown, double raw)
{
    char text[CZ_FORMAT];
    if (!r->measured) {
        cz_table_pair(t, "-", "");
        return;
    }
    if (decimals < 0)
        cz_format_ms(shown, text);
    else
        snprintf(text, sizeof text, "%.*f", decimals, shown);
    number_cell(t, text, raw);
}

static void fill_table_row(struct cz_table *t, const struct row *r)
{
    const double mib = 1 << 20;
    const struct cz_bench_record *h = &r->here;
    char shown[CZ_FORMAT];
    cz_table_row(t);
    cz_table_text(t, r->entry->name);
    cz_table_cell(t, "%d", r->entry->side_px);
    snprintf(shown, sizeof shown, "%.2f", r->parameters / 1e6);
    number_cell(t, shown, r->parameters);
    number_cell(t, cz_format_gmacs(r->macs, shown), r->macs);
    char top1[32], raw[32];
    snprintf(top1, sizeof top1, "%.1fp", r->top1);
    snprintf(raw, sizeof raw, "%.10g", r->top1 / 100);
    cz_table_pair(t, r->top1 < 0 ? "-" : top1, r->top1 < 0 ? "" : raw);
    measured_cell(t, r, 0, (double)h->planned_bytes / mib, (double)h->planned_bytes);
    measured_cell(t, r, 0, (double)h->peak_bytes / mib, (double)h->peak_bytes);
    measured_cell(t, r, -1, h->median_ms, h->median_ms);
    measured_cell(t, r, h->images_per_s < 10, h->images_per_s, h->images_per_s);
    cz_table_pair(t, r->front ? "*" : r->measured ? "" : "-", r->front ? "1" : "0");
    if (r->front)
        cz_table_color(t, CZ_GREEN);
    char size[32], weights[64];
    if (r->source)
        snprintf(weights, sizeof weights, "%s %s", r->weights->tag,
                 r->is_pulled ? "pulled" : cz_pulled_size_text(r->source, size, sizeof size));
    cz_table_pair(t, r->source ? weights : "-", r->weights ? r->weights->tag : "");
}

static struct cz_table *make_table(const struct list *l)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return NULL;
    cz_table_column(t, "model", "name", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "input\npx", "size_px", CZ_RIGHT);
    cz_table_column(t, "params\nM", "n_parameters", CZ_RIGHT);
    cz_table_column(t, "GMACs", "macs", CZ_RIGHT);
    cz_table_column(t, "top-1\n%", "top1", CZ_RIGHT);
    cz_table_column(t, "\nplan", "planned_bytes", CZ_RIGHT);
    cz_table_column(t, "\npeak", "peak_bytes", CZ_RIGHT);
    cz_table_column(t, "here\nms", "median_ms", CZ_RIGHT);
    cz_table_column(t, "here\nimg/s", "images_per_s", CZ_RIGHT);
    cz_table_column(t, "front", "pareto", CZ_LEFT);
    cz_table_column(t, "weights", "tag", CZ_LEFT);
    cz_table_span(t, 5, 6, "memory MiB");
    for (int i = 0; i < l->n_shown; i++)
        fill_table_row(t, l->shown[i]);
    return t;
}

/* The settings of the measurements, where they are all the same. */
static void print_settings(const struct list *l)
{
    const struct cz_bench_record *first = NULL;
    int differ = 0;
    for (int i = 0; i < l->n_shown; i++) {
        const struct cz_bench_record *h = &l->shown[i]->here;
        if (!l->shown[i]->measured)
            continue;
        if (!first)
            first = h;
        differ |= h->threads != first->threads || h->batch != first->batch || strcmp(h->isa, first->isa) != 0;
    }
    if (!first)
        printf("nothing measured here yet.\n");
    else if (differ)
        printf("here: last bench of each, under settings that differ (--json has them); -: not yet.\n");
    else
        printf("here: last bench, %lld threads, batch %lld, %s; -: not yet.\n", (long long)first->threads,
               (long long)first->batch, first->isa);
}

static int print_text(const struct cz_cli *cli, const struct list *l)
{
    struct cz_table *t = make_table(l);
    int failed = !t || (cli->csv ? cz_table_print_csv(t, stdout) : cz_table_print(t, stdout, &cli->out));
    cz_table_destroy(t);
    if (failed || cli->csv || !cli->out.is_terminal)
        return failed;
    printf("top-1: p published; -: no published weights. ");
    print_settings(l);
    printf("front *: no other model measured here is both faster and more accurate.\n");
    return 0;
}

static json_t *number_or_null(int known, double value)
{
    return known ? cz_json_double(value) : json_null();
}

static json_t *integer_or_null(int known, int64_t value)
{
    return known ? json_integer(value) : json_null();
}

static json_t *row_json(const struct row *r)
{
    const struct cz_bench_record *h = &r->here;
    return json_pack(
        "{s:s, s:o, s:s, s:i, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "name",
        r->entry->name, "tag", cz_json_text(r->weights ? r->weights->tag : NULL), "family", r->entry->family,
        "size_px", r->entry->side_px, "n_parameters", (json_int_t)r->parameters, "macs", (json_int_t)r->macs,
        "top1", number_or_null(r->top1 >= 0, r->top1 / 100), "top1_source",
        cz_json_text(r->top1 >= 0 ? "published" : NULL), "planned_bytes",
        integer_or_null(r->measured, h->planned_bytes), "peak_bytes",
        integer_or_null(r->measured, h->peak_bytes), "median_ms", number_or_null(r->measured, h->median_ms),
        "images_per_s", number_or_null(r->measured, h->images_per_s), "batch",
        integer_or_null(r->measured, h->batch), "threads", integer_or_null(r->measured, h->threads), "isa",
        cz_json_text(r->measured ? h->isa : NULL), "pareto", r->front, "weights",
        cz_json_text(r->source ? r->source->file : NULL));
}

static json_t *document(const struct list *l)
{
    json_t *models = json_array();
    for (int i = 0; i < l->n_shown; i++)
        json_array_append_new(models, row_json(l->shown[i]));
    return json_pack("{s:s, s:o}", "schema", "convzoo.zoo/1", "models", models);
}

static int print_list(struct cz_cli *cli, struct list *l)
{
    int only_front = cz_arg_switch(&cli->args, "pareto"), measured = 0;
    for (int i = 0; i < cz_zoo_count(); i++) {
        measured |= l->rows[i].measured;
        if (l->chosen[i] && (!only_front || l->rows[i].front))
            insert(l, &l->rows[i], find_order(cz_arg_text(&cli->args, "sort")));
    }
    if (only_front && !measured)
        cz_cli_note(cli, "nothing was measured here yet, so there is no front");
    if (cli->json)
        return cz_cli_emit(cli, document(l));
    return print_text(cli, l)
               ? cz_cli_error(cli, CZ_EXIT_MEMORY, "zoo list: out of memory; close other programs")
               : CZ_EXIT_OK;
}

static int measure(struct cz_cli *cli, const struct list *l)
{
    const char **names = calloc((size_t)cz_zoo_count(), sizeof *names);
    int n = 0;
    if (!names)
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "zoo list: out of memory; close other programs");
    for (int i = 0; i < cz_zoo_count(); i++)
        if (l->chosen[i])
            names[n++] = cz_zoo_at(i)->name;
    int code = cz_bench_quick(cli, names, n);
    free(names);
    return code;
}

int cz_cmd_zoo_list(struct cz_cli *cli)
{
    size_t n = (size_t)cz_zoo_count();
    struct list l = {calloc(n, sizeof *l.rows), calloc(n, 1), calloc(n, sizeof *l.shown), 0};
    cz_error err;
    int code = CZ_EXIT_OK;
    if (!l.rows || !l.chosen || !l.shown)
        code = cz_cli_error(cli, CZ_EXIT_MEMORY, "zoo list: out of memory; close other programs");
    if (code == CZ_EXIT_OK)
        code = cz_cli_zoo_select(cli, l.chosen);
    if (code == CZ_EXIT_OK && cz_arg_text(&cli->args, "family"))
        code = cz_cli_zoo_families(cli, cz_arg_text(&cli->args, "family"), l.chosen);
    if (code == CZ_EXIT_OK && cz_arg_switch(&cli->args, "measure"))
        code = measure(cli, &l);
    if (code == CZ_EXIT_OK)
        code = fill_rows(cli, &l, &err) == CZ_OK ? print_list(cli, &l) : cz_cli_fail(cli, &err);
    free(l.rows);
    free(l.chosen);
    free(l.shown);
    return code;
}
