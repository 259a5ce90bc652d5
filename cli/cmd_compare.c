/*
 * `convzoo compare A B [C...]`: is the difference real? Accuracy reports, run folders or benchmark files; it
 * sees which.
 */
#include "base/file.h"
#include "base/json_out.h"
#include "cli/compare.h"
#include "cli/output.h"
#include "finetune/json_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A run folder stands for its report. */
static char *file_of(struct cz_compare_job *j, const char *operand)
{
    struct stat st;
    if (stat(operand, &st) != 0 || !S_ISDIR(st.st_mode))
        return cz_arena_strdup(j->arena, operand);
    return cz_arena_printf(j->arena, "%s/report.json", operand);
}

static int no_memory(struct cz_cli *cli)
{
    return cz_cli_error(cli, CZ_EXIT_MEMORY, "compare: out of memory; close other programs");
}

/* Bench files have no schema of ours. */
static int open_bench(struct cz_cli *cli, struct cz_compare_job *j, int i, const json_t *root)
{
    cz_error err;
    const cz_status status = cz_bench_file_read(root, j->names[i], &j->benches[i], &err);
    j->n_benches += status == CZ_OK;
    return status == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
}

static int open_operand(struct cz_cli *cli, struct cz_compare_job *j, int i)
{
    cz_error err;
    json_t *root;
    const char *path = file_of(j, cli->args.operands[i]);
    j->names[i] = cli->args.operands[i];
    if (!path)
        return no_memory(cli);
    if (cz_json_load_file(path, CZ_REPORT_MAX_BYTES, &root, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    int code;
    if (cz_bench_recognise(root) && !json_object_get(root, "schema")) {
        code = open_bench(cli, j, i, root);
    } else {
        const cz_status status = cz_report_from_json(root, j->names[i], &j->reports[i], &err);
        j->n_reports += status == CZ_OK;
        code = status == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
    }
    json_decref(root);
    return code;
}

static int open_all(struct cz_cli *cli, struct cz_compare_job *j)
{
    const size_t n = (size_t)j->n;
    int code = CZ_EXIT_OK;
    j->arena = cz_arena_create();
    j->names = calloc(n, sizeof *j->names);
    j->reports = calloc(n, sizeof *j->reports);
    j->benches = calloc(n, sizeof *j->benches);
    if (!j->arena || !j->names || !j->reports || !j->benches)
        return no_memory(cli);
    for (int i = 0; i < j->n; i++) { /* all that are wrong are told */
        const int one = open_operand(cli, j, i);
        code = code == CZ_EXIT_OK ? one : code;
    }
    if (code == CZ_EXIT_OK && j->n_reports > 0 && j->n_benches > 0)
        return cz_cli_error(cli, CZ_EXIT_INPUT,
                            "compare: %d accuracy reports and %d benchmark files; compare like with like",
                            j->n_reports, j->n_benches);
    return code;
}

static void release(struct cz_compare_job *j)
{
    for (int i = 0; i < j->n; i++) {
        if (j->reports)
            cz_report_destroy(j->reports[i]);
        if (j->benches)
            cz_bench_file_deinit(&j->benches[i]);
    }
    free(j->names);
    free(j->reports);
    free(j->benches);
    cz_arena_destroy(j->arena);
}

/* "2pt" or "5%" as a share. 1: neither. */
static int parse_share(const char *text, double *out)
{
    char number[32];
    const size_t n = strlen(text),
                 unit = n > 2 && strcmp(text + n - 2, "pt") == 0 ? 2 : n > 1 && text[n - 1] == '%';
    if (unit == 0 || n - unit >= sizeof number)
        return 1;
    snprintf(number, sizeof number, "%.*s", (int)(n - unit), text);
    double percent;
    if (cz_parse_real(number, 0, 100, &percent))
        return 1;
    *out = percent / 100;
    return 0;
}

static int read_margins(struct cz_cli *cli, struct cz_compare_job *j)
{
    const char *margin = cz_arg_text(&cli->args, "margin"), *fail_on = cz_arg_text(&cli->args, "fail-on");
    if (margin && (parse_share(margin, &j->margin) || j->margin <= 0))
        return cz_cli_error(cli, CZ_EXIT_USAGE,
                            "--margin %s: not a number of points or percent; try --margin 2pt", margin);
    if (!fail_on)
        return CZ_EXIT_OK;
    j->fail_on_worse = 1;
    if (strncmp(fail_on, "worse", 5) == 0 &&
        (!fail_on[5] || (fail_on[5] == ':' && parse_share(fail_on + 6, &j->fail_margin) == 0)))
        return CZ_EXIT_OK;
    return cz_cli_error(cli, CZ_EXIT_USAGE,
                        "--fail-on %s: not worse or worse:MARGIN; try --fail-on worse:1pt", fail_on);
}

static int read_allowed(struct cz_cli *cli, struct cz_compare_job *j)
{
    static const char *const words[] = {"data", "preprocess", "classes"};
    const char *list = cz_arg_text(&cli->args, "allow");
    while (list && *list) {
        const size_t n = strcspn(list, ",");
        int word = -1;
        for (int i = 0; i < 3; i++)
            if (strlen(words[i]) == n && strncmp(words[i], list, n) == 0)
                word = i;
        if (word < 0)
            return cz_cli_error(cli, CZ_EXIT_USAGE,
                                "--allow %.*s: unknown; one or more of data,preprocess,classes", (int)n,
                                list);
        j->allow |= 1u << word;
        list += n + (list[n] == ',');
    }
    return CZ_EXIT_OK;
}

/* CSV has columns that people read in the sentences. 1 when memory ran out. */
static int print_rows(const struct cz_cli *cli, const struct cz_compare_job *j, int csv, FILE *f)
{
    struct cz_table *table = j->make_table(j, csv);
    int failed = !table || (csv ? cz_table_print_csv(table, f) : cz_table_print(table, f, &cli->out));
    cz_table_destroy(table);
    return failed;
}

static int write_out(struct cz_cli *cli, const struct cz_compare_job *j, const char *path, const json_t *root)
{
    struct cz_file_writer w;
    cz_error err;
    if (cz_file_writer_open(path, &w, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    if (strcmp(cz_output_suffix(path), "csv") != 0)
        cz_json_print(root, w.stream);
    else if (print_rows(cli, j, 1, w.stream)) {
        cz_file_writer_abandon(&w);
        return no_memory(cli);
    }
    return cz_file_writer_commit(&w, &err) == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
}

/* What is written to --out changes nothing on stdout. */
static int give(struct cz_cli *cli, const struct cz_compare_job *j, json_t *root)
{
    const char *out = cz_arg_text(&cli->args, "out");
    int code = root ? CZ_EXIT_OK : no_memory(cli);
    if (code == CZ_EXIT_OK && out)
        code = write_out(cli, j, out, root);
    if (code == CZ_EXIT_OK && cli->json)
        return cz_cli_emit(cli, json_incref(root));
    if (code != CZ_EXIT_OK)
        return code;
    if (print_rows(cli, j, cli->csv, stdout))
        return no_memory(cli);
    if (!cli->csv)
        j->print_words(cli, j);
    return CZ_EXIT_OK;
}

static int run(struct cz_cli *cli, struct cz_compare_job *j)
{
    json_t *root = NULL;
    int worse = 0;
    int code = j->n_benches > 0 ? cz_compare_benches(cli, j, &root, &worse)
                                : cz_compare_accuracies(cli, j, &root, &worse);
    if (code == CZ_EXIT_OK)
        code = give(cli, j, root);
    if (code == CZ_EXIT_OK && j->fail_on_worse && worse)
        code = CZ_EXIT_NO;
    json_decref(root);
    return code;
}

static int check_out(struct cz_cli *cli)
{
    cz_error err;
    const char *out = cz_arg_text(&cli->args, "out");
    if (!out)
        return CZ_EXIT_OK;
    if (cz_output_check_suffix(out, "--out", "json", "csv", &err) != CZ_OK ||
        cz_output_check(out, "--out", cz_arg_switch(&cli->args, "force"), &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    return CZ_EXIT_OK;
}

int cz_cmd_compare(struct cz_cli *cli)
{
    struct cz_compare_job j = {.n = cli->args.n_operands};
    int code = check_out(cli);
    if (code == CZ_EXIT_OK)
        code = read_margins(cli, &j);
    if (code == CZ_EXIT_OK)
        code = read_allowed(cli, &j);
    if (code == CZ_EXIT_OK)
        code = open_all(cli, &j);
    if (code == CZ_EXIT_OK)
        code = run(cli, &j);
    cz_compare_job_end(&j);
    release(&j);
    return code;
}
