#include "cli/inspect.h"
#include "base/file.h"
#include "base/json_out.h"
#include "base/sha256.h"

#include <math.h>
#include <string.h>

static json_t *shape_json(const struct cz_shape *shape, const char *const *dim_name)
{
    json_t *dims = json_array();
    for (int i = 0; i < shape->rank; i++)
        json_array_append_new(dims, shape->dim[i] >= 0 ? json_integer(shape->dim[i])
                                                       : cz_json_text(dim_name ? dim_name[i] : NULL));
    return shape->rank < 0 ? (json_decref(dims), json_null()) : dims;
}

static json_t *value_json(const char *name, const char *dtype, const struct cz_shape *shape,
                          const char *const *dim_name)
{
    return json_pack("{s:o, s:s, s:o}", "name", cz_json_text(name), "dtype", dtype, "shape",
                     shape_json(shape, dim_name));
}

json_t *cz_inspect_values(const struct cz_findings *f, int outputs)
{
    json_t *list = json_array();
    const struct cz_onnx_report *r = f->model.report;
    const struct cz_graph *g = f->model.graph;
    if (r) {
        const struct cz_onnx_value *v = outputs ? r->outputs : r->inputs;
        for (int i = 0; i < (outputs ? r->n_outputs : r->n_inputs); i++)
            json_array_append_new(list, value_json(v[i].name, v[i].type, &v[i].shape, v[i].dim_name));
        return list;
    }
    for (int i = 0; i < (outputs ? g->n_outputs : g->n_inputs); i++) {
        const struct cz_value *v = &g->values[(outputs ? g->outputs : g->inputs)[i]];
        if (outputs && f->infer) { /* the zoo's batch dimension is its inputs' */
            struct cz_shape shape = f->infer->shape[g->outputs[i]];
            const char *batch[CZ_MAX_RANK] = {g->values[g->inputs[0]].dim_name[0]};
            shape.dim[0] = g->values[g->inputs[0]].shape.dim[0];
            json_array_append_new(list, value_json(v->name, cz_dtype_name(shape.dtype), &shape, batch));
            continue;
        }
        json_array_append_new(list,
                              value_json(v->name, cz_dtype_name(v->shape.dtype), &v->shape, v->dim_name));
    }
    return list;
}

static json_t *stages_json(const struct cz_findings *f)
{
    json_t *list = json_array();
    for (int i = 0; i < f->n_stages; i++) {
        const struct cz_stage *s = &f->stages[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:i, s:I}", "name", s->name, "stride",
                                              s->stride ? json_integer(s->stride) : json_null(), "n_nodes",
                                              s->n_nodes, "n_parameters", (json_int_t)s->n_parameters));
    }
    return list;
}

static json_t *unsupported_json(const struct cz_onnx_report *r)
{
    json_t *list = json_array();
    for (int i = 0; r && i < r->n_unsupported; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:i, s:o}", "node", cz_json_text(r->unsupported[i].node), "op",
                            cz_json_text(r->unsupported[i].op), "opset", r->unsupported[i].opset, "reason",
                            cz_json_text(r->unsupported[i].reason)));
    return list;
}

size_t cz_inspect_step_bytes(const struct cz_plan *plan, const struct cz_step *step)
{
    size_t bytes = 0;
    for (int i = 0; i < step->n_out; i++)
        if (plan->values[step->out[i]].same_as < 0)
            bytes += plan->values[step->out[i]].bytes;
    return bytes;
}

static json_t *plan_json(const struct cz_plan *plan)
{
    json_t *list = json_array();
    for (int i = 0; plan && i < plan->n_steps; i++) {
        const struct cz_step *s = &plan->steps[i];
        const struct cz_planned *out = s->n_out ? &plan->values[s->out[0]] : NULL;
        json_array_append_new(
            list, json_pack("{s:o, s:s, s:s, s:s, s:o, s:I, s:o}", "node", cz_json_text(s->name), "op", s->op,
                            "algorithm", s->algorithm, "layout",
                            out && out->layout == CZ_BLOCKED ? "blocked" : "plain", "shape",
                            out ? shape_json(&out->shape, NULL) : json_null(), "bytes",
                            (json_int_t)cz_inspect_step_bytes(plan, s), "macs", cz_json_double(s->macs)));
    }
    return list;
}

