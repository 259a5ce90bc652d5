/*
 * DenseNet-BC 121, 161, 169, 201: a layer adds `growth` channels to all maps before it in its block; a
 * transition halves channels and size.
 *
 * Each concatenation takes the one before it and the new maps, not all maps again: the same values from two
 * inputs.
 *
 * Source: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", 2017 (table 1).
 */
#include "zoo/families.h"

enum { BLOCKS = 4, BOTTLENECK = 4 /* growths wide */ };

static const struct densenet {
    const char *name;
    int stem, growth;
    int layers[BLOCKS];
} variants[] = {
    {"densenet121", 64, 32, {6, 12, 24, 16}},
    {"densenet161", 96, 48, {6, 12, 36, 24}},
    {"densenet169", 64, 32, {6, 12, 32, 32}},
    {"densenet201", 64, 32, {6, 12, 48, 32}},
};

/* Pre-activation: BatchNorm and ReLU in front of the convolution. */
static struct cz_map norm_relu(struct cz_net *net, struct cz_map x, const char *name)
{
    return cz_net_activate(net, cz_net_norm(net, x, name, 0), CZ_ACT_RELU);
}

static struct cz_map dense_layer(struct cz_net *net, struct cz_map x, int growth)
{
    struct cz_map y = cz_net_conv(net, norm_relu(net, x, "norm1"), "conv1",
                                  (struct cz_conv){BOTTLENECK * growth, 1, .no_bias = 1});
    y = cz_net_conv(net, norm_relu(net, y, "norm2"), "conv2", (struct cz_conv){growth, 3, .no_bias = 1});
    return cz_net_concat(net, (struct cz_map[]){x, y}, 2);
}

static struct cz_map transition(struct cz_net *net, struct cz_map x)
{
    x = cz_net_conv(net, norm_relu(net, x, "norm"), "conv",
                    (struct cz_conv){x.channels / 2, 1, .no_bias = 1});
    return cz_net_average_pool(net, x, (struct cz_pooling){2, .stride = 2});
}

static struct cz_map block(struct cz_net *net, struct cz_map x, const struct densenet *v, int number)
{
    for (int i = 0; i < v->layers[number - 1]; i++) {
        cz_net_enter(net, "denseblock%d.denselayer%d", number, i + 1);
        x = dense_layer(net, x, v->growth);
        cz_net_leave(net);
    }
    if (number == BLOCKS)
        return x;
    cz_net_enter(net, "transition%d", number);
    x = transition(net, x);
    cz_net_leave(net);
    return x;
}

void cz_family_densenet(struct cz_net *net, struct cz_map x, const char *variant)
{
    const struct densenet *v = CZ_VARIANT(net, variants, variant);
    if (!v)
        return;
    cz_net_enter(net, "features");
    x = cz_net_conv_norm(net, x, "conv0", "norm0",
                         (struct cz_conv){v->stem, 7, .stride = 2, .act = CZ_ACT_RELU});
    x = cz_net_max_pool(net, x, (struct cz_pooling){3, .stride = 2, .pad = 1});
    for (int number = 1; number <= BLOCKS; number++)
        x = block(net, x, v, number);
    x = norm_relu(net, x, "norm5");
    cz_net_leave(net);
    cz_net_classifier(net, cz_net_flatten(net, cz_net_global_pool(net, x), 1), "classifier");
}
