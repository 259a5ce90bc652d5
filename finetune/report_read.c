/*
 * Reading an accuracy report: any bytes are safe, and what does not follow from the predictions is refused,
 * so that a comparison cannot be talked into a result.
 */
#include "base/file.h"
#include "base/json_memory.h"
#include "base/strmap.h"
#include "finetune/json_in.h"
#include "finetune/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Figures are sums of at most 1e9 doubles: a reader in another language may add in another order. */
static const double figure_tolerance = 1e-9;

struct reader {
    struct cz_report *report;
    struct cz_strmap ids;
    int64_t *stamp; /* per class: the prediction, from 1, whose 'top' had it last */
};

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading the report");
}

static cz_status keep_string(struct cz_report *r, const json_t *object, const char *at, const char *key,
                             const char **out, cz_error *err)
{
    const char *text;
    CZ_TRY(cz_json_get_string(object, at, key, &text, err));
    *out = cz_arena_strdup(r->arena, text);
    return *out ? CZ_OK : no_memory(err);
}

static int is_sha256(const char *text)
{
    return strlen(text) == CZ_SHA256_HEX - 1 && strspn(text, "0123456789abcdef") == CZ_SHA256_HEX - 1;
}

static cz_status keep_sha256(struct cz_report *r, const json_t *object, const char *at, const char *key,
                             const char **out, cz_error *err)
{
    CZ_TRY(keep_string(r, object, at, key, out, err));
    if (!is_sha256(*out))
        CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s.%s': '%s', wanted 64 hexadecimal digits", at, key, *out);
    return CZ_OK;
}

static cz_status read_model(struct cz_report *r, const json_t *root, cz_error *err)
{
    const json_t *model, *preprocess;
    CZ_TRY(cz_json_get_object(root, "", "model", &model, err));
    CZ_TRY(keep_string(r, model, "model", "name", &r->model.name, err));
    if (!json_is_null(json_object_get(model, "sha256")))
        CZ_TRY(keep_sha256(r, model, "model", "sha256", &r->model.sha256, err));
    CZ_TRY(cz_json_get_object(model, "model", "preprocess", &preprocess, err));
    char *text = json_dumps(preprocess, JSON_COMPACT | JSON_SORT_KEYS);
    r->model.preprocess = text ? cz_arena_strdup(r->arena, text) : NULL;
    free(text);
    if (!r->model.preprocess)
        return no_memory(err);
    return keep_sha256(r, model, "model", "preprocess_sha256", &r->model.preprocess_sha256, err);
}

static cz_status read_classes(struct cz_report *r, const json_t *data, cz_error *err)
{
    const json_t *list;
    CZ_TRY(cz_json_get_array(data, "data", "classes", &list, err));
    const size_t n = json_array_size(list);
    if (n < 1 || n > CZ_METRICS_MAX_CLASSES)
        CZ_FAIL(err, CZ_ERR_FORMAT, "key 'data.classes': %zu, wanted 1 to %d", n,
                (int)CZ_METRICS_MAX_CLASSES);
    r->data.classes = cz_arena_alloc(r->arena, n * sizeof *r->data.classes);
    if (!r->data.classes)
        return no_memory(err);
    for (size_t c = 0; c < n; c++) { /* names may repeat: ImageNet has two cranes */
        const char *name = json_string_value(json_array_get(list, c));
        if (!name)
            CZ_FAIL(err, CZ_ERR_FORMAT, "key 'data.classes': item %zu is not a string", c);
        if (!(r->data.classes[c] = cz_arena_strdup(r->arena, name)))
            return no_memory(err);
    }
    r->data.n_classes = (int)n;
    return CZ_OK;
}

static cz_status read_data(struct cz_report *r, const json_t *root, cz_error *err)
{
    const json_t *data;
    const char *map;
    CZ_TRY(cz_json_get_object(root, "", "data", &data, err));
    CZ_TRY(keep_string(r, data, "data", "name", &r->data.name, err));
    CZ_TRY(keep_string(r, data, "data", "split", &r->data.split, err));
    CZ_TRY(keep_sha256(r, data, "data", "sha256", &r->data.sha256, err));
    CZ_TRY(cz_json_get_string(data, "data", "label_map", &map, err));
    r->data.by_name = strcmp(map, "name") == 0;
    if (!r->data.by_name && strcmp(map, "order") != 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "key 'data.label_map': '%s', wanted name|order", map);
    return read_classes(r, data, err);
}

