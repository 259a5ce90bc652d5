/*
 * `convzoo predict MODEL IMAGE...`: what is in the pictures.
 */
#include "base/file.h"
#include "base/json_out.h"
#include "cli/classifier.h"
#include "cli/image_list.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "engine/runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_COLUMNS = 40 };

struct job {
    struct cz_classifier classifier;
    struct cz_image_list images;
    struct cz_dataset *data;
    int top, logits, jsonl, fail, name_width;
    int *order;          /* [top] */
    double *probability; /* [n_classes] */
    int64_t n_skipped;
    json_t *results, *skipped; /* NULL: text only */
};

static void release(struct job *j)
{
    free(j->order);
    free(j->probability);
    json_decref(j->results);
    json_decref(j->skipped);
    cz_dataset_close(j->data);
    cz_image_list_deinit(&j->images);
    cz_classifier_close(&j->classifier);
}

/* The reason without the file's name in front. */
static const char *reason_of(const struct job *j, int64_t image, const struct cz_load_result *r)
{
    return cz_load_reason(r, j->images.paths[image]);
}

static json_t *hash_json(const uint8_t sha256[CZ_SHA256_BYTES])
{
    char text[CZ_SHA256_HEX];
    return json_string(cz_sha256_hex(sha256, text));
}

static json_t *skipped_json(const struct job *j, int64_t image, const struct cz_load_result *r)
{
    return json_pack("{s:o, s:o, s:o}", "image", cz_json_text(j->images.names[image]), "offset",
                     r->error_offset >= 0 ? json_integer(r->error_offset) : json_null(), "reason",
                     cz_json_text(reason_of(j, image, r)));
}

static json_t *result_json(const struct job *j, int64_t image, const struct cz_load_result *r,
                           const float *row)
{
    json_t *top = json_array();
    for (int i = 0; i < j->top; i++)
        json_array_append_new(top, json_pack("{s:i, s:o, s:o}", "index", j->order[i], "name",
                                             cz_json_text(j->classifier.classes.names[j->order[i]]),
                                             "probability", cz_json_double(j->probability[j->order[i]])));
    json_t *result = json_pack("{s:o, s:o, s:o}", "image", cz_json_text(j->images.names[image]), "sha256",
                               hash_json(r->sha256), "top", top);
    json_t *logits = j->logits ? json_array() : NULL;
    for (int64_t i = 0; logits && i < j->classifier.n_classes; i++)
        json_array_append_new(logits, cz_json_float(row[i]));
    if (logits)
        json_object_set_new(result, "logits", logits);
    return result;
}

/* "eagle.jpg    99.3 %  bald eagle"; further lines without the name. */
static void print_name(const struct cz_cli *cli, const struct job *j, int64_t image, int first)
{
    char clean[1024], cut[1024];
    const char *name = first ? cz_printable(j->images.names[image], cli->utf8, clean, sizeof clean) : "";
    if (cli->out.width > 0)
        name = cz_text_cut(name, j->name_width, cut, sizeof cut);
    printf("%s%*s", name, j->name_width > cz_text_width(name) ? j->name_width - cz_text_width(name) : 0, "");
}

static void print_result(const struct cz_cli *cli, const struct job *j, int64_t image)
{
    char clean[512];
    for (int i = 0; i < j->top; i++) {
        int class_index = j->order[i];
        print_name(cli, j, image, i == 0);
        printf("  %5.1f %%  %s\n", 100 * j->probability[class_index],
               cz_printable(j->classifier.classes.names[class_index], cli->utf8, clean, sizeof clean));
    }
}

static void print_skipped(const struct cz_cli *cli, const struct job *j, int64_t image,
                          const struct cz_load_result *r)
{
    print_name(cli, j, image, 1);
    printf("  %sskipped%s: %s\n", cz_color_on(&cli->out, CZ_YELLOW), cz_color_off(&cli->out),
           reason_of(j, image, r));
}

static int is_finite(const float *row, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(row[i]))
            return 0;
    return 1;
}

static int take_skipped(struct cz_cli *cli, struct job *j, int64_t image, const struct cz_load_result *r)
{
    if (j->fail)
        return cz_cli_error(cli, cz_exit_of(r->status), "%s: %s%s", j->images.names[image],
                            reason_of(j, image, r), cz_load_remedy(r));
    j->n_skipped++;
    json_t *entry = skipped_json(j, image, r);
    if (j->jsonl)
        cz_json_print_line(entry, stdout);
    else if (!cli->json)
        print_skipped(cli, j, image, r);
    if (!j->skipped)
        json_decref(entry);
    else if (json_array_append_new(j->skipped, entry) != 0)
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "predict: out of memory");
    return CZ_EXIT_OK;
}

static int take_result(struct cz_cli *cli, struct job *j, int64_t image, const struct cz_load_result *r,
                       const float *row)
{
    if (!is_finite(row, j->classifier.n_classes))
        return cz_cli_error(cli, CZ_EXIT_NUMERIC,
                            "%s: the network gives NaN or Inf; check its preprocessing, then try "
                            "--fuse=no",
                            j->images.names[image]);
    cz_classifier_probabilities(&j->classifier, row, j->probability);
    cz_classifier_top(row, j->classifier.n_classes, j->top, j->order);
    if (!cli->json && !j->jsonl)
        print_result(cli, j, image);
    if (!j->results && !j->jsonl)
        return CZ_EXIT_OK;
    json_t *result = result_json(j, image, r, row);
    if (j->jsonl)
        cz_json_print_line(result, stdout);
    if (!j->results)
        json_decref(result);
    else if (json_array_append_new(j->results, result) != 0)
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "predict: out of memory");
    return CZ_EXIT_OK;
}

