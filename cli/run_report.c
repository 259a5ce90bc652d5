/*
 * What `run` says about its outputs.
 *
 * The error is the largest absolute difference over the largest absolute expected value: a bound on it means
 * the same for logits and for probabilities, and a value near zero does not make it large.
 */
#include "cli/run_job.h"
#include "base/json_out.h"
#include "cli/format.h"
#include "cli/table.h"
#include "engine/runtime.h"
#include "importer/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int has_suffix(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    return n >= m && strcmp(path + n - m, suffix) == 0;
}

cz_status cz_run_read_tensor(const char *path, cz_tensor *out, cz_error *err)
{
    return has_suffix(path, ".pb") ? cz_onnx_tensor_read(path, out, err) : cz_npy_read(path, out, err);
}

int cz_run_is_float(cz_dtype t)
{
    return t == CZ_F32 || t == CZ_F16 || t == CZ_BF16 || t == CZ_F64;
}

/* Equal but for dimensions of 1: [1,1000,1,1] holds what [1,1000] holds. */
static int same_contents(const cz_tensor *a, const cz_tensor *b)
{
    int i = 0, k = 0;
    for (;;) {
        while (i < a->rank && a->dim[i] == 1)
            i++;
        while (k < b->rank && b->dim[k] == 1)
            k++;
        if (i == a->rank || k == b->rank)
            return i == a->rank && k == b->rank;
        if (a->dim[i++] != b->dim[k++])
            return 0;
    }
}

