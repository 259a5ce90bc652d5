#include "zoo/zoo.h"
#include "base/nearest.h"
#include "engine/runtime.h"
#include "zoo/families.h"
#include "zoo/golden.h"
#include "zoo/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The limits keep sizes well inside int64_t and catch typing errors. */
enum {
    MAX_CLASSES = 1 << 20,
    MAX_CHANNELS = 1 << 12,
    MAX_SIDE_PX = 1 << 14,
    MAX_WIDTH = 64,
    SMALL_SIDE_PX = 32
};

static const struct network {
    struct cz_zoo_entry entry;
    cz_family *build;
} networks[] = {
#define NETWORK(name, family, group, classes, channels, side)                                                \
    {{#name, #group, classes, channels, side}, cz_family_##family},
#include "zoo/zoo.def"
#undef NETWORK
};

static const struct cz_zoo_published published[] = {
#define ROW(model, tag, crop, resize, filter, norm, top1, top5, min, file)                                   \
    {#model, #tag, #file, crop, resize, min, #filter, #norm, top1, top5},
#include "zoo/published.inc"
#include "zoo/published_timm.inc"
#undef ROW
};

static const struct cz_zoo_reference references[] = {
#define ROW(model, parameters, macs, tensors, names, bits) {#model, parameters, macs, tensors, names, bits},
#include "zoo/reference.inc"
#undef ROW
};

enum {
    N_NETWORKS = sizeof networks / sizeof *networks,
    N_PUBLISHED = sizeof published / sizeof *published,
    N_REFERENCES = sizeof references / sizeof *references
};

int cz_zoo_count(void)
{
    return N_NETWORKS;
}

const struct cz_zoo_entry *cz_zoo_at(int index)
{
    return &networks[index].entry;
}

static const struct network *find_network(const char *name)
{
    for (int i = 0; i < N_NETWORKS; i++)
        if (strcmp(networks[i].entry.name, name) == 0)
            return &networks[i];
    return NULL;
}

const struct cz_zoo_entry *cz_zoo_find(const char *name)
{
    const struct network *n = find_network(name);
    return n ? &n->entry : NULL;
}

const char *cz_zoo_nearest(const char *name)
{
    const char *names[N_NETWORKS];
    for (int i = 0; i < N_NETWORKS; i++)
        names[i] = networks[i].entry.name;
    return cz_nearest(name, names, N_NETWORKS);
}

const struct cz_zoo_published *cz_zoo_published_at(const char *model, int index)
{
    for (int i = 0; i < N_PUBLISHED; i++)
        if (strcmp(published[i].model, model) == 0 && index-- == 0)
            return &published[i];
    return NULL;
}

const struct cz_zoo_published *cz_zoo_find_published(const char *model, const char *tag)
{
    const struct cz_zoo_published *p, *first = cz_zoo_published_at(model, 0);
    for (int i = 0; (p = cz_zoo_published_at(model, i)); i++)
        if (tag ? strcmp(p->tag, tag) == 0 : cz_zoo_has_weights(p))
            return p;
    return tag ? NULL : first;
}

int cz_zoo_has_weights(const struct cz_zoo_published *p)
{
    return strcmp(p->file, "none") != 0;
}

const struct cz_zoo_reference *cz_zoo_find_reference(const char *model)
{
    for (int i = 0; i < N_REFERENCES; i++)
        if (strcmp(references[i].model, model) == 0)
            return &references[i];
    return NULL;
}

const void *cz_variant_find(struct cz_net *net, const void *rows, size_t n, size_t row_size,
                            const char *variant)
{
    for (size_t i = 0; i < n; i++) {
        const char *const *row = (const void *)((const char *)rows + i * row_size);
        if (strcmp(*row, variant) == 0)
            return row;
    }
    cz_net_fail(net, CZ_ERR_INTERNAL, "model '%s': listed in zoo.def, but its family has no such row",
                variant);
    return NULL;
}

static cz_status check_options(const struct cz_zoo_entry *e, const struct cz_zoo_options *o, cz_error *err)
{
    const struct {
        const char *what;
        int value, max;
    } numbers[] = {{"classes", o->n_classes, MAX_CLASSES},
                   {"input channels", o->in_channels, MAX_CHANNELS},
                   {"input side", o->side_px, MAX_SIDE_PX}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value < 1 || numbers[i].value > numbers[i].max)
            CZ_FAIL(err, CZ_ERR_ARGUMENT, "model '%s': %d %s; give 1 to %d", e->name, numbers[i].value,
                    numbers[i].what, numbers[i].max);
    if (!(o->width > 0 && o->width <= MAX_WIDTH))
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "model '%s': width %g; give a number above 0, at most %d", e->name,
                o->width, MAX_WIDTH);
    if (o->width != 1 && (e->side_px != SMALL_SIDE_PX || strcmp(e->family, "resnet") != 0))
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "model '%s': has one width; --width is for small-image networks, e.g. resnet20", e->name);
    if (o->tag && !cz_zoo_find_published(e->name, o->tag))
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "model '%s': no weights '%s'; `convzoo zoo show %s` lists them",
                e->name, o->tag, e->name);
    return CZ_OK;
}

