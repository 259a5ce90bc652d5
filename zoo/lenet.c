/*
 * LeNet-5 on 1x32x32 without padding (28x28 with a padding of 2 in the first layer is the same network): as
 * it is taught today (ReLU, maximum), and nearer to the original (tanh, average). Its first linear layer
 * fixes the size.
 *
 * Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998;
 * but with full connections between the feature maps and a linear output layer.
 */
#include "zoo/families.h"

static const struct lenet {
    const char *name;
    enum cz_activation act;
    struct cz_map (*pool)(struct cz_net *, struct cz_map, struct cz_pooling);
} variants[] = {
    {"lenet5", CZ_ACT_RELU, cz_net_max_pool},
    {"lenet5_tanh", CZ_ACT_TANH, cz_net_average_pool},
};

void cz_family_lenet(struct cz_net *net, struct cz_map x, const char *variant)
{
    const struct lenet *v = CZ_VARIANT(net, variants, variant);
    if (!v)
        return;
    const struct cz_pooling halve = {2, .stride = 2};
    x = cz_net_conv(net, x, "conv1", (struct cz_conv){6, 5, .pad = CZ_PAD_NONE, .act = v->act});
    x = v->pool(net, x, halve);
    x = cz_net_conv(net, x, "conv2", (struct cz_conv){16, 5, .pad = CZ_PAD_NONE, .act = v->act});
    x = cz_net_flatten(net, v->pool(net, x, halve), 5 * 5);
    x = cz_net_activate(net, cz_net_linear(net, x, "fc1", 120), v->act);
    x = cz_net_activate(net, cz_net_linear(net, x, "fc2", 84), v->act);
    cz_net_classifier(net, x, "fc3");
}
