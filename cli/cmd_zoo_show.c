/*
 * `convzoo zoo show MODEL`: one network's card: size, published weights and how they want their pictures,
 * stages.
 */
#include "base/json_out.h"
#include "cli/format.h"
#include "cli/model.h"
#include "cli/table.h"
#include "engine/stages.h"
#include "zoo/catalogue.h"
#include "zoo/verify.h"

#include <stdio.h>
#include <string.h>

enum { LABEL = 14 };

struct card {
    struct cz_cli_model model;
    struct cz_infer *infer;
    struct cz_stage stages[CZ_MAX_STAGES];
    int n_stages, has_preprocess;
    struct cz_preprocess preprocess;
    char hash[CZ_SHA256_HEX];
};

static cz_status find_out(struct card *c, cz_error *err)
{
    const char *json = cz_graph_metadata(c->model.graph, "convzoo.preprocess");
    CZ_TRY(cz_infer_create(c->model.graph, NULL, 0, 1, 0, &c->infer, err));
    CZ_TRY(cz_stages_find(c->infer, c->stages, &c->n_stages, err));
    if (!json)
        return CZ_OK;
    CZ_TRY(cz_preprocess_parse(json, strlen(json), &c->preprocess, err));
    c->has_preprocess = 1;
    return cz_preprocess_hash(&c->preprocess, c->hash, err);
}

static double stage_macs(const struct card *c, const struct cz_stage *s)
{
    double sum = 0;
    for (int n = s->first_node; n < s->end_node; n++)
        sum += c->infer->macs[n];
    return sum;
}

/* ---- for people ---- */

static void print_head(const struct card *c)
{
    const struct cz_zoo_entry *e = c->model.entry;
    const struct cz_graph *g = c->model.graph;
    char count[CZ_FORMAT], bytes[CZ_FORMAT], gmacs[CZ_FORMAT], dims[CZ_SHAPE_TEXT], text[CZ_PREPROCESS_TEXT];
    const struct cz_value *input = &g->values[g->inputs[0]];
    int64_t parameters = cz_graph_parameter_count(g);
    printf("%-*s%s, family %s\n", LABEL, "model", c->model.label, e->family);
    printf("%-*s%s   classes %d\n", LABEL, "input",
           cz_format_dims(&input->shape, input->dim_name, dims, sizeof dims), g->info.n_classes);
    printf("%-*s%s parameters, %s GMACs, weights %s\n", LABEL, "size", cz_format_count(parameters, count),
           cz_format_gmacs(cz_infer_macs(c->infer), gmacs), cz_format_bytes(4.0 * (double)parameters, bytes));
    printf("%-*s%s\n", LABEL, "classifier", g->head);
    if (c->has_preprocess)
        printf("%-*s%.8s %s\n", LABEL, "preprocessing", c->hash,
               cz_preprocess_describe(&c->preprocess, text, sizeof text));
    printf("%-*s%s\n", LABEL, "reference",
           cz_zoo_find_reference(e->name) ? "parameters, names and logits are known; see convzoo zoo verify"
                                          : "none");
}

static int print_weights(const struct cz_cli *cli, const char *model)
{
    const struct cz_zoo_published *p = cz_zoo_find_published(model, NULL);
    if (!p || !cz_zoo_has_weights(p)) {
        printf("%-*snone published\n", LABEL, "weights");
        return 0;
    }
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "weights", NULL, CZ_LEFT);
    cz_table_column(t, "top-1 %", NULL, CZ_RIGHT);
    cz_table_column(t, "top-5 %", NULL, CZ_RIGHT);
    cz_table_column(t, "resize px", NULL, CZ_RIGHT);
    cz_table_column(t, "crop px", NULL, CZ_RIGHT);
    cz_table_column(t, "filter", NULL, CZ_LEFT);
    cz_table_column(t, "licence", NULL, CZ_LEFT);
    cz_table_column(t, "published file", NULL, CZ_LEFT | CZ_CUT);
    for (int i = 0; (p = cz_zoo_published_at(model, i)); i++) {
        cz_table_row(t);
        cz_table_text(t, p->tag);
        cz_table_cell(t, "%.3f", p->top1);
        cz_table_cell(t, "%.3f", p->top5);
        cz_table_cell(t, "%d", p->resize_px);
        cz_table_cell(t, "%d", p->crop_px);
        cz_table_text(t, p->filter);
        const struct cz_zoo_source *source = cz_zoo_find_source(p);
        cz_table_text(t, source ? source->license : "-");
        cz_table_text(t, source ? source->file : "-");
    }
    int failed = cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    return failed;
}

