/*
 * The accuracy report as JSON. Key order is fixed by the order of the calls here.
 */
#include "base/file.h"
#include "base/json_out.h"
#include "finetune/report.h"

#include <stdlib.h>
#include <string.h>

static json_t *integers(const int *values, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_integer(values[i]));
    return list;
}

static json_t *model_json(const struct cz_report *r)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "name", cz_json_text(r->model.name), "sha256",
                     cz_json_text(r->model.sha256), "preprocess", json_loads(r->model.preprocess, 0, NULL),
                     "preprocess_sha256", cz_json_text(r->model.preprocess_sha256));
}

static json_t *data_json(const struct cz_report *r)
{
    json_t *classes = json_array();
    for (int c = 0; c < r->data.n_classes; c++)
        json_array_append_new(classes, cz_json_text(r->data.classes[c]));
    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:o, s:s}", "name", cz_json_text(r->data.name), "split",
                     cz_json_text(r->data.split), "sha256", cz_json_text(r->data.sha256), "n",
                     (json_int_t)r->n, "n_skipped", (json_int_t)r->n_skipped, "classes", classes, "label_map",
                     r->data.by_name ? "name" : "order");
}

static void add_figures(json_t *root, const struct cz_metrics *m)
{
    const struct {
        const char *key;
        double value;
    } figures[] = {
        {"top1", m->top1},
        {"top1_low", m->top1_interval.low},
        {"top1_high", m->top1_interval.high},
        {"top5", m->top5},
        {"top5_low", m->top5_interval.low},
        {"top5_high", m->top5_interval.high},
        {"loss_nats", m->loss_nats},
        {"ece", m->ece},
        {"macro_f1", m->macro_f1},
        {"macro_f1_all", m->macro_f1_all},
        {"weighted_f1", m->weighted_f1},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        json_object_set_new(root, figures[i].key, cz_json_double(figures[i].value));
    json_object_set_new(root, "interval", json_string("wilson95"));
    json_object_set_new(root, "ece_bins", json_integer(CZ_CALIBRATION_BINS));
}

static json_t *classes_json(const struct cz_report *r)
{
    json_t *list = json_array();
    for (int c = 0; c < r->data.n_classes; c++) {
        const struct cz_class_metrics *k = &r->metrics.classes[c];
        json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "class",
                                              cz_json_text(r->data.classes[c]), "n", (json_int_t)k->n,
                                              "n_predicted", (json_int_t)k->n_predicted, "recall",
                                              cz_json_double(k->recall), "recall_low",
                                              cz_json_double(k->recall_interval.low), "recall_high",
                                              cz_json_double(k->recall_interval.high), "precision",
                                              cz_json_double(k->precision), "f1", cz_json_double(k->f1)));
    }
    return list;
}

static json_t *confusion_json(const struct cz_metrics *m)
{
    json_t *rows = json_array();
    for (int c = 0; c < m->n_classes; c++)
        json_array_append_new(rows, integers(m->confusion + (size_t)c * (size_t)m->n_classes, m->n_classes));
    return rows;
}

static json_t *prediction_json(const struct cz_report *r, const struct cz_prediction *p)
{
    json_t *probability = json_array();
    for (int i = 0; i < r->n_top; i++)
        json_array_append_new(probability, cz_json_double(p->probability[i]));
    json_t *o = json_pack("{s:o, s:s, s:i, s:o, s:o, s:o}", "id", cz_json_text(p->id), "sha256", p->sha256,
                          "truth", p->truth, "top", integers(p->top, r->n_top), "probability", probability,
                          "loss_nats", cz_json_double(p->loss_nats));
    if (!p->logits)
        return o;
    json_t *logits = json_array();
    for (int c = 0; c < r->data.n_classes; c++)
        json_array_append_new(logits, cz_json_float(p->logits[c]));
    json_object_set_new(o, "logits", logits);
    return o;
}

static json_t *predictions_json(const struct cz_report *r)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < r->n; i++)
        json_array_append_new(list, prediction_json(r, &r->predictions[i]));
    return list;
}

static json_t *skipped_json(const struct cz_report *r)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < r->n_skipped; i++) {
        const struct cz_skipped_image *s = &r->skipped[i];
        json_t *offset = s->offset < 0 ? json_null() : json_integer(s->offset);
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "id", cz_json_text(s->id), "offset", offset,
                                              "reason", cz_json_text(s->reason)));
    }
    return list;
}

json_t *cz_report_json(const struct cz_report *r)
{
    json_t *root = json_pack("{s:s, s:o, s:o, s:o, s:o}", "schema", "convzoo.accuracy/1", "version",
                             cz_json_text(r->version), "isa", cz_json_text(r->isa), "model", model_json(r),
                             "data", data_json(r));
    if (!root)
        return NULL;
    add_figures(root, &r->metrics);
    int failed = json_object_set_new(root, "per_class", classes_json(r));
    failed |= json_object_set_new(root, "confusion", confusion_json(&r->metrics));
    failed |= json_object_set_new(root, "predictions", predictions_json(r));
    failed |= json_object_set_new(root, "skipped", skipped_json(r));
    if (failed) {
        json_decref(root);
        return NULL;
    }
    return root;
}

cz_status cz_report_write(const struct cz_report *r, const char *path, cz_error *err)
{
    struct cz_file_writer w;
    json_t *root = cz_report_json(r);
    if (!root)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", path);
    cz_status status = cz_file_writer_open(path, &w, err);
    if (status == CZ_OK) {
        cz_json_print(root, w.stream);
        status = cz_file_writer_commit(&w, err);
    }
    json_decref(root);
    return status;
}
