#include "cli/weights.h"
#include "cli/pulled.h"
#include "cli/table.h"
#include "importer/weights_apply.h"
#include "zoo/weight_names.h"

#include <stdio.h>
#include <string.h>

const char *cz_cli_weights_file(const struct cz_cli *cli)
{
    const struct cz_arg *arg = cz_arg_find(&cli->args, "weights");
    return arg && arg->n_values > 0 ? arg->values[arg->n_values - 1] : NULL;
}

static int is_strict(const struct cz_cli *cli)
{
    const char *strict = cz_arg_find(&cli->args, "strict") ? cz_arg_text(&cli->args, "strict") : NULL;
    return !strict || strcmp(strict, "no") != 0;
}

/* A new classifier's seed: the command's, where it has one. */
static uint64_t head_seed(const struct cz_cli *cli)
{
    return cz_arg_find(&cli->args, "seed") ? cz_arg_seed(&cli->args, "seed") : 0;
}

static void hash_file(const struct cz_weights *w, char sha256[CZ_SHA256_HEX])
{
    uint8_t digest[CZ_SHA256_BYTES];
    cz_sha256(w->map.data, w->map.size, digest);
    cz_sha256_hex(digest, sha256);
}

static cz_status load_into(struct cz_graph *g, const struct cz_zoo_entry *entry, const char *path, int strict,
                           uint64_t seed, struct cz_weights_report *report, char sha256[CZ_SHA256_HEX],
                           cz_error *err)
{
    struct cz_weights *weights;
    struct cz_weights_options options = {cz_zoo_weight_name, entry, strict};
    *report = (struct cz_weights_report){.prefix = ""};
    CZ_TRY(cz_weights_load(path, &weights, err));
    if (sha256)
        hash_file(weights, sha256);
    cz_status status = cz_weights_apply(g, weights, &options, report, err);
    if (status != CZ_OK) {
        cz_weights_destroy(weights);
        return cz_error_prefix(err, status, "%s", path);
    }
    return cz_init_missing(g, (struct cz_init){CZ_INIT_KAIMING, seed}, NULL, err);
}

cz_status cz_cli_weights_into(struct cz_graph *g, const struct cz_zoo_entry *entry, const char *path,
                              int strict, struct cz_weights_report *report, char sha256[CZ_SHA256_HEX],
                              cz_error *err)
{
    return load_into(g, entry, path, strict, 0, report, sha256, err);
}

/* ---- what is told ---- */

static const char *shape_text(const struct cz_weight_row *row, const struct cz_shape *shape, int is_found,
                              char *buf)
{
    char dims[CZ_SHAPE_TEXT];
    if (shape->rank < 0)
        return "-";
    cz_shape_text(shape, dims, sizeof dims);
    const char *bracket = strchr(dims, '[');
    snprintf(buf, CZ_SHAPE_TEXT + 32, "%s %s", is_found ? row->type : cz_dtype_name(shape->dtype),
             bracket ? bracket : "[]");
    return buf;
}

/* The whole table with -v; the message has the first names anyway. */
static void show_rows(const struct cz_cli *cli, const struct cz_weights_report *r)
{
    static const char *const faults[] = {"missing", "misshapen", "left over"};
    struct cz_table *t = r->n_rows > 0 && cli->verbose > 0 && !cli->quiet ? cz_table_create() : NULL;
    if (!t)
        return;
    cz_table_column(t, "tensor", NULL, CZ_LEFT | CZ_CUT);
    cz_table_column(t, "is", NULL, CZ_LEFT);
    cz_table_column(t, "wanted", NULL, CZ_LEFT);
    cz_table_column(t, "found", NULL, CZ_LEFT);
    for (int i = 0; i < r->n_rows; i++) {
        char text[CZ_SHAPE_TEXT + 32];
        cz_table_row(t);
        cz_table_text(t, r->rows[i].name);
        cz_table_text(t, faults[r->rows[i].fault]);
        cz_table_text(t, shape_text(&r->rows[i], &r->rows[i].wanted, 0, text));
        cz_table_text(t, shape_text(&r->rows[i], &r->rows[i].found, 1, text));
    }
    cz_table_print(t, stderr, &cli->err);
    cz_table_destroy(t);
}

