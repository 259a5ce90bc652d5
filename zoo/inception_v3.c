/*
 * Inception v3 without the auxiliary head, which only trains. Average pools count their padding; BatchNorm's
 * eps is 1e-3.
 *
 * Source: Szegedy et al., "Rethinking the inception architecture for computer vision", 2016; channels and
 * names as torchvision has them.
 */
#include "zoo/families.h"

/* Where a step takes its input from. */
enum from {
    INPUT,    /* the module's input: begins a branch */
    PREVIOUS, /* the step before */
    BESIDE,   /* what the step before took: a branch that splits */
    AVERAGED, /* the module's input through a 3x3 average, stride 1 */
    MAXIMUM   /* the module's input through a 3x3 maximum, stride 2; no convolution */
};

enum { ENDS = 1, VARIES = 0, MAX_ENDS = 6 };

/* One unit (convolution, BatchNorm, ReLU) of a module. ENDS: its output goes into the module's concatenation.
 */
struct step {
    const char *name;
    enum from from;
    int ends;
    struct cz_conv conv; /* out VARIES: the number in the list of modules */
};

/* clang-format off */
#define HALVES .stride = 2, .pad = CZ_PAD_NONE
static const struct step module_a[] = {
    {"branch1x1",      INPUT,    ENDS, {64, 1}},
    {"branch5x5_1",    INPUT,    0,    {48, 1}},
    {"branch5x5_2",    PREVIOUS, ENDS, {64, 5}},
    {"branch3x3dbl_1", INPUT,    0,    {64, 1}},
    {"branch3x3dbl_2", PREVIOUS, 0,    {96, 3}},
    {"branch3x3dbl_3", PREVIOUS, ENDS, {96, 3}},
    {"branch_pool",    AVERAGED, ENDS, {VARIES, 1}},
    {0},
};
static const struct step module_b[] = {
    {"branch3x3",      INPUT,    ENDS, {384, 3, HALVES}},
    {"branch3x3dbl_1", INPUT,    0,    {64, 1}},
    {"branch3x3dbl_2", PREVIOUS, 0,    {96, 3}},
    {"branch3x3dbl_3", PREVIOUS, ENDS, {96, 3, HALVES}},
    {"pool",           MAXIMUM,  ENDS, {0}},
    {0},
};
static const struct step module_c[] = {
    {"branch1x1",      INPUT,    ENDS, {192, 1}},
    {"branch7x7_1",    INPUT,    0,    {VARIES, 1}},
    {"branch7x7_2",    PREVIOUS, 0,    {VARIES, 1, 7}},
    {"branch7x7_3",    PREVIOUS, ENDS, {192, 7, 1}},
    {"branch7x7dbl_1", INPUT,    0,    {VARIES, 1}},
    {"branch7x7dbl_2", PREVIOUS, 0,    {VARIES, 7, 1}},
    {"branch7x7dbl_3", PREVIOUS, 0,    {VARIES, 1, 7}},
    {"branch7x7dbl_4", PREVIOUS, 0,    {VARIES, 7, 1}},
    {"branch7x7dbl_5", PREVIOUS, ENDS, {192, 1, 7}},
    {"branch_pool",    AVERAGED, ENDS, {192, 1}},
    {0},
};
static const struct step module_d[] = {
    {"branch3x3_1",    INPUT,    0,    {192, 1}},
    {"branch3x3_2",    PREVIOUS, ENDS, {320, 3, HALVES}},
    {"branch7x7x3_1",  INPUT,    0,    {192, 1}},
    {"branch7x7x3_2",  PREVIOUS, 0,    {192, 1, 7}},
    {"branch7x7x3_3",  PREVIOUS, 0,    {192, 7, 1}},
    {"branch7x7x3_4",  PREVIOUS, ENDS, {192, 3, HALVES}},
    {"pool",           MAXIMUM,  ENDS, {0}},
    {0},
};
static const struct step module_e[] = {
    {"branch1x1",       INPUT,    ENDS, {320, 1}},
    {"branch3x3_1",     INPUT,    0,    {384, 1}},
    {"branch3x3_2a",    PREVIOUS, ENDS, {384, 1, 3}},
    {"branch3x3_2b",    BESIDE,   ENDS, {384, 3, 1}},
    {"branch3x3dbl_1",  INPUT,    0,    {448, 1}},
    {"branch3x3dbl_2",  PREVIOUS, 0,    {384, 3}},
    {"branch3x3dbl_3a", PREVIOUS, ENDS, {384, 1, 3}},
    {"branch3x3dbl_3b", BESIDE,   ENDS, {384, 3, 1}},
    {"branch_pool",     AVERAGED, ENDS, {192, 1}},
    {0},
};
static const struct {
    const char *name;
    const struct step *steps;
    int varies;
} modules[] = {
    {"Mixed_5b", module_a, 32}, {"Mixed_5c", module_a, 64}, {"Mixed_5d", module_a, 64},
    {"Mixed_6a", module_b, 0},
    {"Mixed_6b", module_c, 128}, {"Mixed_6c", module_c, 160}, {"Mixed_6d", module_c, 160}, {"Mixed_6e", module_c, 192},
    {"Mixed_7a", module_d, 0},
    {"Mixed_7b", module_e, 0}, {"Mixed_7c", module_e, 0},
};
/* clang-format on */

