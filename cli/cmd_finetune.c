/*
 * `convzoo finetune MODEL --data DATA`: a new head for the classes of a data set.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/json_out.h"
#include "cli/format.h"
#include "cli/model.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/run_config.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "engine/runtime.h"
#include "engine/stages.h"
#include "finetune/finetune.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCAN_BATCH = 8 }; /* as predict and eval; an image's bits do not depend on it */

struct job {
    struct cz_cli *cli;
    struct cz_cli_model model;
    struct cz_cli_pictures pictures;
    cz_runtime *runtime;
    struct cz_dataset *data;
    struct cz_finetune *ft;
    json_t *config, *machine;
    char name[256], data_name[256], *out, cache[CZ_PATH_MAX + 16], parent[CZ_SHA256_HEX];
    struct cz_progress progress;
    const char *progress_split; /* whose features the bar shows, NULL: none */
    double start;
};

static int no_memory(struct cz_cli *cli)
{
    return cz_cli_error(cli, CZ_EXIT_MEMORY, "finetune: out of memory; close other programs");
}

/* A note on stderr that log.txt keeps too. */
static void say(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct job *j, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cz_cli_note(j->cli, "%s", text);
    if (j->ft)
        cz_finetune_log(j->ft, text);
}

static void end_progress(struct job *j)
{
    if (j->progress_split)
        cz_progress_end(&j->progress);
    j->progress_split = NULL;
}

static void show_features(void *user, const char *split, int64_t done, int64_t n)
{
    struct job *j = user;
    if (!j->progress_split) {
        cz_progress_start(&j->progress, j->cli, "features", "images", n);
        j->progress_split = split;
    }
    cz_progress_step(&j->progress, done, split);
    if (done == n)
        end_progress(j);
}

static void show_choice(void *user, const struct cz_choice *c)
{
    struct job *j = user;
    const struct cz_setting *s = &c->settings[c->best];
    const char *source = c->n_folds > 0 ? "folds" : "default";
    if (cz_arg_real(&j->cli->args, "lr", -1) < 0)
        cz_run_config_set(j->config, "lr", cz_json_double(s->lr), source);
    if (cz_arg_real(&j->cli->args, "weight-decay", -1) < 0)
        cz_run_config_set(j->config, "weight-decay", cz_json_double(s->weight_decay), source);
    if (c->n_folds == 0)
        say(j, "choose   nothing: lr %g, weight decay %g", s->lr, s->weight_decay);
    else
        say(j,
            "choose   %d folds on train, %d settings: lr %g, weight decay %g gave %lld/%lld = %.1f %%, loss "
            "%.3f",
            c->n_folds, c->n_settings, s->lr, s->weight_decay, (long long)s->right, (long long)c->n,
            100 * (double)s->right / (double)c->n, s->loss_nats);
}

static void show_epoch(void *user, const struct cz_fit_progress *p)
{
    struct job *j = user;
    const int last = j->ft->options.fit.epochs;
    char text[160];
    snprintf(text, sizeof text, "epoch    %d/%d  loss %.3f  train %.1f %%  lr %.2g", p->epoch, last,
             p->loss_nats, 100 * (double)p->right / (double)p->n, p->lr);
    if (p->epoch == last)
        say(j, "%s", text);
    else
        cz_finetune_log(j->ft, text);
}

static int interrupted(void *user)
{
    (void)user;
    return cz_interrupted() != 0;
}

/* "mobilenet_v2" of "nets/mobilenet_v2.onnx"; the data set's folder likewise. */
static void name_things(struct job *j)
{
    const struct cz_args *args = &j->cli->args;
    const char *out = cz_arg_text(args, "out"), *data = cz_arg_text(args, "data");
    char stem[256];
    cz_result_name(&j->model, args->operands[0], j->name, sizeof j->name);
    cz_base_name(data, j->data_name, sizeof j->data_name);
    if (j->model.entry)
        snprintf(stem, sizeof stem, "%s", j->model.entry->name);
    else
        cz_base_name(args->operands[0], stem, sizeof stem);
    const size_t n = strlen(stem);
    if (n > 5 && strcmp(stem + n - 5, ".onnx") == 0)
        stem[n - 5] = '\0';
    char default_out[sizeof stem + sizeof j->data_name + 8];
    snprintf(default_out, sizeof default_out, "runs/%s-%s", stem, j->data_name);
    j->out = strdup(out ? out : default_out);
    char cache[CZ_PATH_MAX];
    snprintf(j->cache, sizeof j->cache, "%s/features", cz_path_cache(j->cli, cache));
}

