/*
 * Where values lie. Each needs its bytes from the first step that writes it to the last that reads it; the
 * largest are placed first, each into the smallest gap that is free for its whole life (as in Pisarchyk and
 * Lee, "Efficient memory management for deep neural net inference", 2020: greedy by size).
 */
#include "engine/plan.h"
#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

static int root_of(const struct cz_plan *plan, int v)
{
    while (plan->values[v].same_as >= 0)
        v = plan->values[v].same_as;
    return v;
}

static void use(struct cz_plan *plan, int v, int step)
{
    struct cz_planned *root = &plan->values[root_of(plan, v)];
    if (step < root->first)
        root->first = step;
    if (step > root->last)
        root->last = step;
}

static void find_lifetimes(struct cz_plan *plan)
{
    for (int v = 0; v < plan->n_values; v++) {
        plan->values[v].first = INT32_MAX;
        plan->values[v].last = -1;
    }
    for (int s = 0; s < plan->n_steps; s++) {
        for (int i = 0; i < plan->steps[s].n_in; i++)
            use(plan, plan->steps[s].in[i], s);
        for (int i = 0; i < plan->steps[s].n_out; i++)
            use(plan, plan->steps[s].out[i], s);
    }
    for (int i = 0; i < plan->graph->n_outputs; i++)
        use(plan, plan->outputs[i], INT32_MAX);
}

/* out[0] takes its input's memory where that input dies here and is ours to overwrite. */
static void share_in_place(struct cz_plan *plan)
{
    for (int s = 0; s < plan->n_steps; s++) {
        const struct cz_step *step = &plan->steps[s];
        if (step->in_place < 0)
            continue;
        int in = root_of(plan, step->in[step->in_place]), out = step->out[0];
        struct cz_planned *from = &plan->values[in], *to = &plan->values[out];
        if (from->storage != CZ_IN_ARENA || from->last != s || from->bytes != to->bytes || to->same_as >= 0)
            continue;
        int read_twice = 0;
        for (int i = 0; i < step->n_in; i++)
            read_twice |= i != step->in_place && root_of(plan, step->in[i]) == in;
        if (read_twice)
            continue;
        from->last = to->last;
        to->same_as = in;
    }
}

static int larger_first(const void *a, const void *b)
{
    const struct cz_planned *x = *(struct cz_planned *const *)a, *y = *(struct cz_planned *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->first != y->first ? (x->first > y->first) - (x->first < y->first) : (x > y) - (x < y);
}

/* The smallest gap between the placed values that live at the same time. by_offset is sorted. */
static size_t find_gap(struct cz_planned *const *by_offset, int n, const struct cz_planned *v)
{
    size_t end = 0, best = SIZE_MAX, best_size = SIZE_MAX;
    for (int i = 0; i < n; i++) {
        const struct cz_planned *p = by_offset[i];
        if (p->first > v->last || p->last < v->first)
            continue;
        if (p->offset >= end + v->bytes && p->offset - end < best_size) {
            best = end;
            best_size = p->offset - end;
        }
        size_t p_end = cz_round_up(p->offset + p->bytes, CZ_ALIGN);
        if (p_end > end)
            end = p_end;
    }
    return best == SIZE_MAX ? end : best;
}

/* Puts v among the n placed values, which are sorted by offset. */
static void insert(struct cz_planned **placed, int n, struct cz_planned *v)
{
    for (; n > 0 && placed[n - 1]->offset > v->offset; n--)
        placed[n] = placed[n - 1];
    placed[n] = v;
}

static void place_all(struct cz_plan *plan, struct cz_planned **by_size, int n, struct cz_planned **placed)
{
    qsort(by_size, (size_t)n, sizeof *by_size, larger_first);
    for (int i = 0; i < n; i++) {
        struct cz_planned *v = by_size[i];
        v->offset = find_gap(placed, i, v);
        insert(placed, i, v);
        if (v->offset + v->bytes > plan->arena_bytes)
            plan->arena_bytes = v->offset + v->bytes;
    }
}

/* No sum of sizes and gaps below goes over what all values take one behind the other. */
static int fits_address_space(struct cz_planned *const *values, int n)
{
    size_t sum = 0;
    for (int i = 0; i < n; i++)
        if (cz_add_overflow(sum, cz_round_up(values[i]->bytes, CZ_ALIGN), &sum))
            return 0;
    return sum <= PTRDIFF_MAX;
}

cz_status cz_plan_place(struct cz_plan *plan, cz_error *err)
{
    find_lifetimes(plan);
    share_in_place(plan);
    struct cz_planned **order = calloc((size_t)plan->n_values * 2 + 1, sizeof *order);
    if (!order)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    int n = 0;
    for (int v = 0; v < plan->n_values; v++)
        if (plan->values[v].storage == CZ_IN_ARENA && plan->values[v].same_as < 0 &&
            plan->values[v].last >= 0)
            order[n++] = &plan->values[v];
    int fits = fits_address_space(order, n);
    if (fits)
        place_all(plan, order, n, order + plan->n_values);
    free(order);
    if (!fits)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: the values are larger than any memory; try a smaller --batch");
    plan->arena_bytes = cz_round_up(plan->arena_bytes, CZ_ALIGN);
    for (int s = 0; s < plan->n_steps; s++)
        if (plan->steps[s].scratch_bytes > plan->scratch_bytes)
            plan->scratch_bytes = plan->steps[s].scratch_bytes;
    plan->scratch_bytes = cz_round_up(plan->scratch_bytes, CZ_ALIGN);
    return CZ_OK;
}
