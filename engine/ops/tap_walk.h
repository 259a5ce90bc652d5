/*
 * Walks the outputs of a window operator over one channel block in rows that share their taps: the interior
 * of a row in one call of the kernel, each pixel whose window reaches into the padding in a call of its own
 * with fewer taps.
 */
#ifndef CZ_ENGINE_OPS_TAP_WALK_H
#define CZ_ENGINE_OPS_TAP_WALK_H

#include "engine/kernels/kernels.h"
#include "engine/ops/window.h"

enum cz_divisor {
    CZ_DIVISOR_NONE,
    CZ_DIVISOR_TAPS,  /* taps inside the input */
    CZ_DIVISOR_PADDED /* taps inside the padded input */
};

struct cz_tap_walk {
    struct cz_window window;
    int width;
    enum cz_divisor divisor;
    void (*kernel)(const struct cz_tap_row *);
    float low, high;
    float empty; /* output of a window without any tap, for kernels without bias */
};

/* Working memory of one walk, in bytes. */
size_t cz_tap_walk_scratch(const struct cz_window *);

/*
 * Output rows first..end-1 of one channel block. x and y are the block's first pixel; w is [k_h*k_w][width]
 * and bias [width], both NULL where the kernel takes none.
 */
void cz_tap_walk_rows(const struct cz_tap_walk *, const float *x, const float *w, const float *bias, float *y,
                      int64_t first, int64_t end, void *scratch);

#endif
