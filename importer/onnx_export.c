#include "importer/onnx_export.h"
#include "base/checked.h"
#include "base/file.h"
#include "engine/ops/adaptive_pool.h"
#include "importer/half.h"
#include "importer/onnx_convert.h"
#include "importer/onnx_tensor.h"
#include "importer/onnx_wire.h"

#include <stdlib.h>
#include <string.h>

/* Field numbers of onnx.proto. */
enum model_field {
    IR_VERSION = 1,
    PRODUCER_NAME,
    PRODUCER_VERSION,
    GRAPH = 7,
    OPSET_IMPORT = 8,
    METADATA_PROPS = 14
};
enum graph_field { NODE = 1, GRAPH_NAME, INITIALIZER = 5, INPUT = 11, OUTPUT = 12 };
enum node_field { NODE_INPUT = 1, NODE_OUTPUT, NODE_NAME, OP_TYPE, ATTRIBUTE };
enum attribute_field {
    ATTR_NAME = 1,
    ATTR_F,
    ATTR_I,
    ATTR_S,
    ATTR_T,
    ATTR_FLOATS = 7,
    ATTR_INTS,
    ATTR_TYPE = 20
};
enum tensor_field { DIMS = 1, DATA_TYPE, TENSOR_NAME = 8, RAW_DATA };

/* A parameter's name and "/float16"; longer ones are refused before anything is written. */
enum { NAME_BYTES = 1024 };

/* What is written, and the shapes that a file must state. */
struct job {
    const struct cz_graph *graph;
    struct cz_halves halves;
    struct cz_infer *one, *two; /* at batch 1 (or the network's own) and, where it takes any batch, at 2 */
    struct adaptive **adaptive; /* per node; NULL where there is nothing adaptive */
};

struct item {
    const struct job *job;
    int index;
};

static const char *value_name(const struct job *j, int value)
{
    return value < 0 ? "" : j->graph->values[value].name;
}

/* Tensors. */

struct named_tensor {
    const char *name;
    cz_tensor value;
};

static void tensor_body(struct onnx_out *o, const void *what)
{
    const struct named_tensor *t = what;
    struct cz_shape shape = cz_tensor_shape(&t->value);
    for (int i = 0; i < shape.rank; i++)
        onnx_put_int(o, DIMS, shape.dim[i]);
    onnx_put_int(o, DATA_TYPE, onnx_type_of(shape.dtype));
    if (t->name)
        onnx_put_text(o, TENSOR_NAME, t->name);
    onnx_put_bytes(o, RAW_DATA, t->value.data, cz_shape_bytes(&shape));
}

/* A shortened tensor stands under a name of its own; a Cast, which any runtime folds, gives it back its own.
 */
static int is_half(const struct job *j, int param)
{
    return j->halves.data && j->halves.data[param];
}

static void half_name(const struct cz_param *p, char *text, size_t size)
{
    snprintf(text, size, "%s/float16", p->name);
}

static void put_initializers(struct onnx_out *o, const struct job *j)
{
    for (int i = 0; i < j->graph->params.count; i++) {
        const struct cz_param *p = &j->graph->params.items[i];
        struct named_tensor t = {p->name, cz_halves_value(&j->halves, j->graph, i)};
        char name[NAME_BYTES];
        if (is_half(j, i)) {
            half_name(p, name, sizeof name);
            t.name = name;
        }
        onnx_put_message(o, INITIALIZER, tensor_body, &t);
    }
}

/* Attributes. */

static void attr_body(struct onnx_out *o, const void *what)
{
    static const int types[] = {
        [CZ_ATTR_INT] = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT,
        [CZ_ATTR_FLOAT] = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT,
        [CZ_ATTR_STRING] = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING,
        [CZ_ATTR_INTS] = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS,
        [CZ_ATTR_FLOATS] = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS,
        [CZ_ATTR_TENSOR] = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR,
    };
    const struct cz_attr *a = what;
    onnx_put_text(o, ATTR_NAME, a->name);
    switch (a->kind) {
    case CZ_ATTR_INT:
        onnx_put_int(o, ATTR_I, a->i);
        break;
    case CZ_ATTR_FLOAT:
        onnx_put_float(o, ATTR_F, a->f);
        break;
    case CZ_ATTR_STRING:
        onnx_put_text(o, ATTR_S, a->s);
        break;
    case CZ_ATTR_INTS:
        for (int i = 0; i < a->n; i++)
            onnx_put_int(o, ATTR_INTS, a->ints[i]);
        break;
    case CZ_ATTR_FLOATS:
        for (int i = 0; i < a->n; i++)
            onnx_put_float(o, ATTR_FLOATS, a->floats[i]);
        break;
    case CZ_ATTR_TENSOR:
        onnx_put_message(o, ATTR_T, tensor_body, &(struct named_tensor){NULL, a->tensor});
        break;
    }
    onnx_put_int(o, ATTR_TYPE, types[a->kind]);
}

