/*
 * `convzoo eval MODEL --data DATA`: how often a network is right, with intervals, by class.
 */
#include "base/file.h"
#include "base/json_out.h"
#include "cli/classifier.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_config.h"
#include "cli/table.h"
#include "engine/runtime.h"
#include "finetune/report.h"
#include "finetune/selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MISSING_SHOWN = 5 };

struct job {
    struct cz_classifier classifier;
    struct cz_dataset *data;
    const struct cz_split *split;
    struct cz_selection selection;
    int *class_of; /* [selection.n_classes] the network's class of each of the data's */
    int by_name, skip_bad, logits;
    struct cz_report *report;
    double *probability;
    uint8_t (*sha256)[CZ_SHA256_BYTES]; /* [selection.n] */
    char data_sha256[CZ_SHA256_HEX], model_sha256[CZ_SHA256_HEX], model_name[256], data_name[256];
};

static void release(struct job *j)
{
    cz_report_destroy(j->report);
    free(j->class_of);
    free(j->probability);
    free(j->sha256);
    cz_selection_deinit(&j->selection);
    cz_dataset_close(j->data);
    cz_classifier_close(&j->classifier);
}

static int no_memory(struct cz_cli *cli)
{
    return cz_cli_error(cli, CZ_EXIT_MEMORY, "eval: out of memory; close other programs");
}

