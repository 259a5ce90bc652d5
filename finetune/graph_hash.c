#include "finetune/graph_hash.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    const struct cz_param *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int has_param(const struct cz_graph *g, const char *name)
{
    const int v = cz_graph_find_value(g, name);
    return v >= 0 && g->values[v].kind == CZ_PARAM;
}

static void update_tensor(struct cz_sha256 *hash, const cz_tensor *t)
{
    const struct cz_shape shape = cz_tensor_shape(t);
    const int64_t head[2] = {shape.dtype, shape.rank};
    cz_sha256_update(hash, head, sizeof head);
    cz_sha256_update(hash, shape.dim, sizeof *shape.dim * (size_t)shape.rank);
    if (t->data)
        cz_sha256_update(hash, t->data, cz_shape_bytes(&shape));
}

static void update_params(struct cz_sha256 *hash, const struct cz_param *const *params, int n)
{
    for (int i = 0; i < n; i++) {
        cz_sha256_update_string(hash, params[i]->name);
        update_tensor(hash, &params[i]->value);
    }
}

cz_status cz_graph_params_hash(const struct cz_graph *g, const struct cz_graph *names,
                               char text[CZ_SHA256_HEX], int *count, int64_t *n_values, cz_error *err)
{
    const struct cz_param **params = malloc(((size_t)g->params.count + 1) * sizeof *params);
    uint8_t digest[CZ_SHA256_BYTES];
    struct cz_sha256 hash;
    int n = 0;
    int64_t values = 0;
    if (!params)
        CZ_FAIL(err, CZ_ERR_MEMORY, "model: out of memory hashing its parameters");
    for (int i = 0; i < g->params.count; i++) {
        const struct cz_param *p = &g->params.items[i];
        if (p->role == CZ_CONSTANT || (names && !has_param(names, p->name)))
            continue;
        const struct cz_shape shape = cz_tensor_shape(&p->value);
        values += cz_shape_count(&shape);
        params[n++] = p;
    }
    qsort(params, (size_t)n, sizeof *params, by_name);
    cz_sha256_init(&hash);
    update_params(&hash, params, n);
    cz_sha256_final(&hash, digest);
    cz_sha256_hex(digest, text);
    free(params);
    if (count)
        *count = n;
    if (n_values)
        *n_values = values;
    return CZ_OK;
}

static void update_attribute(struct cz_sha256 *hash, const struct cz_attr *a)
{
    const int64_t kind = a->kind;
    cz_sha256_update_string(hash, a->name);
    cz_sha256_update(hash, &kind, sizeof kind);
    switch (a->kind) {
    case CZ_ATTR_INT:
        cz_sha256_update(hash, &a->i, sizeof a->i);
        break;
    case CZ_ATTR_FLOAT:
        cz_sha256_update(hash, &a->f, sizeof a->f);
        break;
    case CZ_ATTR_STRING:
        cz_sha256_update_string(hash, a->s);
        break;
    case CZ_ATTR_INTS:
        cz_sha256_update(hash, a->ints, sizeof *a->ints * (size_t)a->n);
        break;
    case CZ_ATTR_FLOATS:
        cz_sha256_update(hash, a->floats, sizeof *a->floats * (size_t)a->n);
        break;
    case CZ_ATTR_TENSOR:
        update_tensor(hash, &a->tensor);
        break;
    }
}

static void update_value(struct cz_sha256 *hash, const struct cz_graph *g, int value)
{
    cz_sha256_update_string(hash, value < 0 ? "" : g->values[value].name);
}

static void update_node(struct cz_sha256 *hash, const struct cz_graph *g, const struct cz_node *node)
{
    const int64_t counts[3] = {node->n_in, node->n_out, node->attributes.count};
    cz_sha256_update_string(hash, node->op->name);
    cz_sha256_update(hash, counts, sizeof counts);
    for (int i = 0; i < node->n_in; i++)
        update_value(hash, g, node->in[i]);
    for (int i = 0; i < node->n_out; i++)
        update_value(hash, g, node->out[i]);
    for (int i = 0; i < node->attributes.count; i++)
        update_attribute(hash, &node->attributes.items[i]);
}

void cz_graph_hash(const struct cz_graph *g, uint8_t digest[CZ_SHA256_BYTES])
{
    struct cz_sha256 hash;
    const int64_t opset = g->opset;
    cz_sha256_init(&hash);
    cz_sha256_update(&hash, &opset, sizeof opset);
    for (int i = 0; i < g->n_inputs; i++)
        update_value(&hash, g, g->inputs[i]);
    for (int i = 0; i < g->n_outputs; i++)
        update_value(&hash, g, g->outputs[i]);
    for (int i = 0; i < g->params.count; i++) {
        const struct cz_param *p = &g->params.items[i];
        update_params(&hash, &p, 1);
    }
    for (int i = 0; i < g->n_nodes; i++)
        update_node(&hash, g, &g->nodes[i]);
    cz_sha256_final(&hash, digest);
}