/* Nodes. */

static void node_body(struct onnx_out *o, const void *what)
{
    const struct item *item = what;
    const struct cz_node *n = &item->job->graph->nodes[item->index];
    for (int i = 0; i < n->n_in; i++)
        onnx_put_text(o, NODE_INPUT, value_name(item->job, n->in[i]));
    for (int i = 0; i < n->n_out; i++)
        onnx_put_text(o, NODE_OUTPUT, value_name(item->job, n->out[i]));
    onnx_put_text(o, NODE_NAME, n->name);
    onnx_put_text(o, OP_TYPE, n->op->name);
    for (int i = 0; i < n->attributes.count; i++)
        onnx_put_message(o, ATTRIBUTE, attr_body, &n->attributes.items[i]);
}

/* A node of our making: up to two inputs, one output. */
struct made_node {
    const char *op, *name, *in[2], *out;
    struct cz_attr attrs[2];
    int n_attrs;
};

static void made_body(struct onnx_out *o, const void *what)
{
    const struct made_node *n = what;
    for (int i = 0; i < 2 && n->in[i]; i++)
        onnx_put_text(o, NODE_INPUT, n->in[i]);
    onnx_put_text(o, NODE_OUTPUT, n->out);
    onnx_put_text(o, NODE_NAME, n->name);
    onnx_put_text(o, OP_TYPE, n->op);
    for (int i = 0; i < n->n_attrs; i++)
        onnx_put_message(o, ATTRIBUTE, attr_body, &n->attrs[i]);
}

static void put_casts(struct onnx_out *o, const struct job *j)
{
    struct cz_attr to = {.name = "to", .kind = CZ_ATTR_INT, .i = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT};
    for (int i = 0; i < j->graph->params.count; i++) {
        const char *name = j->graph->params.items[i].name;
        char half[NAME_BYTES];
        if (!is_half(j, i))
            continue;
        half_name(&j->graph->params.items[i], half, sizeof half);
        onnx_put_message(
            o, NODE, made_body,
            &(struct made_node){
                .op = "Cast", .name = half, .in = {half}, .out = name, .attrs = {to}, .n_attrs = 1});
    }
}

/*
 * Adaptive average pooling of [N,C,H,W] is R x C' with R[out_h][H] and C'[W][out_w] holding 1/length inside
 * each window. Where the windows tile the map evenly it is a plain AveragePool, which is what PyTorch writes.
 */
struct adaptive {
    int64_t kernel[2]; /* of the AveragePool; 0: matrices */
    struct named_tensor rows, columns;
    const char *between; /* R x, and the node that makes it */
};

static int is_adaptive(const struct cz_node *n)
{
    return strcmp(n->op->name, "AdaptiveAveragePool") == 0;
}

/* The matrix of window means for `in` -> `out`: [out][in], or transposed. */
static int make_means(struct cz_arena *arena, const char *name, int64_t in, int64_t out, int transposed,
                      struct named_tensor *t)
{
    size_t count, bytes;
    if (cz_mul_overflow((size_t)in, (size_t)out, &count) || cz_mul_overflow(count, sizeof(float), &bytes))
        return 1;
    float *data = cz_arena_alloc(arena, bytes);
    for (int64_t i = 0; i < out && data; i++) {
        int64_t first, end;
        cz_adaptive_window(i, in, out, &first, &end);
        for (int64_t k = first; k < end; k++)
            data[transposed ? k * out + i : i * in + k] = (float)(1.0 / (double)(end - first));
    }
    struct cz_shape shape = cz_shape_of(CZ_F32, 2, transposed ? in : out, transposed ? out : in);
    *t = (struct named_tensor){name, cz_tensor_view(data, &shape)};
    return !data || !name;
}