/* Different classes, and probabilities in [0,1] that do not rise. */
static cz_status check_top(const struct reader *reader, const struct cz_prediction *p, cz_error *err)
{
    const struct cz_report *r = reader->report;
    double sum = 0;
    for (int i = 0; i < r->n_top; i++) {
        if (reader->stamp[p->top[i]] == r->n + 1)
            CZ_FAIL(err, CZ_ERR_FORMAT, "prediction '%s': class %d is twice in 'top'", p->id, p->top[i]);
        reader->stamp[p->top[i]] = r->n + 1;
        if (p->probability[i] < 0 || p->probability[i] > (i ? p->probability[i - 1] : 1))
            CZ_FAIL(err, CZ_ERR_FORMAT, "prediction '%s': probability %g; they must fall from at most 1 to 0",
                    p->id, p->probability[i]);
        sum += p->probability[i];
    }
    if (sum > 1 + 1e-6) /* float32 outputs of networks that end in Softmax are off by that much */
        CZ_FAIL(err, CZ_ERR_FORMAT, "prediction '%s': probabilities sum to %g", p->id, sum);
    return CZ_OK;
}

/* Where the true class is in 'top' the loss is its -ln, else it is at least that of the last. */
static cz_status check_loss(const struct cz_report *r, const struct cz_prediction *p, cz_error *err)
{
    int place = 0;
    while (place < r->n_top - 1 && p->top[place] != p->truth)
        place++;
    const double known = p->probability[place] > 0x1p-1022 ? -log(p->probability[place]) : 708;
    const int exact = p->top[place] == p->truth;
    if (p->loss_nats < known - 1e-3 || p->loss_nats > (exact ? known + 1e-3 : 710))
        CZ_FAIL(err, CZ_ERR_FORMAT, "prediction '%s': loss_nats %g does not follow from the probabilities",
                p->id, p->loss_nats);
    return CZ_OK;
}

static cz_status read_lists(const struct reader *reader, const json_t *item, struct cz_prediction *p,
                            cz_error *err)
{
    struct cz_report *r = reader->report;
    const json_t *tops, *probabilities;
    CZ_TRY(cz_json_get_array(item, p->id, "top", &tops, err));
    CZ_TRY(cz_json_get_array(item, p->id, "probability", &probabilities, err));
    const size_t n = json_array_size(tops);
    if (r->n == 0)
        r->n_top = n <= (size_t)r->data.n_classes ? (int)n : 0;
    if (n < 1 || n != (size_t)r->n_top || json_array_size(probabilities) != n)
        CZ_FAIL(err, CZ_ERR_FORMAT, "prediction '%s': %zu classes, %zu probabilities, wanted %d of both",
                p->id, n, json_array_size(probabilities), r->n_top);
    int *top = cz_arena_alloc(r->arena, n * sizeof *top);
    double *probability = cz_arena_alloc(r->arena, n * sizeof *probability);
    if (!top || !probability)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const json_t *class_index = json_array_get(tops, i), *share = json_array_get(probabilities, i);
        if (!json_is_integer(class_index) || !json_is_number(share) || json_integer_value(class_index) < 0 ||
            json_integer_value(class_index) >= r->data.n_classes)
            CZ_FAIL(err, CZ_ERR_FORMAT,
                    "prediction '%s': item %zu of 'top' or 'probability' is no class or number", p->id, i);
        top[i] = (int)json_integer_value(class_index);
        probability[i] = json_number_value(share);
    }
    p->top = top;
    p->probability = probability;
    CZ_TRY(check_top(reader, p, err));
    return check_loss(r, p, err);
}

static cz_status read_prediction(struct reader *reader, const json_t *item, cz_error *err)
{
    struct cz_report *r = reader->report;
    struct cz_prediction p = {0};
    const char *sha256;
    int64_t truth;
    CZ_TRY(keep_string(r, item, "predictions", "id", &p.id, err));
    if (cz_strmap_get(&reader->ids, p.id) >= 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "prediction '%s': the same id stands there twice", p.id);
    CZ_TRY(keep_sha256(r, item, p.id, "sha256", &sha256, err));
    memcpy(p.sha256, sha256, CZ_SHA256_HEX);
    CZ_TRY(cz_json_get_integer(item, p.id, "truth", 0, r->data.n_classes - 1, &truth, err));
    p.truth = (int)truth;
    CZ_TRY(cz_json_get_number(item, p.id, "loss_nats", &p.loss_nats, err));
    CZ_TRY(read_lists(reader, item, &p, err));
    if (cz_strmap_set(&reader->ids, p.id, 1) ||
        cz_grow(&r->predictions, &r->prediction_capacity, (size_t)r->n, sizeof *r->predictions))
        return no_memory(err);
    r->predictions[r->n++] = p;
    return CZ_OK;
}

static cz_status read_predictions(struct reader *reader, const json_t *root, cz_error *err)
{
    const json_t *list;
    CZ_TRY(cz_json_get_array(root, "", "predictions", &list, err));
    reader->stamp = calloc((size_t)reader->report->data.n_classes, sizeof *reader->stamp);
    if (!reader->stamp)
        return no_memory(err);
    if (json_array_size(list) < 1)
        CZ_FAIL(err, CZ_ERR_FORMAT, "key 'predictions': empty; a report has at least one image");
    for (size_t i = 0; i < json_array_size(list); i++)
        CZ_TRY(read_prediction(reader, json_array_get(list, i), err));
    return CZ_OK;
}

