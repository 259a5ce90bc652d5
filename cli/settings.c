/*
 * Settings from beside the command line: environment, --config file, the user's own file, defaults.
 *
 * The user's file holds only what changes no number (threads, colour, cache, mirror): anything else must be
 * visible in the command or in a file that the command names. A key of --config that is an option of another
 * command is passed over, so that one file can serve several commands; a key that no command knows is a
 * mistake.
 */
#include "base/file.h"
#include "base/nearest.h"
#include "cli/args.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CONFIG_BYTES = 1 << 20 };

struct layer {
    struct cz_args *args;
    enum cz_source source;
    const char *where; /* the file, for messages */
    struct cz_problems *problems;
};

/* Checks and stores a value of an option that nothing stronger has set. */
static int offer(const struct layer *l, struct cz_arg *arg, const char *label, const char *remedy_prefix,
                 const char *text)
{
    struct cz_value_problem why;
    if (arg->source > l->source)
        return 0;
    if (cz_option_check(arg->option, text, &why)) {
        cz_problem_add(l->problems, "%s: %s; try %s%s", label, why.cause, remedy_prefix, why.suggestion);
        return 0;
    }
    char *copy = cz_arena_strdup(l->args->arena, text);
    return !copy || cz_arg_set(l->args, arg, l->source, copy);
}

static int read_environment(struct cz_args *args, struct cz_problems *problems)
{
    struct layer l = {args, CZ_SOURCE_ENV, NULL, problems};
    for (int i = 0; i < args->count; i++) {
        const struct cz_option *o = args->items[i].option;
        char name[64], label[160];
        snprintf(name, sizeof name - 1, "CONVZOO_%s", o->name);
        for (char *c = name; *c; c++)
            *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        const char *text = o->flags & CZ_OPT_ENV ? getenv(name) : NULL;
        if (!text || !*text)
            continue;
        snprintf(label, sizeof label, "%s=%s", name, text);
        strcat(name, "=");
        if (offer(&l, &args->items[i], label, name, text))
            return 1;
    }
    return 0;
}

/* A JSON scalar as the text that the command line would have. 1: neither text, number nor switch. */
static int scalar_text(const json_t *value, char *buf, size_t size)
{
    int n = -1;
    if (json_is_string(value))
        n = snprintf(buf, size, "%s", json_string_value(value));
    else if (json_is_boolean(value))
        n = snprintf(buf, size, "%s", json_is_true(value) ? "yes" : "no");
    else if (json_is_integer(value))
        n = snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        n = snprintf(buf, size, "%.17g", json_real_value(value));
    return n < 0 || (size_t)n >= size;
}

static int offer_json(const struct layer *l, struct cz_arg *arg, const json_t *value)
{
    char text[4096], label[160];
    const char *key = arg->option->name;
    if (scalar_text(value, text, sizeof text)) {
        cz_problem_add(l->problems,
                       "%s: key '%s' is neither text, number nor true/false; see `convzoo %s --help`",
                       l->where, key, l->args->command->name);
        return 0;
    }
    snprintf(label, sizeof label, "%s: %s = %.60s", l->where, key, text);
    return offer(l, arg, label, "", text);
}

static void unknown_key(const struct layer *l, const char *key)
{
    const char **names = calloc((size_t)cz_option_count(), sizeof *names);
    size_t n = 0;
    for (int i = 0; names && i < cz_option_count(); i++)
        if (!(cz_option_at(i)->flags & (CZ_OPT_NO_CONFIG | CZ_OPT_HIDDEN)))
            names[n++] = cz_option_at(i)->name;
    const char *nearest = names ? cz_nearest(key, names, n) : NULL;
    if (nearest)
        cz_problem_add(l->problems, "%s: key '%s' is no option; nearest is '%s'", l->where, key, nearest);
    else
        cz_problem_add(l->problems, "%s: key '%s' is no option; see `convzoo help options`", l->where, key);
    free(names);
}

