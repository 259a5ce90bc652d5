/*
 * Kernels: the inner loops, one implementation per instruction tier, found through one table per tier.
 *
 * Activations are channel-blocked: [N][ceil(C/width)][H][W][width], width being the tier's vector width in
 * floats, so that a pixel of a channel block is one vector. Lanes past C hold anything finite and are never
 * read as channels.
 *
 * Numeric rule: an output element is one chain of operations in an order that its own shape fixes, never the
 * size of the tile it was computed in. Tiles may therefore be cut freely.
 */
#ifndef CZ_KERNELS_H
#define CZ_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum cz_act_kind {
    CZ_ACT_NONE,
    CZ_ACT_RELU,         /* max(x, 0) */
    CZ_ACT_CLIP,         /* min(max(x, alpha), beta) */
    CZ_ACT_LEAKY_RELU,   /* x < 0 ? alpha*x : x */
    CZ_ACT_SIGMOID,      /* 1 / (1 + exp(-x)) */
    CZ_ACT_HARD_SIGMOID, /* min(max(alpha*x + beta, 0), 1) */
    CZ_ACT_HARD_SWISH,   /* x * min(max(x/6 + 1/2, 0), 1) */
    CZ_ACT_TANH,
    CZ_ACT_SILU, /* x * sigmoid(x) */
};

struct cz_activation {
    enum cz_act_kind kind;
    float alpha, beta;
};

enum cz_binary_kind { CZ_BINARY_ADD, CZ_BINARY_SUB, CZ_BINARY_MUL, CZ_BINARY_DIV };

/* A run of weights' rows whose inputs lie one after another: input element `offset` + 0..count-1 of a pixel.
 */
struct cz_segment {
    int32_t offset, count;
};

/*
 * One panel of 1, 2 or 4 output vectors over a run of pixels:
 *   y[p][z] = clamp(bias[z] + sum over segments s, i < s.count of x[p*width + s.offset + i] * w[k++][z] +
 * residual) with one accumulator per element, summed in the order of k.
 */
struct cz_conv_tile {
    const float *x;
    const struct cz_segment *segments;
    int64_t n_segments;
    const float *w;    /* [k][n_vectors*width], aligned */
    const float *bias; /* [n_vectors*width] */
    float *y;
    int64_t y_vector_stride, y_pixel_stride; /* floats */
    const float *residual;                   /* laid out as y, or NULL */
    int n_vectors;                           /* 1, 2 or 4 */
    int last_lanes;                          /* lanes of the last vector that exist in y; 0: all */
    int64_t n_pixels;
    float low, high; /* -inf, inf: no clamp */
};

/*
 * One row of a window operator over one channel block: output p reads x[offset[t] + p*x_step] for each tap t.
 * depthwise_row: clamp(bias + sum of w[t]*x); max_row: maximum (NaN stays); mean_row: sum * scale.
 */
struct cz_tap_row {
    const float *x;
    const int64_t *offset; /* [n_taps] */
    const float *const *w; /* [n_taps], one vector each (depthwise only) */
    int n_taps;
    int64_t x_step, n_pixels;
    const float *bias; /* one vector (depthwise only) */
    float scale;       /* mean only */
    float low, high;   /* depthwise only */
    float *y;          /* contiguous */
};

/*
 * Depthwise convolution of one channel block, k x k with k 3 or 5, stride 1 or 2, input with its padding:
 * y[r][p] = clamp(bias + sum over i, j of w[i*k + j] * x[r*stride + i][p*stride + j]), summed in that order.
 */
struct cz_depthwise_rows {
    const float *x;
    int64_t x_stride;  /* floats between rows */
    const float *w;    /* [k*k], one vector each */
    const float *bias; /* one vector */
    float *y;
    int64_t y_stride;
    int64_t n_rows, n_pixels;
    int k, stride;
    float low, high;
};

/* y = clamp(x*scale + shift): one channel block, n_pixels vectors; scale and shift one vector each, shift may
 * be NULL. */
struct cz_channel_affine {
    const float *x, *scale, *shift;
    float low, high;
    float *y;
    int64_t n_pixels;
};

/* One channel block between row-major planes (plane p at plain + p*plane_stride) and the blocked form. */
struct cz_channel_block {
    float *plain, *blocked; /* the source is only read */
    int64_t plane_stride, n_pixels;
    int n_channels; /* 1..width; block_channels writes 0 into the other lanes */
};

/*
 * Winograd F(m x m, 3 x 3). Input: a row of patches of m+2 pixels square, m columns apart, of one channel
 * block of in_h x in_w pixels, zero outside; transformed, value i of patch t to v[i*v_stride + t*width].
 */
struct cz_winograd_input {
    const float *x;      /* pixel 0, 0 */
    int64_t in_h, in_w;  /* of the block */
    int64_t row, column; /* of the first patch; negative in the padding */
    int64_t n_tiles;
    int m; /* 2 or 4 */
    float *v;
    int64_t v_stride;
};

/* Output: products laid out as v into a row of m x m tiles: y = clamp(transformed + bias + residual). */
struct cz_winograd_output {
    const float *product;
    int64_t product_stride;
    const float *bias;     /* one vector */
    const float *residual; /* laid out as y, or NULL */
    float *y;              /* the first tile's corner */
    int64_t row_stride;    /* floats between rows of y */
    int64_t rows, columns; /* that exist: rows 1..m, columns of all tiles together */
    int m;                 /* 2 or 4 */
    float low, high;       /* -inf, inf: no clamp */
};

/*
 * Codes of 8 bits (codes.h): quantize x/scale, dequantize, snap (both: to the nearest real number that a code
 * stands for), requantize (sums + bias)*scale for whole sums. widen_range takes x into [*low, *high]; NaN is
 * passed over.
 */
struct cz_codes;

struct cz_kernels {
    const char *tier;
    int width;
#define KERNEL(name, ret, args) ret(*name) args;
#include "engine/kernels/kernels.def"
#undef KERNEL
};

/* Tiers compiled in, best first; the last is scalar. */
int cz_kernels_count(void);
const struct cz_kernels *cz_kernels_at(int i);

#endif