static struct cz_map unit(struct cz_net *net, struct cz_map x, const char *name, struct cz_conv c)
{
    c.act = CZ_ACT_RELU;
    cz_net_enter(net, "%s", name);
    x = cz_net_conv_norm(net, x, "conv", "bn", c);
    cz_net_leave(net);
    return x;
}

static struct cz_map halve(struct cz_net *net, struct cz_map x)
{
    return cz_net_max_pool(net, x, (struct cz_pooling){3, .stride = 2});
}

static struct cz_map module(struct cz_net *net, struct cz_map input, const struct step *steps, int varies)
{
    struct cz_map taken = input, made = input, ends[MAX_ENDS];
    int n_ends = 0;
    for (const struct step *s = steps; s->name; s++) {
        struct cz_conv c = s->conv;
        if (c.out == VARIES)
            c.out = varies;
        if (s->from == PREVIOUS)
            taken = made;
        else if (s->from == AVERAGED)
            taken = cz_net_average_pool(net, input, (struct cz_pooling){3, .pad = 1});
        else if (s->from != BESIDE)
            taken = input;
        made = s->from == MAXIMUM ? halve(net, taken) : unit(net, taken, s->name, c);
        if (s->ends)
            ends[n_ends++] = made;
    }
    return cz_net_concat(net, ends, n_ends);
}

void cz_family_inception_v3(struct cz_net *net, struct cz_map x, const char *variant)
{
    (void)variant;
    net->norm_eps = 1e-3f;
    x = unit(net, x, "Conv2d_1a_3x3", (struct cz_conv){32, 3, HALVES});
    x = unit(net, x, "Conv2d_2a_3x3", (struct cz_conv){32, 3, .pad = CZ_PAD_NONE});
    x = halve(net, unit(net, x, "Conv2d_2b_3x3", (struct cz_conv){64, 3}));
    x = unit(net, x, "Conv2d_3b_1x1", (struct cz_conv){80, 1});
    x = halve(net, unit(net, x, "Conv2d_4a_3x3", (struct cz_conv){192, 3, .pad = CZ_PAD_NONE}));
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        cz_net_enter(net, "%s", modules[i].name);
        x = module(net, x, modules[i].steps, modules[i].varies);
        cz_net_leave(net);
    }
    x = cz_net_flatten(net, cz_net_global_pool(net, x), 1);
    cz_net_classifier(net, cz_net_dropout(net, x, 0.5f), "fc");
}
