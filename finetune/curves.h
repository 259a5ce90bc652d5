/*
 * Learning curves as a small SVG: loss on the left axis, share of right answers on the right one, over
 * epochs.
 */
#ifndef CZ_FINETUNE_CURVES_H
#define CZ_FINETUNE_CURVES_H

#include "base/status.h"

struct cz_curve_point {
    double loss_nats, top1;
};

/* Point i is the end of epoch i + 1; n at least 1. `title` may hold any bytes. Same points, same file. */
cz_status cz_curves_write(const char *path, const char *title, const struct cz_curve_point *, int n,
                          cz_error *);

#endif
