/*
 * EfficientNet B0 to B7 and V2 S, M, L: (fused) inverted residual blocks with squeeze-and-excitation and
 * SiLU.
 *
 * B0 to B7 are one table of stages, widened and deepened; V2 has three tables. A quarter of a block's *input*
 * channels is squeezed to. BatchNorm's eps is 1e-3 from B5 on and in V2, 1e-5 below, as the published weights
 * have it.
 *
 * Sources: Tan, Le, "EfficientNet: Rethinking model scaling", 2019 (table 1); "EfficientNetV2: Smaller models
 * and faster training", 2021 (table 4; M and L by the authors' code).
 */
#include "zoo/families.h"

#include <math.h>

enum { MAX_STAGES = 8, FUSED = 1 };

struct stage {
    int fused, expand, kernel, stride, out, repeat; /* stride of the first block; ends with repeat 0 */
};

/* clang-format off */
static const struct stage b_stages[MAX_STAGES] = {
    {0, 1, 3, 1,  16, 1}, {0, 6, 3, 2,  24, 2}, {0, 6, 5, 2,  40, 2}, {0, 6, 3, 2,  80, 3},
    {0, 6, 5, 1, 112, 3}, {0, 6, 5, 2, 192, 4}, {0, 6, 3, 1, 320, 1},
};
static const struct stage v2_s_stages[MAX_STAGES] = {
    {FUSED, 1, 3, 1,  24, 2}, {FUSED, 4, 3, 2,  48, 4}, {FUSED, 4, 3, 2, 64, 4},
    {0, 4, 3, 2, 128,  6}, {0, 6, 3, 1, 160,  9}, {0, 6, 3, 2, 256, 15},
};
static const struct stage v2_m_stages[MAX_STAGES] = {
    {FUSED, 1, 3, 1,  24, 3}, {FUSED, 4, 3, 2,  48, 5}, {FUSED, 4, 3, 2, 80, 5},
    {0, 4, 3, 2, 160,  7}, {0, 6, 3, 1, 176, 14}, {0, 6, 3, 2, 304, 18}, {0, 6, 3, 1, 512, 5},
};
static const struct stage v2_l_stages[MAX_STAGES] = {
    {FUSED, 1, 3, 1,  32, 4}, {FUSED, 4, 3, 2,  64, 7}, {FUSED, 4, 3, 2, 96, 7},
    {0, 4, 3, 2, 192, 10}, {0, 6, 3, 1, 224, 19}, {0, 6, 3, 2, 384, 25}, {0, 6, 3, 1, 640, 7},
};

static const struct efficientnet {
    const char *name;
    const struct stage *stages;
    double width, depth;
    int stem, last; /* last 0: four times the last stage */
    float eps, dropout;
} variants[] = {
    {"efficientnet_b0", b_stages, 1.0, 1.0, 32, 0, 1e-5f, 0.2f},
    {"efficientnet_b1", b_stages, 1.0, 1.1, 32, 0, 1e-5f, 0.2f},
    {"efficientnet_b2", b_stages, 1.1, 1.2, 32, 0, 1e-5f, 0.3f},
    {"efficientnet_b3", b_stages, 1.2, 1.4, 32, 0, 1e-5f, 0.3f},
    {"efficientnet_b4", b_stages, 1.4, 1.8, 32, 0, 1e-5f, 0.4f},
    {"efficientnet_b5", b_stages, 1.6, 2.2, 32, 0, 1e-3f, 0.4f},
    {"efficientnet_b6", b_stages, 1.8, 2.6, 32, 0, 1e-3f, 0.5f},
    {"efficientnet_b7", b_stages, 2.0, 3.1, 32, 0, 1e-3f, 0.5f},
    {"efficientnet_v2_s", v2_s_stages, 1.0, 1.0, 24, 1280, 1e-3f, 0.2f},
    {"efficientnet_v2_m", v2_m_stages, 1.0, 1.0, 24, 1280, 1e-3f, 0.3f},
    {"efficientnet_v2_l", v2_l_stages, 1.0, 1.0, 32, 1280, 1e-3f, 0.4f},
};
/* clang-format on */

/* Expansion and depthwise convolution in one full convolution; without expansion that is all. */
static struct cz_map fused_block(struct cz_net *net, struct cz_map x, const struct stage *s, int64_t out,
                                 int stride)
{
    int64_t expanded = cz_round_channels((double)(x.channels * s->expand));
    int adds = stride == 1 && x.channels == out;
    struct cz_conv first = {expanded, s->kernel, .stride = stride, .act = CZ_ACT_SILU};
    struct cz_map y;
    if (expanded == x.channels) {
        first.out = out;
        first.closes = adds;
        y = cz_net_unit(net, x, "block.0", first);
    } else {
        y = cz_net_unit(net, x, "block.0", first);
        y = cz_net_unit(net, y, "block.1", (struct cz_conv){out, 1, .closes = adds});
    }
    return adds ? cz_net_add(net, y, x) : y;
}

static struct cz_map block(struct cz_net *net, struct cz_map x, const struct stage *s, int64_t out,
                           int stride)
{
    if (s->fused)
        return fused_block(net, x, s, out, stride);
    struct cz_inverted b = {.expanded = cz_round_channels((double)(x.channels * s->expand)),
                            .out = out,
                            .kernel = s->kernel,
                            .stride = stride,
                            .act = CZ_ACT_SILU,
                            .squeezed = x.channels / 4,
                            .squeeze_act = CZ_ACT_SILU,
                            .gate = CZ_ACT_SIGMOID};
    return cz_net_inverted(net, x, &b);
}

static struct cz_map stage(struct cz_net *net, struct cz_map x, const struct efficientnet *v, int number)
{
    const struct stage *s = &v->stages[number - 1];
    int repeat = (int)ceil(s->repeat * v->depth);
    for (int b = 0; b < repeat; b++) {
        cz_net_enter(net, "%d.%d", number, b);
        x = block(net, x, s, cz_round_channels(s->out * v->width), b == 0 ? s->stride : 1);
        cz_net_leave(net);
    }
    return x;
}

void cz_family_efficientnet(struct cz_net *net, struct cz_map x, const char *variant)
{
    const struct efficientnet *v = CZ_VARIANT(net, variants, variant);
    if (!v)
        return;
    int number = 1;
    net->norm_eps = v->eps;
    cz_net_enter(net, "features");
    x = cz_net_unit(
        net, x, "0",
        (struct cz_conv){cz_round_channels(v->stem * v->width), 3, .stride = 2, .act = CZ_ACT_SILU});
    for (; number <= MAX_STAGES && v->stages[number - 1].repeat; number++)
        x = stage(net, x, v, number);
    cz_net_enter(net, "%d", number);
    x = cz_net_conv_norm(net, x, "0", "1",
                         (struct cz_conv){v->last ? v->last : 4 * x.channels, 1, .act = CZ_ACT_SILU});
    cz_net_leave(net);
    cz_net_leave(net);
    x = cz_net_flatten(net, cz_net_global_pool(net, x), 1);
    cz_net_classifier(net, cz_net_dropout(net, x, v->dropout), "classifier.1");
}
