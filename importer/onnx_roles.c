/*
 * Roles of parameters, by use: names cannot be relied on (exporters invent them), the node that reads a
 * tensor can. A role passes backwards through nodes that only move elements, so that a transposed weight is a
 * weight.
 */
#include "importer/onnx_model.h"

#include <stdlib.h>
#include <string.h>

static const struct use {
    const char *op;
    int input; /* -1: any */
    enum cz_role role;
    int is_loose; /* any arithmetic: only tensors of several elements that were not written as a Constant */
} uses[] = {
    {"Conv", 1, CZ_WEIGHT, 0},
    {"Conv", 2, CZ_BIAS, 0},
    {"Gemm", 0, CZ_WEIGHT, 0},
    {"Gemm", 1, CZ_WEIGHT, 0},
    {"Gemm", 2, CZ_BIAS, 0},
    {"MatMul", -1, CZ_WEIGHT, 0},
    {"PRelu", 1, CZ_WEIGHT, 0},
    {"BatchNormalization", 1, CZ_NORM_SCALE, 0},
    {"BatchNormalization", 2, CZ_NORM_SHIFT, 0},
    {"BatchNormalization", 3, CZ_RUNNING_STAT, 0},
    {"BatchNormalization", 4, CZ_RUNNING_STAT, 0},
    {"ConvTranspose", 1, CZ_WEIGHT, 0},
    {"ConvTranspose", 2, CZ_BIAS, 0},
    {"InstanceNormalization", 1, CZ_NORM_SCALE, 0},
    {"InstanceNormalization", 2, CZ_NORM_SHIFT, 0},
    {"GroupNormalization", 1, CZ_NORM_SCALE, 0},
    {"GroupNormalization", 2, CZ_NORM_SHIFT, 0},
    {"LayerNormalization", 1, CZ_NORM_SCALE, 0},
    {"LayerNormalization", 2, CZ_NORM_SHIFT, 0},
    {"Add", -1, CZ_BIAS, 1},
    {"Sub", -1, CZ_BIAS, 1},
    {"Sum", -1, CZ_BIAS, 1},
    {"Mul", -1, CZ_NORM_SCALE, 1},
    {"Div", -1, CZ_NORM_SCALE, 1},
};

static const char *const movers[] = {"Transpose", "Reshape", "Unsqueeze", "Squeeze",
                                     "Flatten",   "Cast",    "Identity"};

static const struct use *find_use(const char *op, size_t input)
{
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if ((uses[i].input < 0 || (size_t)uses[i].input == input) && strcmp(uses[i].op, op) == 0)
            return &uses[i];
    return NULL;
}

static int moves_elements(const char *op, size_t input)
{
    for (size_t i = 0; i < sizeof movers / sizeof *movers; i++)
        if (input == 0 && strcmp(movers[i], op) == 0)
            return 1;
    return 0;
}

static int is_single(const struct onnx_constant *c)
{
    struct cz_shape shape = cz_tensor_shape(&c->value);
    if (c->is_bound)
        return cz_shape_count(&shape) == 1;
    for (size_t i = 0; i < c->tensor->n_dims; i++)
        if (c->tensor->dims[i] != 1)
            return 0;
    return 1;
}

static int is_float(const struct onnx_constant *c)
{
    cz_dtype dtype = c->value.dtype;
    if (!c->is_bound && !onnx_type_to_dtype(c->tensor->data_type, &dtype))
        return 0;
    return dtype == CZ_F32 || onnx_is_widened(dtype);
}

/* A statistic stays one whatever else reads it: training must not move it. Else the first use decides. */
static int merge(int old, int role)
{
    if (old == CZ_RUNNING_STAT || role == CZ_RUNNING_STAT)
        return CZ_RUNNING_STAT;
    return old < 0 || old == CZ_CONSTANT ? role : old;
}

static void use_constant(struct onnx_constant *c, int role, int is_loose)
{
    if (!is_float(c) || (is_loose && (c->is_node || is_single(c))))
        role = CZ_CONSTANT;
    c->role = merge(c->role, role);
}

/* moved[n]: what the outputs of node n are used for, role and looseness; -1: nothing in particular. */
struct moved {
    int role, is_loose;
};

static void assign_inputs(struct onnx_model *m, int n, struct moved *moved)
{
    const Onnx__NodeProto *proto = m->nodes[n].proto;
    for (size_t k = 0; k < proto->n_input; k++) {
        const struct use *use = find_use(proto->op_type, k);
        struct moved r = {CZ_CONSTANT, 0};
        if (use)
            r = (struct moved){(int)use->role, use->is_loose};
        else if (moves_elements(proto->op_type, k))
            r = moved[n];
        int c = cz_strmap_get(&m->constant_index, proto->input[k]);
        int producer = cz_strmap_get(&m->producers, proto->input[k]);
        if (c >= 0)
            use_constant(&m->constants[c], r.role, r.is_loose);
        else if (producer >= 0 && moved[producer].role == CZ_CONSTANT)
            moved[producer] = r;
    }
}

cz_status onnx_assign_roles(struct onnx_model *m, cz_error *err)
{
    struct moved *moved = calloc((size_t)m->n_nodes + 1, sizeof *moved);
    if (!moved)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading nodes");
    for (int n = 0; n < m->n_nodes; n++)
        moved[n].role = CZ_CONSTANT;
    for (int i = m->n_nodes - 1; i >= 0; i--)
        if (m->nodes[m->order[i]].kind == ONNX_NODE)
            assign_inputs(m, m->order[i], moved);
    for (size_t i = 0; i < m->graph->n_output; i++) {
        int c = cz_strmap_get(&m->constant_index, m->graph->output[i]->name);
        if (c >= 0 && m->constants[c].role < 0)
            m->constants[c].role = CZ_CONSTANT;
    }
    free(moved);
    return CZ_OK;
}
