/*
 * `convzoo inspect MODEL`: what a model file holds, also one that we cannot run; the same for a network of
 * the zoo.
 */
#include "cli/format.h"
#include "cli/inspect.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

static void release(struct cz_findings *f)
{
    cz_plan_destroy(f->plan);
    cz_runtime_destroy(f->runtime);
    cz_infer_destroy(f->infer);
    cz_cli_model_close(&f->model);
}

/* A zoo network gets zeros: memory and algorithms do not depend on the values. */
static cz_status give_values(struct cz_graph *g, cz_error *err)
{
    for (int i = 0; i < g->params.count; i++)
        if (!g->params.items[i].value.data)
            CZ_TRY(cz_param_allocate(&g->params.items[i], err));
    return CZ_OK;
}

static int64_t stored_bytes(const struct cz_graph *g)
{
    int64_t sum = 0;
    for (int i = 0; i < g->params.count; i++) {
        struct cz_shape shape = cz_tensor_shape(&g->params.items[i].value);
        sum += (int64_t)cz_shape_bytes(&shape);
    }
    return sum;
}

static cz_status make_plan(struct cz_cli *cli, struct cz_findings *f, cz_error *err)
{
    struct cz_graph *g = f->model.graph;
    CZ_TRY(cz_infer_create(g, NULL, 0, 1, 0, &f->infer, err));
    CZ_TRY(cz_stages_find(f->infer, f->stages, &f->n_stages, err));
    CZ_TRY(give_values(g, err));
    CZ_TRY(cz_cli_runtime(cli, &f->runtime, err));
    cz_plan_options options = {
        .struct_size = sizeof options, .batch = f->batch, .no_fuse = !cz_arg_switch(&cli->args, "fuse")};
    return cz_plan_create(f->runtime, g, &options, &f->plan, err);
}

/* A file that cannot be planned (a dimension left open, say) is still worth listing. */
static int find_out(struct cz_cli *cli, struct cz_findings *f)
{
    struct cz_graph *g = f->model.graph;
    const struct cz_onnx_report *report = f->model.report;
    f->n_parameters = report ? report->n_parameters : cz_graph_parameter_count(g);
    f->weights_bytes = report ? report->weights_bytes : stored_bytes(g);
    if (!g)
        return CZ_EXIT_OK;
    f->n_parameters = cz_graph_parameter_count(g);
    cz_status status = make_plan(cli, f, &f->why_no_plan);
    if (status == CZ_OK || status == CZ_ERR_SHAPE || status == CZ_ERR_UNSUPPORTED)
        return CZ_EXIT_OK;
    return cz_cli_fail(cli, &f->why_no_plan);
}

enum { LABEL = 14 };

static void print_values(const struct cz_findings *f, const char *label, const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *name, *dtype;
        json_t *shape;
        char text[CZ_SHAPE_TEXT], clean[256];
        size_t used = 0, d;
        json_t *dim;
        json_unpack(item, "{s:s, s:s, s:o}", "name", &name, "dtype", &dtype, "shape", &shape);
        text[0] = '\0';
        json_array_foreach(shape, d, dim)
        {
            const char *word = json_is_string(dim) ? json_string_value(dim) : "?";
            if (used < sizeof text && json_is_integer(dim))
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld", d ? ", " : "",
                                         (long long)json_integer_value(dim));
            else if (used < sizeof text)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", d ? ", " : "", word);
        }
        printf("%-*s%s   %s %s%s%s\n", LABEL, i ? "" : label, cz_printable(name, f->utf8, clean, 200), dtype,
               json_is_array(shape) ? "[" : "of any shape", text, json_is_array(shape) ? "]" : "");
    }
}

static void print_source(const struct cz_findings *f)
{
    const struct cz_onnx_report *r = f->model.report;
    char bytes[CZ_FORMAT], beside[CZ_FORMAT], clean[128];
    int n_run = cz_inspect_count_ops(f, NULL);
    if (!r) {
        printf("%-*szoo: %s, family %s, opset %d%s\n", LABEL, "source", f->model.label,
               f->model.entry->family, f->model.graph->opset,
               f->model.weights_source ? "" : "; no weights in it");
        return;
    }
    printf("%-*s%s bytes, ", LABEL, "file", cz_format_count((int64_t)r->file_bytes, bytes));
    if (r->external_bytes)
        printf("and %s of weights beside it, ", cz_format_bytes((double)r->external_bytes, beside));
    printf("ONNX IR %d, opset %d", r->ir_version, r->opset);
    if (r->n_nodes > n_run)
        printf("; %d nodes, %d of them constant at import", r->n_nodes, r->n_nodes - n_run);
    printf("\n");
    if (r->producer && *r->producer)
        printf("%-*s%s\n", LABEL, "written by", cz_printable(r->producer, f->utf8, clean, sizeof clean));
}