static int run_all(struct cz_cli *cli, struct job *j)
{
    struct cz_classifier *c = &j->classifier;
    struct cz_progress progress;
    int64_t *index = malloc(sizeof *index * (size_t)c->batch);
    int code = index ? CZ_EXIT_OK
                     : cz_cli_error(cli, CZ_EXIT_MEMORY, "predict: out of memory; close other programs");
    cz_progress_start(&progress, cli, "predict", "images", j->images.count);
    for (int64_t first = 0; first < j->images.count && code == CZ_EXIT_OK; first += c->batch) {
        int64_t left = j->images.count - first, n = left < c->batch ? left : c->batch;
        for (int64_t i = 0; i < n; i++)
            index[i] = first + i;
        code = cz_classifier_run(cli, c, j->data, index, n);
        cz_progress_end(&progress);
        for (int64_t i = 0; i < n && code == CZ_EXIT_OK; i++)
            code = c->loaded[i].status == CZ_OK
                       ? take_result(cli, j, first + i, &c->loaded[i], c->output + i * c->n_classes)
                       : take_skipped(cli, j, first + i, &c->loaded[i]);
        if (code == CZ_EXIT_OK && !cli->json && cz_cli_out_is_gone())
            break;                              /* nobody reads on: the end tells, quietly */
        if (cli->json || !cli->out.is_terminal) /* else the results themselves are the progress */
            cz_progress_step(&progress, first + n, NULL);
    }
    cz_progress_end(&progress);
    free(index);
    return code;
}

static json_t *document(const struct job *j)
{
    return json_pack("{s:s, s:o, s:s, s:s, s:O, s:O}", "schema", "convzoo.predict/1", "model",
                     cz_json_text(j->classifier.model.label), "preprocess_sha256",
                     j->classifier.pictures.sha256, "isa", cz_runtime_isa(j->classifier.runtime), "results",
                     j->results, "skipped", j->skipped);
}

static int write_out(struct cz_cli *cli, const char *path, const json_t *root)
{
    cz_error err;
    struct cz_file_writer w;
    cz_status status = cz_file_writer_open(path, &w, &err);
    if (status == CZ_OK) {
        cz_json_print(root, w.stream);
        status = cz_file_writer_commit(&w, &err);
    }
    return status == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
}

static int finish(struct cz_cli *cli, struct job *j, const char *out)
{
    int code = CZ_EXIT_OK;
    json_t *root = j->results ? document(j) : NULL;
    if (out)
        code = write_out(cli, out, root);
    if (code == CZ_EXIT_OK && cli->json)
        code = cz_cli_emit(cli, json_incref(root));
    json_decref(root);
    if (code == CZ_EXIT_OK && j->n_skipped > 0) {
        cz_cli_note(cli, "%lld of %lld images skipped", (long long)j->n_skipped, (long long)j->images.count);
        code = CZ_EXIT_SKIPPED;
    }
    return code;
}

static int prepare(struct cz_cli *cli, struct job *j, const char *out)
{
    cz_error err;
    const struct cz_args *args = &cli->args;
    if (j->jsonl && cli->json)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "--json, --jsonl: one form at a time; give one of them");
    if (out && (cz_output_check_suffix(out, "--out", "json", NULL, &err) != CZ_OK ||
                cz_output_check(out, "--out", cz_arg_switch(args, "force"), &err) != CZ_OK))
        return cz_cli_fail(cli, &err);
    int code = cz_image_list_create(cli, args->operands + 1, args->n_operands - 1, cz_arg_text(args, "list"),
                                    &j->images);
    if (code == CZ_EXIT_OK)
        code = cz_classifier_open(cli, args->operands[0], j->images.count, &j->classifier);
    if (code != CZ_EXIT_OK)
        return code;
    if (cz_dataset_from_files(j->images.paths, j->images.count, &j->data, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    int64_t n_classes = j->classifier.n_classes;
    j->top = (int)(cz_arg_count(args, "top", 5) < n_classes ? cz_arg_count(args, "top", 5) : n_classes);
    j->order = calloc((size_t)j->top + 1, sizeof *j->order);
    j->probability = calloc((size_t)n_classes, sizeof *j->probability);
    if (cli->json || out) {
        j->results = json_array();
        j->skipped = json_array();
    }
    for (int64_t i = 0; i < j->images.count; i++) {
        int width = cz_text_width(j->images.names[i]);
        j->name_width = width > j->name_width ? width : j->name_width;
    }
    if (cli->out.width > 0 && j->name_width > NAME_COLUMNS)
        j->name_width = NAME_COLUMNS;
    if (!j->order || !j->probability)
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "predict: out of memory; close other programs");
    return CZ_EXIT_OK;
}

int cz_cmd_predict(struct cz_cli *cli)
{
    const struct cz_args *args = &cli->args;
    const char *out = cz_arg_text(args, "out");
    struct job j = {.logits = cz_arg_switch(args, "logits"),
                    .jsonl = cz_arg_switch(args, "jsonl"),
                    .fail = strcmp(cz_arg_text(args, "on-bad-image"), "fail") == 0,
                    .images = {.stdin_fd = -1}};
    int code = prepare(cli, &j, out);
    if (code == CZ_EXIT_OK)
        code = run_all(cli, &j);
    if (code == CZ_EXIT_OK)
        code = finish(cli, &j, out);
    release(&j);
    return code;
}
