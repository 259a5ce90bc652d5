/*
 * The zoo: which networks there are, what is known about them, and how one is built.
 */
#ifndef CZ_ZOO_ZOO_H
#define CZ_ZOO_ZOO_H

#include "zoo/init.h"

/* A network as zoo.def lists it: its own number of classes, input channels and side. */
struct cz_zoo_entry {
    const char *name, *family;
    int n_classes, in_channels, side_px;
};

/* A published set of weights: what it reaches and how it wants its pictures. */
struct cz_zoo_published {
    const char *model, *tag,
        *file; /* tag and file "none": preprocessing only, no weights published with it */
    int crop_px, resize_px, min_px; /* min_px: the smallest side the network runs at */
    const char *filter, *norm;      /* "bilinear", "bicubic"; "imagenet", "half" */
    double top1, top5;              /* percent, -1: not published */
};

/* What a network must come out as; figures of the reference framework. */
struct cz_zoo_reference {
    const char *model;
    int64_t parameters, macs; /* macs at the entry's own side, batch 1 */
    int tensors;              /* of the state dict, BatchNorm's step counters included */
    uint64_t names_hash;      /* see cz_zoo_names_hash */
    uint64_t state_bits;      /* cz_golden_state_bits at seed 1 */
};

int cz_zoo_count(void);
const struct cz_zoo_entry *cz_zoo_at(int index);
const struct cz_zoo_entry *cz_zoo_find(const char *name);
const char *cz_zoo_nearest(const char *name); /* spelling, or NULL */

/* Weights of a model by tag; tag NULL: the first of them, which are the recommended ones, or preprocessing
 * alone where there are none. NULL: nothing known. */
const struct cz_zoo_published *cz_zoo_find_published(const char *model, const char *tag);
/* 0 for a row that holds preprocessing only. */
int cz_zoo_has_weights(const struct cz_zoo_published *);
/* All sets of a model in order: index 0, 1, ... until NULL. */
const struct cz_zoo_published *cz_zoo_published_at(const char *model, int index);
const struct cz_zoo_reference *cz_zoo_find_reference(const char *model);

struct cz_zoo_options {
    int n_classes, in_channels, side_px; /* 0: the network's own */
    double width;                        /* 0: 1; only for small-image networks */
    const char *tag;                     /* whose preprocessing; NULL: the recommended weights' */
    struct cz_init init;
    struct cz_pool *pool; /* threads that fill the weights, NULL: the caller's */
};

/*
 * Builds a network: input "input" [N][channels][side][side], output "logits" [N][classes], graph->head its
 * classifier, metadata convzoo.model, convzoo.output and, where it is known, convzoo.preprocess. options
 * NULL: all its own, no weights. Errors  CZ_ERR_ARGUMENT (unknown name, with the nearest; numbers out of
 * range), CZ_ERR_MEMORY.
 */
cz_status cz_zoo_build(const char *name, const struct cz_zoo_options *, struct cz_graph **out, cz_error *);

/*
 * FNV-1a over the lines "name shape rule\n" of all parameters but constants, in order; e.g.
 * "conv1.weight 64,3,7,7 weight".
 */
uint64_t cz_zoo_names_hash(const struct cz_graph *);

/* Tensors of the state dict: parameters but constants, and one step counter per BatchNorm, which inference
 * ignores. */
int cz_zoo_state_tensors(const struct cz_graph *);

#endif
