/*
 * Windows of Conv and the pools: kernel, strides, dilations, pads and auto_pad of one to three spatial
 * dimensions, and what they come to for a given input.
 *
 * One spatial dimension is the width of an image of height 1; what has no depth has depth 1.
 *
 * Output size in ceil_mode: a window that would start in the right (bottom) padding is dropped, as PyTorch
 * does and ONNX opset 22 says; earlier texts leave it open and some runtimes keep it.
 */
#ifndef CZ_ENGINE_OPS_WINDOW_H
#define CZ_ENGINE_OPS_WINDOW_H

#include "engine/op.h"

enum cz_auto_pad { CZ_AUTO_PAD_NOTSET, CZ_AUTO_PAD_SAME_UPPER, CZ_AUTO_PAD_SAME_LOWER, CZ_AUTO_PAD_VALID };

/* As given, in the order of ONNX (pads: all begins, then all ends); counts are 0 where absent. */
struct cz_window_attrs {
    enum cz_auto_pad auto_pad;
    int n_kernel, n_strides, n_dilations, n_pads;
    int64_t kernel[3], strides[3], dilations[3], pads[6];
    int ceil_mode;
};

struct cz_window {
    int64_t in_h, in_w, out_h, out_w;
    int64_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    int64_t in_d, out_d, k_d, stride_d, dilation_d, pad_front, pad_back;
};

cz_status cz_window_parse(const struct cz_attr_list *, struct cz_window_attrs *, cz_error *);

/*
 * Window for x of [N,C,W], [N,C,H,W] or [N,C,D,H,W] and kernel[rank - 2].
 * Errors  CZ_ERR_FORMAT (an attribute for another number of dimensions), CZ_ERR_SHAPE (kernel larger than
 * the padded input), CZ_ERR_UNSUPPORTED (other ranks).
 */
cz_status cz_window_resolve(const struct cz_window_attrs *, const struct cz_shape *x, const int64_t *kernel,
                            struct cz_window *out, cz_error *);

/* Shape of the output: [N, channels, spatial as x has them]. */
struct cz_shape cz_window_output(const struct cz_window *, const struct cz_shape *x, int64_t channels);

/*
 * The outputs [*first, *end) whose tap `k` lies inside the input: 0 <= o*stride + k*dilation - pad < in.
 */
void cz_tap_range(int64_t k, int64_t stride, int64_t dilation, int64_t pad, int64_t in, int64_t out,
                  int64_t *first, int64_t *end);

#endif