static cz_status read_skipped(struct cz_report *r, const json_t *root, cz_error *err)
{
    const json_t *list;
    CZ_TRY(cz_json_get_array(root, "", "skipped", &list, err));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *id, *reason;
        int64_t offset = -1;
        CZ_TRY(cz_json_get_string(item, "skipped", "id", &id, err));
        CZ_TRY(cz_json_get_string(item, "skipped", "reason", &reason, err));
        if (!json_is_null(json_object_get(item, "offset")))
            CZ_TRY(cz_json_get_integer(item, "skipped", "offset", 0, INT64_MAX, &offset, err));
        CZ_TRY(cz_report_skip(r, id, offset, reason, err));
    }
    return CZ_OK;
}

static cz_status check_figure(const json_t *root, const char *key, double wanted, cz_error *err)
{
    double found;
    CZ_TRY(cz_json_get_number(root, "", key, &found, err));
    if (!(fabs(found - wanted) <= figure_tolerance * (1 + fabs(wanted))))
        CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s': %.9g, but the predictions give %.9g; write the report again",
                key, found, wanted);
    return CZ_OK;
}

static cz_status check_counts(const struct cz_report *r, const json_t *root, cz_error *err)
{
    const json_t *data = json_object_get(root, "data");
    int64_t n, n_skipped;
    CZ_TRY(cz_json_get_integer(data, "data", "n", 0, INT64_MAX, &n, err));
    CZ_TRY(cz_json_get_integer(data, "data", "n_skipped", 0, INT64_MAX, &n_skipped, err));
    if (n != r->n || n_skipped != r->n_skipped)
        CZ_FAIL(err, CZ_ERR_FORMAT, "data: says %lld images and %lld skipped, but has %lld and %lld",
                (long long)n, (long long)n_skipped, (long long)r->n, (long long)r->n_skipped);
    return CZ_OK;
}

static cz_status check_figures(const struct cz_report *r, const json_t *root, cz_error *err)
{
    const struct cz_metrics *m = &r->metrics;
    CZ_TRY(check_counts(r, root, err));
    CZ_TRY(check_figure(root, "top1", m->top1, err));
    CZ_TRY(check_figure(root, "top1_low", m->top1_interval.low, err));
    CZ_TRY(check_figure(root, "top1_high", m->top1_interval.high, err));
    CZ_TRY(check_figure(root, "top5", m->top5, err));
    CZ_TRY(check_figure(root, "loss_nats", m->loss_nats, err));
    CZ_TRY(check_figure(root, "ece", m->ece, err));
    return check_figure(root, "macro_f1", m->macro_f1, err);
}

static cz_status read_root(struct reader *reader, const json_t *root, cz_error *err)
{
    struct cz_report *r = reader->report;
    CZ_TRY(cz_json_check_schema(root, "accuracy", 1, err));
    CZ_TRY(keep_string(r, root, "", "version", &r->version, err));
    CZ_TRY(keep_string(r, root, "", "isa", &r->isa, err));
    CZ_TRY(read_model(r, root, err));
    CZ_TRY(read_data(r, root, err));
    CZ_TRY(read_predictions(reader, root, err));
    CZ_TRY(read_skipped(r, root, err));
    CZ_TRY(cz_report_finish(r, err));
    return check_figures(r, root, err);
}

cz_status cz_report_from_json(const json_t *root, const char *name, struct cz_report **out, cz_error *err)
{
    struct reader reader = {0};
    *out = NULL;
    cz_status status = cz_report_create(&reader.report, err);
    if (status == CZ_OK) {
        status = read_root(&reader, root, err);
        if (status != CZ_OK)
            cz_error_prefix(err, status, "%s", name);
    }
    cz_strmap_deinit(&reader.ids);
    free(reader.stamp);
    if (status != CZ_OK) {
        cz_report_destroy(reader.report);
        return status;
    }
    *out = reader.report;
    return CZ_OK;
}

cz_status cz_report_read(const char *path, struct cz_report **out, cz_error *err)
{
    json_t *root;
    *out = NULL;
    CZ_TRY(cz_json_load_file(path, CZ_REPORT_MAX_BYTES, &root, err));
    cz_status status = cz_report_from_json(root, path, out, err);
    json_decref(root);
    return status;
}

cz_status cz_report_parse(const void *bytes, size_t size, const char *name, struct cz_report **out,
                          cz_error *err)
{
    json_error_t where;
    *out = NULL;
    json_t *root = cz_json_parse(bytes, size, 0, &where);
    if (!root && cz_json_no_memory(&where))
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", name);
    if (!root)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: not JSON: line %d, column %d: %s", name, where.line, where.column,
                where.text);
    cz_status status = cz_report_from_json(root, name, out, err);
    json_decref(root);
    return status;
}
