/*
 * EfficientNet Lite 0 to 4: EfficientNet without squeeze-and-excitation, with ReLU6, stem and head of one
 * width.
 *
 * Names are timm's; padding is symmetric and BatchNorm's eps 1e-5, as in timm's efficientnet_lite (its tf_
 * variants pad by "same" rules and have 1e-3). First and last stage keep one block whatever the depth.
 *
 * Source: Liu, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow blog, 2020; stages as in
 * Tan, Le, "EfficientNet", 2019 (table 1).
 */
#include "zoo/families.h"

#include <math.h>

enum { STAGES = 7, STEM = 32, HEAD = 1280 };

static const struct stage {
    int expand, kernel, stride, out, repeat; /* stride of the first block */
} stages[STAGES] = {
    {1, 3, 1, 16, 1},  {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2},  {6, 3, 2, 80, 3},
    {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1},
};

static const struct lite {
    const char *name;
    double width, depth;
    float dropout;
} variants[] = {
    {"efficientnet_lite0", 1.0, 1.0, 0.2f}, {"efficientnet_lite1", 1.0, 1.1, 0.2f},
    {"efficientnet_lite2", 1.1, 1.2, 0.3f}, {"efficientnet_lite3", 1.2, 1.4, 0.3f},
    {"efficientnet_lite4", 1.4, 1.8, 0.3f},
};

/* The first stage has nothing to expand: depthwise, then pointwise, under names of their own. */
static struct cz_map separable(struct cz_net *net, struct cz_map x, const struct stage *s, int64_t out,
                               int stride)
{
    int adds = stride == 1 && x.channels == out;
    struct cz_map y = cz_net_conv_norm(
        net, x, "conv_dw", "bn1",
        (struct cz_conv){x.channels, s->kernel, .stride = stride, .groups = x.channels, .act = CZ_ACT_RELU6});
    y = cz_net_conv_norm(net, y, "conv_pw", "bn2", (struct cz_conv){out, 1, .closes = adds});
    return adds ? cz_net_add(net, y, x) : y;
}

static struct cz_map block(struct cz_net *net, struct cz_map x, const struct stage *s, int64_t out,
                           int stride)
{
    if (s->expand == 1)
        return separable(net, x, s, out, stride);
    int64_t wide = cz_round_channels((double)(x.channels * s->expand));
    int adds = stride == 1 && x.channels == out;
    struct cz_map y =
        cz_net_conv_norm(net, x, "conv_pw", "bn1", (struct cz_conv){wide, 1, .act = CZ_ACT_RELU6});
    y = cz_net_conv_norm(
        net, y, "conv_dw", "bn2",
        (struct cz_conv){wide, s->kernel, .stride = stride, .groups = wide, .act = CZ_ACT_RELU6});
    y = cz_net_conv_norm(net, y, "conv_pwl", "bn3", (struct cz_conv){out, 1, .closes = adds});
    return adds ? cz_net_add(net, y, x) : y;
}

void cz_family_efficientnet_lite(struct cz_net *net, struct cz_map x, const char *variant)
{
    const struct lite *v = CZ_VARIANT(net, variants, variant);
    if (!v)
        return;
    x = cz_net_conv_norm(net, x, "conv_stem", "bn1",
                         (struct cz_conv){STEM, 3, .stride = 2, .act = CZ_ACT_RELU6});
    for (int s = 0; s < STAGES; s++) {
        int repeat = s == 0 || s == STAGES - 1 ? stages[s].repeat : (int)ceil(stages[s].repeat * v->depth);
        for (int b = 0; b < repeat; b++) {
            cz_net_enter(net, "blocks.%d.%d", s, b);
            x = block(net, x, &stages[s], cz_round_channels(stages[s].out * v->width),
                      b == 0 ? stages[s].stride : 1);
            cz_net_leave(net);
        }
    }
    x = cz_net_conv_norm(net, x, "conv_head", "bn2", (struct cz_conv){HEAD, 1, .act = CZ_ACT_RELU6});
    x = cz_net_flatten(net, cz_net_global_pool(net, x), 1);
    cz_net_classifier(net, cz_net_dropout(net, x, v->dropout), "classifier");
}
