/*
 * Network builder: what the families are written in.
 *
 * Every function takes a feature map and returns the next one, and adds ONNX nodes (opset 17) to the graph.
 * The first failure sticks: later calls do nothing, and cz_net's status tells it in the end, so that a family
 * reads as a list of its layers. Parameters get the reference framework's state-dict names: a layer's name
 * behind the scopes that are open ("layer1.0" + "conv2" + "weight"). Nodes without parameters are named after
 * scope and operator ("layer1.0/Add").
 */
#ifndef CZ_ZOO_BUILDER_H
#define CZ_ZOO_BUILDER_H

#include "engine/graph.h"

enum { CZ_ZOO_OPSET = 17, CZ_NET_DEPTH = 8, CZ_NET_NAME = 160 };

struct cz_net {
    struct cz_graph *graph;
    cz_status status; /* of the first failure */
    cz_error *err;
    int n_classes;
    double width;   /* channel multiplier of small-image networks */
    float norm_eps; /* of every BatchNorm; a family sets it before its first one */
    char scope[CZ_NET_NAME];
    size_t scope_length[CZ_NET_DEPTH];
    int depth;
    int zero, six;          /* values: bounds of ReLU6, -1 until needed */
    const char *next_value; /* name of the next node's value where it is not the node's */
};

/* A value of the graph and its channels (features, behind a flatten). */
struct cz_map {
    int value;
    int64_t channels;
};

enum cz_activation {
    CZ_ACT_NONE,
    CZ_ACT_RELU,
    CZ_ACT_RELU6,
    CZ_ACT_SILU,
    CZ_ACT_HARDSWISH,
    CZ_ACT_SIGMOID,
    CZ_ACT_HARDSIGMOID,
    CZ_ACT_TANH
};

enum { CZ_PAD_HALF = 0, CZ_PAD_NONE = -1 };

/* A convolution: (struct cz_conv){out channels, kernel, .stride = 2, ...}; what is left out has its usual
 * value. */
struct cz_conv {
    int64_t out;
    int kernel;
    int kernel_w;   /* 0: square */
    int stride;     /* 0: 1 */
    int pad;        /* CZ_PAD_HALF: half the kernel, each axis its own; CZ_PAD_NONE; else pixels */
    int64_t groups; /* 0: 1 */
    int no_bias;
    enum cz_activation act;
    int closes; /* its BatchNorm is the last of a residual branch (see golden.h) */
};

/* A pooling window. pad as in cz_conv, but 0 is no padding. */
struct cz_pooling {
    int kernel, stride, pad;
    int ceil; /* round the output size up */
};

/* Opens or closes a scope: names in it start with it and a dot. */
void cz_net_enter(struct cz_net *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cz_net_leave(struct cz_net *);

/* Convolution and activation. */
struct cz_map cz_net_conv(struct cz_net *, struct cz_map x, const char *name, struct cz_conv);

/* Convolution without bias, BatchNorm, activation; `conv` and `norm` are the two layers' names. */
struct cz_map cz_net_conv_norm(struct cz_net *, struct cz_map x, const char *conv, const char *norm,
                               struct cz_conv);

struct cz_map cz_net_norm(struct cz_net *, struct cz_map x, const char *name, int closes);
struct cz_map cz_net_activate(struct cz_net *, struct cz_map x, enum cz_activation);

/* Gemm with the weight as [out][in]. */
struct cz_map cz_net_linear(struct cz_net *, struct cz_map x, const char *name, int64_t out);

struct cz_map cz_net_max_pool(struct cz_net *, struct cz_map x, struct cz_pooling);
struct cz_map cz_net_average_pool(struct cz_net *, struct cz_map x,
                                  struct cz_pooling); /* counts its padding */
struct cz_map cz_net_global_pool(struct cz_net *, struct cz_map x);
struct cz_map cz_net_adaptive_pool(struct cz_net *, struct cz_map x, int64_t side);

/* [N][C][H][W] to [N][C*H*W]; `pixels` is H*W. */
struct cz_map cz_net_flatten(struct cz_net *, struct cz_map x, int64_t pixels);

struct cz_map cz_net_add(struct cz_net *, struct cz_map a, struct cz_map b);
struct cz_map cz_net_concat(struct cz_net *, const struct cz_map *maps, int n);

/*
 * Squeeze-and-excitation with the layers fc1, fc2 in the open scope: x * gate(fc2(act(fc1(mean of x)))).
 * Source: Hu, Shen, Sun, "Squeeze-and-excitation networks", 2018.
 */
struct cz_map cz_net_squeeze_excite(struct cz_net *, struct cz_map x, int64_t squeezed,
                                    enum cz_activation act, enum cz_activation gate);

/* conv_norm with the layers "0" and "1" in the scope `name`. */
struct cz_map cz_net_unit(struct cz_net *, struct cz_map x, const char *name, struct cz_conv);

/*
 * Inverted residual block with the units block.0, block.1, ... in the open scope: 1x1 to `expanded` channels
 * (left out where that changes nothing), depthwise, squeeze-and-excitation, 1x1 to `out`; added to its input
 * where it may be. Sources: Howard et al., "Searching for MobileNetV3", 2019; Tan, Le, "EfficientNet", 2019.
 */
struct cz_inverted {
    int64_t expanded, out;
    int kernel, stride;
    enum cz_activation act;
    int64_t squeezed; /* 0: no squeeze-and-excitation */
    enum cz_activation squeeze_act, gate;
};

struct cz_map cz_net_inverted(struct cz_net *, struct cz_map x, const struct cz_inverted *);

/*
 * Kept as a node: the graph is what training plans are made of, and a network without it would be another one
 * to train. At inference it is an identity that the plan drops.
 */
struct cz_map cz_net_dropout(struct cz_net *, struct cz_map x, float ratio);

/* The classifier: a linear layer to the number of classes, whose output is the graph's. */
void cz_net_classifier(struct cz_net *, struct cz_map x, const char *name);

/* The same in parts, where other nodes follow the classifier: the next node makes the graph's output; x is
 * that output, and `head` the classifier. */
void cz_net_last(struct cz_net *);
void cz_net_output(struct cz_net *, struct cz_map x, const char *head);

/* Multiple of 8 nearest to `channels`, at least 8 and not below nine tenths of it. */
int64_t cz_round_channels(double channels);

/* Records a failure of the family's own, e.g. an unknown variant. */
void cz_net_fail(struct cz_net *, cz_status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
