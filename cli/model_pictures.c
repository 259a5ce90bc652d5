/*
 * What turns pictures into a model's input and its output into names. Nothing is guessed: a file that does
 * not say how its pictures are made needs --preprocess.
 */
#include "base/file.h"
#include "cli/model.h"
#include "zoo/preprocess.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_json_file(const char *text)
{
    size_t n = strlen(text);
    return strchr(text, '/') || (n >= 5 && strcmp(text + n - 5, ".json") == 0);
}

/* --preprocess model:NAME[:TAG] */
static int from_zoo(struct cz_cli *cli, const char *name, struct cz_preprocess *out)
{
    const struct cz_zoo_entry *entry;
    const struct cz_zoo_published *weights;
    const char *json = NULL;
    cz_error err;
    int code = cz_cli_zoo_find(cli, name, &entry, &weights);
    if (code != CZ_EXIT_OK)
        return code;
    struct cz_arena *arena = cz_arena_create();
    cz_status status = arena ? CZ_OK : cz_error_set(&err, CZ_ERR_MEMORY, "preprocessing: out of memory");
    if (status == CZ_OK)
        status = cz_zoo_preprocess(arena, weights, entry->in_channels,
                                   weights ? weights->crop_px : entry->side_px, &json, &err);
    if (status == CZ_OK && !json)
        status = cz_error_set(&err, CZ_ERR_ARGUMENT, "model '%s': takes no pictures; name another", name);
    if (status == CZ_OK)
        status = cz_preprocess_parse(json, strlen(json), out, &err);
    cz_arena_destroy(arena);
    return status == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
}

static int from_option(struct cz_cli *cli, const char *text, struct cz_preprocess *out)
{
    cz_error err;
    if (strncmp(text, "model:", 6) == 0)
        return from_zoo(cli, text + 6, out);
    cz_status status =
        is_json_file(text) ? cz_preprocess_load(text, out, &err) : cz_preprocess_preset(text, out, &err);
    return status == CZ_OK ? CZ_EXIT_OK : cz_cli_fail(cli, &err);
}