static int read_key(const struct layer *l, const char *key, const json_t *value)
{
    struct cz_arg *arg = cz_arg_find(l->args, key);
    const struct cz_option *any = arg ? arg->option : cz_option_find_any(key);
    if (any && l->source == CZ_SOURCE_USER && !(any->flags & CZ_OPT_USER)) {
        cz_problem_add(l->problems,
                       "%s: key '%s' may change results and cannot stand here; use --config FILE", l->where,
                       key);
        return 0;
    }
    if (!any) {
        unknown_key(l, key);
        return 0;
    }
    if (l->source == CZ_SOURCE_FILE && (any->flags & CZ_OPT_NO_CONFIG)) {
        cz_problem_add(l->problems, "%s: key '%s' says where or how to print, not what to do; give --%s",
                       l->where, key, key);
        return 0;
    }
    if (!arg)
        return 0;
    if (!json_is_array(value))
        return offer_json(l, arg, value);
    int bad = 0;
    for (size_t i = 0; i < json_array_size(value) && !bad; i++)
        bad = offer_json(l, arg, json_array_get(value, i));
    return bad;
}

static json_t *parse(const char *path, struct cz_problems *problems)
{
    cz_error err;
    struct cz_file_map map;
    if (cz_file_map(path, &map, &err) != CZ_OK) {
        cz_problem_add(problems, "%s", err.message);
        return NULL;
    }
    json_error_t why;
    json_t *root = NULL;
    if (map.size > MAX_CONFIG_BYTES)
        cz_problem_add(problems, "%s: %zu bytes, at most 1 MiB is read; name the settings file", path,
                       map.size);
    else if (!(root = json_loadb((const char *)map.data, map.size, JSON_REJECT_DUPLICATES, &why)))
        cz_problem_add(problems, "%s: line %d: not JSON: %s; write {\"option\": value, ...}", path, why.line,
                       why.text);
    else if (!json_is_object(root))
        cz_problem_add(problems, "%s: not a JSON object; write {\"option\": value, ...}", path);
    cz_file_unmap(&map);
    return root;
}

static int read_file(struct cz_args *args, const char *path, enum cz_source source,
                     struct cz_problems *problems)
{
    /* What a run's config.json says about itself besides its options. */
    static const char *const ours[] = {"schema", "sources", "version", "command", "model"};
    struct layer l = {args, source, path, problems};
    json_t *root = parse(path, problems), *value;
    const char *key;
    int bad = 0;
    json_object_foreach(root, key, value)
    {
        int skip = 0;
        for (size_t i = 0; i < sizeof ours / sizeof *ours && source == CZ_SOURCE_FILE; i++)
            skip |= strcmp(key, ours[i]) == 0;
        if (!skip)
            bad |= read_key(&l, key, value);
    }
    json_decref(root);
    return bad;
}

/* $XDG_CONFIG_HOME/convzoo/config.json, else under ~/.config; NULL where neither is set. XDG: must be
 * absolute. */
static char *user_file(struct cz_arena *arena)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0] == '/')
        return cz_arena_printf(arena, "%s/convzoo/config.json", xdg);
    return home && *home ? cz_arena_printf(arena, "%s/.config/convzoo/config.json", home) : NULL;
}

static int set_defaults(struct cz_args *args)
{
    for (int i = 0; i < args->count; i++) {
        const char *text = cz_option_default(args->items[i].option);
        if (args->items[i].n_values == 0 && text &&
            cz_arg_set(args, &args->items[i], CZ_SOURCE_DEFAULT, text))
            return 1;
    }
    return 0;
}

int cz_args_settle(struct cz_args *args, struct cz_problems *problems)
{
    const struct cz_arg *config = cz_arg_find(args, "config");
    if (read_environment(args, problems))
        return 1;
    if (config && config->n_values > 0 && read_file(args, config->values[0], CZ_SOURCE_FILE, problems))
        return 1;
    const char *own = user_file(args->arena);
    if (own && access(own, F_OK) == 0 && read_file(args, own, CZ_SOURCE_USER, problems))
        return 1;
    return set_defaults(args);
}
