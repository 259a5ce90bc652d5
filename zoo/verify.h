/*
 * Does a network come out as the reference framework has it? Parameters, multiply-adds, names, and the logits
 * of seeded weights and pictures against the float64 goldens.
 */
#ifndef CZ_ZOO_VERIFY_H
#define CZ_ZOO_VERIFY_H

#include "zoo/zoo.h"

enum { CZ_GOLDEN_LOGITS = 16 };

/* Logits of one model, size and picture at seed 1. */
struct cz_golden {
    const char *model,
        *kind; /* kind "small" (64 px; LeNet 32, Inception v3 80), "odd" (97), "crop" (its own) */
    int side_px, picture;
    int64_t macs; /* at that size, one picture */
    int n_logits; /* the first ones; the rest of `logits` is 0 */
    double logits[CZ_GOLDEN_LOGITS];
};

struct cz_golden_list {
    const struct cz_golden *items;
    int count;
};

/* The ones compiled in. */
struct cz_golden_list cz_goldens(void);

/*
 * The relative error norm(y - golden) / norm(golden) that passes. float32 stays below 2e-5 in any order of
 * summation (largest: EfficientNet V2-L); a wrong eps, one wrong BatchNorm element or weights in 16 bits are
 * above 2e-4.
 */
#define CZ_VERIFY_BOUND 1e-4

struct cz_verify_options {
    int full;                   /* the goldens at the networks' own sizes too */
    struct cz_golden_list list; /* items NULL: cz_goldens() */
};

struct cz_verify_row {
    const char *model;
    int64_t parameters, macs;
    int tensors;
    int has_reference;                                         /* 0: nothing to compare with */
    int parameters_equal, macs_equal, names_equal, bits_equal; /* 1 too where the reference has no figures */
    double worst_diff;     /* over all goldens, NaN included; -1: none run */
    int passed, n_goldens; /* logits of one picture at one size each */
    int batch_equal;       /* each picture alone gave the bits it gave in the batch */
    int pass;
    char detail[256]; /* first disagreement, in words; "" */
};

/*
 * Checks a graph of the zoo's network `entry` that has no values yet; fills it with golden weights.
 * Errors  what plan and session report, CZ_ERR_MEMORY; a disagreement is no error but the row's.
 */
cz_status cz_verify_graph(cz_runtime *, const struct cz_zoo_entry *, struct cz_graph *,
                          const struct cz_verify_options *, struct cz_verify_row *, cz_error *);

/* The same for a network built for it. */
cz_status cz_verify(cz_runtime *, const char *name, const struct cz_verify_options *, struct cz_verify_row *,
                    cz_error *);

#endif