static int none_known(struct cz_cli *cli, const struct cz_cli_model *m)
{
    char list[256];
    size_t used = 0;
    const char *name;
    for (int i = 0; (name = cz_preprocess_preset_name(i)) && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s|", name);
    return cz_cli_error(cli, CZ_EXIT_USAGE, "%s: no preprocessing in the file; give --preprocess %sFILE.json",
                        m->label, list);
}

static int choose(struct cz_cli *cli, const struct cz_cli_model *m, struct cz_cli_pictures *p)
{
    cz_error err;
    const char *option = cz_arg_text(&cli->args, "preprocess");
    const char *json = cz_graph_metadata(m->graph, "convzoo.preprocess");
    if (option) {
        snprintf(p->source, sizeof p->source, "--preprocess %s", option);
        return from_option(cli, option, &p->preprocess);
    }
    if (!json)
        return none_known(cli, m);
    snprintf(p->source, sizeof p->source, "%s", m->entry ? "the zoo" : "the file");
    if (cz_preprocess_parse(json, strlen(json), &p->preprocess, &err) == CZ_OK)
        return CZ_EXIT_OK;
    return cz_cli_error(cli, cz_exit_of(err.code), "%s: metadata convzoo.preprocess: %s", m->label,
                        err.message);
}

/* The model's first input as a picture: its channel axis decides the layout. 1: it is no picture. */
static int fit_layout(const struct cz_shape *shape, struct cz_preprocess *p, int64_t side[2])
{
    int channels = cz_preprocess_channels(p);
    if (shape->rank != 4)
        return 1;
    int nchw = shape->dim[1] == channels, nhwc = shape->dim[3] == channels;
    if (!nchw && !nhwc)
        return 1;
    p->layout = nchw ? CZ_LAYOUT_NCHW : CZ_LAYOUT_NHWC;
    side[0] = shape->dim[nchw ? 2 : 1];
    side[1] = shape->dim[nchw ? 3 : 2];
    return 0;
}

static int fit_size(struct cz_cli *cli, const struct cz_cli_model *m, const int64_t side[2],
                    struct cz_cli_pictures *p)
{
    cz_error err;
    const char *input = m->graph->values[m->graph->inputs[0]].name;
    const struct cz_arg *size = cz_arg_find(&cli->args, "size");
    if (size && size->n_values > 0 &&
        cz_preprocess_scale_to(&p->preprocess, (int)cz_arg_count(&cli->args, "size", 0), &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    int given = cz_preprocess_output_size(&p->preprocess, p->size);
    for (int i = 0; i < 2 && !given; i++) {
        if (side[i] < 1)
            return cz_cli_error(
                cli, CZ_EXIT_USAGE,
                "%s: neither the model nor its preprocessing says how large a picture is; give another "
                "--preprocess",
                m->label);
        p->size[i] = (int)side[i];
    }
    int fits = (side[0] < 1 || side[0] == p->size[0]) && (side[1] < 1 || side[1] == p->size[1]);
    if (fits || (size && size->n_values > 0)) /* with --size the network itself must say whether it can */
        return CZ_EXIT_OK;
    return cz_cli_error(
        cli, CZ_EXIT_INPUT,
        "%s: input '%s' is %lld x %lld px, the preprocessing of %s gives %d x %d; give --size %lld", m->label,
        input, (long long)side[0], (long long)side[1], p->source, p->size[0], p->size[1], (long long)side[0]);
}

int cz_cli_pictures(struct cz_cli *cli, const struct cz_cli_model *m, struct cz_cli_pictures *p)
{
    cz_error err;
    int64_t side[2];
    memset(p, 0, sizeof *p);
    int code = choose(cli, m, p);
    if (code != CZ_EXIT_OK)
        return code;
    const struct cz_value *input = &m->graph->values[m->graph->inputs[0]];
    if (m->graph->n_inputs != 1 || fit_layout(&input->shape, &p->preprocess, side)) {
        char shape[CZ_SHAPE_TEXT];
        return cz_cli_error(cli, CZ_EXIT_INPUT,
                            "%s: input '%s' is %s, which is no picture of %d channels; use `convzoo run`",
                            m->label, input->name, cz_shape_text(&input->shape, shape, sizeof shape),
                            cz_preprocess_channels(&p->preprocess));
    }
    const struct cz_arg *exif = cz_arg_find(&cli->args, "exif");
    if (exif && cz_arg_given(&cli->args, "exif"))
        p->preprocess.exif = strcmp(exif->values[exif->n_values - 1], "yes") == 0;
    code = fit_size(cli, m, side, p);
    if (code != CZ_EXIT_OK)
        return code;
    if (cz_preprocess_hash(&p->preprocess, p->sha256, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    cz_preprocess_describe(&p->preprocess, p->text, sizeof p->text);
    return CZ_EXIT_OK;
}

static int no_memory(struct cz_cli *cli)
{
    return cz_cli_error(cli, CZ_EXIT_MEMORY, "classes: out of memory; close other programs");
}

static int number_classes(struct cz_cli *cli, int n, struct cz_cli_classes *c)
{
    c->count = n;
    c->names = cz_arena_alloc(c->arena, (size_t)n * sizeof *c->names + 1);
    for (int i = 0; i < n; i++)
        if (!c->names || !(c->names[i] = cz_arena_printf(c->arena, "class %d", i)))
            return no_memory(cli);
    return CZ_EXIT_OK;
}

/* A JSON list of strings. */
static int classes_of_metadata(struct cz_cli *cli, const struct cz_cli_model *m, const char *json,
                               struct cz_cli_classes *c)
{
    json_t *root = json_loads(json, 0, NULL), *item;
    size_t i, n = json_array_size(root);
    int bad = !json_is_array(root), full = 0;
    c->names = cz_arena_alloc(c->arena, n * sizeof *c->names + 1);
    full = c->names == NULL;
    json_array_foreach(root, i, item)
    {
        if (bad || full)
            break;
        bad = !json_is_string(item);
        full = !bad && !(c->names[c->count++] = cz_arena_strdup(c->arena, json_string_value(item)));
    }
    json_decref(root);
    if (full)
        return no_memory(cli);
    if (bad)
        return cz_cli_error(cli, CZ_EXIT_INPUT,
                            "%s: metadata convzoo.classes: no JSON list of names; give --classes", m->label);
    return CZ_EXIT_OK;
}

/* One name a line, with \n or \r\n, a byte order mark in front allowed; an empty line is a mistake. */
static int classes_of_file(struct cz_cli *cli, const char *path, struct cz_cli_classes *c)
{
    cz_error err;
    struct cz_file_map map;
    if (cz_file_map(path, &map, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    const char *p = (const char *)map.data, *end = p + map.size;
    size_t capacity = 0;
    int code = CZ_EXIT_OK;
    const char **names = NULL;
    if (map.size >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    while (p < end && code == CZ_EXIT_OK) {
        const char *newline = memchr(p, '\n', (size_t)(end - p)), *stop = newline ? newline : end;
        size_t n = (size_t)(stop - p);
        n -= n > 0 && p[n - 1] == '\r';
        if (n == 0 || memchr(p, '\0', n))
            code = cz_cli_error(cli, CZ_EXIT_INPUT, "%s: line %d is %s; write one class name a line", path,
                                c->count + 1, n ? "binary" : "empty");
        else if (cz_grow(&names, &capacity, (size_t)c->count, sizeof *names) ||
                 !(names[c->count++] = cz_arena_strndup(c->arena, p, n)))
            code = no_memory(cli);
        p = newline ? newline + 1 : end;
    }
    cz_file_unmap(&map);
    if (code == CZ_EXIT_OK && c->count > 0 &&
        !(c->names = cz_arena_memdup(c->arena, names, (size_t)c->count * sizeof *names)))
        code = no_memory(cli);
    free(names);
    return code;
}

static int check_count(struct cz_cli *cli, const struct cz_cli_model *m, int n_classes, const char *who,
                       const struct cz_cli_classes *c)
{
    if (c->count == n_classes)
        return CZ_EXIT_OK;
    return cz_cli_error(cli, CZ_EXIT_INPUT, "%s: %d names, output '%s' of %s has %d classes; %s", who,
                        c->count, m->graph->values[m->graph->outputs[0]].name, m->label, n_classes,
                        c->count < n_classes ? "add the missing lines or give the right --classes"
                                             : "give the right --classes");
}

int cz_cli_classes(struct cz_cli *cli, const struct cz_cli_model *m, int n_classes, struct cz_cli_classes *c)
{
    int64_t k;
    memset(c, 0, sizeof *c);
    const char *option = cz_arg_text(&cli->args, "classes");
    const char *json = cz_graph_metadata(m->graph, "convzoo.classes");
    if (!(c->arena = cz_arena_create()))
        return no_memory(cli);
    c->source = option ? "--classes" : json ? "the file" : "none";
    if (!option && !json)
        return number_classes(cli, n_classes, c);
    int code;
    if (option && cz_parse_count(option, 1, 1e6, &k) == 0)
        code = number_classes(cli, (int)k, c);
    else if (option)
        code = classes_of_file(cli, option, c);
    else
        code = classes_of_metadata(cli, m, json, c);
    return code == CZ_EXIT_OK ? check_count(cli, m, n_classes, option ? option : m->label, c) : code;
}

void cz_cli_classes_deinit(struct cz_cli_classes *c)
{
    cz_arena_destroy(c->arena);
    memset(c, 0, sizeof *c);
}
