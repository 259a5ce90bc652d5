/*
 * Fine-tuning, head only: a frozen network, features of the training images, a new classifier chosen by
 * folds, its accuracy on images that no choice has seen, and the whole as an ONNX file in a run folder.
 *
 * In two steps, so that a caller can show what would be done before anything is: create reads the data set's
 * hashes, finds the classifier and counts; run does the work. All result files are functions of network,
 * data, options and instruction tier; log, machine and timing files are the only others.
 */
#ifndef CZ_FINETUNE_FINETUNE_H
#define CZ_FINETUNE_FINETUNE_H

#include "finetune/choose.h"
#include "finetune/curves.h"
#include "finetune/features.h"
#include "finetune/head.h"
#include "finetune/report.h"
#include "finetune/run_folder.h"

#include <stdio.h>

struct cz_finetune_options {
    struct cz_runtime *runtime;
    struct cz_graph *graph;
    const char *model_name;    /* for result files: without folders */
    const char *parent_sha256; /* of the model's file; NULL: built in memory */
    const struct cz_dataset *data;
    const char *data_name;
    struct cz_scan_options scan; /* preprocessing, size, batch of the frozen network, fusion */

    const char *head;          /* node of the classifier, NULL: found */
    const char *only_classes;  /* NULL: all */
    int64_t per_class;         /* training images of each class, 0: all */
    struct cz_fit_options fit; /* optimizer, epochs, batch, seed; lr and weight_decay negative: by folds */
    int skip_bad;

    const char *cache_folder; /* of stored features, NULL: none */
    const char *out;          /* the run folder */
    int force;
    json_t *config;  /* config.json; a reference of the caller's */
    json_t *machine; /* machine.json */

    /* How far the work is; all may be NULL. stop: not 0 ends the run with CZ_ERR_STATE. */
    void (*features)(void *user, const char *split, int64_t done, int64_t n);
    void (*chosen)(void *user, const struct cz_choice *);
    void (*epoch)(void *user, const struct cz_fit_progress *);
    int (*stop)(void *user);
    void *user;
};

/* One part of the data: the images chosen, their hashes, and once they are computed their features. */
struct cz_finetune_part {
    const char *split; /* "train", "test", "val", "holdout" */
    struct cz_selection selection;
    uint8_t (*sha256)[CZ_SHA256_BYTES];
    char data_sha256[CZ_SHA256_HEX];
    struct cz_feature_set set;
    double seconds; /* spent on its features */
};

struct cz_finetune {
    struct cz_finetune_options options;
    struct cz_head_site site;
    struct cz_graph *trunk;
    struct cz_scan *scan;
    struct cz_finetune_part train, test;
    int64_t n_shared;           /* training images whose content is in the test part too */
    int n_frozen, n_batchnorms; /* tensors, nodes */
    int64_t n_frozen_values;
    char frozen_before[CZ_SHA256_HEX], frozen_after[CZ_SHA256_HEX];

    struct cz_choice choice; /* from here on: after run */
    struct cz_linear linear;
    struct cz_curve_point *curve;   /* [epochs] */
    struct cz_fit_progress *epochs; /* [epochs] */
    struct cz_report *report;       /* on the test part */
    struct cz_run_folder *folder;   /* NULL before and after run */
    int64_t model_bytes;
    char model_sha256[CZ_SHA256_HEX];
    FILE *log; /* log.txt while the run goes on */
    double started, fit_seconds, choose_seconds;
};

/*
 * Plans a run: nothing is written. The options' pointers must outlive it. Give it back with
 * cz_finetune_destroy. Errors  of finding the head, choosing images, planning the network, and
 * CZ_ERR_ARGUMENT for an --out that may not be written.
 */
cz_status cz_finetune_create(const struct cz_finetune_options *, struct cz_finetune **out, cz_error *);
void cz_finetune_destroy(struct cz_finetune *); /* accepts NULL */

/* Bytes of memory the run will need at most. */
size_t cz_finetune_bytes(const struct cz_finetune *);

/* Does it all. On error nothing is left of the run folder; stored features stay. */
cz_status cz_finetune_run(struct cz_finetune *, cz_error *);

/* A line for log.txt, with the seconds since the run began; does nothing outside a run. */
void cz_finetune_log(struct cz_finetune *, const char *line);

/* finetune_files.c: writes what belongs into the run folder. */
cz_status cz_finetune_write(struct cz_finetune *, cz_error *);

/* finetune_data.c: fills train and test; after the features: is any class left without a training image? */
cz_status cz_finetune_choose_data(struct cz_finetune *, cz_error *);
cz_status cz_finetune_check_readable(const struct cz_finetune *, cz_error *);
void cz_finetune_part_deinit(struct cz_finetune_part *);

#endif
