/*
 * `convzoo data check`: what is in a data set, and what would spoil a result made with it.
 */
#include "base/cpu.h"
#include "base/json_out.h"
#include "base/pool.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "data/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64, SHOWN_CLASSES = 20, SHOWN_FINDINGS = 50 };

static const struct {
    const char *format, *words;
} formats[] = {
    {"folder", "image folders"}, {"idx", "IDX files"}, {"cifar10", "CIFAR-10"}, {"cifar100", "CIFAR-100"}};

static void print_format(const struct cz_cli *cli, const struct cz_dataset *ds)
{
    const char *words = ds->format;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].format, ds->format) == 0)
            words = formats[i].words;
    printf("format    %s ", words);
    for (int s = 0; s < ds->n_splits; s++)
        printf("%s%s", s ? ", " : "", ds->splits[s].name);
    printf("; classes, %s:", strcmp(ds->format, "folder") == 0 ? "bytewise" : "by label");
    int shown = cli->verbose || ds->n_classes <= SHOWN_CLASSES ? ds->n_classes : SHOWN_CLASSES;
    for (int c = 0; c < shown; c++) {
        char name[256];
        const char *quote = strchr(ds->class_names[c], ' ') ? "'" : "";
        printf(" %s%s%s", quote, cz_printable(ds->class_names[c], cli->utf8, name, sizeof name), quote);
    }
    if (shown < ds->n_classes)
        printf(" (+%d more, -v)", ds->n_classes - shown);
    putchar('\n');
}

/* "50 a class" or "20 to 60 a class". */
static void print_split(const struct cz_check *check, int s)
{
    const struct cz_split *split = &check->ds->splits[s];
    int64_t least = split->count, most = 0;
    for (int c = 0; c < check->ds->n_classes; c++) {
        int64_t n = cz_check_class_count(check, s, c);
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    if (least == most)
        printf("%s %jd (%jd a class)", split->name, (intmax_t)split->count, (intmax_t)least);
    else
        printf("%s %jd (%jd to %jd a class)", split->name, (intmax_t)split->count, (intmax_t)least,
               (intmax_t)most);
}

static void print_images(const struct cz_check *check)
{
    const int *low = check->min_size, *high = check->max_size;
    printf("images    ");
    for (int s = 0; s < check->ds->n_splits; s++) {
        print_split(check, s);
        printf("%s", s + 1 < check->ds->n_splits ? ", " : "; ");
    }
    if (low[0] == high[0] && low[1] == high[1])
        printf("%d x %d px", low[0], low[1]);
    else
        printf("%d x %d to %d x %d px", low[0], low[1], high[0], high[1]);
    const char *mark = "; ";
    for (int t = 0; t <= CZ_IMAGE_FOREIGN; t++)
        if (t != CZ_IMAGE_UNKNOWN && check->n_of_type[t] > 0) {
            printf("%s%jd %s", mark, (intmax_t)check->n_of_type[t],
                   cz_image_type_name((enum cz_image_type)t));
            mark = ", ";
        }
    putchar('\n');
}

static void print_finding(const struct cz_cli *cli, const struct cz_finding *f)
{
    char file[512], other[512], text[1024];
    printf("%s", f->is_problem ? "PROBLEM   " : "notice    ");
    if (f->file[0])
        printf("%s", cz_printable(f->file, cli->utf8, file, sizeof file));
    if (f->other)
        printf(" and %s", cz_printable(f->other, cli->utf8, other, sizeof other));
    printf("%s%s\n", f->file[0] ? ": " : "", cz_printable(f->text, cli->utf8, text, sizeof text));
}

static void print_check(const struct cz_cli *cli, const struct cz_check *check)
{
    int64_t n_notices = (int64_t)check->n_findings - check->n_problems, shown = 0;
    print_format(cli, check->ds);
    print_images(check);
    for (size_t i = 0; i < check->n_findings; i++)
        if (check->findings[i].is_problem || cli->verbose || shown++ < SHOWN_FINDINGS)
            print_finding(cli, &check->findings[i]);
    if (shown > SHOWN_FINDINGS)
        printf("notice    (+%jd more, -v)\n", (intmax_t)(shown - SHOWN_FINDINGS));
    printf("%jd problem%s, %jd notice%s\n", (intmax_t)check->n_problems, check->n_problems == 1 ? "" : "s",
           (intmax_t)n_notices, n_notices == 1 ? "" : "s");
}

static json_t *splits_json(const struct cz_check *check)
{
    const struct cz_dataset *ds = check->ds;
    json_t *splits = json_object();
    for (int s = 0; s < ds->n_splits; s++) {
        json_t *per_class = json_array();
        for (int c = 0; c < ds->n_classes; c++)
            json_array_append_new(per_class, json_integer(cz_check_class_count(check, s, c)));
        json_object_set_new(
            splits, ds->splits[s].name,
            json_pack("{s:I, s:o}", "n", (json_int_t)ds->splits[s].count, "per_class", per_class));
    }
    return splits;
}

/* The findings of one sort; duplicates stand in their own list too, as pairs. */
static json_t *findings_json(const struct cz_check *check, int problems)
{
    json_t *list = json_array();
    for (size_t i = 0; i < check->n_findings; i++) {
        const struct cz_finding *f = &check->findings[i];
        if (f->is_problem == problems)
            json_array_append_new(list,
                                  json_pack("{s:o, s:o, s:s, s:o}", "file",
                                            f->file[0] ? cz_json_text(f->file) : json_null(), "offset",
                                            f->offset >= 0 ? json_integer(f->offset) : json_null(), "kind",
                                            cz_finding_name(f->kind), "text", cz_json_text(f->text)));
    }
    return list;
}

static json_t *duplicates_json(const struct cz_check *check)
{
    json_t *list = json_array();
    for (size_t i = 0; i < check->n_findings; i++) {
        const struct cz_finding *f = &check->findings[i];
        if (f->other)
            json_array_append_new(list, json_pack("{s:[o,o], s:b}", "files", cz_json_text(f->file),
                                                  cz_json_text(f->other), "exact",
                                                  f->kind == CZ_FINDING_DUPLICATE));
    }
    return list;
}

static json_t *document(const struct cz_check *check)
{
    const struct cz_dataset *ds = check->ds;
    json_t *classes = json_array();
    for (int c = 0; c < ds->n_classes; c++)
        json_array_append_new(classes, cz_json_text(ds->class_names[c]));
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:o, s:o, s:o}", "schema", "convzoo.data/1", "format",
                     ds->format, "splits", splits_json(check), "classes", classes, "n_unreadable",
                     (json_int_t)check->n_unreadable, "problems", findings_json(check, 1), "notices",
                     findings_json(check, 0), "duplicates", duplicates_json(check));
}

