#include "engine/stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_SPATIAL = 0 };

/* What is known of each node once its inputs are. */
struct facts {
    const struct cz_infer *infer;
    int *stride; /* per value, in input pixels; NOT_SPATIAL: no height and width, or known before the run */
    int *lives;  /* per value: last node that reads it, n_nodes for the graph's outputs, -1: nobody */
    char *known; /* per node: computed before the run */
    char *cut;   /* per node: behind it one value alone is alive ... */
    int *alive;  /* ... this one */
};

static int is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return 1;
    return 0;
}

static int is_window(const struct cz_node *node)
{
    static const char *const names[] = {"Conv", "MaxPool", "AveragePool", NULL};
    return is_one_of(node->op->name, names);
}

/* May stand between a convolution and what it is for. */
static int is_pointwise(const struct cz_node *node)
{
    static const char *const names[] = {"BatchNormalization", "PRelu", "HardSwish", NULL};
    return (node->op->flags & CZ_OP_ELEMENTWISE) || is_one_of(node->op->name, names);
}

static int is_known_value(const struct facts *f, int v)
{
    return f->infer->constant[v].data != NULL || f->infer->graph->values[v].kind == CZ_PARAM;
}

static void find_known(struct facts *f)
{
    const struct cz_graph *g = f->infer->graph;
    for (int n = 0; n < g->n_nodes; n++) {
        f->known[n] = 1;
        for (int i = 0; i < g->nodes[n].n_out; i++)
            if (g->nodes[n].out[i] >= 0 && !is_known_value(f, g->nodes[n].out[i]))
                f->known[n] = 0;
    }
}

/* Behind a window the stride grows by the ratio of the heights, rounded: an unpadded 3x3 window takes two
 * rows away and reduces nothing. */
static int stride_behind(const struct facts *f, const struct cz_node *node, int before)
{
    const struct cz_shape *in = &f->infer->shape[node->in[0]], *out = &f->infer->shape[node->out[0]];
    if (in->rank != 4 || out->rank != 4 || out->dim[2] < 1)
        return NOT_SPATIAL;
    int64_t ratio = (2 * in->dim[2] + out->dim[2]) / (2 * out->dim[2]);
    return ratio > 1 ? before * (int)ratio : before;
}

static int is_spatial(const struct cz_shape *shape)
{
    return shape->rank == 4 && shape->dim[2] * shape->dim[3] > 1;
}

static void find_strides(struct facts *f)
{
    const struct cz_graph *g = f->infer->graph;
    for (int i = 0; i < g->n_inputs; i++)
        f->stride[g->inputs[i]] = is_spatial(&f->infer->shape[g->inputs[i]]);
    for (int n = 0; n < g->n_nodes; n++) {
        const struct cz_node *node = &g->nodes[n];
        int stride = NOT_SPATIAL;
        for (int i = 0; i < node->n_in; i++)
            if (node->in[i] >= 0 && f->stride[node->in[i]] > stride)
                stride = f->stride[node->in[i]];
        if (is_window(node) && stride > 0)
            stride = stride_behind(f, node, stride);
        for (int i = 0; i < node->n_out; i++)
            if (node->out[i] >= 0)
                f->stride[node->out[i]] =
                    !f->known[n] && is_spatial(&f->infer->shape[node->out[i]]) ? stride : NOT_SPATIAL;
    }
}

static void find_lives(struct facts *f)
{
    const struct cz_graph *g = f->infer->graph;
    for (int v = 0; v < g->n_values; v++)
        f->lives[v] = -1;
    for (int n = 0; n < g->n_nodes; n++)
        for (int i = 0; i < g->nodes[n].n_in; i++)
            if (g->nodes[n].in[i] >= 0 && !f->known[n])
                f->lives[g->nodes[n].in[i]] = n;
    for (int i = 0; i < g->n_outputs; i++)
        f->lives[g->outputs[i]] = g->n_nodes;
}

