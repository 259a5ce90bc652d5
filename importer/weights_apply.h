/*
 * Puts a weight file's tensors into a network.
 *
 * A tensor finds its parameter by name: as it stands; without a prefix that all names of the file share
 * ("module.", "_orig_mod.", "model."); or as the caller's table renames it. A file of an ONNX network whose
 * names fit nothing is taken by order and shape, if every tensor in the order of use has the role and the
 * shape of the parameter in its place. BatchNorm's step counters are no parameters and ignored.
 */
#ifndef CZ_IMPORTER_WEIGHTS_APPLY_H
#define CZ_IMPORTER_WEIGHTS_APPLY_H

#include "importer/weights.h"

/*
 * The network's name for a file's name: `name` itself where there is nothing to rename, NULL for what belongs
 * to parts that the network leaves out (auxiliary classifiers). Errors  CZ_ERR_MEMORY.
 */
typedef cz_status cz_weight_rename(const void *user, const char *name, struct cz_arena *, const char **out,
                                   cz_error *);

enum cz_weight_fault { CZ_WEIGHT_MISSING, CZ_WEIGHT_MISSHAPEN, CZ_WEIGHT_LEFT_OVER };

struct cz_weight_row {
    enum cz_weight_fault fault;
    const char *name;              /* the network's; the file's for what is left over */
    struct cz_shape wanted, found; /* rank -1: nothing there */
    const char *type;              /* of what was found, in the file's word */
};

struct cz_weights_report {
    int n_used, n_missing, n_misshapen, n_left_over;
    int n_ignored;      /* step counters and what the caller's table leaves out */
    int by_order;       /* 1: names were lost */
    const char *prefix; /* what was taken off the names, "" mostly */
    int head_is_new;    /* not strict: the classifier's parameters have no values yet */
    struct cz_weight_row
        *rows; /* what does not fit: missing and misshapen in the network's order, then left over */
    int n_rows;
    size_t row_capacity;
    struct cz_arena *arena;
};

struct cz_weights_options {
    cz_weight_rename *rename; /* NULL: names as they are */
    const void *user;
    int strict; /* 0: the classifier (graph->head) may have found nothing that fits, and what is left over is
                   left */
};

/*
 * On success the graph takes the weights over (its parameters are views of them) and parameters have their
 * values, but for a new head's. On failure the weights stay the caller's, and the graph is only fit to be
 * released.
 *
 * report  set whenever the comparison was made, also on CZ_ERR_SHAPE; release with cz_weights_report_deinit.
 * Errors  CZ_ERR_SHAPE (does not fit: counts, and the first names), CZ_ERR_MEMORY, CZ_ERR_STATE (the graph
 * already holds a file).
 */
cz_status cz_weights_apply(struct cz_graph *, struct cz_weights *, const struct cz_weights_options *,
                           struct cz_weights_report *report, cz_error *);
void cz_weights_report_deinit(struct cz_weights_report *);

#endif
