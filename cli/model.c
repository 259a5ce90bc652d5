#include "cli/model.h"
#include "cli/weights.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cz_model_is_file(const char *operand)
{
    size_t n = strlen(operand);
    return strchr(operand, '/') || (n >= 5 && strcmp(operand + n - 5, ".onnx") == 0);
}

static void log_line(void *user, int level, const char *line)
{
    if (level >= 2)
        cz_cli_warn(user, "%s", line);
    else
        cz_cli_detail(user, level == 1 ? 1 : 2, "%s", line);
}

/* What only makes sense for a network that is built here. A --size counts where pictures are made for the
 * model. */
static int refuse_zoo_options(struct cz_cli *cli, const char *path)
{
    static const char *const names[] = {"weights", "size", "classes"};
    int code = CZ_EXIT_OK, makes_pictures = cz_arg_find(&cli->args, "preprocess") != NULL;
    for (int i = 0; i < (makes_pictures ? 1 : 3); i++)
        if (cz_arg_find(&cli->args, names[i]) && cz_arg_given(&cli->args, names[i]))
            code = cz_cli_error(cli, CZ_EXIT_USAGE,
                                "option --%s: is for networks of the zoo, %s is a file; leave it out",
                                names[i], path);
    return code;
}

/* --init on a file: other weights in the same network, so what the file says about its own no longer holds.
 */