static int compare(struct cz_cli *cli, const struct cz_run_job *j, struct cz_run_port *p)
{
    cz_error err;
    cz_tensor want;
    char found_text[CZ_SHAPE_TEXT], want_text[CZ_SHAPE_TEXT];
    struct cz_shape found_shape = cz_tensor_shape(&p->tensor);
    if (cz_run_read_tensor(p->expect, &want, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    struct cz_shape want_shape = cz_tensor_shape(&want);
    if (!same_contents(&p->tensor, &want)) {
        free(want.data);
        return cz_cli_error(cli, CZ_EXIT_INPUT,
                            "%s: expects %s, output '%s' is %s; give the file of this output", p->expect,
                            cz_shape_text(&want_shape, want_text, sizeof want_text), p->name,
                            cz_shape_text(&found_shape, found_text, sizeof found_text));
    }
    int64_t n = cz_shape_count(&want_shape);
    double largest = 0;
    int equal_nan = 1;
    p->max_abs = 0;
    for (int64_t i = 0; i < n; i++) {
        double a = cz_tensor_double(&p->tensor, i), b = cz_tensor_double(&want, i);
        if (!isfinite(a) || !isfinite(b)) {
            equal_nan &= a == b || (isnan(a) && isnan(b));
            continue;
        }
        p->max_abs = fmax(p->max_abs, fabs(a - b));
        largest = fmax(largest, fabs(b));
    }
    free(want.data);
    p->max_rel = p->max_abs == 0 ? 0 : p->max_abs / largest; /* largest 0: Inf, never within */
    if (!equal_nan)
        p->max_abs = p->max_rel = NAN;
    p->within = p->max_rel <= j->tolerance;
    return CZ_EXIT_OK;
}

/* A value that is no number, unless the expected file has it too. */
static int check_finite(struct cz_cli *cli, const struct cz_run_port *p)
{
    struct cz_shape shape = cz_tensor_shape(&p->tensor);
    int64_t n = cz_run_is_float(shape.dtype) ? cz_shape_count(&shape) : 0, bad = 0, first = -1;
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(cz_tensor_double(&p->tensor, i))) {
            first = first < 0 ? i : first;
            bad++;
        }
    if (bad == 0 || (p->expect && p->within))
        return CZ_EXIT_OK;
    return cz_cli_error(
        cli, CZ_EXIT_NUMERIC,
        "output '%s': %lld of %lld values are NaN or Inf, the first at %lld; look at the input, then try "
        "--fuse=no",
        p->name, (long long)bad, (long long)n, (long long)first);
}

static json_t *port_json(const struct cz_run_port *p)
{
    json_t *dims = json_array();
    for (int i = 0; i < p->tensor.rank; i++)
        json_array_append_new(dims, json_integer(p->tensor.dim[i]));
    return json_pack("{s:o, s:s, s:o, s:o}", "name", cz_json_text(p->name), "dtype",
                     cz_dtype_name(p->tensor.dtype), "shape", dims, "file", cz_json_text(p->file));
}

static json_t *document(const struct cz_run_job *j)
{
    json_t *inputs = json_array(), *outputs = json_array();
    for (int i = 0; i < j->n_in; i++)
        json_array_append_new(inputs, port_json(&j->in[i]));
    for (int i = 0; i < j->n_out; i++) {
        const struct cz_run_port *p = &j->out[i];
        json_t *item = port_json(p);
        json_object_set_new(item, "max_abs_diff", p->expect ? cz_json_double(p->max_abs) : json_null());
        json_object_set_new(item, "max_rel_diff", p->expect ? cz_json_double(p->max_rel) : json_null());
        json_object_set_new(item, "within", p->expect ? json_boolean(p->within) : json_null());
        json_array_append_new(outputs, item);
    }
    return json_pack("{s:s, s:o, s:s, s:f, s:o, s:o}", "schema", "convzoo.run/1", "model",
                     cz_json_text(j->model.label), "isa", cz_runtime_isa(j->runtime), "tolerance",
                     j->tolerance, "inputs", inputs, "outputs", outputs);
}

static void add_row(struct cz_table *t, const struct cz_run_job *j, const struct cz_run_port *p,
                    const char *kind)
{
    char dims[CZ_SHAPE_TEXT];
    struct cz_shape shape = cz_tensor_shape(&p->tensor);
    cz_table_row(t);
    cz_table_text(t, kind);
    cz_table_text(t, p->name);
    cz_table_text(t, cz_dtype_name(shape.dtype));
    cz_table_text(t, cz_format_dims(&shape, NULL, dims, sizeof dims));
    if (!p->expect)
        cz_table_text(t, "");
    else {
        cz_table_cell(t, "%.1e %s %.0e  %s", p->max_rel, p->within ? "<=" : ">", j->tolerance,
                      p->within ? "pass" : "FAIL");
        cz_table_color(t, p->within ? CZ_GREEN : CZ_RED);
    }
    cz_table_text(t, p->file ? p->file : "-");
}

static int print_text(const struct cz_cli *cli, const struct cz_run_job *j)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    int expects = cz_arg_get(&cli->args, "expect")->n_values > 0;
    cz_table_column(t, "", NULL, CZ_LEFT);
    cz_table_column(t, "name", NULL, CZ_LEFT | CZ_CUT);
    cz_table_column(t, "type", NULL, CZ_LEFT);
    cz_table_column(t, "shape", NULL, CZ_LEFT);
    cz_table_column(t, expects ? "error / largest" : "", NULL, CZ_LEFT);
    cz_table_column(t, "file", NULL, CZ_LEFT | CZ_CUT);
    for (int i = 0; i < j->n_in; i++)
        add_row(t, j, &j->in[i], "input");
    for (int i = 0; i < j->n_out; i++)
        add_row(t, j, &j->out[i], "output");
    int failed = cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    return failed;
}

static int write_outputs(struct cz_cli *cli, const struct cz_run_job *j)
{
    cz_error err;
    for (int i = 0; i < j->n_out; i++)
        if (j->out[i].file && cz_npy_write(j->out[i].file, &j->out[i].tensor, &err) != CZ_OK)
            return cz_cli_fail(cli, &err);
    return CZ_EXIT_OK;
}

int cz_run_report(struct cz_cli *cli, struct cz_run_job *j)
{
    int code = write_outputs(cli, j), differs = 0;
    for (int i = 0; i < j->n_out && code == CZ_EXIT_OK; i++)
        if (j->out[i].expect) {
            code = compare(cli, j, &j->out[i]);
            differs |= !j->out[i].within;
        }
    if (code != CZ_EXIT_OK)
        return code;
    if (cli->json)
        code = cz_cli_emit(cli, document(j));
    else if (print_text(cli, j))
        code = cz_cli_error(cli, CZ_EXIT_MEMORY, "run: out of memory; close other programs");
    for (int i = 0; i < j->n_out && code == CZ_EXIT_OK && !differs; i++)
        code = check_finite(cli, &j->out[i]);
    return code == CZ_EXIT_OK && differs ? CZ_EXIT_NO : code;
}
