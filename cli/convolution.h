/*
 * Convolution as a lesson: named kernels, padding rules, and the engine's own Conv on one picture.
 *
 * Every channel is filtered alone. Sums are exact for 8-bit pixels and whole-number kernels (float32 holds
 * them), and the normaliser divides once at the end, so a result is the rounded true value.
 */
#ifndef CZ_CLI_CONVOLUTION_H
#define CZ_CLI_CONVOLUTION_H

#include "data/matrix.h"

enum cz_normalize { CZ_NORMALIZE_NONE, CZ_NORMALIZE_K2, CZ_NORMALIZE_SUM };
enum cz_pad_mode { CZ_PAD_ZERO, CZ_PAD_EDGE, CZ_PAD_REFLECT };

enum { CZ_KERNEL_SIDE_MAX = 99, CZ_PAD_MAX = 16384 };

/* One picture's worth of decisions; sizes are [height, width]. */
struct cz_convolution {
    struct cz_matrix kernel;
    float divisor;           /* k*k, the kernel's sum, or 1 */
    int before[2], after[2]; /* padding */
    enum cz_pad_mode pad_mode;
    int stride, dilation;
};

/* Name i of the kernels that come with the program, and what it does; NULL after the last. */
const char *cz_convolution_kernel_name(int i, const char **sentence);

/*
 * The kernel called `name`, else the matrix in the file `name`.
 *
 * size       0: 3; other sizes only for kernels that exist in all: blur, gaussian (binomial), identity.
 * normalize  what divides its sums when nothing else is asked: k*k for blur, the sum for gaussian, else none.
 * Errors     CZ_ERR_ARGUMENT (neither; a size it has not), and those of the file.
 */
cz_status cz_convolution_kernel(const char *name, int size, struct cz_matrix *out,
                                enum cz_normalize *normalize, cz_error *);

/* Mirrors both axes: what turns the networks' cross-correlation into a convolution. */
void cz_convolution_flip(struct cz_matrix *kernel);

/* Sets the divisor. CZ_ERR_ARGUMENT: the kernel's sum is 0. */
cz_status cz_convolution_normalize(struct cz_convolution *, enum cz_normalize, cz_error *);

/*
 * Sets the padding for an input: "valid" (none), "same" (output = ceil(in / stride), the odd one behind), or
 * a number of pixels on every side. Errors  CZ_ERR_ARGUMENT: not one of these, or too many pixels for the
 * mode (reflect needs less than the side).
 */
cz_status cz_convolution_pad(struct cz_convolution *, const char *padding, const int in[2], cz_error *);

/* floor((in + before + after - dilation*(k - 1) - 1) / stride) + 1. CZ_ERR_SHAPE: the kernel does not fit. */
cz_status cz_convolution_output(const struct cz_convolution *, const int in[2], int out[2], cz_error *);

/*
 * Runs it: planes[c][in] to result[c][out] through a graph (Pad, Conv, Div), plan and session of the engine.
 * `result` has room for c*out[0]*out[1] floats.
 */
cz_status cz_convolution_run(cz_runtime *, const struct cz_convolution *, const float *planes, int c,
                             const int in[2], float *result, cz_error *);

#endif
