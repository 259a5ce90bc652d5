/*
 * `convzoo run MODEL`: raw tensors in, raw tensors out, and how far they are from expected ones.
 */
#include "cli/output.h"
#include "cli/run_job.h"
#include "engine/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void release(struct cz_run_job *j)
{
    for (int i = 0; i < j->n_in; i++)
        free(j->in[i].tensor.data);
    for (int i = 0; i < j->n_out; i++)
        free(j->out[i].tensor.data);
    free(j->in);
    free(j->out);
    cz_runtime_destroy(j->runtime);
    cz_cli_model_close(&j->model);
}

static int create_ports(struct cz_cli *cli, struct cz_run_job *j)
{
    const struct cz_graph *g = j->model.graph;
    j->n_in = g->n_inputs;
    j->n_out = g->n_outputs;
    j->in = calloc((size_t)j->n_in + 1, sizeof *j->in);
    j->out = calloc((size_t)j->n_out + 1, sizeof *j->out);
    if (!j->in || !j->out) {
        j->n_in = j->n_out = 0;
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "run: out of memory; close other programs");
    }
    for (int i = 0; i < j->n_in; i++)
        j->in[i].value = &g->values[g->inputs[i]];
    for (int i = 0; i < j->n_out; i++)
        j->out[i].value = &g->values[g->outputs[i]];
    for (int i = 0; i < j->n_in; i++)
        j->in[i].name = j->in[i].value->name;
    for (int i = 0; i < j->n_out; i++)
        j->out[i].name = j->out[i].value->name;
    return CZ_EXIT_OK;
}

static char *names_of(const struct cz_run_port *ports, int n, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (int i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "", ports[i].name);
    return buf;
}

/* The port of "NAME=FILE", or of "FILE" where there is only one; *file: the part behind the name. */
static struct cz_run_port *find_port(struct cz_run_port *ports, int n, const char *text, const char **file)
{
    for (int i = 0; i < n; i++) {
        size_t length = strlen(ports[i].name);
        if (strncmp(text, ports[i].name, length) == 0 && text[length] == '=') {
            *file = text + length + 1;
            return &ports[i];
        }
    }
    *file = text;
    return n == 1 ? &ports[0] : NULL;
}

/* Spreads an option's values over the ports; `expect`: to the expect member. */
static int assign(struct cz_cli *cli, const char *option, const char *kind, struct cz_run_port *ports, int n,
                  int expect)
{
    const struct cz_arg *arg = cz_arg_get(&cli->args, option);
    int code = CZ_EXIT_OK;
    for (int i = 0; i < arg->n_values; i++) {
        char list[256];
        const char *file;
        struct cz_run_port *p = find_port(ports, n, arg->values[i], &file);
        const char **place = p ? expect ? &p->expect : &p->file : NULL;
        if (!p)
            code = cz_cli_error(cli, CZ_EXIT_USAGE, "--%s %s: which %s? The model has %s; write --%s NAME=%s",
                                option, arg->values[i], kind, names_of(ports, n, list, sizeof list), option,
                                arg->values[i]);
        else if (*place)
            code = cz_cli_error(cli, CZ_EXIT_USAGE, "--%s %s: %s '%s' has %s already; give one file", option,
                                arg->values[i], kind, p->name, *place);
        else
            *place = file;
    }
    return code;
}

/* Floats of another width, and whole numbers into wider ones, are converted; that is said. */
static int may_convert(cz_dtype from, cz_dtype to)
{
    return (cz_run_is_float(from) && cz_run_is_float(to)) || (from == CZ_I32 && to == CZ_I64) ||
           (from == CZ_U8 && to == CZ_BOOL);
}

static int wrong_input(struct cz_cli *cli, const struct cz_run_job *j, const struct cz_run_port *p,
                       const char *remedy)
{
    char want[CZ_SHAPE_TEXT], found[CZ_SHAPE_TEXT];
    struct cz_shape shape = cz_tensor_shape(&p->tensor);
    return cz_cli_error(cli, CZ_EXIT_INPUT, "%s: input '%s' of %s wants %s, found %s; %s", p->file, p->name,
                        j->model.label, cz_shape_text(&p->value->shape, want, sizeof want),
                        cz_shape_text(&shape, found, sizeof found), remedy);
}

static int convert(struct cz_cli *cli, struct cz_run_port *p)
{
    struct cz_shape shape = cz_tensor_shape(&p->tensor);
    const char *from = cz_dtype_name(shape.dtype);
    int64_t n = cz_shape_count(&shape);
    shape.dtype = p->value->shape.dtype;
    cz_tensor to = cz_tensor_view(malloc(cz_shape_bytes(&shape) + 1), &shape);
    if (!to.data)
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "%s: out of memory; use a smaller file", p->file);
    for (int64_t i = 0; i < n; i++)
        cz_tensor_store(&to, i, cz_tensor_double(&p->tensor, i));
    free(p->tensor.data);
    p->tensor = to;
    cz_cli_note(cli, "%s: %s converted to the %s of input '%s'", p->file, from, cz_dtype_name(shape.dtype),
                p->name);
    return CZ_EXIT_OK;
}

