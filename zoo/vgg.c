/*
 * VGG 11, 13, 16, 19, with and without BatchNorm: 3x3 convolutions in five stages, each ended by a 2x2
 * maximum. Layer numbers count every module in between, as torchvision's names do.
 *
 * Source: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015
 * (table 1, columns A, B, D, E).
 */
#include "zoo/families.h"

#include <stdio.h>

enum { STAGES = 5 };

static const int channels[STAGES] = {64, 128, 256, 512, 512};

static const struct vgg {
    const char *name;
    int norm;
    int convs[STAGES];
} variants[] = {
    {"vgg11", 0, {1, 1, 2, 2, 2}},    {"vgg11_bn", 1, {1, 1, 2, 2, 2}}, {"vgg13", 0, {2, 2, 2, 2, 2}},
    {"vgg13_bn", 1, {2, 2, 2, 2, 2}}, {"vgg16", 0, {2, 2, 3, 3, 3}},    {"vgg16_bn", 1, {2, 2, 3, 3, 3}},
    {"vgg19", 0, {2, 2, 4, 4, 4}},    {"vgg19_bn", 1, {2, 2, 4, 4, 4}},
};

static struct cz_map layer(struct cz_net *net, struct cz_map x, int norm, int out, int *module)
{
    char conv[16], bn[16];
    snprintf(conv, sizeof conv, "%d", *module);
    snprintf(bn, sizeof bn, "%d", *module + 1);
    *module += norm ? 3 : 2;                                 /* convolution, (BatchNorm,) ReLU */
    x = cz_net_conv(net, x, conv, (struct cz_conv){out, 3}); /* with a bias even where BatchNorm follows */
    if (norm)
        x = cz_net_norm(net, x, bn, 0);
    return cz_net_activate(net, x, CZ_ACT_RELU);
}

static struct cz_map features(struct cz_net *net, struct cz_map x, const struct vgg *v)
{
    int module = 0;
    cz_net_enter(net, "features");
    for (int s = 0; s < STAGES; s++) {
        for (int i = 0; i < v->convs[s]; i++)
            x = layer(net, x, v->norm, channels[s], &module);
        x = cz_net_max_pool(net, x, (struct cz_pooling){2, .stride = 2});
        module++;
    }
    cz_net_leave(net);
    return x;
}

void cz_family_vgg(struct cz_net *net, struct cz_map x, const char *variant)
{
    const struct vgg *v = CZ_VARIANT(net, variants, variant);
    if (!v)
        return;
    x = cz_net_adaptive_pool(net, features(net, x, v), 7);
    x = cz_net_flatten(net, x, 7 * 7);
    for (int i = 0; i < 2; i++) {
        x = cz_net_linear(net, x, i ? "classifier.3" : "classifier.0", 4096);
        x = cz_net_dropout(net, cz_net_activate(net, x, CZ_ACT_RELU), 0.5f);
    }
    cz_net_classifier(net, x, "classifier.6");
}
