#include "importer/weights_apply.h"
#include "base/checked.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_SHOWN = 5, NAMES_TEXT = 200 };

struct matcher {
    struct cz_graph *graph;
    struct cz_weights *weights;
    const struct cz_weights_options *options;
    struct cz_weights_report *report;
    struct cz_strmap params;
    int *found; /* per parameter: the tensor, -1 */
    int *taken; /* per tensor: 1 used, 2 ignored */
    size_t cut; /* length of the common prefix */
};

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory matching weights");
}

static int is_weight(const struct cz_param *p)
{
    return p->role != CZ_CONSTANT;
}

/* ---- by name ---- */

static int all_begin_with(const struct cz_weights *w, size_t from, const char *prefix)
{
    for (int i = 0; i < w->count; i++)
        if (strlen(w->items[i].name) < from || strncmp(w->items[i].name + from, prefix, strlen(prefix)) != 0)
            return 0;
    return 1;
}

/* One after another: torch.compile in DataParallel gives module._orig_mod.conv1.weight. */
static void find_prefix(struct matcher *m)
{
    static const char *const prefixes[] = {"module.", "_orig_mod.", "model."};
    const size_t n = sizeof prefixes / sizeof *prefixes;
    for (size_t i = 0; i < n;)
        if (all_begin_with(m->weights, m->cut, prefixes[i])) {
            m->cut += strlen(prefixes[i]);
            i = 0;
        } else {
            i++;
        }
    m->report->prefix = cz_arena_strndup(m->report->arena, m->weights->items[0].name, m->cut);
}

static int is_step_counter(const char *name)
{
    static const char end[] = "num_batches_tracked";
    size_t n = strlen(name);
    return n >= sizeof end - 1 && strcmp(name + n - (sizeof end - 1), end) == 0;
}

static cz_status find_param(struct matcher *m, const char *name, int *param, int *ignored, cz_error *err)
{
    const char *renamed = name;
    *ignored = is_step_counter(name);
    *param = cz_strmap_get(&m->params, name);
    if (*param >= 0 || *ignored || !m->options->rename)
        return CZ_OK;
    CZ_TRY(m->options->rename(m->options->user, name, m->report->arena, &renamed, err));
    *ignored = !renamed;
    if (renamed)
        *param = cz_strmap_get(&m->params, renamed);
    return CZ_OK;
}

static cz_status match_names(struct matcher *m, cz_error *err)
{
    for (int i = 0; i < m->weights->count; i++) {
        int param, ignored;
        CZ_TRY(find_param(m, m->weights->items[i].name + m->cut, &param, &ignored, err));
        if (ignored)
            m->taken[i] = 2;
        else if (param >= 0 && m->found[param] < 0) {
            m->found[param] = i;
            m->taken[i] = 1;
        }
    }
    return CZ_OK;
}

/* ---- shapes ---- */

static int is_float(cz_dtype d)
{
    return d == CZ_F32 || d == CZ_F16 || d == CZ_BF16 || d == CZ_F64;
}

static int64_t per_output(const struct cz_shape *s)
{
    int64_t n = 1;
    for (int i = 1; i < s->rank; i++)
        n *= s->dim[i];
    return n;
}

/*
 * Equal, or a linear layer written as the convolution over the whole map that it equals: [out][c*h*w] and
 * [out][c][h][w] are the same numbers in the same order.
 */
static int shapes_fit(const struct cz_shape *a, const struct cz_shape *b)
{
    int same = a->rank == b->rank;
    for (int i = 0; i < a->rank && same; i++)
        same = a->dim[i] == b->dim[i];
    if (same || a->rank == 0 || b->rank == 0 || (a->rank != 2 && b->rank != 2))
        return same;
    int64_t count;
    return !cz_count_overflow(b->dim, b->rank, &count) && a->rank != 1 && b->rank != 1 &&
           a->dim[0] == b->dim[0] && per_output(a) == per_output(b);
}

static int tensor_fits(const struct cz_param *p, const struct cz_weight *t)
{
    struct cz_shape wanted = cz_tensor_shape(&p->value);
    return t->has_dtype && is_float(t->shape.dtype) && shapes_fit(&wanted, &t->shape);
}

/* ---- by order ---- */

/* Parameters at their first use, as weights_onnx.c lists an ONNX file's. Returns how many. */
static int order_of_use(const struct cz_graph *g, int *order, char *seen)
{
    int n = 0;
    for (int k = 0; k < g->n_nodes; k++)
        for (int i = 0; i < g->nodes[k].n_in; i++) {
            int value = g->nodes[k].in[i], param = value < 0 ? -1 : g->values[value].param;
            if (param < 0 || seen[param] || !is_weight(&g->params.items[param]))
                continue;
            seen[param] = 1;
            order[n++] = param;
        }
    return n;
}

static int order_fits(const struct matcher *m, const int *order, int n)
{
    if (n != m->weights->count)
        return 0;
    for (int i = 0; i < n; i++) {
        const struct cz_param *p = &m->graph->params.items[order[i]];
        if ((int)p->role != m->weights->items[i].role || !tensor_fits(p, &m->weights->items[i]))
            return 0;
    }
    return 1;
}