/* The first of the largest counts, NULL: none left. */
static const char *most_frequent(json_t *ops)
{
    const char *op, *found = NULL;
    json_t *count;
    json_int_t most = 0;
    json_object_foreach(ops, op, count)
    {
        if (json_integer_value(count) > most) {
            most = json_integer_value(count);
            found = op;
        }
    }
    return found;
}

/* "100: Conv 52, Clip 35, ...", most frequent first, on lines of 100 columns. */
static void print_ops(const struct cz_findings *f)
{
    const struct cz_onnx_report *r = f->model.report;
    json_t *ops = json_object();
    int at = printf("%-*s%d:", LABEL, "nodes", cz_inspect_count_ops(f, ops)), first = 1;
    for (const char *op; (op = most_frequent(ops)); json_object_del(ops, op), first = 0) {
        char item[96], clean[64];
        int n = snprintf(item, sizeof item, "%s %lld", cz_printable(op, f->utf8, clean, sizeof clean),
                         (long long)json_integer_value(json_object_get(ops, op)));
        at += printf("%s", first ? "" : ",");
        if (at + n + 1 > 98)
            at = printf("\n%*s", LABEL - 1, "") - 1;
        at += printf(" %s", item);
    }
    printf("; %s\n", r && r->n_unsupported ? "not all supported, see below" : "all supported");
    json_decref(ops);
}

static void print_size(const struct cz_findings *f)
{
    char count[CZ_FORMAT], weights[CZ_FORMAT], arena[CZ_FORMAT], gmacs[CZ_FORMAT];
    printf("%-*s%s parameters", LABEL, "size", cz_format_count(f->n_parameters, count));
    if (f->infer)
        printf(", %s GMACs", cz_format_gmacs(cz_infer_macs(f->infer), gmacs));
    printf(", weights %s", cz_format_bytes((double)f->weights_bytes, weights));
    if (f->plan)
        printf(", activations %s at batch %d", cz_format_bytes((double)cz_plan_arena_bytes(f->plan), arena),
               f->batch);
    printf("\n");
}

static void print_pictures(const struct cz_findings *f)
{
    const char *json = cz_inspect_metadata(f, "convzoo.preprocess"),
               *from = f->model.report ? "in the file" : "in the zoo";
    json_t *classes = cz_inspect_parsed(f, "convzoo.classes");
    struct cz_preprocess p;
    char hash[CZ_SHA256_HEX], text[CZ_PREPROCESS_TEXT];
    if (json && cz_preprocess_parse(json, strlen(json), &p, NULL) == CZ_OK &&
        cz_preprocess_hash(&p, hash, NULL) == CZ_OK)
        printf("%-*s%.8s %s\n", LABEL, "preprocessing", hash, cz_preprocess_describe(&p, text, sizeof text));
    else
        printf("%-*s%s %s: give --preprocess\n", LABEL, "preprocessing", json ? "broken" : "none", from);
    if (json_is_array(classes))
        printf("%-*s%zu %s\n", LABEL, "classes", json_array_size(classes), from);
    else
        printf("%-*snone %s: give --classes\n", LABEL, "classes", from);
    json_decref(classes);
}

static void fill_stage(struct cz_table *t, const struct cz_stage *s)
{
    char count[CZ_FORMAT];
    cz_table_text(t, s ? s->name : "");
    if (s && s->stride)
        cz_table_cell(t, "%d", s->stride);
    else
        cz_table_text(t, s ? "-" : "");
    if (s)
        cz_table_cell(t, "%d", s->n_nodes);
    else
        cz_table_text(t, "");
    cz_table_text(t, s ? cz_format_count(s->n_parameters, count) : "");
}

/* Two stages beside each other. */
static int print_stages(const struct cz_cli *cli, const struct cz_findings *f)
{
    int half = (f->n_stages + 1) / 2;
    struct cz_table *t = f->n_stages ? cz_table_create() : NULL;
    if (!t)
        return f->n_stages > 0;
    for (int side = 0; side < (f->n_stages > 1 ? 2 : 1); side++) {
        cz_table_column(t, side ? "    stage" : "stage", NULL, CZ_LEFT);
        cz_table_column(t, "stride", NULL, CZ_RIGHT);
        cz_table_column(t, "nodes", NULL, CZ_RIGHT);
        cz_table_column(t, "parameters", NULL, CZ_RIGHT);
    }
    for (int i = 0; i < half; i++) {
        cz_table_row(t);
        fill_stage(t, &f->stages[i]);
        if (f->n_stages > 1)
            fill_stage(t, half + i < f->n_stages ? &f->stages[half + i] : NULL);
    }
    int failed = cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    return failed;
}