static cz_status hash_parent(struct job *j, cz_error *err)
{
    struct cz_file_map map;
    uint8_t digest[CZ_SHA256_BYTES];
    if (j->model.entry)
        return CZ_OK;
    CZ_TRY(cz_file_map(j->cli->args.operands[0], &map, err));
    cz_sha256(map.data, map.size, digest);
    cz_sha256_hex(digest, j->parent);
    cz_file_unmap(&map);
    return CZ_OK;
}

static cz_status create(struct job *j, cz_error *err)
{
    const struct cz_args *args = &j->cli->args;
    const struct cz_finetune_options options = {
        .runtime = j->runtime,
        .graph = j->model.graph,
        .model_name = j->name,
        .parent_sha256 = j->parent[0] ? j->parent : NULL,
        .data = j->data,
        .data_name = j->data_name,
        .scan = {j->pictures.preprocess,
                 {j->pictures.size[0], j->pictures.size[1]},
                 SCAN_BATCH,
                 !cz_arg_switch(args, "fuse")},
        .head = cz_arg_text(args, "head"),
        .only_classes = cz_arg_text(args, "only-classes"),
        .per_class = cz_arg_count(args, "per-class", 0),
        .fit = {.optimizer = cz_optimizer_find(cz_arg_text(args, "optimizer")),
                .lr = cz_arg_real(args, "lr", -1),
                .weight_decay = cz_arg_real(args, "weight-decay", -1),
                .epochs = (int)cz_arg_count(args, "epochs", 0),
                .batch = (int)cz_arg_count(args, "batch", 0),
                .seed = cz_arg_seed(args, "seed")},
        .skip_bad = strcmp(cz_arg_text(args, "on-bad-image"), "skip") == 0,
        .cache_folder = j->cache,
        .out = j->out,
        .force = cz_arg_switch(args, "force"),
        .config = j->config,
        .machine = j->machine,
        .features = show_features,
        .chosen = show_choice,
        .epoch = show_epoch,
        .stop = interrupted,
        .user = j,
    };
    return cz_finetune_create(&options, &j->ft, err);
}

static int prepare(struct job *j)
{
    struct cz_cli *cli = j->cli;
    cz_error err;
    if (!cz_arg_text(&cli->args, "data"))
        return cz_cli_error(cli, CZ_EXIT_USAGE, "finetune: no data set; give --data FOLDER");
    int code = cz_cli_model_open(cli, cli->args.operands[0], CZ_MODEL_VALUES, &j->model);
    if (code == CZ_EXIT_OK)
        code = cz_cli_pictures(cli, &j->model, &j->pictures);
    if (code != CZ_EXIT_OK)
        return code;
    name_things(j);
    if (!j->out)
        return no_memory(cli);
    cz_status status = cz_run_folder_check(j->out, cz_arg_switch(&cli->args, "force"), &err);
    if (status == CZ_OK)
        status = cz_dataset_open(cz_arg_text(&cli->args, "data"), &j->data, &err);
    if (status == CZ_OK)
        status = hash_parent(j, &err);
    if (status == CZ_OK)
        status = cz_cli_runtime(cli, &j->runtime, &err);
    if (status == CZ_OK) {
        j->config = cz_run_config(cli, j->name, j->runtime);
        j->machine = cz_run_machine(cli, j->runtime);
        status = j->config && j->machine ? create(j, &err)
                                         : cz_error_set(&err, CZ_ERR_MEMORY, "finetune: out of memory");
    }
    return status == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
}

static int64_t free_bytes(void)
{
    const long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (int64_t)pages * size : 0;
}

static int check_memory(struct job *j)
{
    char need[CZ_FORMAT], have[CZ_FORMAT];
    const double bytes = (double)cz_finetune_bytes(j->ft);
    const int64_t limit = cz_arg_size(&j->cli->args, "max-mem", 0);
    if (limit == 0 || bytes <= (double)limit)
        return CZ_EXIT_OK;
    return cz_cli_error(j->cli, CZ_EXIT_MEMORY, "--max-mem: fine-tuning needs %s, %s are allowed; allow more",
                        cz_format_bytes(bytes, need), cz_format_bytes((double)limit, have));
}

