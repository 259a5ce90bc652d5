#include "finetune/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 5, CANDIDATES_TEXT = 320 };

struct search {
    const struct cz_graph *g;
    const struct cz_infer *shapes;
    int nodes[MAX_LISTED], n_nodes; /* candidates; n_nodes may be larger than what is listed */
    char *seen;                     /* per node */
    int softmax;                    /* a Softmax was met: this is no feature vector */
};

/* How to go on behind a node on the way back from the output. */
enum walk { STOP, PASS, PASS_BIAS, PASS_POOL, PASS_RELU, CLASSIFIER };

static int is_constant(const struct search *s, int value)
{
    return value >= 0 && (s->g->values[value].kind == CZ_PARAM || s->shapes->constant[value].data);
}

static int is_pointwise(const struct search *s, const struct cz_node *node)
{
    const struct cz_shape *w = &s->shapes->shape[node->in[1]];
    if (cz_attr_int(&node->attributes, "group", 1) != 1)
        return 0;
    for (int i = 2; i < w->rank; i++)
        if (w->dim[i] != 1)
            return 0;
    return 1;
}

static int is_classifier(const struct search *s, const struct cz_node *node)
{
    const char *op = node->op->name;
    if (node->n_in < 2 || !is_constant(s, node->in[1]) || is_constant(s, node->in[0]))
        return 0;
    if (strcmp(op, "Conv") == 0)
        return is_pointwise(s, node);
    if (strcmp(op, "Gemm") == 0)
        return cz_attr_int(&node->attributes, "transA", 0) == 0;
    return strcmp(op, "MatMul") == 0 && s->shapes->shape[node->in[1]].rank == 2;
}

static const struct step {
    const char *op;
    enum walk walk;
} steps[] = {
    {"Softmax", PASS},          {"LogSoftmax", PASS},
    {"Reshape", PASS},          {"Flatten", PASS},
    {"Squeeze", PASS},          {"Unsqueeze", PASS},
    {"Transpose", PASS},        {"Identity", PASS},
    {"Dropout", PASS},          {"Cast", PASS},
    {"Add", PASS_BIAS},         {"GlobalAveragePool", PASS_POOL},
    {"AveragePool", PASS_POOL}, {"ReduceMean", PASS_POOL},
    {"Relu", PASS_RELU},
};

static enum walk step_of(const struct search *s, const struct cz_node *node)
{
    if (is_classifier(s, node))
        return CLASSIFIER;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(steps[i].op, node->op->name) == 0)
            return steps[i].walk;
    return STOP;
}

/* The pixels behind the channels are one. */
static int is_one_pixel(const struct cz_shape *shape)
{
    for (int i = 2; i < shape->rank; i++)
        if (shape->dim[i] != 1)
            return 0;
    return 1;
}

/*
 * The input to follow, or -1. A bias is an Add with one constant side: an Add of two branches ends a residual
 * block, and what feeds it is no classifier. A Relu is passed only between pooling and convolution; before
 * any pooling it follows a hidden layer.
 */
static int next_value(const struct search *s, const struct cz_node *node, enum walk walk, int *pooled)
{
    if (walk == PASS_POOL) {
        *pooled = 1;
        return is_one_pixel(&s->shapes->shape[node->out[0]]) || s->shapes->shape[node->out[0]].rank == 2
                   ? node->in[0]
                   : -1;
    }
    if (walk == PASS_RELU)
        return *pooled ? node->in[0] : -1;
    if (walk == PASS_BIAS)
        return is_constant(s, node->in[1]) ? node->in[0] : is_constant(s, node->in[0]) ? node->in[1] : -1;
    return node->in[0];
}

static void walk_back(struct search *s, int value)
{
    int pooled = 0;
    while (value >= 0 && s->g->values[value].producer >= 0) {
        const int n = s->g->values[value].producer;
        const struct cz_node *node = &s->g->nodes[n];
        const enum walk walk = step_of(s, node);
        if (walk == CLASSIFIER) {
            if (!s->seen[n] && s->n_nodes < MAX_LISTED)
                s->nodes[s->n_nodes] = n;
            s->n_nodes += !s->seen[n];
            s->seen[n] = 1;
        }
        if (walk == CLASSIFIER || walk == STOP)
            return;
        s->softmax |= strcmp(node->op->name, "Softmax") == 0;
        value = next_value(s, node, walk, &pooled);
    }
}

/* "'fc_a' (Gemm), 'fc_b' (Gemm)" */
static void candidates_text(const struct search *s, char *list, size_t size)
{
    size_t used = 0;
    const int shown = s->n_nodes < MAX_LISTED ? s->n_nodes : MAX_LISTED;
    list[0] = '\0';
    for (int i = 0; i < shown && used < size; i++) {
        const struct cz_node *node = &s->g->nodes[s->nodes[i]];
        used += (size_t)snprintf(list + used, size - used, "%s'%s' (%s)", i ? ", " : "", node->name,
                                 node->op->name);
    }
}

