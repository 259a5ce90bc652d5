/*
 * "2 operators unsupported: NonMaxSuppression (1 node: nms), RoiAlign (2 nodes: roi, roi_1); ...": every
 * operator with its count and as many node names as one line of 511 bytes holds.
 */
#include "base/strmap.h"
#include "base/memory.h"
#include "importer/onnx_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_LIST = 5 };

/* Nodes refused for one operator and one reason. */
struct group {
    const char *op, *reason;
    int count, first[LARGEST_LIST];
};

struct groups {
    struct group *items;
    size_t count, capacity;
    struct cz_strmap index;
    struct cz_arena *arena;
};

struct line {
    char text[480];
    size_t used;
    int is_full;
};

static void say(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct line *l, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(l->text + l->used, sizeof l->text - l->used, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof l->text - l->used)
        l->is_full = 1;
    else
        l->used += (size_t)n;
}

static int add_to_group(struct groups *g, const struct onnx_model *m, int n)
{
    const char *op = onnx_op_label(m->nodes[n].proto, g->arena);
    const char *key = op ? cz_arena_printf(g->arena, "%s\n%s", op, m->nodes[n].refused) : NULL;
    if (!key)
        return 1;
    int i = cz_strmap_get(&g->index, key);
    if (i < 0) {
        i = (int)g->count;
        if (cz_grow(&g->items, &g->capacity, g->count, sizeof *g->items) || cz_strmap_set(&g->index, key, i))
            return 1;
        g->items[g->count++] = (struct group){.op = op, .reason = m->nodes[n].refused};
    }
    struct group *group = &g->items[i];
    if (group->count < LARGEST_LIST)
        group->first[group->count] = n;
    group->count++;
    return 0;
}

static void say_group(struct line *l, const struct onnx_model *m, const struct group *group, int names)
{
    say(l, "%s (%d node%s", group->op, group->count, group->count == 1 ? "" : "s");
    for (int i = 0; i < names && i < group->count; i++)
        say(l, "%s%s", i ? ", " : ": ", m->nodes[group->first[i]].label);
    if (names > 0 && group->count > names)
        say(l, " (+%d more, -v)", group->count - names);
    if (strcmp(group->reason, "unknown operator") != 0)
        say(l, "; %s", group->reason);
    say(l, ")");
}

static void say_groups(struct line *l, const struct onnx_model *m, const struct groups *g, int ops, int names)
{
    l->used = 0;
    l->is_full = 0;
    say(l, "%zu operator%s unsupported: ", g->count, g->count == 1 ? "" : "s");
    for (int i = 0; i < ops && (size_t)i < g->count; i++) {
        if (i)
            say(l, ", ");
        say_group(l, m, &g->items[i], names);
    }
    if (g->count > (size_t)ops)
        say(l, " (+%zu more, -v)", g->count - (size_t)ops);
}

/* The fullest line that fits beside the file's name and the remedy. */
static cz_status say_all(const struct onnx_model *m, const struct groups *g, cz_error *err)
{
    static const struct {
        int ops, names;
    } fullness[] = {{5, 5}, {5, 2}, {5, 1}, {5, 0}, {2, 1}, {1, 0}, {0, 0}};
    static const char remedy[] = "; `convzoo info --ops` lists ours";
    struct line line;
    size_t room = sizeof err->message - 1 - sizeof remedy, name = strlen(m->name) + 2;
    room = name < room ? room - name : 0;
    for (size_t i = 0; i < sizeof fullness / sizeof *fullness; i++) {
        say_groups(&line, m, g, fullness[i].ops, fullness[i].names);
        if (!line.is_full && line.used <= room)
            break;
    }
    CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%.*s%s", (int)line.used, line.text, remedy);
}

cz_status onnx_refuse_unsupported(const struct onnx_model *m, cz_error *err)
{
    struct groups g = {.arena = cz_arena_create()};
    int failed = !g.arena;
    for (int n = 0; n < m->n_nodes && !failed; n++)
        if (m->nodes[n].refused)
            failed = add_to_group(&g, m, n);
    cz_status status = CZ_OK;
    if (failed)
        status = cz_error_set(err, CZ_ERR_MEMORY, "out of memory listing unsupported operators");
    else if (g.count > 0)
        status = say_all(m, &g, err);
    cz_strmap_deinit(&g.index);
    cz_arena_destroy(g.arena);
    free(g.items);
    return status;
}
