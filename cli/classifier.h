/*
 * A model that classifies pictures, ready to run: opened, planned for a batch, with preprocessing and class
 * names. What predict and eval share, so that both give an image the same bits.
 */
#ifndef CZ_CLI_CLASSIFIER_H
#define CZ_CLI_CLASSIFIER_H

#include "cli/model.h"
#include "data/loader.h"

struct cz_classifier {
    struct cz_cli_model model;
    struct cz_cli_pictures pictures;
    struct cz_cli_classes classes;
    cz_runtime *runtime;
    cz_plan *plan;
    cz_session *session;
    int64_t batch, n_classes;
    int probabilities; /* the output is probabilities already */
    int64_t image_floats;
    float *input, *output;         /* of one batch: [batch][image_floats], [batch][n_classes] */
    struct cz_load_result *loaded; /* [batch] */
};

/*
 * Opens the MODEL operand with the command's options. `n_images` bounds the batch: it is cut so that the last
 * one is as full as the others. Says what was chosen in a note. Reports errors itself; returns an exit code;
 * close in all cases.
 */
int cz_classifier_open(struct cz_cli *, const char *model, int64_t n_images, struct cz_classifier *);
void cz_classifier_close(struct cz_classifier *);

/*
 * Reads and classifies images index[0..n-1] (n <= batch) of a data set: loaded[i] says which could be read,
 * output row i is what the network gave. Returns an exit code.
 */
int cz_classifier_run(struct cz_cli *, struct cz_classifier *, const struct cz_dataset *,
                      const int64_t *index, int64_t n);

/* Probabilities in double of one output row: a softmax with the maximum taken out, unless it has been done.
 */
void cz_classifier_probabilities(const struct cz_classifier *, const float *row, double *probability);

/* The k classes of largest output, lower index first among equals; NaN counts as smallest. */
void cz_classifier_top(const float *row, int64_t n_classes, int k, int *top);

#endif
