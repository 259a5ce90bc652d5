#include "finetune/finetune.h"
#include "base/clock.h"
#include "engine/session.h"
#include "finetune/graph_hash.h"

#include <stdlib.h>
#include <string.h>

enum { LOGIT_BATCH = 64 };

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "fine-tuning: out of memory");
}

/* Shapes at batch 1: some files fix it, and the head does not depend on it. */
static cz_status find_head(struct cz_finetune *ft, cz_error *err)
{
    const struct cz_finetune_options *o = &ft->options;
    const struct cz_preprocess *p = &o->scan.preprocess;
    const int64_t c = cz_preprocess_channels(p), h = o->scan.size[0], w = o->scan.size[1];
    cz_input_shape shape = {o->graph->values[o->graph->inputs[0]].name, 4, {1, c, h, w}};
    struct cz_infer *infer;
    if (p->layout == CZ_LAYOUT_NHWC)
        memcpy(shape.dim, (const int64_t[]){1, h, w, c}, 4 * sizeof *shape.dim);
    CZ_TRY(cz_infer_create(o->graph, &shape, 1, 1, 0, &infer, err));
    const cz_status status = cz_head_find(o->graph, infer, o->head, &ft->site, err);
    cz_infer_destroy(infer);
    return status;
}

static void count_frozen(struct cz_finetune *ft)
{
    for (int n = 0; n < ft->trunk->n_nodes; n++)
        ft->n_batchnorms += strcmp(ft->trunk->nodes[n].op->name, "BatchNormalization") == 0;
}

static cz_status prepare(struct cz_finetune *ft, cz_error *err)
{
    struct cz_finetune_options *o = &ft->options;
    CZ_TRY(cz_run_folder_check(o->out, o->force, err));
    CZ_TRY(find_head(ft, err));
    CZ_TRY(cz_head_trunk(o->graph, &ft->site, &ft->trunk, err));
    CZ_TRY(
        cz_graph_params_hash(ft->trunk, NULL, ft->frozen_before, &ft->n_frozen, &ft->n_frozen_values, err));
    count_frozen(ft);
    CZ_TRY(cz_finetune_choose_data(ft, err));
    if (ft->train.selection.n < o->scan.batch)
        o->scan.batch = (int)ft->train.selection.n;
    CZ_TRY(cz_scan_create(o->runtime, ft->trunk, o->data, &o->scan, &ft->scan, err));
    if (cz_scan_output_size(ft->scan) != ft->site.n_features)
        CZ_FAIL(err, CZ_ERR_INTERNAL, "features: %lld per image, %d were expected",
                (long long)cz_scan_output_size(ft->scan), ft->site.n_features);
    cz_choice_prepare(&ft->choice, o->fit.optimizer, o->fit.lr, o->fit.weight_decay);
    ft->curve = calloc((size_t)o->fit.epochs + 1, sizeof *ft->curve);
    ft->epochs = calloc((size_t)o->fit.epochs + 1, sizeof *ft->epochs);
    return ft->curve && ft->epochs ? CZ_OK : no_memory(err);
}

cz_status cz_finetune_create(const struct cz_finetune_options *options, struct cz_finetune **out,
                             cz_error *err)
{
    struct cz_finetune *ft = calloc(1, sizeof *ft);
    if (!ft)
        return no_memory(err);
    ft->options = *options;
    const cz_status status = prepare(ft, err);
    if (status != CZ_OK) {
        cz_finetune_destroy(ft);
        return status;
    }
    *out = ft;
    return CZ_OK;
}

void cz_finetune_destroy(struct cz_finetune *ft)
{
    if (!ft)
        return;
    if (ft->log)
        fclose(ft->log);
    cz_run_folder_abandon(ft->folder);
    cz_report_destroy(ft->report);
    cz_linear_deinit(&ft->linear);
    free(ft->curve);
    free(ft->epochs);
    cz_finetune_part_deinit(&ft->train);
    cz_finetune_part_deinit(&ft->test);
    cz_scan_destroy(ft->scan);
    cz_graph_release(ft->trunk);
    free(ft);
}

size_t cz_finetune_bytes(const struct cz_finetune *ft)
{
    const size_t c = (size_t)ft->site.n_features, k = (size_t)ft->train.selection.n_classes;
    const size_t images = (size_t)(ft->train.selection.n + ft->test.selection.n);
    const size_t fits = (size_t)cz_runtime_threads(ft->options.runtime) * 6 * c * k * sizeof(double);
    return cz_scan_bytes(ft->scan) + images * (c * sizeof(float) + 128) + fits;
}

void cz_finetune_log(struct cz_finetune *ft, const char *line)
{
    if (ft->log)
        fprintf(ft->log, "%9.3f  %s\n", cz_now() - ft->started, line);
}

struct feature_events {
    struct cz_finetune *ft;
    const char *split;
};