static int print_plan(const struct cz_cli *cli, const struct cz_plan *plan)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "node", "node", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "operator", "op", CZ_LEFT);
    cz_table_column(t, "algorithm", "algorithm", CZ_LEFT);
    cz_table_column(t, "output", "shape", CZ_LEFT);
    cz_table_column(t, "layout", "layout", CZ_LEFT);
    cz_table_column(t, "KiB", "bytes", CZ_RIGHT);
    cz_table_column(t, "MMACs", "macs", CZ_RIGHT);
    for (int i = 0; i < plan->n_steps; i++) {
        const struct cz_step *s = &plan->steps[i];
        const struct cz_planned *out = s->n_out ? &plan->values[s->out[0]] : NULL;
        char dims[CZ_SHAPE_TEXT] = "";
        cz_table_row(t);
        cz_table_text(t, s->name);
        cz_table_text(t, s->op);
        cz_table_text(t, s->algorithm);
        cz_table_text(t, out ? cz_format_dims(&out->shape, NULL, dims, sizeof dims) : "");
        cz_table_text(t, out && out->layout == CZ_BLOCKED ? "blocked" : "plain");
        cz_table_cell(t, "%.1f", (double)cz_inspect_step_bytes(plan, s) / 1024);
        cz_table_cell(t, "%.2f", s->macs / 1e6);
    }
    int failed = cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    return failed;
}

static int same_lack(const struct cz_onnx_unsupported *a, const struct cz_onnx_unsupported *b)
{
    return a->opset == b->opset && strcmp(a->op, b->op) == 0 && strcmp(a->reason, b->reason) == 0;
}

/* How many nodes lack the same as node i, 0 where an earlier one stands for it. */
static int count_lack(const struct cz_onnx_report *r, int i)
{
    int n = 0;
    for (int k = 0; k < r->n_unsupported; k++) {
        if (!same_lack(&r->unsupported[i], &r->unsupported[k]))
            continue;
        if (k < i)
            return 0;
        n++;
    }
    return n;
}

/* A row for what is lacking, or with -v for every node. */
static int print_unsupported(const struct cz_cli *cli, const struct cz_onnx_report *r)
{
    struct cz_table *t = r && r->n_unsupported ? cz_table_create() : NULL;
    if (!t)
        return r && r->n_unsupported;
    cz_table_column(t, "unsupported", NULL, CZ_LEFT | CZ_CUT);
    cz_table_column(t, "opset", NULL, CZ_RIGHT);
    cz_table_column(t, "reason", NULL, CZ_LEFT);
    cz_table_column(t, "nodes", NULL, CZ_RIGHT);
    cz_table_column(t, cli->verbose ? "node" : "first of them", NULL, CZ_LEFT | CZ_CUT);
    for (int i = 0; i < r->n_unsupported; i++) {
        int n = cli->verbose ? 1 : count_lack(r, i);
        if (n == 0)
            continue;
        cz_table_row(t);
        cz_table_text(t, r->unsupported[i].op);
        cz_table_cell(t, "%d", r->unsupported[i].opset);
        cz_table_text(t, r->unsupported[i].reason);
        cz_table_cell(t, "%d", n);
        cz_table_text(t, r->unsupported[i].node);
    }
    int failed = cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    return failed;
}

static int print_text(const struct cz_cli *cli, const struct cz_findings *f)
{
    json_t *inputs = cz_inspect_values(f, 0), *outputs = cz_inspect_values(f, 1);
    print_source(f);
    print_values(f, "input", inputs);
    print_values(f, "output", outputs);
    print_ops(f);
    print_size(f);
    print_pictures(f);
    json_decref(inputs);
    json_decref(outputs);
    int failed = print_stages(cli, f);
    if (f->plan && cz_arg_switch(&cli->args, "plan"))
        failed |= print_plan(cli, f->plan);
    if (f->model.report && f->model.graph && cz_arg_switch(&cli->args, "tensors"))
        failed |= cz_inspect_print_tensors(cli, f->model.graph);
    return failed | print_unsupported(cli, f->model.report);
}

int cz_cmd_inspect(struct cz_cli *cli)
{
    if (!cz_model_is_file(cli->args.operands[0]) && cz_arg_switch(&cli->args, "tensors") &&
        !cz_arg_text(&cli->args, "weights"))
        return cz_cli_error(
            cli, CZ_EXIT_USAGE,
            "option --tensors: the zoo's networks have no weights in them; give --weights FILE");
    struct cz_findings f = {.batch = (int)cz_arg_count(&cli->args, "batch", 1), .utf8 = cli->utf8};
    int code = cz_cli_model_open(cli, cli->args.operands[0], CZ_MODEL_LOOK, &f.model);
    if (code != CZ_EXIT_OK)
        return code;
    code = find_out(cli, &f);
    if (code == CZ_EXIT_OK && cli->json)
        code = cz_cli_emit(cli, cz_inspect_document(cli, &f));
    else if (code == CZ_EXIT_OK && print_text(cli, &f))
        code = cz_cli_error(cli, CZ_EXIT_MEMORY, "inspect: out of memory; close other programs");
    if (code == CZ_EXIT_OK && !f.model.graph)
        code = cz_cli_fail(cli, &f.model.refusal);
    else if (code == CZ_EXIT_OK && !f.plan)
        cz_cli_warn(cli, "%s", f.why_no_plan.message);
    release(&f);
    return code;
}
