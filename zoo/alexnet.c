/*
 * AlexNet in the one-tower form: five convolutions, three linear layers, no normalisation.
 *
 * Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014; channels and
 * names as torchvision has them.
 */
#include "zoo/families.h"

static const struct {
    const char *name;
    struct cz_conv conv;
    int pool; /* 3x3, stride 2 behind it */
} layers[] = {
    {"features.0", {64, 11, .stride = 4, .pad = 2, .act = CZ_ACT_RELU}, 1},
    {"features.3", {192, 5, .act = CZ_ACT_RELU}, 1},
    {"features.6", {384, 3, .act = CZ_ACT_RELU}, 0},
    {"features.8", {256, 3, .act = CZ_ACT_RELU}, 0},
    {"features.10", {256, 3, .act = CZ_ACT_RELU}, 1},
};

void cz_family_alexnet(struct cz_net *net, struct cz_map x, const char *variant)
{
    (void)variant;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        x = cz_net_conv(net, x, layers[i].name, layers[i].conv);
        if (layers[i].pool)
            x = cz_net_max_pool(net, x, (struct cz_pooling){3, .stride = 2});
    }
    x = cz_net_flatten(net, cz_net_adaptive_pool(net, x, 6), 6 * 6);
    x = cz_net_linear(net, cz_net_dropout(net, x, 0.5f), "classifier.1", 4096);
    x = cz_net_activate(net, x, CZ_ACT_RELU);
    x = cz_net_linear(net, cz_net_dropout(net, x, 0.5f), "classifier.4", 4096);
    cz_net_classifier(net, cz_net_activate(net, x, CZ_ACT_RELU), "classifier.6");
}