static int make_adaptive(struct cz_infer *shapes, const struct cz_node *n, struct adaptive **out)
{
    const struct cz_adaptive_attrs *attrs = n->attrs;
    const struct cz_shape *in = &shapes->shape[n->in[0]];
    struct adaptive *a = cz_arena_alloc(shapes->arena, sizeof *a);
    *out = a;
    if (!a)
        return 1;
    if (in->dim[2] % attrs->out_h == 0 && in->dim[3] % attrs->out_w == 0) {
        a->kernel[0] = in->dim[2] / attrs->out_h;
        a->kernel[1] = in->dim[3] / attrs->out_w;
        return 0;
    }
    a->between = cz_arena_printf(shapes->arena, "%s/rows_out", n->name);
    return !a->between ||
           make_means(shapes->arena, cz_arena_printf(shapes->arena, "%s/rows", n->name), in->dim[2],
                      attrs->out_h, 0, &a->rows) ||
           make_means(shapes->arena, cz_arena_printf(shapes->arena, "%s/columns", n->name), in->dim[3],
                      attrs->out_w, 1, &a->columns);
}

static void put_adaptive(struct onnx_out *o, const struct job *j, int index)
{
    const struct cz_node *n = &j->graph->nodes[index];
    const struct adaptive *a = j->adaptive[index];
    const char *in = value_name(j, n->in[0]), *out = value_name(j, n->out[0]);
    if (a->kernel[0]) {
        struct cz_attr shape = {.name = "kernel_shape", .kind = CZ_ATTR_INTS, .n = 2, .ints = a->kernel},
                       step = shape;
        step.name = "strides";
        onnx_put_message(o, NODE, made_body,
                         &(struct made_node){"AveragePool", n->name, {in}, out, {shape, step}, 2});
        return;
    }
    onnx_put_message(
        o, NODE, made_body,
        &(struct made_node){.op = "MatMul", .name = a->between, .in = {a->rows.name, in}, .out = a->between});
    onnx_put_message(o, NODE, made_body,
                     &(struct made_node){
                         .op = "MatMul", .name = n->name, .in = {a->between, a->columns.name}, .out = out});
}

static void put_adaptive_matrices(struct onnx_out *o, const struct job *j)
{
    for (int i = 0; i < j->graph->n_nodes; i++)
        if (j->adaptive && j->adaptive[i] && j->adaptive[i]->between) {
            onnx_put_message(o, INITIALIZER, tensor_body, &j->adaptive[i]->rows);
            onnx_put_message(o, INITIALIZER, tensor_body, &j->adaptive[i]->columns);
        }
}

/* Inputs and outputs: ValueInfoProto > TypeProto > Tensor > TensorShapeProto > Dimension. */

struct dim {
    int64_t size;
    const char *name; /* NULL with size -1: unknown */
};

struct value_type {
    const char *name;
    cz_dtype dtype;
    int rank; /* -1: not known */
    struct dim dims[CZ_MAX_RANK];
};

static void dim_body(struct onnx_out *o, const void *what)
{
    const struct dim *d = what;
    if (d->name)
        onnx_put_text(o, 2, d->name);
    else if (d->size >= 0)
        onnx_put_int(o, 1, d->size);
}

static void shape_body(struct onnx_out *o, const void *what)
{
    const struct value_type *v = what;
    for (int i = 0; i < v->rank; i++)
        onnx_put_message(o, 1, dim_body, &v->dims[i]);
}

static void tensor_type_body(struct onnx_out *o, const void *what)
{
    const struct value_type *v = what;
    onnx_put_int(o, 1, onnx_type_of(v->dtype));
    if (v->rank >= 0)
        onnx_put_message(o, 2, shape_body, v);
}

static void type_body(struct onnx_out *o, const void *what)
{
    onnx_put_message(o, 1, tensor_type_body, what);
}

static void value_body(struct onnx_out *o, const void *what)
{
    onnx_put_text(o, 1, ((const struct value_type *)what)->name);
    onnx_put_message(o, 2, type_body, what);
}

