/*
 * `inspect --tensors`: what stands in a model's parameters. A NaN, a row of denormals or a wild maximum
 * explains more bad outputs than anything else.
 */
#include "base/json_out.h"
#include "cli/format.h"
#include "cli/inspect.h"
#include "cli/table.h"

#include <float.h>
#include <math.h>

struct summary {
    double min, max, mean; /* of the finite values; NaN: there are none */
    int64_t n_nan, n_inf, n_denormal;
};

static struct summary summarize(const cz_tensor *t)
{
    struct cz_shape shape = cz_tensor_shape(t);
    int64_t n = cz_shape_count(&shape), finite = 0;
    struct summary s = {.min = NAN, .max = NAN, .mean = NAN};
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = cz_tensor_double(t, i);
        s.n_nan += isnan(x);
        s.n_inf += isinf(x) != 0;
        if (!isfinite(x))
            continue;
        s.n_denormal += x != 0 && fabs(x) < FLT_MIN;
        s.min = fmin(s.min, x); /* NaN gives way to a number */
        s.max = fmax(s.max, x);
        sum += x;
        finite++;
    }
    if (finite > 0)
        s.mean = sum / (double)finite;
    return s;
}

json_t *cz_inspect_tensors(const struct cz_graph *g)
{
    json_t *list = json_array();
    for (int i = 0; i < g->params.count; i++) {
        const struct cz_param *p = &g->params.items[i];
        if (!p->value.data)
            continue;
        struct summary s = summarize(&p->value);
        json_t *shape = json_array();
        for (int d = 0; d < p->value.rank; d++)
            json_array_append_new(shape, json_integer(p->value.dim[d]));
        json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "name",
                                              cz_json_text(p->name), "dtype", cz_dtype_name(p->value.dtype),
                                              "shape", shape, "min", cz_json_double(s.min), "max",
                                              cz_json_double(s.max), "mean", cz_json_double(s.mean), "n_nan",
                                              (json_int_t)s.n_nan, "n_inf", (json_int_t)s.n_inf, "n_denormal",
                                              (json_int_t)s.n_denormal));
    }
    return list;
}

static void add_count(struct cz_table *t, int64_t n)
{
    char text[CZ_FORMAT];
    cz_table_text(t, n ? cz_format_count(n, text) : "-");
    if (n)
        cz_table_color(t, CZ_YELLOW);
}

int cz_inspect_print_tensors(const struct cz_cli *cli, const struct cz_graph *g)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "tensor", NULL, CZ_LEFT | CZ_CUT);
    cz_table_column(t, "type", NULL, CZ_LEFT);
    cz_table_column(t, "shape", NULL, CZ_LEFT);
    cz_table_column(t, "min", NULL, CZ_RIGHT);
    cz_table_column(t, "max", NULL, CZ_RIGHT);
    cz_table_column(t, "mean", NULL, CZ_RIGHT);
    cz_table_column(t, "NaN", NULL, CZ_RIGHT);
    cz_table_column(t, "Inf", NULL, CZ_RIGHT);
    cz_table_column(t, "denormal", NULL, CZ_RIGHT);
    for (int i = 0; i < g->params.count; i++) {
        const struct cz_param *p = &g->params.items[i];
        char dims[CZ_SHAPE_TEXT];
        if (!p->value.data)
            continue;
        struct summary s = summarize(&p->value);
        struct cz_shape shape = cz_tensor_shape(&p->value);
        cz_table_row(t);
        cz_table_text(t, p->name);
        cz_table_text(t, cz_dtype_name(shape.dtype));
        cz_table_text(t, cz_format_dims(&shape, NULL, dims, sizeof dims));
        cz_table_cell(t, "%.4g", s.min);
        cz_table_cell(t, "%.4g", s.max);
        cz_table_cell(t, "%.3g", s.mean);
        add_count(t, s.n_nan);
        add_count(t, s.n_inf);
        add_count(t, s.n_denormal);
    }
    int failed = cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    return failed;
}
