/*
 * ResNet 18 to 152, ResNeXt, Wide ResNet, and the small-image ResNets with their plain twins.
 *
 * Bottlenecks stride in the 3x3 convolution (torchvision's form), projections are 1x1 convolutions wherever
 * size or width changes. The small-image ones have the 3x3 stem and three stages of 16, 32, 64 channels
 * (times `width`); they project too (the paper's option B; its option A pads with zeros), so that one block
 * serves all. A plain twin is the same network without any shortcut: two projections' parameters fewer.
 *
 * Sources: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2016 (table 1 and
 * section 4.2); Xie et al., "Aggregated residual transformations", 2017; Zagoruyko, Komodakis, "Wide residual
 * networks", 2016.
 */
#include "zoo/families.h"

#include <math.h>

enum { STAGES = 4 };

static const struct resnet {
    const char *name;
    int bottleneck;
    int blocks[STAGES];      /* 0: no such stage */
    int groups, group_width; /* of the 3x3 convolution where the stage has 64 channels */
    int small, plain;
} variants[] = {
    {"resnet18", 0, {2, 2, 2, 2}, 1, 64},
    {"resnet34", 0, {3, 4, 6, 3}, 1, 64},
    {"resnet50", 1, {3, 4, 6, 3}, 1, 64},
    {"resnet101", 1, {3, 4, 23, 3}, 1, 64},
    {"resnet152", 1, {3, 8, 36, 3}, 1, 64},
    {"resnext50_32x4d", 1, {3, 4, 6, 3}, 32, 4},
    {"resnext101_32x8d", 1, {3, 4, 23, 3}, 32, 8},
    {"resnext101_64x4d", 1, {3, 4, 23, 3}, 64, 4},
    {"wide_resnet50_2", 1, {3, 4, 6, 3}, 1, 128},
    {"wide_resnet101_2", 1, {3, 4, 23, 3}, 1, 128},
    {"resnet20", 0, {3, 3, 3}, 1, 64, .small = 1},
    {"resnet56", 0, {9, 9, 9}, 1, 64, .small = 1},
    {"plain20", 0, {3, 3, 3}, 1, 64, .small = 1, .plain = 1},
    {"plain56", 0, {9, 9, 9}, 1, 64, .small = 1, .plain = 1},
};

static struct cz_map stem(struct cz_net *net, struct cz_map x, const struct resnet *v, int64_t channels)
{
    if (v->small)
        return cz_net_conv_norm(net, x, "conv1", "bn1", (struct cz_conv){channels, 3, .act = CZ_ACT_RELU});
    x = cz_net_conv_norm(net, x, "conv1", "bn1",
                         (struct cz_conv){channels, 7, .stride = 2, .act = CZ_ACT_RELU});
    return cz_net_max_pool(net, x, (struct cz_pooling){3, .stride = 2, .pad = 1});
}

static struct cz_map basic_branch(struct cz_net *net, struct cz_map x, const struct resnet *v,
                                  int64_t channels, int stride)
{
    x = cz_net_conv_norm(net, x, "conv1", "bn1",
                         (struct cz_conv){channels, 3, .stride = stride, .act = CZ_ACT_RELU});
    return cz_net_conv_norm(net, x, "conv2", "bn2", (struct cz_conv){channels, 3, .closes = !v->plain});
}

static struct cz_map bottleneck_branch(struct cz_net *net, struct cz_map x, const struct resnet *v,
                                       int64_t channels, int stride)
{
    int64_t width = channels * v->group_width / 64 * v->groups;
    x = cz_net_conv_norm(net, x, "conv1", "bn1", (struct cz_conv){width, 1, .act = CZ_ACT_RELU});
    x = cz_net_conv_norm(
        net, x, "conv2", "bn2",
        (struct cz_conv){width, 3, .stride = stride, .groups = v->groups, .act = CZ_ACT_RELU});
    return cz_net_conv_norm(net, x, "conv3", "bn3", (struct cz_conv){4 * channels, 1, .closes = 1});
}

static struct cz_map block(struct cz_net *net, struct cz_map x, const struct resnet *v, int64_t channels,
                           int stride)
{
    struct cz_map y = v->bottleneck ? bottleneck_branch(net, x, v, channels, stride)
                                    : basic_branch(net, x, v, channels, stride);
    if (v->plain)
        return cz_net_activate(net, y, CZ_ACT_RELU);
    if (stride != 1 || x.channels != y.channels)
        x = cz_net_conv_norm(net, x, "downsample.0", "downsample.1",
                             (struct cz_conv){y.channels, 1, .stride = stride});
    return cz_net_activate(net, cz_net_add(net, y, x), CZ_ACT_RELU);
}

void cz_family_resnet(struct cz_net *net, struct cz_map x, const char *variant)
{
    const struct resnet *v = CZ_VARIANT(net, variants, variant);
    if (!v)
        return;
    int64_t channels = v->small ? (int64_t)fmax(1, floor(16 * net->width + 0.5)) : 64;
    x = stem(net, x, v, channels);
    for (int s = 0; s < STAGES && v->blocks[s]; s++, channels *= 2)
        for (int b = 0; b < v->blocks[s]; b++) {
            cz_net_enter(net, "layer%d.%d", s + 1, b);
            x = block(net, x, v, channels, s > 0 && b == 0 ? 2 : 1);
            cz_net_leave(net);
        }
    cz_net_classifier(net, cz_net_flatten(net, cz_net_global_pool(net, x), 1), "fc");
}
