/*
 * Resampling along one axis: for every output element the input elements it is made of and their weights.
 * Resize and Upsample are one such table per axis.
 */
#ifndef CZ_ENGINE_OPS_RESAMPLE_H
#define CZ_ENGINE_OPS_RESAMPLE_H

#include "engine/op.h"

enum cz_resample_mode { CZ_RESAMPLE_NEAREST, CZ_RESAMPLE_LINEAR, CZ_RESAMPLE_CUBIC };

/* Where output element x comes from; names as in ONNX. */
enum cz_coordinates {
    CZ_HALF_PIXEL,
    CZ_HALF_PIXEL_SYMMETRIC,
    CZ_PYTORCH_HALF_PIXEL,
    CZ_ALIGN_CORNERS,
    CZ_ASYMMETRIC,
    CZ_TF_HALF_PIXEL_FOR_NN,
    CZ_TF_CROP_AND_RESIZE,
};

/* SIMPLE, of the operators before opset 11: down where the axis grows, up where it shrinks. */
enum cz_nearest {
    CZ_ROUND_PREFER_FLOOR,
    CZ_ROUND_PREFER_CEIL,
    CZ_NEAREST_FLOOR,
    CZ_NEAREST_CEIL,
    CZ_NEAREST_SIMPLE
};

struct cz_resample {
    enum cz_resample_mode mode;
    enum cz_coordinates coordinates;
    enum cz_nearest nearest;
    double cubic_a;
    int antialias, exclude_outside;
};

/* scale: out / in, or as given, of which out was rounded down. roi: of TF_CROP_AND_RESIZE, in [0,1]. */
struct cz_resample_axis {
    int64_t in, out;
    double scale, roi_start, roi_end;
};

/* Weight t of output x: weights[x * n_taps + t] for input from[x * n_taps + t]; outside[x]: no input at all.
 */
struct cz_resample_table {
    int64_t n_taps, *from;
    double *weights;
    unsigned char *outside;
};

/* Errors  CZ_ERR_MEMORY, CZ_ERR_UNSUPPORTED (an antialias filter of absurd width). */
cz_status cz_resample_create(const struct cz_resample *, const struct cz_resample_axis *,
                             struct cz_resample_table *, cz_error *);
void cz_resample_destroy(struct cz_resample_table *);

#endif