/* Only where no name fits: a file that knows some names means them. */
static cz_status match_order(struct matcher *m, cz_error *err)
{
    const size_t n_params = (size_t)m->graph->params.count;
    if (!m->weights->graph)
        return CZ_OK;
    for (int i = 0; i < m->weights->count; i++)
        if (m->taken[i] == 1)
            return CZ_OK;
    int *order = calloc(n_params + 1, sizeof *order);
    char *seen = calloc(n_params + 1, 1);
    if (order && seen) {
        int n = order_of_use(m->graph, order, seen);
        m->report->by_order = order_fits(m, order, n);
        for (int i = 0; i < n && m->report->by_order; i++) {
            m->found[order[i]] = i;
            m->taken[i] = 1;
        }
    }
    cz_status status = order && seen ? CZ_OK : no_memory(err);
    free(order);
    free(seen);
    return status;
}

/* ---- the verdict ---- */

static int is_head_param(const struct cz_graph *g, int param)
{
    int node = g->head ? cz_graph_find_node(g, g->head) : -1;
    for (int i = 0; node >= 0 && i < g->nodes[node].n_in; i++) {
        int value = g->nodes[node].in[i];
        if (value >= 0 && g->values[value].param == param)
            return 1;
    }
    return 0;
}

static cz_status add_row(struct cz_weights_report *r, struct cz_weight_row row, cz_error *err)
{
    int *const counts[] = {&r->n_missing, &r->n_misshapen, &r->n_left_over};
    ++*counts[row.fault];
    if (cz_grow(&r->rows, &r->row_capacity, (size_t)r->n_rows, sizeof *r->rows))
        return no_memory(err);
    row.name = cz_arena_strdup(r->arena, row.name);
    row.type = row.type ? cz_arena_strdup(r->arena, row.type) : "";
    r->rows[r->n_rows++] = row;
    return row.name && row.type ? CZ_OK : no_memory(err);
}

/* *bad: faults that are no new head's. */
static cz_status judge_params(struct matcher *m, int *bad, cz_error *err)
{
    const struct cz_shape none = {.rank = -1};
    for (int i = 0; i < m->graph->params.count; i++) {
        const struct cz_param *p = &m->graph->params.items[i];
        const struct cz_weight *t = m->found[i] < 0 ? NULL : &m->weights->items[m->found[i]];
        if (!is_weight(p))
            continue;
        if (t && tensor_fits(p, t)) {
            m->report->n_used++;
            continue;
        }
        struct cz_weight_row row = {t ? CZ_WEIGHT_MISSHAPEN : CZ_WEIGHT_MISSING, p->name,
                                    cz_tensor_shape(&p->value), t ? t->shape : none, t ? t->type : NULL};
        m->found[i] = -1;
        CZ_TRY(add_row(m->report, row, err));
        if (!m->options->strict && is_head_param(m->graph, i))
            m->report->head_is_new = 1;
        else
            ++*bad;
    }
    return CZ_OK;
}

static cz_status judge(struct matcher *m, int *bad, cz_error *err)
{
    const struct cz_shape none = {.rank = -1};
    CZ_TRY(judge_params(m, bad, err));
    for (int i = 0; i < m->weights->count; i++) {
        const struct cz_weight *t = &m->weights->items[i];
        m->report->n_ignored += m->taken[i] == 2;
        if (m->taken[i])
            continue;
        CZ_TRY(add_row(m->report,
                       (struct cz_weight_row){CZ_WEIGHT_LEFT_OVER, t->name, none, t->shape, t->type}, err));
        *bad += m->options->strict;
    }
    return CZ_OK;
}

/* " (fc.weight, fc.bias, +3 more)" of one fault. */
static const char *list_names(const struct cz_weights_report *r, enum cz_weight_fault fault)
{
    const int total[] = {r->n_missing, r->n_misshapen, r->n_left_over};
    const char *text = "";
    int shown = 0;
    for (int i = 0; i < r->n_rows && shown < NAMES_SHOWN && text && strlen(text) < NAMES_TEXT; i++)
        if (r->rows[i].fault == fault)
            text = cz_arena_printf(r->arena, "%s%s%.80s", text, shown++ ? ", " : "", r->rows[i].name);
    if (text && shown > 0)
        text = total[fault] > shown
                   ? cz_arena_printf(r->arena, " (%s, +%d more, -v)", text, total[fault] - shown)
                   : cz_arena_printf(r->arena, " (%s)", text);
    return text ? text : "";
}

static cz_status does_not_fit(const struct matcher *m, cz_error *err)
{
    const struct cz_weights_report *r = m->report;
    int only_head = m->options->strict;
    for (int i = 0; i < m->graph->params.count && only_head; i++)
        only_head = m->found[i] >= 0 || !is_weight(&m->graph->params.items[i]) || is_head_param(m->graph, i);
    const char *name = m->graph->info.name ? m->graph->info.name : "the network";
    CZ_FAIL(err, CZ_ERR_SHAPE, "does not fit %s: %d used, %d missing%s, %d misshapen%s, %d left over%s; %s",
            name, r->n_used, r->n_missing, list_names(r, CZ_WEIGHT_MISSING), r->n_misshapen,
            list_names(r, CZ_WEIGHT_MISSHAPEN), r->n_left_over, list_names(r, CZ_WEIGHT_LEFT_OVER),
            only_head ? "--strict=no makes a new head" : "give the weights of this network");
}