/* The batch axis is called N where the network takes any; other open dimensions keep their names. */
static struct value_type describe(const struct job *j, int index, int is_input)
{
    const struct cz_value *v = &j->graph->values[index];
    struct cz_shape shape = is_input || !j->one ? v->shape : j->one->shape[index];
    struct value_type out = {
        v->name, j->one ? j->one->shape[index].dtype : v->shape.dtype, shape.rank, {{0, NULL}}};
    for (int i = 0; i < shape.rank; i++) {
        int is_batch = j->two && j->two->shape[index].dim[i] != j->one->shape[index].dim[i];
        out.dims[i] = (struct dim){shape.dim[i], is_batch ? "N" : shape.dim[i] < 0 ? v->dim_name[i] : NULL};
    }
    return out;
}

static void put_values(struct onnx_out *o, const struct job *j, int field, const int *list, int n)
{
    for (int i = 0; i < n; i++) {
        struct value_type v = describe(j, list[i], field == INPUT);
        onnx_put_message(o, field, value_body, &v);
    }
}

/* The model. */

static void graph_body(struct onnx_out *o, const void *what)
{
    const struct job *j = what;
    const struct cz_graph *g = j->graph;
    put_casts(o, j);
    for (int i = 0; i < g->n_nodes; i++)
        if (is_adaptive(&g->nodes[i]))
            put_adaptive(o, j, i);
        else
            onnx_put_message(o, NODE, node_body, &(struct item){j, i});
    onnx_put_text(o, GRAPH_NAME, g->info.name && g->info.name[0] ? g->info.name : "network");
    put_initializers(o, j);
    put_adaptive_matrices(o, j);
    put_values(o, j, INPUT, g->inputs, g->n_inputs);
    put_values(o, j, OUTPUT, g->outputs, g->n_outputs);
}

static void opset_body(struct onnx_out *o, const void *what)
{
    onnx_put_text(o, 1, "");
    onnx_put_int(o, 2, *(const int *)what);
}

static void metadata_body(struct onnx_out *o, const void *what)
{
    const struct cz_metadata *m = what;
    onnx_put_text(o, 1, m->key);
    onnx_put_text(o, 2, m->value);
}

/* The oldest IR version that knows the opset, but 8 at least: what opset 17 came with. */
static int ir_version(int opset)
{
    return opset >= 21 ? 10 : opset >= 19 ? 9 : 8;
}

static void put_model(struct onnx_out *o, const struct job *j)
{
    onnx_put_int(o, IR_VERSION, ir_version(j->graph->opset));
    onnx_put_text(o, PRODUCER_NAME, "convzoo");
    onnx_put_text(o, PRODUCER_VERSION, cz_version());
    onnx_put_message(o, GRAPH, graph_body, j);
    onnx_put_message(o, OPSET_IMPORT, opset_body, &j->graph->opset);
    for (int i = 0; i < j->graph->n_metadata; i++)
        onnx_put_message(o, METADATA_PROPS, metadata_body, &j->graph->metadata[i]);
}

/* Shape sub-graphs fold in a few bytes; whole weights need not be computed to know a shape. */
enum { FOLD_BYTES = 64 << 10 };

/* Open heights and widths take the network's usual size, to know the shapes behind them. */
static cz_status infer_at(const struct cz_graph *g, int64_t batch, struct cz_infer **out, cz_error *err)
{
    cz_input_shape *given = calloc((size_t)g->n_inputs + 1, sizeof *given);
    int n = 0;
    if (!given)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory");
    for (int i = 0; i < g->n_inputs; i++) {
        const struct cz_value *v = &g->values[g->inputs[i]];
        const int usual[] = {-1, g->info.in_c, g->info.in_h, g->info.in_w};
        if (v->shape.rank != 4)
            continue;
        given[n] = (cz_input_shape){.name = v->name, .rank = 4};
        for (int d = 0; d < 4; d++)
            given[n].dim[d] = v->shape.dim[d] < 0 ? usual[d] : d == 0 && batch > 0 ? -1 : v->shape.dim[d];
        n++;
    }
    cz_status status = cz_infer_create(g, given, n, batch, FOLD_BYTES, out, err);
    free(given);
    return status;
}

/* Any batch will do where all outputs follow it, and in nothing but their first dimension. */
static int follows_batch(const struct job *j)
{
    for (int i = 0; i < j->graph->n_outputs; i++) {
        const struct cz_shape *a = &j->one->shape[j->graph->outputs[i]],
                              *b = &j->two->shape[j->graph->outputs[i]];
        if (a->rank < 1 || a->rank != b->rank || a->dim[0] != 1 || b->dim[0] != 2)
            return 0;
        for (int d = 1; d < a->rank; d++)
            if (a->dim[d] != b->dim[d])
                return 0;
    }
    return 1;
}