static int index_of(const char *name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* All classes that the network does not know, in one message. */
static int refuse_classes(struct cz_cli *cli, const struct job *j)
{
    char list[256] = "";
    size_t used = 0;
    int missing = 0;
    for (int c = 0; c < j->selection.n_classes; c++) {
        if (j->class_of[c] >= 0)
            continue;
        if (missing++ < MISSING_SHOWN && used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s'%s'", missing > 1 ? ", " : "",
                                     j->selection.class_names[c]);
    }
    char more[32] = "";
    if (missing > MISSING_SHOWN)
        snprintf(more, sizeof more, " (+%d more)", missing - MISSING_SHOWN);
    return cz_cli_error(
        cli, CZ_EXIT_INPUT,
        "%s: %d of its %d classes are not the network's: %s%s; choose with --only-classes, or give "
        "the network's names with --classes FILE",
        j->data_name, missing, j->selection.n_classes, list, more);
}

/* The network has names that repeat (ImageNet's two cranes); a class of the data may not be one of them. */
static int check_unique(struct cz_cli *cli, const struct job *j)
{
    const struct cz_cli_classes *known = &j->classifier.classes;
    for (int c = 0; c < j->selection.n_classes; c++) {
        const int first = j->class_of[c];
        const int next = index_of(known->names[first], known->names + first + 1, known->count - first - 1);
        if (next >= 0)
            return cz_cli_error(cli, CZ_EXIT_INPUT,
                                "%s: class '%s' is the name of the network's classes %d and %d; tell them "
                                "apart with --classes FILE",
                                j->data_name, known->names[first], first, first + 1 + next);
    }
    return CZ_EXIT_OK;
}

static int map_by_name(struct cz_cli *cli, struct job *j)
{
    const struct cz_cli_classes *known = &j->classifier.classes;
    int missing = 0;
    j->by_name = 1;
    for (int c = 0; c < j->selection.n_classes; c++) {
        j->class_of[c] = index_of(j->selection.class_names[c], known->names, known->count);
        missing += j->class_of[c] < 0;
    }
    return missing > 0 ? refuse_classes(cli, j) : check_unique(cli, j);
}

static int map_by_order(struct cz_cli *cli, struct job *j)
{
    const struct cz_dataset *d = j->data;
    if (d->n_classes != j->classifier.n_classes)
        return cz_cli_error(
            cli, CZ_EXIT_INPUT,
            "%s: %d classes, the network has %lld and no names for them; give its names with --classes "
            "FILE",
            j->data_name, d->n_classes, (long long)j->classifier.n_classes);
    for (int c = 0; c < j->selection.n_classes; c++)
        j->class_of[c] =
            index_of(j->selection.class_names[c], (const char *const *)d->class_names, d->n_classes);
    return CZ_EXIT_OK;
}

/* "class 0", "class 1": numbers are no names to match by. */
static int has_names(const struct cz_cli *cli, const struct job *j)
{
    int64_t k;
    const char *option = cz_arg_text(&cli->args, "classes");
    return option ? cz_parse_count(option, 1, 1e6, &k) != 0
                  : strcmp(j->classifier.classes.source, "none") != 0;
}

static int map_classes(struct cz_cli *cli, struct job *j)
{
    j->class_of = malloc((size_t)j->selection.n_classes * sizeof *j->class_of);
    if (!j->class_of)
        return no_memory(cli);
    return has_names(cli, j) ? map_by_name(cli, j) : map_by_order(cli, j);
}

static cz_status hash_model(struct cz_cli *cli, struct job *j, cz_error *err)
{
    struct cz_file_map map;
    uint8_t digest[CZ_SHA256_BYTES];
    if (j->classifier.model.entry)
        return CZ_OK;
    CZ_TRY(cz_file_map(cli->args.operands[0], &map, err));
    cz_sha256(map.data, map.size, digest);
    cz_sha256_hex(digest, j->model_sha256);
    cz_file_unmap(&map);
    return CZ_OK;
}

static cz_status start_report(struct cz_cli *cli, struct job *j, cz_error *err)
{
    const struct cz_classifier *c = &j->classifier;
    const int64_t top = cz_arg_count(&cli->args, "top", CZ_TOP_MIN);
    CZ_TRY(cz_report_create(&j->report, err));
    struct cz_report *r = j->report;
    CZ_TRY(hash_model(cli, j, err));
    char *preprocess = cz_preprocess_print(&c->pictures.preprocess);
    r->model.preprocess = preprocess ? cz_arena_strdup(r->arena, preprocess) : NULL;
    free(preprocess);
    if (!r->model.preprocess)
        CZ_FAIL(err, CZ_ERR_MEMORY, "eval: out of memory");
    r->version = cz_version();
    r->isa = cz_runtime_isa(c->runtime);
    r->model.name = j->model_name;
    r->model.sha256 = j->model_sha256[0] ? j->model_sha256 : NULL;
    r->model.preprocess_sha256 = c->pictures.sha256;
    r->data.name = j->data_name;
    r->data.split = j->split->name;
    r->data.sha256 = j->data_sha256;
    r->data.classes = j->by_name ? c->classes.names : (const char **)j->data->class_names;
    r->data.n_classes = (int)c->n_classes;
    r->data.by_name = j->by_name;
    r->n_top = (int)(top < CZ_TOP_MIN ? CZ_TOP_MIN : top);
    r->n_top = r->n_top < r->data.n_classes ? r->n_top : r->data.n_classes;
    return CZ_OK;
}

static int take_image(struct cz_cli *cli, struct job *j, int64_t place, const struct cz_load_result *loaded,
                      const float *row)
{
    char buf[CZ_SHA256_HEX];
    cz_error err;
    const char *id = cz_dataset_id(j->data, j->selection.sample[place], buf);
    cz_status status;
    memcpy(j->sha256[place], loaded->sha256, CZ_SHA256_BYTES);
    if (loaded->status != CZ_OK) {
        if (!j->skip_bad)
            return cz_cli_error(cli, cz_exit_of(loaded->status), "%s%s", loaded->error.message,
                                cz_load_remedy(loaded));
        status = cz_report_skip(j->report, id, loaded->error_offset, cz_load_reason(loaded, id), &err);
        return status == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
    }
    /* Also where the output is probabilities already: a softmax of what is no number tells. */
    if (cz_softmax(row, (int)j->classifier.n_classes, j->probability))
        return cz_cli_error(cli, CZ_EXIT_NUMERIC,
                            "%s: the network gives NaN or Inf; check its preprocessing, then try --fuse=no",
                            id);
    cz_classifier_probabilities(&j->classifier, row, j->probability);
    status = cz_report_add(j->report, id, loaded->sha256, j->class_of[j->selection.label[place]],
                           j->probability, j->logits ? row : NULL, &err);
    return status == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
}

static int run_all(struct cz_cli *cli, struct job *j)
{
    struct cz_classifier *c = &j->classifier;
    struct cz_progress progress;
    int code = CZ_EXIT_OK;
    const int64_t n = j->selection.n;
    cz_progress_start(&progress, cli, "eval", "images", n);
    for (int64_t first = 0; first < n && code == CZ_EXIT_OK; first += c->batch) {
        const int64_t count = n - first < c->batch ? n - first : c->batch;
        code = cz_classifier_run(cli, c, j->data, j->selection.sample + first, count);
        if (code == CZ_EXIT_OK)
            cz_progress_step(&progress, first + count, NULL);
        for (int64_t i = 0; i < count && code == CZ_EXIT_OK; i++)
            code = take_image(cli, j, first + i, &c->loaded[i], c->output + i * c->n_classes);
    }
    cz_progress_end(&progress);
    return code;
}

static int finish_report(struct cz_cli *cli, struct job *j)
{
    cz_error err;
    if (j->report->n == 0)
        return cz_cli_error(cli, CZ_EXIT_INPUT,
                            "%s: none of %lld images could be read; check them with `convzoo data "
                            "check`",
                            j->data_name, (long long)j->selection.n);
    cz_selection_hash(j->data, &j->selection, (const uint8_t(*)[CZ_SHA256_BYTES])j->sha256, j->data_sha256);
    return cz_report_finish(j->report, &err) == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
}

static void print_figures(const struct cz_metrics *m)
{
    printf("top-1   %lld/%lld  %.1f %%   95 %% %.1f to %.1f", (long long)m->right, (long long)m->n,
           100 * m->top1, 100 * m->top1_interval.low, 100 * m->top1_interval.high);
    if (m->n_classes > CZ_TOP_MIN)
        printf("     top-5   %lld/%lld  %.1f %%   95 %% %.1f to %.1f", (long long)m->right_top5,
               (long long)m->n, 100 * m->top5, 100 * m->top5_interval.low, 100 * m->top5_interval.high);
    printf("\nmacro F1  %.1f %%      calibration error  %.1f %% (%d bins)      loss %.3f nats\n",
           100 * m->macro_f1, 100 * m->ece, (int)CZ_CALIBRATION_BINS, m->loss_nats);
}

static void percent_cell(struct cz_table *t, double share)
{
    char shown[32], raw[32];
    snprintf(shown, sizeof shown, "%.1f", 100 * share);
    snprintf(raw, sizeof raw, "%.17g", share);
    cz_table_pair(t, shown, raw);
}

/* One cell for people, two columns in CSV. */
static void interval_cells(struct cz_table *t, const struct cz_interval *i, int csv)
{
    if (!csv) {
        cz_table_cell(t, "%.1f to %.1f", 100 * i->low, 100 * i->high);
        return;
    }
    cz_table_cell(t, "%.17g", i->low);
    cz_table_cell(t, "%.17g", i->high);
}

static void class_row(struct cz_table *t, const struct cz_report *r, int c, int csv)
{
    const struct cz_class_metrics *k = &r->metrics.classes[c];
    const int other = cz_metrics_most_confused(&r->metrics, c);
    char confused[160] = "-";
    if (other >= 0)
        snprintf(confused, sizeof confused, "%.120s %d", r->data.classes[other],
                 (int)r->metrics.confusion[(size_t)c * (size_t)r->data.n_classes + (size_t)other]);
    cz_table_row(t);
    cz_table_text(t, r->data.classes[c]);
    cz_table_cell(t, "%lld", (long long)k->n);
    percent_cell(t, k->recall);
    interval_cells(t, &k->recall_interval, csv);
    percent_cell(t, k->precision);
    percent_cell(t, k->f1);
    cz_table_text(t, confused);
}

/* Classes that occur or are predicted: of a thousand most may do neither. */
static int print_classes(struct cz_cli *cli, const struct cz_report *r)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return no_memory(cli);
    cz_table_column(t, "class", "class", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "n", "n", CZ_RIGHT);
    cz_table_column(t, "recall %", "recall", CZ_RIGHT);
    if (cli->csv) {
        cz_table_column(t, "low", "recall_low", CZ_RIGHT);
        cz_table_column(t, "high", "recall_high", CZ_RIGHT);
    } else {
        cz_table_column(t, "95 % interval", NULL, CZ_RIGHT);
    }
    cz_table_column(t, "precision %", "precision", CZ_RIGHT);
    cz_table_column(t, "F1 %", "f1", CZ_RIGHT);
    cz_table_column(t, "most often taken for", NULL, CZ_LEFT | CZ_CUT);
    for (int c = 0; c < r->data.n_classes; c++)
        if (r->metrics.classes[c].n + r->metrics.classes[c].n_predicted > 0)
            class_row(t, r, c, cli->csv);
    const int failed = cli->csv ? cz_table_print_csv(t, stdout) : cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    return failed ? no_memory(cli) : CZ_EXIT_OK;
}

