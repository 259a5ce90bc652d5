/*
 * What a run leaves: results that are the same bytes for the same command, and three files about this one
 * run.
 */
#include "base/file.h"
#include "base/json_out.h"
#include "finetune/finetune.h"
#include "finetune/graph_hash.h"
#include "importer/importer.h"
#include "importer/onnx_export.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "run folder: out of memory");
}

static cz_status open_file(struct cz_finetune *ft, const char *name, struct cz_file_writer *w, cz_error *err)
{
    const char *path = cz_run_folder_path(ft->folder, name);
    return path ? cz_file_writer_open(path, w, err) : no_memory(err);
}

static cz_status write_json(struct cz_finetune *ft, const char *name, const json_t *document, cz_error *err)
{
    struct cz_file_writer w;
    CZ_TRY(open_file(ft, name, &w, err));
    cz_json_print(document, w.stream);
    return cz_file_writer_commit(&w, err);
}

/* Prints a record as one line and drops it. */
static void print_record(json_t *record, FILE *out)
{
    cz_json_print_line(record, out);
    json_decref(record);
}

static json_t *step_record(const struct cz_fit_progress *p)
{
    return json_pack("{s:s, s:i, s:I, s:o, s:o}", "kind", "step", "epoch", p->epoch, "step",
                     (json_int_t)p->step, "loss_nats", cz_json_double(p->loss_nats), "lr",
                     cz_json_double(p->lr));
}

static json_t *epoch_record(int epoch, const char *split, int64_t right, int64_t n, double loss, int best)
{
    const struct cz_interval top1 = cz_wilson(right, n);
    return json_pack("{s:s, s:i, s:s, s:I, s:o, s:o, s:o, s:o, s:b}", "kind", "epoch", "epoch", epoch,
                     "split", split, "n", (json_int_t)n, "loss_nats", cz_json_double(loss), "top1",
                     cz_json_double((double)right / (double)n), "top1_low", cz_json_double(top1.low),
                     "top1_high", cz_json_double(top1.high), "best", best);
}

/* A step and an epoch record for each epoch; a head is measured after whole epochs, so there are no others.
 */
static cz_status write_metrics(struct cz_finetune *ft, cz_error *err)
{
    struct cz_file_writer w;
    const int n = ft->options.fit.epochs;
    const struct cz_metrics *m = &ft->report->metrics;
    CZ_TRY(open_file(ft, "metrics.jsonl", &w, err));
    for (int i = 0; i < n; i++) {
        const struct cz_fit_progress *p = &ft->epochs[i];
        print_record(step_record(p), w.stream);
        print_record(epoch_record(p->epoch, "train", p->right, p->n, p->loss_nats, i == n - 1), w.stream);
    }
    print_record(epoch_record(n, ft->test.split, m->right, m->n, m->loss_nats, 1), w.stream);
    print_record(json_pack("{s:s, s:s, s:i}", "kind", "end", "reason", "done", "best_epoch", n), w.stream);
    return cz_file_writer_commit(&w, err);
}

static cz_status write_sweep(struct cz_finetune *ft, cz_error *err)
{
    struct cz_file_writer w;
    const struct cz_choice *c = &ft->choice;
    CZ_TRY(open_file(ft, "sweep.csv", &w, err));
    fputs("lr,weight_decay,folds,n,right,top1,top1_low,top1_high,loss_nats,chosen\n", w.stream);
    for (int i = 0; i < c->n_settings && c->n_folds > 0; i++) {
        const struct cz_setting *s = &c->settings[i];
        const struct cz_interval top1 = cz_wilson(s->right, c->n);
        fprintf(w.stream, "%.17g,%.17g,%d,%lld,%lld,%.17g,%.17g,%.17g,", s->lr, s->weight_decay, c->n_folds,
                (long long)c->n, (long long)s->right, (double)s->right / (double)c->n, top1.low, top1.high);
        if (isfinite(s->loss_nats))
            fprintf(w.stream, "%.17g", s->loss_nats);
        fprintf(w.stream, ",%s\n", i == c->best ? "yes" : "no");
    }
    return cz_file_writer_commit(&w, err);
}

/* A JSON document as text on one line, without the line's end; NULL when memory ran out. */
static char *text_of(json_t *document)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    cz_json_print_line(document, out);
    if (fclose(out) != 0 || size == 0) {
        free(text);
        return NULL;
    }
    text[size - 1] = '\0';
    return text;
}

static cz_status set_json(struct cz_graph *g, const char *key, json_t *document, cz_error *err)
{
    char *text = document ? text_of(document) : NULL;
    json_decref(document);
    const cz_status status = text ? cz_graph_set_metadata(g, key, text, err) : no_memory(err);
    free(text);
    return status;
}

static json_t *classes_of(const struct cz_selection *s)
{
    json_t *list = json_array();
    for (int c = 0; c < s->n_classes; c++)
        json_array_append_new(list, cz_json_text(s->class_names[c]));
    return list;
}

static json_t *test_figures(const struct cz_finetune *ft)
{
    const struct cz_metrics *m = &ft->report->metrics;
    return json_pack("{s:s, s:I, s:o, s:o, s:o}", "split", ft->test.split, "n", (json_int_t)m->n, "top1",
                     cz_json_double(m->top1), "top1_low", cz_json_double(m->top1_interval.low), "top1_high",
                     cz_json_double(m->top1_interval.high));
}

