/*
 * `convzoo zoo verify`: do the zoo's networks come out as the reference framework has them?
 */
#include "base/json_out.h"
#include "cli/format.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/zoo_select.h"
#include "engine/runtime.h"
#include "zoo/golden_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verification {
    cz_runtime *runtime;
    struct cz_arena *arena;
    struct cz_verify_options options;
    unsigned char *chosen;
    struct cz_verify_row *rows;
    int n_rows, n_passed, n_failed;
};

static const char *equal(int is)
{
    return is ? "equal" : "DIFFER";
}

static void note_row(struct cz_cli *cli, const struct cz_verify_row *r)
{
    const char *full = cz_arg_switch(&cli->args, "full") ? " --full" : "";
    if (r->has_reference && !r->pass)
        cz_cli_note(cli, "%s: %s; repeat: convzoo zoo verify %s%s -v", r->model, r->detail, r->model, full);
    else if (r->has_reference)
        cz_cli_detail(cli, 1, "%s: %d of %d goldens, worst difference %.1e", r->model, r->passed,
                      r->n_goldens, r->worst_diff);
}

static int verify_all(struct cz_cli *cli, struct verification *v)
{
    struct cz_progress progress;
    cz_error err;
    int total = 0;
    for (int i = 0; i < cz_zoo_count(); i++)
        total += v->chosen[i];
    cz_progress_start(&progress, cli, "verify", "networks", total);
    for (int i = 0; i < cz_zoo_count(); i++) {
        if (!v->chosen[i])
            continue;
        struct cz_verify_row *row = &v->rows[v->n_rows];
        cz_progress_step(&progress, v->n_rows, cz_zoo_at(i)->name);
        if (cz_verify(v->runtime, cz_zoo_at(i)->name, &v->options, row, &err) != CZ_OK) {
            cz_progress_end(&progress);
            cz_error_prefix(&err, err.code, "%s", cz_zoo_at(i)->name);
            return cz_cli_fail(cli, &err);
        }
        v->n_rows++;
        v->n_passed += row->has_reference && row->pass;
        v->n_failed += row->has_reference && !row->pass;
        if (cli->verbose || (row->has_reference && !row->pass))
            cz_progress_end(&progress);
        note_row(cli, row);
    }
    cz_progress_end(&progress);
    return CZ_EXIT_OK;
}

/* ---- output ---- */

static void fill_row(struct cz_table *t, const struct cz_verify_row *r)
{
    char shown[CZ_FORMAT], raw[32];
    cz_table_row(t);
    cz_table_text(t, r->model);
    snprintf(raw, sizeof raw, "%lld", (long long)r->parameters);
    cz_table_pair(t, cz_format_count(r->parameters, shown), raw);
    snprintf(raw, sizeof raw, "%lld", (long long)r->macs);
    cz_table_pair(t, cz_format_count(r->macs, shown), raw);
    cz_table_cell(t, "%d", r->tensors);
    cz_table_text(t, r->has_reference ? equal(r->names_equal) : "-");
    cz_table_text(t, r->has_reference ? equal(r->bits_equal) : "-");
    if (r->has_reference)
        cz_table_cell(t, "%.1e", r->worst_diff);
    else
        cz_table_pair(t, "-", "");
    cz_table_cell(t, r->has_reference ? "%d/%d" : "-", r->passed, r->n_goldens);
    cz_table_text(t, !r->has_reference ? "-" : r->pass ? "pass" : "FAIL");
    if (r->has_reference)
        cz_table_color(t, r->pass ? CZ_GREEN : CZ_RED);
}