static void say_plan(struct job *j)
{
    const struct cz_finetune *ft = j->ft;
    const struct cz_finetune_options *o = &ft->options;
    char need[CZ_FORMAT], have[CZ_FORMAT];
    say(j, "model    %s, preprocessing %.8s from %s (%s)", j->name, j->pictures.sha256, j->pictures.source,
        j->pictures.text);
    say(j, "data     %s: %d classes, %s %lld, %s %lld images, %lld shared by both", o->data_name,
        ft->train.selection.n_classes, ft->train.split, (long long)ft->train.selection.n, ft->test.split,
        (long long)ft->test.selection.n, (long long)ft->n_shared);
    say(j, "plan     head only, %s, %d epochs, seed %llu, %s, %d threads; needs %s, %s free",
        o->fit.optimizer->name, o->fit.epochs, (unsigned long long)o->fit.seed, cz_runtime_isa(j->runtime),
        cz_runtime_threads(j->runtime), cz_format_bytes((double)cz_finetune_bytes(ft), need),
        cz_format_bytes((double)free_bytes(), have));
    if (ft->n_shared > 0)
        cz_cli_warn(j->cli,
                    "%s: %lld training images are in '%s' too, which makes the result look better than it "
                    "is; `convzoo "
                    "data check` lists them",
                    o->data_name, (long long)ft->n_shared, ft->test.split);
}

/* Tensors and values as the literature counts them: without running statistics. */
static void count_trunk(const struct cz_graph *g, int *tensors, int64_t *values)
{
    *tensors = 0;
    *values = 0;
    for (int i = 0; i < g->params.count; i++) {
        const struct cz_param *p = &g->params.items[i];
        const struct cz_shape shape = cz_tensor_shape(&p->value);
        if (p->role == CZ_CONSTANT || p->role == CZ_RUNNING_STAT)
            continue;
        ++*tensors;
        *values += cz_shape_count(&shape);
    }
}

static void part_row(struct cz_table *t, const char *part, int64_t tensors, int64_t values, const char *state)
{
    char number[CZ_FORMAT];
    cz_table_row(t);
    cz_table_text(t, part);
    cz_table_cell(t, "%lld", (long long)tensors);
    cz_table_text(t, cz_format_count(values, number));
    cz_table_text(t, state);
}

static void describe_head(const struct job *j, char *buf, size_t size)
{
    const struct cz_finetune *ft = j->ft;
    char old[48] = "new";
    if (ft->site.n_old_classes >= 0)
        snprintf(old, sizeof old, "was %lld", (long long)ft->site.n_old_classes);
    snprintf(buf, size, "trains: %s, Gemm %d -> %d (%s), seed %llu",
             cz_head_names(ft->options.graph, &ft->site).node, ft->site.n_features,
             ft->train.selection.n_classes, old, (unsigned long long)ft->options.fit.seed);
}

static int print_parts(struct job *j)
{
    const struct cz_finetune *ft = j->ft;
    char frozen[80] = "frozen", head[640], share[64];
    int tensors;
    int64_t values, trained = (int64_t)(ft->site.n_features + 1) * ft->train.selection.n_classes;
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "part", "part", CZ_LEFT);
    cz_table_column(t, "tensors", "tensors", CZ_RIGHT);
    cz_table_column(t, "parameters", "parameters", CZ_RIGHT);
    cz_table_column(t, "state", "state", CZ_LEFT);
    count_trunk(ft->trunk, &tensors, &values);
    if (ft->n_batchnorms > 0)
        snprintf(frozen, sizeof frozen, "frozen, statistics of %d BatchNorm%s too", ft->n_batchnorms,
                 ft->n_batchnorms > 1 ? "s" : "");
    describe_head(j, head, sizeof head);
    snprintf(share, sizeof share, "%.3g %% trains", 100 * (double)trained / (double)(values + trained));
    part_row(t, "body", tensors, values, frozen);
    part_row(t, "head", 2, trained, head);
    part_row(t, "total", tensors + 2, values + trained, share);
    const int failed = cz_table_print(t, stdout, &j->cli->out);
    cz_table_destroy(t);
    return failed;
}

static void print_summary(struct job *j)
{
    const struct cz_finetune *ft = j->ft;
    const struct cz_metrics *m = &ft->report->metrics;
    char bytes[CZ_FORMAT], took[32], clean[2048];
    printf("%-10s %lld/%lld = %.1f %%   95 %% Wilson %.1f to %.1f   (%s read once, after all choices)\n",
           ft->test.split, (long long)m->right, (long long)m->n, 100 * m->top1, 100 * m->top1_interval.low,
           100 * m->top1_interval.high, ft->test.split);
    printf("frozen     %d tensors, hash before = after (%.8s): unchanged\n", ft->n_frozen, ft->frozen_after);
    printf("files      %s/  best.onnx %s, report.json, metrics.jsonl, curves.svg, log.txt\n",
           cz_printable(j->out, j->cli->utf8, clean, sizeof clean),
           cz_format_bytes((double)ft->model_bytes, bytes));
    cz_cli_note(j->cli, "%s. next: convzoo predict %s/best.onnx PHOTO.jpg",
                cz_duration_text(cz_now() - j->start, took, sizeof took), j->out);
}