static cz_status set_metadata(struct cz_finetune *ft, struct cz_graph *g, cz_error *err)
{
    const struct cz_finetune_options *o = &ft->options;
    CZ_TRY(cz_graph_set_metadata(g, "convzoo.format", "1", err));
    CZ_TRY(cz_graph_set_metadata(g, "convzoo.version", cz_version(), err));
    CZ_TRY(cz_graph_set_metadata(g, "convzoo.output", "logits", err));
    CZ_TRY(cz_graph_set_metadata(g, "convzoo.data_sha256", ft->train.data_sha256, err));
    if (!cz_graph_metadata(g, "convzoo.model"))
        CZ_TRY(cz_graph_set_metadata(g, "convzoo.model", o->model_name, err));
    if (o->parent_sha256)
        CZ_TRY(cz_graph_set_metadata(g, "convzoo.parent_sha256", o->parent_sha256, err));
    char *preprocess = cz_preprocess_print(&o->scan.preprocess);
    const cz_status status =
        preprocess ? cz_graph_set_metadata(g, "convzoo.preprocess", preprocess, err) : no_memory(err);
    free(preprocess);
    CZ_TRY(status);
    CZ_TRY(set_json(g, "convzoo.classes", classes_of(&ft->train.selection), err));
    CZ_TRY(set_json(g, "convzoo.train", json_incref(o->config), err));
    return set_json(g, "convzoo.metrics", test_figures(ft), err);
}

static cz_status hash_file(const char *path, char text[CZ_SHA256_HEX], int64_t *bytes, cz_error *err)
{
    struct cz_file_map map;
    uint8_t digest[CZ_SHA256_BYTES];
    CZ_TRY(cz_file_map(path, &map, err));
    cz_sha256(map.data, map.size, digest);
    cz_sha256_hex(digest, text);
    *bytes = (int64_t)map.size;
    cz_file_unmap(&map);
    return CZ_OK;
}

/* The frozen tensors as they stand in the file that was written: neither training nor writing touched them.
 */
static cz_status check_frozen(struct cz_finetune *ft, const char *path, cz_error *err)
{
    struct cz_graph *g;
    CZ_TRY(cz_onnx_load(path, NULL, &g, NULL, err));
    const cz_status status = cz_graph_params_hash(g, ft->trunk, ft->frozen_after, NULL, NULL, err);
    cz_graph_release(g);
    CZ_TRY(status);
    if (strcmp(ft->frozen_before, ft->frozen_after) != 0)
        CZ_FAIL(err, CZ_ERR_INTERNAL,
                "best.onnx: frozen tensors changed (%.8s before, %.8s after); please report this",
                ft->frozen_before, ft->frozen_after);
    return CZ_OK;
}

/* Trained on all training images without looking at others, the last head is the best. */
static cz_status write_models(struct cz_finetune *ft, cz_error *err)
{
    struct cz_graph *g;
    CZ_TRY(cz_head_attach(ft->options.graph, &ft->site, &ft->linear, &g, err));
    cz_status status = set_metadata(ft, g, err);
    const char *last = cz_run_folder_path(ft->folder, "last.onnx");
    const char *best = cz_run_folder_path(ft->folder, "best.onnx");
    if (status == CZ_OK)
        status = last && best ? cz_onnx_export(g, last, err) : no_memory(err);
    if (status == CZ_OK)
        status = cz_onnx_export(g, best, err);
    cz_graph_release(g);
    CZ_TRY(status);
    CZ_TRY(check_frozen(ft, best, err));
    return hash_file(best, ft->model_sha256, &ft->model_bytes, err);
}

static json_t *timing_record(const char *phase, double seconds, int64_t n, int64_t n_stored)
{
    json_t *o = json_pack("{s:s, s:o}", "phase", phase, "seconds", cz_json_double(seconds));
    if (n < 0)
        return o;
    json_object_set_new(o, "images", json_integer(n));
    json_object_set_new(o, "images_from_cache", json_integer(n_stored));
    json_object_set_new(o, "images_per_s",
                        cz_json_double(seconds > 0 ? (double)(n - n_stored) / seconds : 0));
    return o;
}

static cz_status write_timing(struct cz_finetune *ft, cz_error *err)
{
    struct cz_file_writer w;
    CZ_TRY(open_file(ft, "timing.jsonl", &w, err));
    const struct cz_finetune_part *parts[] = {&ft->train, &ft->test};
    for (int i = 0; i < 2; i++)
        print_record(timing_record(i ? "features of test" : "features of train", parts[i]->seconds,
                                   parts[i]->selection.n, parts[i]->set.n_stored),
                     w.stream);
    print_record(timing_record("choose", ft->choose_seconds, -1, 0), w.stream);
    print_record(timing_record("fit", ft->fit_seconds, -1, 0), w.stream);
    return cz_file_writer_commit(&w, err);
}

cz_status cz_finetune_write(struct cz_finetune *ft, cz_error *err)
{
    CZ_TRY(write_json(ft, "config.json", ft->options.config, err));
    CZ_TRY(write_metrics(ft, err));
    CZ_TRY(write_sweep(ft, err));
    const char *curves = cz_run_folder_path(ft->folder, "curves.svg");
    if (!curves)
        return no_memory(err);
    CZ_TRY(cz_curves_write(curves, ft->options.model_name, ft->curve, ft->options.fit.epochs, err));
    CZ_TRY(write_models(ft, err));
    CZ_TRY(write_json(ft, "machine.json", ft->options.machine, err));
    CZ_TRY(write_timing(ft, err));
    const char *report = cz_run_folder_path(ft->folder, "report.json");
    return report ? cz_report_write(ft->report, report, err) : no_memory(err);
}