static void tell(struct cz_cli *cli, const char *path, const struct cz_weights_report *r)
{
    char left[64] = "";
    if (r->by_order)
        cz_cli_warn(cli, "%s: its names are not the network's; %d tensors taken by order and shape", path,
                    r->n_used);
    if (r->head_is_new)
        cz_cli_warn(cli,
                    "%s: no classifier that fits; a new one with seeded weights, which has learnt nothing",
                    path);
    if (r->n_left_over)
        snprintf(left, sizeof left, ", %d left over", r->n_left_over);
    cz_cli_note(cli, "weights   %s: %d tensors%s%s", path, r->n_used,
                r->head_is_new ? ", new classifier" : "", left);
    show_rows(cli, r);
}

/* ---- into a model ---- */

static int set_source(struct cz_cli *cli, struct cz_cli_model *m, const char *source)
{
    cz_error err;
    char text[256];
    m->weights_source = source;
    int pulled = strcmp(source, "pulled") == 0;
    snprintf(text, sizeof text, "%s sha256:%s", pulled ? m->weights->tag : "file", m->weights_sha256);
    return cz_graph_set_metadata(m->graph, "convzoo.weights", text, &err) == CZ_OK ? CZ_EXIT_OK
                                                                                   : cz_cli_fail(cli, &err);
}

static int from_file(struct cz_cli *cli, const char *path, struct cz_cli_model *m)
{
    cz_error err;
    struct cz_weights_report report;
    cz_status status =
        load_into(m->graph, m->entry, path, is_strict(cli), head_seed(cli), &report, m->weights_sha256, &err);
    if (status == CZ_OK)
        tell(cli, path, &report);
    else
        show_rows(cli, &report);
    cz_weights_report_deinit(&report);
    if (status != CZ_OK)
        return cz_cli_fail(cli, &err);
    const char *slash = strrchr(path, '/');
    snprintf(m->label, sizeof m->label, "%s (--weights %s)", m->entry->name, slash ? slash + 1 : path);
    return set_source(cli, m, "--weights");
}

/* The file that was pulled for the tag; it was whole then, and must still be. */
static int from_cache(struct cz_cli *cli, const struct cz_zoo_source *source, struct cz_cli_model *m)
{
    cz_error err;
    struct cz_weights_report report;
    char path[CZ_PATH_MAX];
    cz_status status = load_into(m->graph, m->entry, cz_pulled_path(cli, source, path), is_strict(cli),
                                 head_seed(cli), &report, m->weights_sha256, &err);
    if (status == CZ_OK && report.head_is_new)
        tell(cli, source->file, &report);
    cz_weights_report_deinit(&report);
    if (status != CZ_OK)
        return cz_cli_fail(cli, &err);
    if (!cz_pulled_hash_fits(source, m->weights_sha256))
        return cz_cli_error(cli, CZ_EXIT_INPUT,
                            "%s: is not what it was when it was pulled; run `convzoo pull %s:%s`", path,
                            source->model, source->tag);
    return set_source(cli, m, "pulled");
}

static int no_weights(struct cz_cli *cli, const struct cz_cli_model *m, const struct cz_zoo_source *source)
{
    char size[32];
    const char *init = cz_arg_find(&cli->args, "init") ? ", or --init kaiming:S for random weights" : "";
    if (!source)
        return cz_cli_error(cli, CZ_EXIT_SYSTEM, "%s: no weights here; give --weights FILE%s", m->label,
                            init);
    int is_default = cz_zoo_find_published(m->entry->name, NULL) == m->weights;
    return cz_cli_error(cli, CZ_EXIT_SYSTEM,
                        "%s: no weights here; run `convzoo pull %s%s%s` (%s), or give --weights FILE",
                        m->entry->name, m->entry->name, is_default ? "" : ":",
                        is_default ? "" : m->weights->tag, cz_pulled_size_text(source, size, sizeof size));
}

int cz_cli_weights(struct cz_cli *cli, int needed, struct cz_cli_model *m)
{
    const char *path = cz_cli_weights_file(cli);
    const struct cz_zoo_source *source = cz_zoo_find_source(m->weights);
    if (path)
        return from_file(cli, path, m);
    if (!needed)
        return CZ_EXIT_OK;
    return source && cz_pulled_bytes(cli, source) >= 0 ? from_cache(cli, source, m)
                                                       : no_weights(cli, m, source);
}
