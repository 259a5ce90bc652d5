/*
 * MobileNet v2 and v3: inverted residual blocks; v3 with squeeze-and-excitation, hard activations and
 * hand-picked widths.
 *
 * v3: a quarter of the expanded channels is squeezed to, rounded to a multiple of 8; BatchNorm's eps is 1e-3.
 *
 * Sources: Sandler et al., "MobileNetV2", 2018 (table 2); Howard et al., "Searching for MobileNetV3", 2019
 * (tables 1 and 2).
 */
#include "zoo/families.h"

#include <string.h>

/* ---- v2 ---- */

static const struct {
    int expand, out, repeat, stride; /* stride of the first block */
} v2_stages[] = {
    {1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
};

/* Names count modules: units "conv.0" and "conv.1" hold a convolution and its BatchNorm, the last two stand
 * alone. */
static struct cz_map v2_block(struct cz_net *net, struct cz_map x, int expand, int out, int stride)
{
    int64_t wide = x.channels * expand;
    int adds = stride == 1 && x.channels == out;
    struct cz_conv depthwise = {wide, 3, .stride = stride, .groups = wide, .act = CZ_ACT_RELU6};
    struct cz_conv project = {out, 1, .closes = adds};
    struct cz_map y = x;
    if (expand == 1) {
        y = cz_net_unit(net, y, "conv.0", depthwise);
        return cz_net_conv_norm(net, y, "conv.1", "conv.2", project); /* widths differ: nothing to add */
    }
    y = cz_net_unit(net, y, "conv.0", (struct cz_conv){wide, 1, .act = CZ_ACT_RELU6});
    y = cz_net_unit(net, y, "conv.1", depthwise);
    y = cz_net_conv_norm(net, y, "conv.2", "conv.3", project);
    return adds ? cz_net_add(net, y, x) : y;
}

static void v2(struct cz_net *net, struct cz_map x)
{
    int number = 1;
    x = cz_net_unit(net, x, "features.0", (struct cz_conv){32, 3, .stride = 2, .act = CZ_ACT_RELU6});
    for (size_t s = 0; s < sizeof v2_stages / sizeof *v2_stages; s++)
        for (int b = 0; b < v2_stages[s].repeat; b++) {
            cz_net_enter(net, "features.%d", number++);
            x = v2_block(net, x, v2_stages[s].expand, v2_stages[s].out, b == 0 ? v2_stages[s].stride : 1);
            cz_net_leave(net);
        }
    x = cz_net_unit(net, x, "features.18", (struct cz_conv){1280, 1, .act = CZ_ACT_RELU6});
    x = cz_net_flatten(net, cz_net_global_pool(net, x), 1);
    cz_net_classifier(net, cz_net_dropout(net, x, 0.2f), "classifier.1");
}

/* ---- v3 ---- */

enum { MAX_BLOCKS = 15, RE = CZ_ACT_RELU, HS = CZ_ACT_HARDSWISH };

static const struct v3 {
    const char *name;
    int last, hidden; /* channels of the last convolution and of the hidden linear layer */
    struct {
        int kernel, expanded, out, squeezes, act, stride;
    } blocks[MAX_BLOCKS + 1]; /* ends with kernel 0 */
} v3_variants[] = {
    {"mobilenet_v3_large",
     960,
     1280,
     {{3, 16, 16, 0, RE, 1},
      {3, 64, 24, 0, RE, 2},
      {3, 72, 24, 0, RE, 1},
      {5, 72, 40, 1, RE, 2},
      {5, 120, 40, 1, RE, 1},
      {5, 120, 40, 1, RE, 1},
      {3, 240, 80, 0, HS, 2},
      {3, 200, 80, 0, HS, 1},
      {3, 184, 80, 0, HS, 1},
      {3, 184, 80, 0, HS, 1},
      {3, 480, 112, 1, HS, 1},
      {3, 672, 112, 1, HS, 1},
      {5, 672, 160, 1, HS, 2},
      {5, 960, 160, 1, HS, 1},
      {5, 960, 160, 1, HS, 1}}},
    {"mobilenet_v3_small",
     576,
     1024,
     {{3, 16, 16, 1, RE, 2},
      {3, 72, 24, 0, RE, 2},
      {3, 88, 24, 0, RE, 1},
      {5, 96, 40, 1, HS, 2},
      {5, 240, 40, 1, HS, 1},
      {5, 240, 40, 1, HS, 1},
      {5, 120, 48, 1, HS, 1},
      {5, 144, 48, 1, HS, 1},
      {5, 288, 96, 1, HS, 2},
      {5, 576, 96, 1, HS, 1},
      {5, 576, 96, 1, HS, 1}}},
};

static struct cz_map v3_blocks(struct cz_net *net, struct cz_map x, const struct v3 *v)
{
    for (int i = 0; v->blocks[i].kernel; i++) {
        struct cz_inverted b = {.expanded = v->blocks[i].expanded,
                                .out = v->blocks[i].out,
                                .kernel = v->blocks[i].kernel,
                                .stride = v->blocks[i].stride,
                                .act = (enum cz_activation)v->blocks[i].act,
                                .squeeze_act = CZ_ACT_RELU,
                                .gate = CZ_ACT_HARDSIGMOID};
        if (v->blocks[i].squeezes)
            b.squeezed = cz_round_channels((double)b.expanded / 4);
        cz_net_enter(net, "features.%d", i + 1);
        x = cz_net_inverted(net, x, &b);
        cz_net_leave(net);
    }
    return x;
}

static void v3(struct cz_net *net, struct cz_map x, const struct v3 *v)
{
    net->norm_eps = 1e-3f;
    x = cz_net_unit(net, x, "features.0", (struct cz_conv){16, 3, .stride = 2, .act = CZ_ACT_HARDSWISH});
    x = v3_blocks(net, x, v);
    int large = v->last == 960;
    x = cz_net_unit(net, x, large ? "features.16" : "features.12",
                    (struct cz_conv){v->last, 1, .act = CZ_ACT_HARDSWISH});
    x = cz_net_flatten(net, cz_net_global_pool(net, x), 1);
    x = cz_net_activate(net, cz_net_linear(net, x, "classifier.0", v->hidden), CZ_ACT_HARDSWISH);
    cz_net_classifier(net, cz_net_dropout(net, x, 0.2f), "classifier.3");
}

void cz_family_mobilenet(struct cz_net *net, struct cz_map x, const char *variant)
{
    if (strcmp(variant, "mobilenet_v2") == 0) {
        v2(net, x);
        return;
    }
    const struct v3 *v = CZ_VARIANT(net, v3_variants, variant);
    if (v)
        v3(net, x, v);
}