static enum cz_duplicates which_duplicates(const struct cz_cli *cli)
{
    const char *value = cz_arg_text(&cli->args, "duplicates");
    return strcmp(value, "near") == 0 ? CZ_DUPLICATES_NEAR
           : strcmp(value, "no") == 0 ? CZ_DUPLICATES_NO
                                      : CZ_DUPLICATES_EXACT;
}

static cz_status read_all(const struct cz_cli *cli, struct cz_check *check, cz_error *err)
{
    struct cz_pool *pool;
    struct cz_progress progress;
    int turn = strcmp(cz_arg_text(&cli->args, "exif"), "yes") == 0;
    CZ_TRY(cz_pool_create((int)cz_arg_count(&cli->args, "threads", cz_cpu_allowed()), &pool, err));
    cz_progress_start(&progress, cli, "check", "images", check->ds->count);
    for (int64_t first = 0; first < check->ds->count; first += CHUNK) {
        int64_t n = check->ds->count - first < CHUNK ? check->ds->count - first : CHUNK;
        cz_check_read(check, pool, first, n, turn);
        cz_progress_step(&progress, first + n, NULL);
    }
    cz_progress_end(&progress);
    cz_pool_destroy(pool);
    return CZ_OK;
}

static int report(struct cz_cli *cli, const struct cz_check *check)
{
    if (cli->json && cz_cli_emit(cli, document(check)) != CZ_EXIT_OK)
        return CZ_EXIT_MEMORY;
    if (!cli->json)
        print_check(cli, check);
    return check->n_problems > 0 ? CZ_EXIT_NO : CZ_EXIT_OK;
}

int cz_cmd_data_check(struct cz_cli *cli)
{
    struct cz_dataset *ds = NULL;
    struct cz_check *check = NULL;
    cz_error err;
    cz_status status = cz_dataset_open(cli->args.operands[0], &ds, &err);
    if (status == CZ_OK)
        status = cz_check_create(ds, which_duplicates(cli), &check, &err);
    if (status == CZ_OK)
        status = read_all(cli, check, &err);
    if (status == CZ_OK)
        status = cz_check_conclude(check, &err);
    int code = status == CZ_OK ? report(cli, check) : cz_cli_fail(cli, &err);
    cz_check_destroy(check);
    cz_dataset_close(ds);
    return code;
}
