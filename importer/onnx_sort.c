/*
 * Topological order of the nodes. The specification demands a sorted file, some writers do not care; a sorted
 * file keeps its order. Depth first with a stack of our own, since a chain may be 200,000 nodes long.
 */
#include "importer/onnx_model.h"

#include <stdlib.h>

enum { UNSEEN, OPEN, DONE };

struct visit {
    int node;
    size_t next_input;
};

struct sorter {
    struct onnx_model *model;
    unsigned char *state;
    struct visit *stack;
    int depth, n_sorted;
};

static void enter(struct sorter *s, int node)
{
    s->state[node] = OPEN;
    s->stack[s->depth++] = (struct visit){node, 0};
}

static cz_status cycle(const struct sorter *s, int node, cz_error *err)
{
    const struct onnx_node *n = &s->model->nodes[node], *last = &s->model->nodes[s->stack[s->depth - 1].node];
    if (n == last)
        CZ_FAIL(err, CZ_ERR_FORMAT, "node '%s' (%s): reads its own output", n->label, n->proto->op_type);
    CZ_FAIL(err, CZ_ERR_FORMAT, "nodes '%s' (%s) and '%s' (%s): in a cycle", n->label, n->proto->op_type,
            last->label, last->proto->op_type);
}

static cz_status step(struct sorter *s, cz_error *err)
{
    struct visit *top = &s->stack[s->depth - 1];
    const Onnx__NodeProto *proto = s->model->nodes[top->node].proto;
    if (top->next_input == proto->n_input) {
        s->state[top->node] = DONE;
        s->model->order[s->n_sorted++] = top->node;
        s->depth--;
        return CZ_OK;
    }
    int producer = cz_strmap_get(&s->model->producers, proto->input[top->next_input++]);
    if (producer < 0 || s->state[producer] == DONE)
        return CZ_OK;
    if (s->state[producer] == OPEN)
        return cycle(s, producer, err);
    enter(s, producer);
    return CZ_OK;
}

static cz_status sort_all(struct sorter *s, cz_error *err)
{
    for (int n = 0; n < s->model->n_nodes; n++) {
        if (s->state[n] == UNSEEN)
            enter(s, n);
        while (s->depth > 0)
            CZ_TRY(step(s, err));
    }
    return CZ_OK;
}

cz_status onnx_sort(struct onnx_model *m, cz_error *err)
{
    size_t n = (size_t)m->n_nodes + 1;
    struct sorter s = {.model = m, .state = calloc(n, 1), .stack = calloc(n, sizeof *s.stack)};
    cz_status status =
        s.state && s.stack ? sort_all(&s, err) : cz_error_set(err, CZ_ERR_MEMORY, "out of memory");
    free(s.state);
    free(s.stack);
    return status;
}