static int has_adaptive(const struct cz_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (is_adaptive(&g->nodes[i]))
            return 1;
    return 0;
}

static cz_status find_shapes(struct job *j, cz_error *err)
{
    if (infer_at(j->graph, 1, &j->one, NULL) == CZ_OK && infer_at(j->graph, 2, &j->two, NULL) == CZ_OK &&
        follows_batch(j))
        return CZ_OK;
    cz_infer_destroy(j->one);
    cz_infer_destroy(j->two);
    j->one = j->two = NULL;
    cz_status status = infer_at(j->graph, 0, &j->one, err);
    /* Without shapes the declared ones are written; only the matrices depend on a map's size. */
    return has_adaptive(j->graph) ? status : CZ_OK;
}

static cz_status prepare_adaptive(struct job *j, cz_error *err)
{
    const struct cz_graph *g = j->graph;
    if (!has_adaptive(g))
        return CZ_OK;
    j->adaptive = cz_arena_alloc(j->one->arena, sizeof *j->adaptive * (size_t)g->n_nodes);
    int failed = !j->adaptive;
    for (int i = 0; i < g->n_nodes && !failed; i++)
        if (is_adaptive(&g->nodes[i]))
            failed = make_adaptive(j->one, &g->nodes[i], &j->adaptive[i]);
    if (failed)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory making pooling matrices");
    return CZ_OK;
}

static cz_status check_job(const struct job *j, cz_error *err)
{
    const struct cz_graph *g = j->graph;
    for (int i = 0; i < g->params.count; i++)
        if (!g->params.items[i].value.data)
            CZ_FAIL(err, CZ_ERR_STATE, "parameter '%s' has no values; load or initialise the network first",
                    g->params.items[i].name);
        else if (is_half(j, i) && strlen(g->params.items[i].name) + sizeof "/float16" > NAME_BYTES)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "parameter '%.60s...': its name is too long; leave out --fp16",
                    g->params.items[i].name);
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].op->flags & CZ_OP_INTERNAL && !is_adaptive(&g->nodes[i]))
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "node '%s' (%s): ONNX has no such operator", g->nodes[i].name,
                    g->nodes[i].op->name);
    struct onnx_out counter = {0};
    put_model(&counter, j);
    if (counter.size > INT32_MAX)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%llu bytes; a single ONNX file ends at 2 GiB",
                (unsigned long long)counter.size);
    return CZ_OK;
}

static cz_status write_file(const struct job *j, const char *path, cz_error *err)
{
    struct cz_file_writer writer;
    CZ_TRY(cz_file_writer_open(path, &writer, err));
    struct onnx_out out = {.stream = writer.stream};
    put_model(&out, j);
    return cz_file_writer_commit(&writer, err);
}

static cz_status prepare(struct job *j, int fp16, cz_error *err)
{
    CZ_TRY(find_shapes(j, err));
    CZ_TRY(prepare_adaptive(j, err));
    if (fp16)
        CZ_TRY(cz_halves_make(j->graph, &j->halves, err));
    return check_job(j, err);
}

static cz_status export_graph(const struct cz_graph *g, const char *path, int fp16, cz_error *err)
{
    struct job j = {.graph = g};
    cz_status status = prepare(&j, fp16, err);
    if (status != CZ_OK)
        status = cz_error_prefix(err, status, "%s", path);
    else
        status = write_file(&j, path, err);
    cz_halves_deinit(&j.halves);
    cz_infer_destroy(j.one);
    cz_infer_destroy(j.two);
    return status;
}

cz_status cz_onnx_export_as(struct cz_graph *g, const char *path,
                            const struct cz_onnx_export_options *options, cz_error *err)
{
    struct cz_graph *converted;
    cz_status status = onnx_convert(g, options->opset ? options->opset : g->opset, &converted, err);
    if (status != CZ_OK)
        return cz_error_prefix(err, status, "%s", path);
    status = export_graph(converted, path, options->fp16, err);
    cz_graph_release(converted);
    return status;
}

cz_status cz_onnx_export(const struct cz_graph *g, const char *path, cz_error *err)
{
    return export_graph(g, path, 0, err);
}