/* ---- values ---- */

static float to_float(cz_dtype dtype, const unsigned char *p)
{
    uint16_t half;
    double d;
    float f;
    switch (dtype) {
    case CZ_F16:
        memcpy(&half, p, sizeof half);
        return cz_half_to_float(half);
    case CZ_BF16:
        memcpy(&half, p, sizeof half);
        return cz_bfloat_to_float(half);
    case CZ_F64:
        memcpy(&d, p, sizeof d);
        return (float)d;
    default:
        memcpy(&f, p, sizeof f);
        return f;
    }
}

static int is_row_major(const struct cz_weight *t)
{
    int64_t step = 1;
    for (int i = t->shape.rank - 1; i >= 0; i--) {
        if (t->shape.dim[i] != 1 && t->stride[i] != step)
            return 0;
        step *= t->shape.dim[i];
    }
    return 1;
}

/* In row-major order of the tensor's own shape, whatever its strides. */
static void widen(const struct cz_weight *t, float *out)
{
    int64_t index[CZ_MAX_RANK] = {0}, at = 0, n = cz_shape_count(&t->shape);
    const int64_t size = (int64_t)cz_dtype_size(t->shape.dtype);
    for (int64_t i = 0; i < n; i++) {
        out[i] = to_float(t->shape.dtype, t->data + at * size);
        for (int d = t->shape.rank - 1; d >= 0; d--) {
            at += t->stride[d];
            if (++index[d] < t->shape.dim[d])
                break;
            at -= t->stride[d] * t->shape.dim[d];
            index[d] = 0;
        }
    }
}

static int can_view(const struct cz_param *p, const struct cz_weight *t)
{
    return !p->owned && t->shape.dtype == CZ_F32 && is_row_major(t) &&
           (uintptr_t)t->data % _Alignof(float) == 0;
}

static void release_weights(void *weights)
{
    cz_weights_destroy(weights);
}

/* Memory first, since views must not be given out for weights that stay the caller's. */
static cz_status set_values(struct matcher *m, cz_error *err)
{
    struct cz_graph *g = m->graph;
    for (int i = 0; i < g->params.count; i++)
        if (m->found[i] >= 0 && !can_view(&g->params.items[i], &m->weights->items[m->found[i]]))
            CZ_TRY(cz_param_allocate(&g->params.items[i], err));
    for (int i = 0; i < g->params.count; i++) {
        struct cz_param *p = &g->params.items[i];
        const struct cz_weight *t = m->found[i] >= 0 ? &m->weights->items[m->found[i]] : NULL;
        if (t && can_view(p, t))
            p->value.data = (void *)t->data;
        else if (t)
            widen(t, p->value.data);
    }
    g->release = release_weights;
    g->release_data = m->weights;
    g->params.version++;
    return CZ_OK;
}

static cz_status prepare(struct matcher *m, cz_error *err)
{
    const struct cz_graph *g = m->graph;
    m->report->arena = cz_arena_create();
    m->found = malloc(((size_t)g->params.count + 1) * sizeof *m->found);
    m->taken = calloc((size_t)m->weights->count + 1, sizeof *m->taken);
    if (!m->report->arena || !m->found || !m->taken)
        return no_memory(err);
    for (int i = 0; i < g->params.count; i++) {
        m->found[i] = -1;
        if (is_weight(&g->params.items[i]) && cz_strmap_set(&m->params, g->params.items[i].name, i))
            return no_memory(err);
    }
    find_prefix(m);
    return CZ_OK;
}

static cz_status apply(struct matcher *m, cz_error *err)
{
    int bad = 0;
    if (m->graph->release)
        CZ_FAIL(err, CZ_ERR_STATE, "the network has the values of a file already");
    CZ_TRY(prepare(m, err));
    CZ_TRY(match_names(m, err));
    CZ_TRY(match_order(m, err));
    CZ_TRY(judge(m, &bad, err));
    return bad ? does_not_fit(m, err) : set_values(m, err);
}

cz_status cz_weights_apply(struct cz_graph *g, struct cz_weights *w, const struct cz_weights_options *options,
                           struct cz_weights_report *report, cz_error *err)
{
    struct matcher m = {.graph = g, .weights = w, .options = options, .report = report};
    *report = (struct cz_weights_report){.prefix = ""};
    cz_status status = apply(&m, err);
    cz_strmap_deinit(&m.params);
    free(m.found);
    free(m.taken);
    return status;
}

void cz_weights_report_deinit(struct cz_weights_report *r)
{
    free(r->rows);
    cz_arena_destroy(r->arena);
    *r = (struct cz_weights_report){.prefix = ""};
}