static int print_stages(const struct cz_cli *cli, const struct card *c)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "stage", NULL, CZ_LEFT);
    cz_table_column(t, "stride", NULL, CZ_RIGHT);
    cz_table_column(t, "nodes", NULL, CZ_RIGHT);
    cz_table_column(t, "parameters", NULL, CZ_RIGHT);
    cz_table_column(t, "GMACs", NULL, CZ_RIGHT);
    cz_table_column(t, "output", NULL, CZ_LEFT);
    for (int i = 0; i < c->n_stages; i++) {
        const struct cz_stage *s = &c->stages[i];
        char count[CZ_FORMAT], gmacs[CZ_FORMAT], dims[CZ_SHAPE_TEXT];
        cz_table_row(t);
        cz_table_text(t, s->name);
        if (s->stride)
            cz_table_cell(t, "%d", s->stride);
        else
            cz_table_text(t, "-");
        cz_table_cell(t, "%d", s->n_nodes);
        cz_table_text(t, cz_format_count(s->n_parameters, count));
        cz_table_text(t, cz_format_gmacs(stage_macs(c, s), gmacs));
        cz_table_text(t, cz_format_dims(&c->infer->shape[s->output], NULL, dims, sizeof dims));
    }
    int failed = cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    return failed;
}

/* ---- for machines ---- */

static json_t *published_json(const char *model)
{
    const struct cz_zoo_published *p;
    json_t *list = json_array();
    for (int i = 0; (p = cz_zoo_published_at(model, i)); i++)
        if (cz_zoo_has_weights(p))
            json_array_append_new(
                list,
                json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:i, s:s, s:i}", "tag", p->tag, "file",
                          cz_zoo_find_source(p)->file, "license", cz_zoo_find_source(p)->license, "top1",
                          cz_json_double(p->top1 / 100), "top5", cz_json_double(p->top5 / 100), "resize_px",
                          p->resize_px, "crop_px", p->crop_px, "filter", p->filter, "min_px", p->min_px));
    return list;
}

static json_t *stages_json(const struct card *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->n_stages; i++) {
        const struct cz_stage *s = &c->stages[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:i, s:I, s:I}", "name", s->name, "stride",
                                              s->stride ? json_integer(s->stride) : json_null(), "n_nodes",
                                              s->n_nodes, "n_parameters", (json_int_t)s->n_parameters, "macs",
                                              (json_int_t)stage_macs(c, s)));
    }
    return list;
}

static json_t *document(const struct card *c)
{
    const struct cz_zoo_entry *e = c->model.entry;
    const struct cz_zoo_published *w = c->model.weights;
    const char *json = cz_graph_metadata(c->model.graph, "convzoo.preprocess");
    int known = w && cz_zoo_has_weights(w);
    json_t *preprocess = json ? json_loads(json, 0, NULL) : json_null();
    json_t *model = json_pack(
        "{s:s, s:o, s:s, s:i, s:i, s:i, s:I, s:I, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "name", e->name, "tag",
        cz_json_text(known ? w->tag : NULL), "family", e->family, "size_px", e->side_px, "in_channels",
        e->in_channels, "n_classes", e->n_classes, "n_parameters",
        (json_int_t)cz_graph_parameter_count(c->model.graph), "macs", (json_int_t)cz_infer_macs(c->infer),
        "top1", known ? cz_json_double(w->top1 / 100) : json_null(), "top1_source",
        cz_json_text(known ? "published" : NULL), "head", c->model.graph->head, "preprocess", preprocess,
        "preprocess_sha256", cz_json_text(c->has_preprocess ? c->hash : NULL), "published",
        published_json(e->name), "stages", stages_json(c));
    return json_pack("{s:s, s:[o]}", "schema", "convzoo.zoo/1", "models", model);
}

int cz_cmd_zoo_show(struct cz_cli *cli)
{
    struct card c = {0};
    cz_error err;
    const char *name = cli->args.operands[0];
    if (cz_model_is_file(name))
        return cz_cli_error(cli, CZ_EXIT_USAGE,
                            "%s: a file is no network of the zoo; see `convzoo inspect FILE`", name);
    int code = cz_cli_model_open(cli, name, CZ_MODEL_LOOK, &c.model);
    if (code != CZ_EXIT_OK)
        return code;
    if (find_out(&c, &err) != CZ_OK)
        code = cz_cli_fail(cli, &err);
    else if (cli->json)
        code = cz_cli_emit(cli, document(&c));
    else {
        print_head(&c);
        if (print_weights(cli, c.model.entry->name) || print_stages(cli, &c))
            code = cz_cli_error(cli, CZ_EXIT_MEMORY, "zoo show: out of memory; close other programs");
    }
    cz_infer_destroy(c.infer);
    cz_cli_model_close(&c.model);
    return code;
}