static void find_cuts(struct facts *f)
{
    const struct cz_graph *g = f->infer->graph;
    int alive = 0;
    int64_t sum = 0; /* of the living values' indices: with one alive, it is that one */
    for (int i = 0; i < g->n_inputs; i++)
        if (f->lives[g->inputs[i]] >= 0) {
            alive++;
            sum += g->inputs[i];
        }
    for (int n = 0; n < g->n_nodes; n++) {
        const struct cz_node *node = &g->nodes[n];
        for (int i = 0; i < node->n_out; i++) {
            int v = node->out[i];
            if (v >= 0 && !is_known_value(f, v) && f->lives[v] > n) {
                alive++;
                sum += v;
            }
        }
        for (int i = 0; i < node->n_in; i++) {
            int v = node->in[i], again = 0;
            for (int j = 0; j < i; j++)
                again |= node->in[j] == v;
            if (v >= 0 && !again && !is_known_value(f, v) && f->lives[v] == n) {
                alive--;
                sum -= v;
            }
        }
        f->cut[n] = alive == 1;
        f->alive[n] = alive == 1 ? (int)sum : -1;
    }
}

/* The previous node that is computed at run time, -1: none. */
static int before(const struct facts *f, int n)
{
    do
        n--;
    while (n >= 0 && f->known[n]);
    return n;
}

static int expands(const struct facts *f, const struct cz_node *node)
{
    if (strcmp(node->op->name, "Conv") != 0)
        return 0;
    const struct cz_shape *w = &f->infer->shape[node->in[1]];
    return w->rank == 4 && w->dim[2] == 1 && w->dim[3] == 1 && w->dim[0] > w->dim[1];
}

/*
 * The last node of a stage whose next one begins to reduce at node `reducing`: the last cut before it, and in
 * front of an expanding 1x1 convolution if only elementwise work lies between. -1: the stage would be empty.
 */
static int last_node(const struct facts *f, int reducing)
{
    const struct cz_graph *g = f->infer->graph;
    int cut = before(f, reducing);
    while (cut >= 0 && !f->cut[cut])
        cut = before(f, cut);
    if (cut != before(f, reducing))
        return cut;
    int n = cut;
    while (n >= 0 && f->cut[n] && is_pointwise(&g->nodes[n]))
        n = before(f, n);
    int front = n >= 0 && f->cut[n] && expands(f, &g->nodes[n]) ? before(f, n) : -1;
    return front >= 0 && f->cut[front] ? front : cut;
}

/* A 1x1 convolution classifies if nothing but pooling and reshaping follows it. */
static int only_pooling_follows(const struct cz_graph *g, int node)
{
    static const char *const names[] = {"GlobalAveragePool",
                                        "AveragePool",
                                        "Softmax",
                                        "Flatten",
                                        "Reshape",
                                        "Dropout",
                                        "Squeeze",
                                        "Identity",
                                        "Cast",
                                        "Transpose",
                                        "Relu",
                                        "Shape",
                                        "Gather",
                                        "Unsqueeze",
                                        "Concat",
                                        "ReduceMean",
                                        NULL};
    for (int n = node + 1; n < g->n_nodes; n++)
        if (!is_one_of(g->nodes[n].op->name, names))
            return 0;
    return 1;
}

/* Where the head begins: the first node without spatial size, or an earlier classifier. */
static int find_head(const struct facts *f)
{
    const struct cz_graph *g = f->infer->graph;
    int first = 0;
    for (int n = 0; n < g->n_nodes; n++)
        if (!f->known[n] && f->stride[g->nodes[n].out[0]] != NOT_SPATIAL)
            first = n + 1;
    while (first < g->n_nodes && f->known[first])
        first++;
    for (int n = first - 1; n >= 0; n--) {
        int named = g->head && strcmp(g->nodes[n].name, g->head) == 0;
        if (named || (strcmp(g->nodes[n].op->name, "Conv") == 0 && only_pooling_follows(g, n)))
            first = n;
    }
    return first;
}

