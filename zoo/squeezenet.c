/*
 * SqueezeNet 1.0 and 1.1: fire modules (a 1x1 squeeze, 1x1 and 3x3 expansions side by side). The classifier
 * is a 1x1 convolution with ReLU in front of the pool. Pools round their size up. Layer numbers are
 * torchvision's.
 *
 * Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016; 1.1: the
 * authors' release notes.
 */
#include "zoo/families.h"

enum { MAX_LAYERS = 10 };

/* A fire module, or a pool where squeeze is 0. */
struct layer {
    int number, squeeze, expand; /* expand: channels of either half */
};

/* clang-format off */
static const struct squeezenet {
    const char *name;
    struct cz_conv stem;
    struct layer layers[MAX_LAYERS + 1]; /* ends with number 0 */
} variants[] = {
    {"squeezenet1_0",
     {96, 7, .stride = 2, .pad = CZ_PAD_NONE, .act = CZ_ACT_RELU},
     {{3, 16,  64}, {4, 16,  64}, {5, 32, 128}, {6},
      {7, 32, 128}, {8, 48, 192}, {9, 48, 192}, {10, 64, 256}, {11},
      {12, 64, 256}}},
    {"squeezenet1_1",
     {64, 3, .stride = 2, .pad = CZ_PAD_NONE, .act = CZ_ACT_RELU},
     {{3, 16,  64}, {4, 16,  64}, {5},
      {6, 32, 128}, {7, 32, 128}, {8},
      {9, 48, 192}, {10, 48, 192}, {11, 64, 256}, {12, 64, 256}}},
};
/* clang-format on */

static struct cz_map pool(struct cz_net *net, struct cz_map x)
{
    return cz_net_max_pool(net, x, (struct cz_pooling){3, .stride = 2, .ceil = 1});
}

static struct cz_map fire(struct cz_net *net, struct cz_map x, const struct layer *l)
{
    struct cz_map expanded[2];
    cz_net_enter(net, "features.%d", l->number);
    x = cz_net_conv(net, x, "squeeze", (struct cz_conv){l->squeeze, 1, .act = CZ_ACT_RELU});
    expanded[0] = cz_net_conv(net, x, "expand1x1", (struct cz_conv){l->expand, 1, .act = CZ_ACT_RELU});
    expanded[1] = cz_net_conv(net, x, "expand3x3", (struct cz_conv){l->expand, 3, .act = CZ_ACT_RELU});
    x = cz_net_concat(net, expanded, 2);
    cz_net_leave(net);
    return x;
}

void cz_family_squeezenet(struct cz_net *net, struct cz_map x, const char *variant)
{
    const struct squeezenet *v = CZ_VARIANT(net, variants, variant);
    if (!v)
        return;
    x = pool(net, cz_net_conv(net, x, "features.0", v->stem));
    for (const struct layer *l = v->layers; l->number; l++)
        x = l->squeeze ? fire(net, x, l) : pool(net, x);
    x = cz_net_dropout(net, x, 0.5f);
    x = cz_net_conv(net, x, "classifier.1", (struct cz_conv){net->n_classes, 1, .act = CZ_ACT_RELU});
    x = cz_net_global_pool(net, x);
    cz_net_last(net);
    cz_net_output(net, cz_net_flatten(net, x, 1), "classifier.1");
}