/* Dimensions behind the batch must be the model's. */
static int dims_fit(const struct cz_shape *want, const cz_tensor *t, int batch_free)
{
    if (want->rank < 0)
        return 1;
    if (want->rank != t->rank)
        return 0;
    for (int i = batch_free; i < t->rank; i++)
        if (want->dim[i] >= 0 && want->dim[i] != t->dim[i])
            return 0;
    return 1;
}

/* NCHW given as NHWC or the other way round. */
static const char *shape_remedy(const struct cz_shape *want, const cz_tensor *t)
{
    if (want->rank != 4 || t->rank != 4)
        return "give a file of that shape";
    if (want->dim[1] == t->dim[3] && want->dim[1] > 0 && want->dim[1] != t->dim[1])
        return "transpose to NCHW";
    if (want->dim[3] == t->dim[1] && want->dim[3] > 0 && want->dim[3] != t->dim[3])
        return "transpose to NHWC";
    return "give a file of that shape";
}

static int read_input(struct cz_cli *cli, const struct cz_run_job *j, struct cz_run_port *p)
{
    cz_error err;
    const struct cz_shape *want = &p->value->shape;
    if (!p->file)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "run: input '%s' is missing; give --input %s%sFILE", p->name,
                            j->n_in > 1 ? p->name : "", j->n_in > 1 ? "=" : "");
    if (cz_run_read_tensor(p->file, &p->tensor, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    if (!dims_fit(want, &p->tensor, want->rank >= 2 && cz_run_is_float(want->dtype)))
        return wrong_input(cli, j, p, shape_remedy(want, &p->tensor));
    if (p->tensor.dtype == want->dtype)
        return CZ_EXIT_OK;
    if (!may_convert(p->tensor.dtype, want->dtype))
        return wrong_input(cli, j, p, "give a file of that type");
    return convert(cli, p);
}

/* Everything that can be refused before the work. */
static int prepare(struct cz_cli *cli, struct cz_run_job *j)
{
    cz_error err;
    int force = cz_arg_switch(&cli->args, "force");
    int code = assign(cli, "input", "input", j->in, j->n_in, 0);
    code |= assign(cli, "output", "output", j->out, j->n_out, 0);
    code |= assign(cli, "expect", "output", j->out, j->n_out, 1);
    for (int i = 0; i < j->n_out && code == CZ_EXIT_OK; i++)
        if (j->out[i].file &&
            (cz_output_check_suffix(j->out[i].file, "--output", "npy", NULL, &err) != CZ_OK ||
             cz_output_check(j->out[i].file, "--output", force, &err) != CZ_OK))
            code = cz_cli_fail(cli, &err);
    for (int i = 0; i < j->n_in && code == CZ_EXIT_OK; i++)
        code = read_input(cli, j, &j->in[i]);
    return code;
}

/* Images a step: --batch where every input is a batch of as many, else 0: the inputs whole. */
static int64_t chunk_size(const struct cz_cli *cli, const struct cz_run_job *j)
{
    int64_t batch = cz_arg_count(&cli->args, "batch", INT64_MAX);
    for (int i = 0; i < j->n_in; i++)
        if (j->in[i].tensor.rank < 2 || j->in[i].tensor.dim[0] != j->in[0].tensor.dim[0])
            return 0;
    return j->n_in > 0 && batch < j->in[0].tensor.dim[0] ? batch : 0;
}

/* Images first..first+n of a batched tensor. */
static cz_tensor slice(const cz_tensor *t, int64_t first, int64_t n)
{
    struct cz_shape shape = cz_tensor_shape(t);
    size_t row = t->dim[0] > 0 ? cz_shape_bytes(&shape) / (size_t)t->dim[0] : 0;
    cz_tensor part = *t;
    part.data = (char *)t->data + row * (size_t)first;
    part.dim[0] = n;
    return part;
}

/* Memory for output `i` of all images, once its shape is known. */
static int make_output(struct cz_cli *cli, struct cz_run_port *p, const cz_tensor *chunk, int64_t n_chunk,
                       int64_t total)
{
    struct cz_shape shape = cz_tensor_shape(chunk);
    if (total > n_chunk && (shape.rank < 1 || shape.dim[0] != n_chunk))
        return cz_cli_error(cli, CZ_EXIT_INPUT,
                            "--batch %lld: output '%s' is not a batch of as many images; leave --batch out",
                            (long long)n_chunk, p->name);
    if (total > n_chunk)
        shape.dim[0] = total;
    p->tensor = cz_tensor_view(malloc(cz_shape_bytes(&shape) + 1), &shape);
    if (!p->tensor.data)
        return cz_cli_error(cli, CZ_EXIT_MEMORY, "output '%s': out of memory; run fewer images", p->name);
    return CZ_EXIT_OK;
}

static int keep_outputs(struct cz_cli *cli, struct cz_run_job *j, const cz_tensor *out, int64_t first,
                        int64_t n, int64_t total)
{
    for (int i = 0; i < j->n_out; i++) {
        struct cz_run_port *p = &j->out[i];
        struct cz_shape shape = cz_tensor_shape(&out[i]);
        int code = p->tensor.data ? CZ_EXIT_OK : make_output(cli, p, &out[i], n, total);
        if (code != CZ_EXIT_OK)
            return code;
        size_t row = n < total ? cz_shape_bytes(&shape) / (size_t)n : 0;
        memcpy((char *)p->tensor.data + row * (size_t)first, out[i].data, cz_shape_bytes(&shape));
    }
    return CZ_EXIT_OK;
}

static cz_status create_plan(const struct cz_cli *cli, const struct cz_run_job *j, const cz_tensor *in,
                             cz_plan **plan, cz_error *err)
{
    cz_input_shape *shapes = calloc((size_t)j->n_in + 1, sizeof *shapes);
    if (!shapes)
        return cz_error_set(err, CZ_ERR_MEMORY, "run: out of memory");
    for (int i = 0; i < j->n_in; i++) {
        shapes[i].name = j->in[i].name;
        shapes[i].rank = in[i].rank;
        memcpy(shapes[i].dim, in[i].dim, sizeof shapes[i].dim);
    }
    cz_plan_options options = {.struct_size = sizeof options,
                               .inputs = shapes,
                               .n_inputs = j->n_in,
                               .no_fuse = !cz_arg_switch(&cli->args, "fuse")};
    cz_status status = cz_plan_create(j->runtime, j->model.graph, &options, plan, err);
    free(shapes);
    return status;
}

/* One plan for all chunks of one size: the last one may be smaller and gets its own. */
static int run_chunks(struct cz_cli *cli, struct cz_run_job *j)
{
    cz_error err;
    cz_plan *plan = NULL;
    cz_session *session = NULL;
    int64_t chunk = chunk_size(cli, j), total = chunk ? j->in[0].tensor.dim[0] : 1, planned = -1;
    cz_tensor *io = calloc((size_t)(j->n_in + j->n_out) + 1, sizeof *io), *out = io + j->n_in;
    int code =
        io ? CZ_EXIT_OK : cz_cli_error(cli, CZ_EXIT_MEMORY, "run: out of memory; close other programs");
    if (!chunk)
        chunk = 1;
    for (int64_t first = 0; first < total && code == CZ_EXIT_OK; first += chunk) {
        int64_t n = total - first < chunk ? total - first : chunk;
        cz_status status = CZ_OK;
        for (int i = 0; i < j->n_in; i++)
            io[i] = total > 1 ? slice(&j->in[i].tensor, first, n) : j->in[i].tensor;
        if (n != planned) {
            cz_session_destroy(session);
            cz_plan_destroy(plan);
            session = NULL;
            plan = NULL;
            status = create_plan(cli, j, io, &plan, &err);
            if (status == CZ_OK)
                status = cz_session_create(plan, &session, &err);
            planned = n;
        }
        memset(out, 0, sizeof *out * (size_t)j->n_out);
        if (status == CZ_OK)
            status = cz_session_run(session, io, (size_t)j->n_in, out, (size_t)j->n_out, &err);
        code = status == CZ_OK ? keep_outputs(cli, j, out, first, n, total) : cz_cli_fail(cli, &err);
    }
    cz_session_destroy(session);
    cz_plan_destroy(plan);
    free(io);
    return code;
}

int cz_cmd_run(struct cz_cli *cli)
{
    cz_error err;
    struct cz_run_job j = {.tolerance = cz_arg_real(&cli->args, "tolerance", 1e-4)};
    int code = cz_cli_model_open(cli, cli->args.operands[0], CZ_MODEL_VALUES, &j.model);
    if (code != CZ_EXIT_OK)
        return code;
    code = create_ports(cli, &j);
    if (code == CZ_EXIT_OK)
        code = prepare(cli, &j);
    if (code == CZ_EXIT_OK && cz_cli_runtime(cli, &j.runtime, &err) != CZ_OK)
        code = cz_cli_fail(cli, &err);
    if (code == CZ_EXIT_OK) {
        cz_cli_note(cli, "%s, %s, %d threads", j.model.label, cz_runtime_isa(j.runtime),
                    cz_runtime_threads(j.runtime));
        code = run_chunks(cli, &j);
    }
    if (code == CZ_EXIT_OK)
        code = cz_run_report(cli, &j);
    release(&j);
    return code;
}
