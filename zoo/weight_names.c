#include "zoo/weight_names.h"

#include <string.h>

static const struct row {
    const char *group, *from, *to;
} rows[] = {
#define ROW(group, from, to) {#group, #from, #to},
#include "zoo/weight_names.inc"
#undef ROW
};

enum { MAX_NUMBERS = 4, NAME_BYTES = 256 };

struct numbers {
    const char *first[MAX_NUMBERS];
    size_t length[MAX_NUMBERS];
    int count;
};

/* Length of the part of `name` that `pattern` describes, 0: it does not begin so. */
static size_t match(const char *pattern, const char *name, struct numbers *n)
{
    const char *p = name;
    n->count = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '*') {
            if (*p++ != *pattern)
                return 0;
            continue;
        }
        size_t digits = strspn(p, "0123456789");
        if (digits == 0 || n->count == MAX_NUMBERS)
            return 0;
        n->first[n->count] = p;
        n->length[n->count++] = digits;
        p += digits;
    }
    return (size_t)(p - name);
}

/* `pattern` with its stars filled in, then the rest of the name; NULL: too long to be a parameter's. */
static const char *fill(const char *pattern, const struct numbers *n, const char *rest,
                        struct cz_arena *arena)
{
    char text[NAME_BYTES];
    size_t used = 0;
    int star = 0;
    for (; *pattern; pattern++) {
        int is_star = *pattern == '*' && star < n->count;
        const char *part = is_star ? n->first[star] : pattern;
        size_t length = is_star ? n->length[star++] : 1;
        if (length >= sizeof text - used)
            return NULL;
        memcpy(text + used, part, length);
        used += length;
    }
    text[used] = '\0';
    return cz_arena_printf(arena, "%s%s", text, rest);
}

cz_status cz_zoo_weight_name(const void *entry, const char *name, struct cz_arena *arena, const char **out,
                             cz_error *err)
{
    const struct cz_zoo_entry *e = entry;
    struct numbers numbers;
    *out = name;
    if (strlen(name) >= NAME_BYTES)
        return CZ_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strcmp(rows[i].group, e->family) == 0 ? match(rows[i].from, name, &numbers) : 0;
        if (n == 0)
            continue;
        *out = NULL;
        if (strcmp(rows[i].to, "none") == 0)
            return CZ_OK;
        *out = fill(rows[i].to, &numbers, name + n, arena);
        return *out ? CZ_OK : cz_error_set(err, CZ_ERR_MEMORY, "out of memory naming weights");
    }
    return CZ_OK;
}