static void measure(const struct facts *f, struct cz_stage *s, char *counted)
{
    const struct cz_graph *g = f->infer->graph;
    for (int n = s->first_node; n < s->end_node; n++) {
        s->n_nodes += !f->known[n];
        for (int i = 0; i < g->nodes[n].n_in; i++) {
            int v = g->nodes[n].in[i];
            int p = v >= 0 ? g->values[v].param : -1;
            if (p < 0 || counted[p])
                continue;
            counted[p] = 1;
            const struct cz_param *param = &g->params.items[p];
            struct cz_shape shape = cz_tensor_shape(&param->value);
            if (param->role != CZ_RUNNING_STAT && param->role != CZ_CONSTANT)
                s->n_parameters += cz_shape_count(&shape);
        }
        if (!f->known[n])
            s->output = g->nodes[n].out[0];
    }
    if (s->end_node > 0 && f->alive[s->end_node - 1] >= 0)
        s->output = f->alive[s->end_node - 1];
}

/* Ends of the stages before the head, as nodes; returns how many. */
static int find_ends(const struct facts *f, int head, int *ends)
{
    const struct cz_graph *g = f->infer->graph;
    int n_ends = 0, stride = g->n_inputs > 0 ? f->stride[g->inputs[0]] : 0;
    for (int n = 0; n < head && n_ends < CZ_MAX_STAGES - 2; n++) {
        int s = f->known[n] ? 0 : f->stride[g->nodes[n].out[0]];
        if (s <= stride)
            continue;
        int last = last_node(f, n);
        stride = s;
        if (last >= (n_ends > 0 ? ends[n_ends - 1] : 0) && last >= 0)
            ends[n_ends++] = last + 1;
    }
    if (head > (n_ends > 0 ? ends[n_ends - 1] : 0))
        ends[n_ends++] = head;
    return n_ends;
}

static void fill(const struct facts *f, struct cz_stage *out, int *n_out, char *counted)
{
    const struct cz_graph *g = f->infer->graph;
    int ends[CZ_MAX_STAGES], head = find_head(f), first = 0, n = 0;
    int n_ends = find_ends(f, head, ends);
    for (int i = 0; i < n_ends; i++) {
        struct cz_stage *s = &out[n];
        *s = (struct cz_stage){.first_node = first, .end_node = ends[i], .output = -1};
        measure(f, s, counted);
        if (n == 0 && s->n_parameters == 0 && i + 1 < n_ends)
            continue; /* a cast or a transposition in front: part of the first stage */
        first = ends[i];
        if (n > 0 && s->n_parameters == 0) { /* a pooling behind the last block: part of that */
            s = &out[n - 1];
            s->output = out[n].output;
            s->n_nodes += out[n].n_nodes;
            s->end_node = out[n].end_node;
        } else {
            snprintf(s->name, sizeof s->name, "stage%d", ++n);
        }
        s->stride = s->output >= 0 ? f->stride[s->output] : 0;
    }
    if (head < g->n_nodes) {
        struct cz_stage *s = &out[n++];
        *s = (struct cz_stage){.name = "head", .first_node = first, .end_node = g->n_nodes, .output = -1};
        measure(f, s, counted);
    }
    *n_out = n;
}

cz_status cz_stages_find(const struct cz_infer *infer, struct cz_stage *out, int *n, cz_error *err)
{
    const struct cz_graph *g = infer->graph;
    size_t values = (size_t)g->n_values + 1, nodes = (size_t)g->n_nodes + 1;
    struct facts f = {infer,
                      calloc(values, sizeof *f.stride),
                      calloc(values, sizeof *f.lives),
                      calloc(nodes, 1),
                      calloc(nodes, 1),
                      calloc(nodes, sizeof *f.alive)};
    char *counted = calloc((size_t)g->params.count + 1, 1);
    int complete = f.stride && f.lives && f.known && f.cut && f.alive && counted;
    if (complete) {
        find_known(&f);
        find_strides(&f);
        find_lives(&f);
        find_cuts(&f);
        fill(&f, out, n, counted);
    }
    free(f.stride);
    free(f.lives);
    free(f.known);
    free(f.cut);
    free(f.alive);
    free(counted);
    if (!complete)
        CZ_FAIL(err, CZ_ERR_MEMORY, "stages: out of memory");
    return CZ_OK;
}