static json_t *document(const struct job *j)
{
    static const char *const files[] = {"best.onnx",     "last.onnx",   "report.json", "config.json",
                                        "metrics.jsonl", "curves.svg",  "sweep.csv",   "log.txt",
                                        "machine.json",  "timing.jsonl"};
    const struct cz_finetune *ft = j->ft;
    const struct cz_metrics *m = &ft->report->metrics;
    const struct cz_choice *c = &ft->choice;
    const struct cz_setting *s = &c->settings[c->best];
    const struct cz_head_names names = cz_head_names(ft->options.graph, &ft->site);
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        json_array_append_new(list, json_string(files[i]));
    json_t *val = c->n_folds == 0 ? json_null()
                                  : json_pack("{s:i, s:I, s:I, s:o, s:o}", "folds", c->n_folds, "n",
                                              (json_int_t)c->n, "right", (json_int_t)s->right, "top1",
                                              cz_json_double((double)s->right / (double)c->n), "loss_nats",
                                              cz_json_double(s->loss_nats));
    return json_pack("{s:s, s:o, s:o, s:s, s:[s,s], s:s, s:s, s:{s:s, s:i, s:o, s:o}, s:o, s:{s:s, s:I, s:I, "
                     "s:o, s:o, s:o}, "
                     "s:s, s:o}",
                     "schema", "convzoo.finetune/1", "run", cz_json_text(j->out), "model",
                     cz_json_text(j->name), "data_sha256", ft->train.data_sha256, "trainable", names.weight,
                     names.bias, "frozen_sha256_before", ft->frozen_before, "frozen_sha256_after",
                     ft->frozen_after, "chosen", "optimizer", ft->options.fit.optimizer->name, "epochs",
                     ft->options.fit.epochs, "lr", cz_json_double(s->lr), "weight_decay",
                     cz_json_double(s->weight_decay), "val", val, "test", "split", ft->test.split, "n",
                     (json_int_t)m->n, "right", (json_int_t)m->right, "top1", cz_json_double(m->top1), "low",
                     cz_json_double(m->top1_interval.low), "high", cz_json_double(m->top1_interval.high),
                     "model_sha256", ft->model_sha256, "files", list);
}

/* What the run could not do, but did not need. */
static void say_afterwards(struct job *j)
{
    const struct cz_finetune_part *parts[] = {&j->ft->train, &j->ft->test};
    int warned = 0;
    for (int i = 0; i < 2; i++) {
        const struct cz_feature_set *set = &parts[i]->set;
        char id[CZ_SHA256_HEX];
        if (set->cache_failed && !warned++)
            cz_cli_warn(j->cli, "features are not kept: %s", set->cache_error.message);
        for (int64_t k = 0; k < set->n_bad; k++)
            cz_cli_note(j->cli, "skipped %s: %s",
                        cz_dataset_id(j->data, parts[i]->selection.sample[set->bad[k].place], id),
                        set->bad[k].reason);
    }
}

static int fail(struct job *j, const cz_error *err)
{
    end_progress(j);
    if (!cz_interrupted() || err->code != CZ_ERR_STATE)
        return cz_cli_fail(j->cli, err);
    fprintf(stderr, "convzoo: %s; computed features are kept, the same command goes on from them\n",
            err->message);
    return 128 + cz_interrupted();
}

static int run(struct job *j)
{
    cz_error err;
    cz_signals_catch();
    if (cz_finetune_run(j->ft, &err) != CZ_OK)
        return fail(j, &err);
    say_afterwards(j);
    if (j->cli->json) {
        const int code = cz_cli_emit(j->cli, document(j));
        if (code != CZ_EXIT_OK)
            return code;
    } else {
        print_summary(j);
    }
    return j->ft->train.set.n_bad + j->ft->test.set.n_bad > 0 ? CZ_EXIT_SKIPPED : CZ_EXIT_OK;
}

int cz_cmd_finetune(struct cz_cli *cli)
{
    struct job j = {.cli = cli, .start = cz_now()};
    int code = prepare(&j);
    if (code == CZ_EXIT_OK)
        code = check_memory(&j);
    if (code == CZ_EXIT_OK) {
        say_plan(&j);
        if (!cli->json && print_parts(&j))
            code = no_memory(cli);
    }
    if (code == CZ_EXIT_OK && !cz_arg_switch(&cli->args, "dry-run"))
        code = run(&j);
    cz_finetune_destroy(j.ft);
    cz_dataset_close(j.data);
    json_decref(j.config);
    json_decref(j.machine);
    cz_runtime_destroy(j.runtime);
    cz_cli_model_close(&j.model);
    free(j.out);
    return code;
}