static cz_status list_candidates(const struct search *s, cz_error *err)
{
    char list[CANDIDATES_TEXT];
    candidates_text(s, list, sizeof list);
    CZ_FAIL(err, CZ_ERR_ARGUMENT, "model has %d classifiers: %s; say which with --head", s->n_nodes, list);
}

static void find_candidates(struct search *s)
{
    for (int i = 0; i < s->g->n_outputs; i++)
        walk_back(s, s->g->outputs[i]);
}

/* What `name` is instead of a classifier, and what the classifiers are. */
static cz_status refuse_name(struct search *s, const char *name, const char *what, cz_error *err)
{
    char list[CANDIDATES_TEXT];
    find_candidates(s);
    candidates_text(s, list, sizeof list);
    if (s->n_nodes == 0)
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "--head %s: %s; wanted is a Gemm, MatMul or 1x1 Conv with constant weights, `convzoo inspect "
                "MODEL --plan` lists them",
                name, what);
    CZ_FAIL(err, CZ_ERR_ARGUMENT, "--head %s: %s; the network ends in %s", name, what, list);
}

static cz_status named_node(struct search *s, const char *name, int *node, cz_error *err)
{
    char what[64];
    *node = cz_graph_find_node(s->g, name);
    if (*node < 0)
        return refuse_name(s, name, "no such node", err);
    const struct cz_node *found = &s->g->nodes[*node];
    if (is_classifier(s, found))
        return CZ_OK;
    snprintf(what, sizeof what, "is a %s, no classifier", found->op->name);
    return refuse_name(s, name, what, err);
}

static cz_status find_node(struct search *s, const char *name, int *node, cz_error *err)
{
    if (name)
        return named_node(s, name, node, err);
    if (s->g->head && (*node = cz_graph_find_node(s->g, s->g->head)) >= 0 &&
        is_classifier(s, &s->g->nodes[*node]))
        return CZ_OK;
    find_candidates(s);
    if (s->n_nodes > 1)
        return list_candidates(s, err);
    *node = s->n_nodes == 1 ? s->nodes[0] : -1;
    if (*node < 0 && (s->softmax || s->g->n_outputs != 1))
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "model ends in no Gemm, MatMul or 1x1 Conv that could be replaced, and not "
                "in one feature vector; name the classifier with --head");
    return CZ_OK;
}

/* What the head reads: [N][C], [N][C][1].., [N][1]..[C] (behind a MatMul), or a map to be averaged. */
static cz_status describe(const struct search *s, struct cz_head_site *site, cz_error *err)
{
    const struct cz_shape *shape = &s->shapes->shape[site->features];
    const struct cz_node *node = site->node < 0 ? NULL : &s->g->nodes[site->node];
    char text[CZ_SHAPE_TEXT];
    int64_t rest = 1;
    for (int i = 1; i < shape->rank; i++)
        rest *= shape->dim[i];
    const int is_conv = node && strcmp(node->op->name, "Conv") == 0;
    site->average = shape->rank == 4 && !is_one_pixel(shape) && (is_conv || !node);
    site->flatten = shape->rank != 2;
    const int64_t channels = site->average ? shape->dim[1] : rest;
    if (shape->rank < 2 || shape->rank > 4 || shape->dtype != CZ_F32 || channels < 1 ||
        channels > INT32_MAX || (node && !is_conv && shape->dim[shape->rank - 1] != rest))
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "value '%s' (%s): no feature vector per image; name another classifier with --head",
                s->g->values[site->features].name, cz_shape_text(shape, text, sizeof text));
    site->n_features = (int)channels;
    return CZ_OK;
}

static int64_t old_classes(const struct search *s, const struct cz_node *node)
{
    const struct cz_shape *w = &s->shapes->shape[node->in[1]];
    const int is_gemm = strcmp(node->op->name, "Gemm") == 0;
    const int first =
        strcmp(node->op->name, "Conv") == 0 || (is_gemm && cz_attr_int(&node->attributes, "transB", 0));
    return w->dim[first ? 0 : 1];
}

cz_status cz_head_find(const struct cz_graph *g, const struct cz_infer *shapes, const char *name,
                       struct cz_head_site *site, cz_error *err)
{
    struct search s = {.g = g, .shapes = shapes, .seen = calloc((size_t)g->n_nodes + 1, 1)};
    if (!s.seen)
        CZ_FAIL(err, CZ_ERR_MEMORY, "model: out of memory looking for its classifier");
    memset(site, 0, sizeof *site);
    cz_status status = find_node(&s, name, &site->node, err);
    if (status == CZ_OK) {
        site->features = site->node < 0 ? g->outputs[0] : g->nodes[site->node].in[0];
        site->n_old_classes = site->node < 0 ? -1 : old_classes(&s, &g->nodes[site->node]);
        status = describe(&s, site, err);
    }
    free(s.seen);
    return status;
}