static int print_text(const struct cz_cli *cli, const struct verification *v)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "model", "name", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "parameters", "parameters", CZ_RIGHT);
    cz_table_column(t, "MACs", "macs", CZ_RIGHT);
    cz_table_column(t, "tensors", "tensors", CZ_RIGHT);
    cz_table_column(t, "names", "names", CZ_LEFT);
    cz_table_column(t, "state\nbits", "state_bits", CZ_LEFT);
    cz_table_column(t, "worst\nlogit diff", "worst_diff", CZ_RIGHT);
    cz_table_column(t, "goldens", "goldens", CZ_RIGHT);
    cz_table_column(t, "result", "pass", CZ_LEFT);
    for (int i = 0; i < v->n_rows; i++)
        fill_row(t, &v->rows[i]);
    int failed = cli->csv ? cz_table_print_csv(t, stdout) : cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    if (!cli->csv)
        printf("%d pass, %d FAIL (bound %.0e)\n", v->n_passed, v->n_failed, CZ_VERIFY_BOUND);
    return failed;
}

static json_t *row_json(const struct cz_verify_row *r)
{
    return json_pack("{s:s, s:I, s:b, s:I, s:b, s:i, s:b, s:b, s:o, s:i, s:i, s:b, s:o, s:o}", "name",
                     r->model, "parameters", (json_int_t)r->parameters, "parameters_equal",
                     r->parameters_equal, "macs", (json_int_t)r->macs, "macs_equal", r->macs_equal, "tensors",
                     r->tensors, "names", r->names_equal, "state_bits", r->bits_equal, "worst_diff",
                     r->has_reference ? cz_json_double(r->worst_diff) : json_null(), "goldens_passed",
                     r->passed, "goldens", r->n_goldens, "batch_equal", r->batch_equal, "pass",
                     r->has_reference ? json_boolean(r->pass) : json_null(), "detail",
                     cz_json_text(r->detail[0] ? r->detail : NULL));
}

static json_t *document(const struct verification *v)
{
    json_t *rows = json_array();
    for (int i = 0; i < v->n_rows; i++)
        json_array_append_new(rows, row_json(&v->rows[i]));
    return json_pack("{s:s, s:s, s:o, s:b, s:i, s:i, s:o}", "schema", "convzoo.zoo/1", "isa",
                     cz_runtime_isa(v->runtime), "bound", cz_json_double(CZ_VERIFY_BOUND), "full",
                     v->options.full, "n_passed", v->n_passed, "n_failed", v->n_failed, "rows", rows);
}

static int print_result(struct cz_cli *cli, const struct verification *v)
{
    int code = CZ_EXIT_OK;
    if (cli->json)
        code = cz_cli_emit(cli, document(v));
    else if (print_text(cli, v))
        code = cz_cli_error(cli, CZ_EXIT_MEMORY, "zoo verify: out of memory; close other programs");
    return code == CZ_EXIT_OK && v->n_failed > 0 ? CZ_EXIT_NO : code;
}

static cz_status prepare(struct cz_cli *cli, struct verification *v, cz_error *err)
{
    const char *folder = cz_arg_text(&cli->args, "golden");
    v->options.full = cz_arg_switch(&cli->args, "full");
    v->arena = cz_arena_create();
    v->chosen = calloc((size_t)cz_zoo_count(), 1);
    v->rows = calloc((size_t)cz_zoo_count(), sizeof *v->rows);
    const char *path = folder && v->arena ? cz_arena_printf(v->arena, "%s/goldens.csv", folder) : NULL;
    if (!v->arena || !v->chosen || !v->rows || (folder && !path))
        CZ_FAIL(err, CZ_ERR_MEMORY, "zoo verify: out of memory; close other programs");
    if (path)
        CZ_TRY(cz_golden_file_load(path, v->arena, &v->options.list, err));
    return cz_cli_runtime(cli, &v->runtime, err);
}

int cz_cmd_zoo_verify(struct cz_cli *cli)
{
    struct verification v = {0};
    cz_error err;
    int code = prepare(cli, &v, &err) == CZ_OK ? cz_cli_zoo_select(cli, v.chosen) : cz_cli_fail(cli, &err);
    if (code == CZ_EXIT_OK)
        code = verify_all(cli, &v);
    if (code == CZ_EXIT_OK)
        code = print_result(cli, &v);
    cz_runtime_destroy(v.runtime);
    cz_arena_destroy(v.arena);
    free(v.chosen);
    free(v.rows);
    return code;
}