static int show(struct cz_cli *cli, const struct job *j, const char *out)
{
    cz_error err;
    int code = CZ_EXIT_OK;
    if (out && cz_report_write(j->report, out, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    if (cli->json)
        code = cz_cli_emit(cli, cz_report_json(j->report));
    else {
        if (!cli->csv)
            print_figures(&j->report->metrics);
        code = print_classes(cli, j->report);
    }
    if (code != CZ_EXIT_OK || j->report->n_skipped == 0)
        return code;
    for (int64_t i = 0; i < j->report->n_skipped; i++)
        cz_cli_note(cli, "skipped %s: %s", j->report->skipped[i].id, j->report->skipped[i].reason);
    return CZ_EXIT_SKIPPED;
}

static int open_data(struct cz_cli *cli, struct job *j)
{
    const char *data = cz_arg_text(&cli->args, "data");
    cz_error err;
    if (!data)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "eval: no data set; give --data FOLDER");
    cz_base_name(data, j->data_name, sizeof j->data_name);
    cz_status status = cz_dataset_open(data, &j->data, &err);
    if (status == CZ_OK)
        status = cz_dataset_need_split(j->data, cz_arg_text(&cli->args, "split"), &j->split, &err);
    if (status == CZ_OK) {
        const struct cz_selection_options options = {.split = j->split,
                                                     .only_classes = cz_arg_text(&cli->args, "only-classes")};
        status = cz_select(j->data, &options, &j->selection, &err);
    }
    return status == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
}

static int prepare(struct cz_cli *cli, struct job *j, const char *out)
{
    cz_error err;
    const char *model = cli->args.operands[0];
    if (out && (cz_output_check_suffix(out, "--out", "json", NULL, &err) != CZ_OK ||
                cz_output_check(out, "--out", cz_arg_switch(&cli->args, "force"), &err) != CZ_OK))
        return cz_cli_fail(cli, &err);
    int code = open_data(cli, j);
    if (code == CZ_EXIT_OK)
        code = cz_classifier_open(cli, model, j->selection.n, &j->classifier);
    if (code == CZ_EXIT_OK)
        code = map_classes(cli, j);
    if (code != CZ_EXIT_OK)
        return code;
    cz_result_name(&j->classifier.model, model, j->model_name, sizeof j->model_name);
    j->probability = malloc((size_t)j->classifier.n_classes * sizeof *j->probability);
    j->sha256 = calloc((size_t)j->selection.n, sizeof *j->sha256);
    if (!j->probability || !j->sha256)
        return no_memory(cli);
    if (start_report(cli, j, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    cz_cli_note(cli, "%s, split %s, %lld images, classes matched by %s", j->data_name, j->split->name,
                (long long)j->selection.n, j->by_name ? "name" : "order");
    return CZ_EXIT_OK;
}

int cz_cmd_eval(struct cz_cli *cli)
{
    const char *out = cz_arg_text(&cli->args, "out");
    struct job j = {.logits = cz_arg_switch(&cli->args, "logits"),
                    .skip_bad = strcmp(cz_arg_text(&cli->args, "on-bad-image"), "skip") == 0};
    int code = prepare(cli, &j, out);
    if (code == CZ_EXIT_OK)
        code = run_all(cli, &j);
    if (code == CZ_EXIT_OK)
        code = finish_report(cli, &j);
    if (code == CZ_EXIT_OK)
        code = show(cli, &j, out);
    release(&j);
    return code;
}