static void features_progress(void *user, int64_t done, int64_t n)
{
    const struct feature_events *e = user;
    const struct cz_finetune_options *o = &e->ft->options;
    if (o->features)
        o->features(o->user, e->split, done, n);
}

static int features_stop(void *user)
{
    const struct feature_events *e = user;
    const struct cz_finetune_options *o = &e->ft->options;
    return o->stop && o->stop(o->user);
}

static cz_status compute_features(struct cz_finetune *ft, struct cz_finetune_part *part, cz_error *err)
{
    const struct cz_finetune_options *o = &ft->options;
    struct feature_events events = {ft, part->split};
    const struct cz_feature_options options = {o->cache_folder, o->skip_bad, features_progress, features_stop,
                                               &events};
    const double start = cz_now();
    CZ_TRY(cz_features_compute(ft->scan, &part->selection, (const uint8_t(*)[CZ_SHA256_BYTES])part->sha256,
                               &options, &part->set, err));
    part->seconds = cz_now() - start;
    return CZ_OK;
}

static void keep_epoch(void *user, const struct cz_fit_progress *p)
{
    struct cz_finetune *ft = user;
    ft->curve[p->epoch - 1] = (struct cz_curve_point){p->loss_nats, (double)p->right / (double)p->n};
    ft->epochs[p->epoch - 1] = *p;
    if (ft->options.epoch)
        ft->options.epoch(ft->options.user, p);
}

static int fit_stop(void *user)
{
    const struct cz_finetune *ft = user;
    return ft->options.stop && ft->options.stop(ft->options.user);
}

static cz_status fit_all(struct cz_finetune *ft, const struct cz_fit_options *options, cz_error *err)
{
    const struct cz_features *f = &ft->train.set.features;
    int64_t *rows = malloc((size_t)f->n * sizeof *rows);
    if (!rows)
        return no_memory(err);
    for (int64_t i = 0; i < f->n; i++)
        rows[i] = i;
    const double start = cz_now();
    const cz_status status = cz_linear_fit(f, rows, f->n, options, &ft->linear, err);
    ft->fit_seconds = cz_now() - start;
    free(rows);
    return status;
}

static cz_status train_head(struct cz_finetune *ft, cz_error *err)
{
    struct cz_fit_options options = ft->options.fit;
    const double start = cz_now();
    options.user = ft;
    options.stop = fit_stop;
    options.progress = keep_epoch;
    CZ_TRY(cz_choose(&ft->choice, &ft->train.set.features, &options, ft->options.runtime->pool, err));
    ft->choose_seconds = cz_now() - start;
    const struct cz_setting *best = &ft->choice.settings[ft->choice.best];
    options.lr = best->lr;
    options.weight_decay = best->weight_decay;
    if (ft->options.chosen)
        ft->options.chosen(ft->options.user, &ft->choice);
    return fit_all(ft, &options, err);
}

/* Rows of features through the head as the engine computes it: the exported network's logits, bit for bit. */
static cz_status run_head(cz_session *session, const struct cz_features *f, int64_t first, int64_t n,
                          int batch, float *padded, float *logits, cz_error *err)
{
    const size_t row = (size_t)f->n_features;
    cz_tensor in = {padded, CZ_F32, 2, {batch, f->n_features}}, out = {0};
    memset(padded, 0, (size_t)batch * row * sizeof *padded);
    memcpy(padded, f->x + (size_t)first * row, (size_t)n * row * sizeof *padded);
    CZ_TRY(cz_session_run(session, &in, 1, &out, 1, err));
    memcpy(logits + (size_t)first * (size_t)f->n_classes, out.data,
           (size_t)(n * f->n_classes) * sizeof *logits);
    return CZ_OK;
}

static cz_status run_plan(cz_plan *plan, const struct cz_features *f, int batch, float *logits, cz_error *err)
{
    cz_session *session;
    CZ_TRY(cz_session_create(plan, &session, err));
    float *padded = malloc((size_t)batch * (size_t)f->n_features * sizeof *padded);
    cz_status status = padded ? CZ_OK : no_memory(err);
    for (int64_t first = 0; first < f->n && status == CZ_OK; first += batch)
        status = run_head(session, f, first, f->n - first < batch ? f->n - first : batch, batch, padded,
                          logits, err);
    free(padded);
    cz_session_destroy(session);
    return status;
}

static cz_status compute_logits(struct cz_finetune *ft, const struct cz_features *f, float *logits,
                                cz_error *err)
{
    struct cz_graph *head;
    cz_plan *plan;
    CZ_TRY(cz_head_alone(&ft->linear, &head, err));
    const cz_plan_options options = {
        .struct_size = sizeof options, .batch = LOGIT_BATCH, .no_fuse = ft->options.scan.no_fuse};
    cz_status status = cz_plan_create(ft->options.runtime, head, &options, &plan, err);
    if (status == CZ_OK) {
        status = run_plan(plan, f, LOGIT_BATCH, logits, err);
        cz_plan_destroy(plan);
    }
    cz_graph_release(head);
    return status;
}