static struct cz_zoo_options resolve_options(const struct cz_zoo_entry *e, const struct cz_zoo_options *given)
{
    struct cz_zoo_options o = given ? *given : (struct cz_zoo_options){0};
    if (o.n_classes == 0)
        o.n_classes = e->n_classes;
    if (o.in_channels == 0)
        o.in_channels = e->in_channels;
    const struct cz_zoo_published *p = cz_zoo_find_published(e->name, o.tag);
    if (o.side_px == 0)
        o.side_px = p ? p->crop_px : e->side_px;
    if (o.width == 0)
        o.width = 1;
    return o;
}

static cz_status add_metadata(struct cz_graph *g, const struct cz_zoo_entry *e,
                              const struct cz_zoo_options *o, cz_error *err)
{
    const char *preprocess;
    CZ_TRY(cz_zoo_preprocess(g->arena, cz_zoo_find_published(e->name, o->tag), o->in_channels, o->side_px,
                             &preprocess, err));
    CZ_TRY(cz_graph_set_metadata(g, "convzoo.model", e->name, err));
    CZ_TRY(cz_graph_set_metadata(g, "convzoo.output", "logits", err));
    return preprocess ? cz_graph_set_metadata(g, "convzoo.preprocess", preprocess, err) : CZ_OK;
}

static cz_status build_graph(struct cz_graph *g, const struct network *network,
                             const struct cz_zoo_options *o, cz_error *err)
{
    const struct cz_zoo_entry *e = &network->entry;
    struct cz_shape shape = cz_shape_of(CZ_F32, 4, (int64_t)-1, (int64_t)o->in_channels, (int64_t)o->side_px,
                                        (int64_t)o->side_px);
    struct cz_net net = {.graph = g,
                         .err = err,
                         .n_classes = o->n_classes,
                         .width = o->width,
                         .norm_eps = 1e-5f,
                         .zero = -1,
                         .six = -1};
    struct cz_map x = {.channels = o->in_channels};
    CZ_TRY(cz_graph_add_input(g, "input", &shape, &x.value, err));
    g->values[x.value].dim_name[0] = "N";
    network->build(&net, x, e->name);
    CZ_TRY(net.status);
    g->info = (cz_model_info){e->name, "zoo", o->n_classes, o->in_channels, o->side_px, o->side_px};
    g->ir_version = 8; /* of opset 17 */
    g->producer = "convzoo";
    CZ_TRY(add_metadata(g, e, o, err));
    return cz_init_apply(g, o->init, o->pool, err);
}

cz_status cz_zoo_build(const char *name, const struct cz_zoo_options *given, struct cz_graph **out,
                       cz_error *err)
{
    const struct network *network = find_network(name);
    if (!network) {
        const char *nearest = cz_zoo_nearest(name);
        if (nearest)
            CZ_FAIL(err, CZ_ERR_ARGUMENT, "model '%s': not in the zoo; nearest is '%s'", name, nearest);
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "model '%s': not in the zoo; see `convzoo zoo list`", name);
    }
    struct cz_zoo_options options = resolve_options(&network->entry, given);
    CZ_TRY(check_options(&network->entry, &options, err));
    struct cz_graph *g;
    CZ_TRY(cz_graph_create(CZ_ZOO_OPSET, &g, err));
    cz_status status = build_graph(g, network, &options, err);
    if (status != CZ_OK) {
        cz_graph_release(g);
        return status;
    }
    *out = g;
    return CZ_OK;
}

cz_status cz_model_build(cz_runtime *runtime, const char *zoo_name, const cz_build_options *given,
                         cz_model **out, cz_error *err)
{
    cz_build_options o = {sizeof o, 0, 0, 0, 0};
    if (given && given->struct_size > sizeof o)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "cz_model_build: options of %zu bytes, this library knows %zu; relink",
                given->struct_size, sizeof o);
    if (given)
        memcpy(&o, given, given->struct_size);
    struct cz_zoo_options options = {.n_classes = o.n_classes,
                                     .in_channels = o.in_channels,
                                     .width = o.width,
                                     .init = {CZ_INIT_KAIMING, o.init_seed},
                                     .pool = runtime ? runtime->pool : NULL};
    return cz_zoo_build(zoo_name, &options, out, err);
}

static uint64_t hash_text(uint64_t h, const char *text)
{
    return cz_fnv1a64(text, strlen(text), h);
}

uint64_t cz_zoo_names_hash(const struct cz_graph *g)
{
    uint64_t h = CZ_FNV1A64_START;
    for (int i = 0; i < g->params.count; i++) {
        const struct cz_param *p = &g->params.items[i];
        if (p->role == CZ_CONSTANT)
            continue;
        h = hash_text(h, p->name);
        for (int d = 0; d < p->value.rank; d++) {
            char number[24];
            snprintf(number, sizeof number, "%c%lld", d ? ',' : ' ', (long long)p->value.dim[d]);
            h = hash_text(h, number);
        }
        h = hash_text(hash_text(h, " "), cz_fill_name((enum cz_fill)p->golden_rule));
        h = hash_text(h, "\n");
    }
    return h;
}

int cz_zoo_state_tensors(const struct cz_graph *g)
{
    int n = 0;
    for (int i = 0; i < g->params.count; i++)
        n += g->params.items[i].role != CZ_CONSTANT;
    for (int i = 0; i < g->n_nodes; i++)
        n += strcmp(g->nodes[i].op->name, "BatchNormalization") == 0;
    return n;
}
