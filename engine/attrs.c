#include "engine/attrs.h"

#include <string.h>

const struct cz_attr *cz_attr_find(const struct cz_attr_list *list, const char *name)
{
    for (int i = 0; list && i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

static const struct cz_attr *find_kind(const struct cz_attr_list *list, const char *name,
                                       enum cz_attr_kind kind)
{
    const struct cz_attr *a = cz_attr_find(list, name);
    return a && a->kind == kind ? a : NULL;
}

int64_t cz_attr_int(const struct cz_attr_list *list, const char *name, int64_t missing)
{
    const struct cz_attr *a = find_kind(list, name, CZ_ATTR_INT);
    return a ? a->i : missing;
}

float cz_attr_float(const struct cz_attr_list *list, const char *name, float missing)
{
    const struct cz_attr *a = find_kind(list, name, CZ_ATTR_FLOAT);
    return a ? a->f : missing;
}

const char *cz_attr_string(const struct cz_attr_list *list, const char *name, const char *missing)
{
    const struct cz_attr *a = find_kind(list, name, CZ_ATTR_STRING);
    return a ? a->s : missing;
}

int cz_attr_ints(const struct cz_attr_list *list, const char *name, int64_t *out, int max)
{
    const struct cz_attr *a = find_kind(list, name, CZ_ATTR_INTS);
    if (!a)
        return 0;
    if (a->n > max)
        return -1;
    memcpy(out, a->ints, sizeof *out * (size_t)a->n);
    return a->n;
}

/* A new attribute of the list, NULL when memory ran out. Lists are short: each addition copies. */
static struct cz_attr *append(struct cz_arena *arena, struct cz_attr_list *list, const char *name,
                              enum cz_attr_kind kind)
{
    struct cz_attr *items = cz_arena_alloc(arena, sizeof *items * (size_t)(list->count + 1));
    char *copy = cz_arena_strdup(arena, name);
    if (!items || !copy)
        return NULL;
    if (list->count > 0)
        memcpy(items, list->items, sizeof *items * (size_t)list->count);
    list->items = items;
    struct cz_attr *a = &items[list->count++];
    a->name = copy;
    a->kind = kind;
    return a;
}

int cz_attrs_add_int(struct cz_arena *arena, struct cz_attr_list *list, const char *name, int64_t value)
{
    struct cz_attr *a = append(arena, list, name, CZ_ATTR_INT);
    if (a)
        a->i = value;
    return !a;
}

int cz_attrs_add_float(struct cz_arena *arena, struct cz_attr_list *list, const char *name, float value)
{
    struct cz_attr *a = append(arena, list, name, CZ_ATTR_FLOAT);
    if (a)
        a->f = value;
    return !a;
}

int cz_attrs_add_string(struct cz_arena *arena, struct cz_attr_list *list, const char *name,
                        const char *value)
{
    struct cz_attr *a = append(arena, list, name, CZ_ATTR_STRING);
    return !a || !(a->s = cz_arena_strdup(arena, value));
}

int cz_attrs_add_ints(struct cz_arena *arena, struct cz_attr_list *list, const char *name,
                      const int64_t *values, int n)
{
    struct cz_attr *a = append(arena, list, name, CZ_ATTR_INTS);
    if (!a || !(a->ints = cz_arena_memdup(arena, values, sizeof *values * (size_t)n)))
        return 1;
    a->n = n;
    return 0;
}

int cz_attrs_add_floats(struct cz_arena *arena, struct cz_attr_list *list, const char *name,
                        const float *values, int n)
{
    struct cz_attr *a = append(arena, list, name, CZ_ATTR_FLOATS);
    if (!a || !(a->floats = cz_arena_memdup(arena, values, sizeof *values * (size_t)n)))
        return 1;
    a->n = n;
    return 0;
}

int cz_attrs_add_tensor(struct cz_arena *arena, struct cz_attr_list *list, const char *name,
                        const cz_tensor *value)
{
    struct cz_attr *a = append(arena, list, name, CZ_ATTR_TENSOR);
    struct cz_shape shape = cz_tensor_shape(value);
    if (!a)
        return 1;
    a->tensor = *value;
    a->tensor.data = cz_arena_memdup(arena, value->data, cz_shape_bytes(&shape));
    return !a->tensor.data;
}

int cz_attrs_remove(struct cz_attr_list *list, const char *name)
{
    const struct cz_attr *a = cz_attr_find(list, name);
    if (!a)
        return 0;
    ptrdiff_t i = a - list->items;
    memmove(&list->items[i], &list->items[i + 1], sizeof *a * (size_t)(list->count - i - 1));
    list->count--;
    return 1;
}