static cz_status describe_report(struct cz_finetune *ft, struct cz_report *r, cz_error *err)
{
    const struct cz_finetune_options *o = &ft->options;
    char hash[CZ_SHA256_HEX], *preprocess = cz_preprocess_print(&o->scan.preprocess);
    CZ_TRY(cz_preprocess_hash(&o->scan.preprocess, hash, err));
    r->version = cz_version();
    r->isa = cz_runtime_isa(o->runtime);
    r->model.name = o->model_name;
    r->model.sha256 = ft->model_sha256;
    r->model.preprocess = preprocess ? cz_arena_strdup(r->arena, preprocess) : NULL;
    r->model.preprocess_sha256 = cz_arena_strdup(r->arena, hash);
    free(preprocess);
    r->data.name = o->data_name;
    r->data.split = ft->test.split;
    r->data.sha256 = ft->test.data_sha256;
    r->data.classes = ft->test.selection.class_names;
    r->data.n_classes = ft->test.selection.n_classes;
    r->data.by_name = 1;
    r->n_top = r->data.n_classes < CZ_TOP_MIN ? r->data.n_classes : CZ_TOP_MIN;
    return r->model.preprocess && r->model.preprocess_sha256 ? CZ_OK : no_memory(err);
}

static cz_status add_predictions(struct cz_finetune *ft, const float *logits, double *probability,
                                 cz_error *err)
{
    const struct cz_feature_set *set = &ft->test.set;
    const struct cz_selection *s = &ft->test.selection;
    char id[CZ_SHA256_HEX];
    for (int64_t i = 0; i < set->features.n; i++) {
        const int64_t place = set->place[i];
        if (cz_softmax(logits + i * s->n_classes, s->n_classes, probability))
            CZ_FAIL(err, CZ_ERR_NUMERIC, "head: a logit is NaN or infinite; try a lower --lr");
        CZ_TRY(cz_report_add(ft->report, cz_dataset_id(ft->options.data, s->sample[place], id),
                             ft->test.sha256[place], s->label[place], probability, NULL, err));
    }
    for (int64_t i = 0; i < set->n_bad; i++)
        CZ_TRY(cz_report_skip(ft->report, cz_dataset_id(ft->options.data, s->sample[set->bad[i].place], id),
                              set->bad[i].offset, set->bad[i].reason, err));
    return cz_report_finish(ft->report, err);
}

static cz_status judge(struct cz_finetune *ft, cz_error *err)
{
    const struct cz_features *f = &ft->test.set.features;
    float *logits = malloc((size_t)(f->n * f->n_classes) * sizeof *logits);
    double *probability = malloc((size_t)f->n_classes * sizeof *probability);
    cz_status status = logits && probability ? cz_report_create(&ft->report, err) : no_memory(err);
    if (status == CZ_OK)
        status = describe_report(ft, ft->report, err);
    if (status == CZ_OK)
        status = compute_logits(ft, f, logits, err);
    if (status == CZ_OK)
        status = add_predictions(ft, logits, probability, err);
    free(logits);
    free(probability);
    return status;
}

static cz_status work(struct cz_finetune *ft, cz_error *err)
{
    CZ_TRY(compute_features(ft, &ft->train, err));
    CZ_TRY(cz_finetune_check_readable(ft, err));
    CZ_TRY(train_head(ft, err));
    CZ_TRY(compute_features(ft, &ft->test, err)); /* first look at the judging images: every choice is made */
    CZ_TRY(judge(ft, err));
    return cz_finetune_write(ft, err);
}

static cz_status open_log(struct cz_finetune *ft, cz_error *err)
{
    const char *path = cz_run_folder_path(ft->folder, "log.txt");
    ft->log = path ? fopen(path, "w") : NULL;
    ft->started = cz_now();
    return ft->log ? CZ_OK : cz_error_set(err, CZ_ERR_IO, "%s: cannot write log.txt", ft->options.out);
}

cz_status cz_finetune_run(struct cz_finetune *ft, cz_error *err)
{
    CZ_TRY(cz_run_folder_open(ft->options.out, ft->options.force, &ft->folder, err));
    cz_status status = open_log(ft, err);
    if (status == CZ_OK)
        status = work(ft, err);
    if (ft->log && fclose(ft->log) != 0 && status == CZ_OK)
        status = cz_error_set(err, CZ_ERR_IO, "%s: cannot write log.txt", ft->options.out);
    ft->log = NULL;
    struct cz_run_folder *folder = ft->folder;
    ft->folder = NULL;
    if (status == CZ_OK)
        return cz_run_folder_finish(folder, err);
    cz_run_folder_abandon(folder);
    return status;
}