int cz_inspect_count_ops(const struct cz_findings *f, json_t *ops)
{
    const struct cz_graph *g = f->model.graph;
    const struct cz_onnx_report *r = f->model.report;
    int n = 0;
    for (int i = 0; !g && i < r->n_ops; i++) {
        n += r->ops[i].n_nodes;
        json_object_set_new(ops, r->ops[i].op, json_integer(r->ops[i].n_nodes));
    }
    for (int i = 0; g && i < g->n_nodes; i++) {
        const char *name = g->nodes[i].op->name;
        if (f->infer && f->infer->constant[g->nodes[i].out[0]].data)
            continue;
        json_object_set_new(ops, name, json_integer(json_integer_value(json_object_get(ops, name)) + 1));
        n++;
    }
    return n;
}

static json_t *ops_json(const struct cz_findings *f)
{
    json_t *ops = json_object();
    const struct cz_onnx_report *r = f->model.report;
    for (int i = 0; r && i < r->n_ops; i++)
        json_object_set_new(ops, r->ops[i].op, json_integer(r->ops[i].n_nodes));
    if (!r)
        cz_inspect_count_ops(f, ops);
    return ops;
}

const char *cz_inspect_metadata(const struct cz_findings *f, const char *key)
{
    const struct cz_onnx_report *r = f->model.report;
    if (f->model.graph)
        return cz_graph_metadata(f->model.graph, key);
    for (int i = 0; r && i < r->n_metadata; i++)
        if (strcmp(r->metadata[i].key, key) == 0)
            return r->metadata[i].value;
    return NULL;
}

json_t *cz_inspect_parsed(const struct cz_findings *f, const char *key)
{
    const char *text = cz_inspect_metadata(f, key);
    json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return value ? value : json_null();
}

static json_t *file_hash(const struct cz_findings *f, const char *path)
{
    struct cz_file_map map;
    uint8_t digest[CZ_SHA256_BYTES];
    char hex[CZ_SHA256_HEX];
    if (!f->model.report || cz_file_map(path, &map, NULL) != CZ_OK)
        return json_null();
    cz_sha256(map.data, map.size, digest);
    cz_file_unmap(&map);
    return json_string(cz_sha256_hex(digest, hex));
}

json_t *cz_inspect_document(const struct cz_cli *cli, const struct cz_findings *f)
{
    const struct cz_onnx_report *r = f->model.report;
    const struct cz_graph *g = f->model.graph;
    int want_plan = cz_arg_switch(&cli->args, "plan");
    json_t *root =
        json_pack("{s:s, s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:i, s:o}", "schema", "convzoo.inspect/1",
                  "source", cz_json_text(f->model.label), "sha256", file_hash(f, cli->args.operands[0]),
                  "bytes", r ? json_integer((json_int_t)r->file_bytes) : json_null(), "ir_version",
                  r ? r->ir_version : g->ir_version, "opset", r ? r->opset : g->opset, "inputs",
                  cz_inspect_values(f, 0), "outputs", cz_inspect_values(f, 1), "n_nodes",
                  r ? r->n_nodes : g->n_nodes, "ops", ops_json(f));
    json_t *rest = json_pack(
        "{s:I, s:o, s:I, s:i, s:o, s:o, s:o, s:o, s:o}", "n_parameters", (json_int_t)f->n_parameters, "macs",
        f->infer ? json_integer((json_int_t)llround(cz_infer_macs(f->infer))) : json_null(), "weights_bytes",
        (json_int_t)f->weights_bytes, "batch", f->batch, "arena_bytes",
        f->plan ? json_integer((json_int_t)cz_plan_arena_bytes(f->plan)) : json_null(), "preprocess",
        cz_inspect_parsed(f, "convzoo.preprocess"), "classes", cz_inspect_parsed(f, "convzoo.classes"),
        "stages", stages_json(f), "unsupported", unsupported_json(r));
    json_object_update(root, rest);
    json_decref(rest);
    if (want_plan)
        json_object_set_new(root, "plan", plan_json(f->plan));
    if (f->model.report && g && cz_arg_switch(&cli->args, "tensors"))
        json_object_set_new(root, "tensors", cz_inspect_tensors(g));
    return root;
}
