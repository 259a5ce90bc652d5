/*
 * GoogLeNet (Inception v1) with BatchNorm, without the auxiliary heads, which only train.
 *
 * torchvision's form: the "5x5" branch has 3x3 kernels, pools round their size up, BatchNorm's eps is 1e-3.
 *
 * Source: Szegedy et al., "Going deeper with convolutions", 2015 (table 1).
 */
#include "zoo/families.h"

static const struct stage {
    const char *name;
    int branch1, reduce2, branch2, reduce3, branch3, branch4; /* channels */
    int pool; /* kernel of the stride-2 maximum behind it, 0: none */
} stages[] = {
    {"inception3a", 64, 96, 128, 16, 32, 32, 0},     {"inception3b", 128, 128, 192, 32, 96, 64, 3},
    {"inception4a", 192, 96, 208, 16, 48, 64, 0},    {"inception4b", 160, 112, 224, 24, 64, 64, 0},
    {"inception4c", 128, 128, 256, 24, 64, 64, 0},   {"inception4d", 112, 144, 288, 32, 64, 64, 0},
    {"inception4e", 256, 160, 320, 32, 128, 128, 2}, {"inception5a", 256, 160, 320, 32, 128, 128, 0},
    {"inception5b", 384, 192, 384, 48, 128, 128, 0},
};

static struct cz_map unit(struct cz_net *net, struct cz_map x, const char *name, struct cz_conv c)
{
    c.act = CZ_ACT_RELU;
    cz_net_enter(net, "%s", name);
    x = cz_net_conv_norm(net, x, "conv", "bn", c);
    cz_net_leave(net);
    return x;
}

static struct cz_map halve(struct cz_net *net, struct cz_map x, int kernel)
{
    return cz_net_max_pool(net, x, (struct cz_pooling){kernel, .stride = 2, .ceil = 1});
}

static struct cz_map inception(struct cz_net *net, struct cz_map x, const struct stage *s)
{
    struct cz_map b[4];
    cz_net_enter(net, "%s", s->name);
    b[0] = unit(net, x, "branch1", (struct cz_conv){s->branch1, 1});
    b[1] = unit(net, x, "branch2.0", (struct cz_conv){s->reduce2, 1});
    b[1] = unit(net, b[1], "branch2.1", (struct cz_conv){s->branch2, 3});
    b[2] = unit(net, x, "branch3.0", (struct cz_conv){s->reduce3, 1});
    b[2] = unit(net, b[2], "branch3.1", (struct cz_conv){s->branch3, 3});
    b[3] = cz_net_max_pool(net, x, (struct cz_pooling){3, .stride = 1, .pad = 1, .ceil = 1});
    b[3] = unit(net, b[3], "branch4.1", (struct cz_conv){s->branch4, 1});
    x = cz_net_concat(net, b, 4);
    cz_net_leave(net);
    return s->pool ? halve(net, x, s->pool) : x;
}

void cz_family_googlenet(struct cz_net *net, struct cz_map x, const char *variant)
{
    (void)variant;
    net->norm_eps = 1e-3f;
    x = halve(net, unit(net, x, "conv1", (struct cz_conv){64, 7, .stride = 2}), 3);
    x = unit(net, x, "conv2", (struct cz_conv){64, 1});
    x = halve(net, unit(net, x, "conv3", (struct cz_conv){192, 3}), 3);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        x = inception(net, x, &stages[i]);
    x = cz_net_flatten(net, cz_net_global_pool(net, x), 1);
    cz_net_classifier(net, cz_net_dropout(net, x, 0.2f), "fc");
}
