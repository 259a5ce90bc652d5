/*
 * Networks with the classifier cut off or exchanged.
 */
#include "finetune/head.h"

#include <string.h>

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "head: out of memory");
}

/* `wanted`, or with "_new" behind it as often as it takes to be a value name that the graph has not got. */
static const char *free_name(struct cz_graph *g, const char *wanted)
{
    while (wanted && cz_graph_find_value(g, wanted) >= 0)
        wanted = cz_arena_printf(g->arena, "%s_new", wanted);
    return wanted;
}

static cz_status add_simple_node(struct cz_graph *g, const char *op, const char *name, int *value,
                                 cz_error *err)
{
    const struct cz_attr_list none = {0};
    const char *out = free_name(g, name);
    if (!out)
        return no_memory(err);
    return cz_graph_add_node(g, op, out, &none, value, 1, &out, 1, value, err);
}

cz_status cz_head_trunk(struct cz_graph *g, const struct cz_head_site *site, struct cz_graph **trunk,
                        cz_error *err)
{
    struct cz_graph *t;
    CZ_TRY(cz_graph_cut(g, &site->features, 1, &t, err));
    cz_status status = CZ_OK;
    int value = t->outputs[0];
    if (site->average)
        status = add_simple_node(t, "GlobalAveragePool", "features_average", &value, err);
    if (status == CZ_OK && site->flatten)
        status = add_simple_node(t, "Flatten", "features_flat", &value, err); /* axis 1 is its default */
    if (status != CZ_OK) {
        cz_graph_release(t);
        return status;
    }
    t->outputs[0] = value;
    t->head = NULL;
    *trunk = t;
    return CZ_OK;
}

static cz_status add_weights(struct cz_graph *g, const char *name, enum cz_role role,
                             const struct cz_shape *shape, const double *values, int *out, cz_error *err)
{
    const char *own = free_name(g, name);
    if (!own)
        return no_memory(err);
    CZ_TRY(cz_graph_add_param(g, own, role, shape, NULL, out, err));
    struct cz_param *p = &g->params.items[g->values[*out].param];
    CZ_TRY(cz_param_allocate(p, err));
    p->trainable = 1;
    float *to = p->value.data;
    const int64_t n = cz_shape_count(shape);
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)values[i];
    return CZ_OK;
}

static const char *param_name(const struct cz_graph *g, const struct cz_node *node, int input,
                              const char *missing)
{
    const int value = input < node->n_in ? node->in[input] : -1;
    return value >= 0 && g->values[value].kind == CZ_PARAM ? g->values[value].name : missing;
}

struct cz_head_names cz_head_names(const struct cz_graph *g, const struct cz_head_site *site)
{
    struct cz_head_names names = {"head", "head.weight", "head.bias"};
    if (site->node < 0)
        return names;
    const struct cz_node *old = &g->nodes[site->node];
    if (old->name && old->name[0])
        names.node = old->name;
    names.weight = param_name(g, old, 1, names.weight);
    names.bias = param_name(g, old, 2, names.bias);
    return names;
}

/* From here on a bias goes with every row; before, Gemm must be told. */
enum { BROADCASTING_OPSET = 7 };

static cz_status add_gemm(struct cz_graph *g, int features, const struct cz_head_names *names,
                          const struct cz_linear *h, cz_error *err)
{
    const struct cz_shape weight = cz_shape_of(CZ_F32, 2, (int64_t)h->n_classes, (int64_t)h->n_features);
    const struct cz_shape bias = cz_shape_of(CZ_F32, 1, (int64_t)h->n_classes);
    struct cz_attr_list attributes = {0};
    int in[3] = {features, -1, -1}, out;
    CZ_TRY(add_weights(g, names->weight, CZ_WEIGHT, &weight, h->weight, &in[1], err));
    CZ_TRY(add_weights(g, names->bias, CZ_BIAS, &bias, h->bias, &in[2], err));
    const char *logits = free_name(g, "logits");
    if (!logits || cz_attrs_add_int(g->arena, &attributes, "transB", 1) ||
        (g->opset < BROADCASTING_OPSET && cz_attrs_add_int(g->arena, &attributes, "broadcast", 1)))
        return no_memory(err);
    CZ_TRY(cz_graph_add_node(g, "Gemm", names->node, &attributes, in, 3, &logits, 1, &out, err));
    g->head = g->nodes[g->n_nodes - 1].name;
    g->info.n_classes = h->n_classes;
    if (g->n_outputs == 0)
        return cz_graph_add_output(g, out, err);
    g->outputs[0] = out;
    return CZ_OK;
}

cz_status cz_head_attach(struct cz_graph *g, const struct cz_head_site *site, const struct cz_linear *h,
                         struct cz_graph **out, cz_error *err)
{
    struct cz_graph *to;
    const struct cz_head_names names = cz_head_names(g, site);
    CZ_TRY(cz_head_trunk(g, site, &to, err));
    const cz_status status = add_gemm(to, to->outputs[0], &names, h, err);
    if (status != CZ_OK) {
        cz_graph_release(to);
        return status;
    }
    *out = to;
    return CZ_OK;
}

/* The Gemm's newest opset meaning is 13's; any from 11 on would do. */
enum { HEAD_OPSET = 17 };

cz_status cz_head_alone(const struct cz_linear *h, struct cz_graph **out, cz_error *err)
{
    const struct cz_head_names names = {"head", "head.weight", "head.bias"};
    const struct cz_shape shape = cz_shape_of(CZ_F32, 2, (int64_t)-1, (int64_t)h->n_features);
    struct cz_graph *g;
    int input;
    CZ_TRY(cz_graph_create(HEAD_OPSET, &g, err));
    cz_status status = cz_graph_add_input(g, "features", &shape, &input, err);
    if (status == CZ_OK)
        status = add_gemm(g, input, &names, h, err);
    if (status != CZ_OK) {
        cz_graph_release(g);
        return status;
    }
    *out = g;
    return CZ_OK;
}