static int initialise(struct cz_cli *cli, const char *text, struct cz_cli_model *m)
{
    static const char *const about_weights[] = {"convzoo.weights", "convzoo.train", "convzoo.metrics",
                                                "convzoo.parent_sha256", "convzoo.data_sha256"};
    cz_error err;
    struct cz_init init;
    if (cz_init_parse(text, &init, &err) != CZ_OK || cz_init_apply(m->graph, init, NULL, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    for (size_t i = 0; i < sizeof about_weights / sizeof *about_weights; i++)
        cz_graph_drop_metadata(m->graph, about_weights[i]);
    size_t used = strlen(m->label);
    snprintf(m->label + used, sizeof m->label - used, " (--init %s)", text);
    return CZ_EXIT_OK;
}

static int open_file(struct cz_cli *cli, const char *path, enum cz_model_need need, struct cz_cli_model *m)
{
    struct cz_onnx_options options = {log_line, cli};
    const struct cz_arg *init = cz_arg_find(&cli->args, "init");
    int code = refuse_zoo_options(cli, path);
    if (code != CZ_EXIT_OK)
        return code;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return cz_cli_error(
            cli, CZ_EXIT_SYSTEM,
            "%s: no such file; built-in models are named without '/' or '.onnx', see `convzoo zoo list`",
            path);
    snprintf(m->label, sizeof m->label, "%s", path);
    cz_status status = cz_onnx_load(path, &options, &m->graph, &m->report, &m->refusal);
    if (status == CZ_OK && init && init->n_values > 0)
        return initialise(cli, init->values[0], m);
    if (status == CZ_OK || (need == CZ_MODEL_LOOK && m->report))
        return CZ_EXIT_OK;
    return cz_cli_fail(cli, &m->refusal);
}

static int unknown_tag(struct cz_cli *cli, const struct cz_zoo_entry *entry, const char *tag)
{
    char list[256] = "";
    size_t used = 0;
    const struct cz_zoo_published *p;
    for (int i = 0; (p = cz_zoo_published_at(entry->name, i)) && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", p->tag);
    return cz_cli_error(cli, CZ_EXIT_USAGE, "model '%s': has no weights '%s'; there are: %s", entry->name,
                        tag, used ? list : "none");
}

int cz_cli_zoo_find(struct cz_cli *cli, const char *name, const struct cz_zoo_entry **entry,
                    const struct cz_zoo_published **weights)
{
    const char *colon = strchr(name, ':');
    char bare[128];
    snprintf(bare, sizeof bare, "%.*s", (int)(colon ? colon - name : (long)strlen(name)), name);
    *entry = cz_zoo_find(bare);
    if (!*entry) {
        const char *nearest = cz_zoo_nearest(bare);
        if (access(name, F_OK) == 0)
            return cz_cli_error(cli, CZ_EXIT_USAGE,
                                "model '%s': not in the zoo; the file of that name is ./%s", name, name);
        if (nearest)
            return cz_cli_error(cli, CZ_EXIT_USAGE, "model '%s': not in the zoo; nearest is '%s'", name,
                                nearest);
        return cz_cli_error(cli, CZ_EXIT_USAGE, "model '%s': not in the zoo; see `convzoo zoo list`", name);
    }
    *weights = cz_zoo_find_published(bare, colon ? colon + 1 : NULL);
    if (colon && !*weights)
        return unknown_tag(cli, *entry, colon + 1);
    return CZ_EXIT_OK;
}

/* --size and --classes K of commands that have them. */
static int64_t number(const struct cz_cli *cli, const char *option)
{
    int64_t n;
    const struct cz_arg *arg = cz_arg_find(&cli->args, option);
    return arg && arg->n_values > 0 && cz_parse_count(arg->values[arg->n_values - 1], 1, 1e6, &n) == 0 ? n
                                                                                                       : 0;
}

static int open_zoo(struct cz_cli *cli, const char *name, enum cz_model_need need, struct cz_cli_model *m)
{
    cz_error err;
    const struct cz_arg *init = cz_arg_find(&cli->args, "init");
    struct cz_zoo_options options = {.n_classes = (int)number(cli, "classes"),
                                     .side_px = (int)number(cli, "size")};
    int code = cz_cli_zoo_find(cli, name, &m->entry, &m->weights);
    if (code != CZ_EXIT_OK)
        return code;
    if (init && init->n_values > 0 && cz_cli_weights_file(cli))
        return cz_cli_error(cli, CZ_EXIT_USAGE,
                            "--init: seeded weights, and --weights names others; give one of them");
    options.tag = m->weights ? m->weights->tag : NULL;
    if (init && init->n_values > 0) {
        if (cz_init_parse(init->values[0], &options.init, &err) != CZ_OK)
            return cz_cli_fail(cli, &err);
        snprintf(m->label, sizeof m->label, "%s (--init %s)", m->entry->name, init->values[0]);
    } else {
        int tagged = m->weights && cz_zoo_has_weights(m->weights);
        snprintf(m->label, sizeof m->label, "%s%s%s", m->entry->name, tagged ? ":" : "",
                 tagged ? options.tag : "");
    }
    if (cz_zoo_build(m->entry->name, &options, &m->graph, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    return options.init.kind == CZ_INIT_NONE ? cz_cli_weights(cli, need == CZ_MODEL_VALUES, m) : CZ_EXIT_OK;
}

int cz_cli_model_open(struct cz_cli *cli, const char *operand, enum cz_model_need need,
                      struct cz_cli_model *m)
{
    memset(m, 0, sizeof *m);
    int code = cz_model_is_file(operand) ? open_file(cli, operand, need, m) : open_zoo(cli, operand, need, m);
    if (code != CZ_EXIT_OK)
        cz_cli_model_close(m);
    return code;
}

void cz_cli_model_close(struct cz_cli_model *m)
{
    cz_graph_release(m->graph);
    cz_onnx_report_destroy(m->report);
    memset(m, 0, sizeof *m);
}

int cz_cli_gives_probabilities(const struct cz_cli_model *m)
{
    static const char *const passing[] = {"Reshape", "Flatten", "Squeeze", "Identity", "Cast", NULL};
    const struct cz_graph *g = m->graph;
    const char *said = cz_graph_metadata(g, "convzoo.output");
    if (said)
        return strcmp(said, "probabilities") == 0;
    int node = g->values[g->outputs[0]].producer;
    for (int i = 0; node >= 0 && passing[i];)
        if (strcmp(g->nodes[node].op->name, passing[i]) == 0) {
            node = g->nodes[node].in[0] >= 0 ? g->values[g->nodes[node].in[0]].producer : -1;
            i = 0;
        } else {
            i++;
        }
    return node >= 0 && strcmp(g->nodes[node].op->name, "Softmax") == 0;
}
