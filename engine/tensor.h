/*
 * Tensors and shapes: what a value is, without saying where it lives.
 */
#ifndef CZ_ENGINE_TENSOR_H
#define CZ_ENGINE_TENSOR_H

#include "base/status.h"

struct cz_shape {
    cz_dtype dtype;
    int rank;
    int64_t dim[CZ_MAX_RANK];
};

size_t cz_dtype_size(cz_dtype);
const char *cz_dtype_name(cz_dtype); /* "float32", "int64", ... */

/* Number of elements; dimensions must have been checked (cz_shape_check). */
int64_t cz_shape_count(const struct cz_shape *);
size_t cz_shape_bytes(const struct cz_shape *);
int cz_shape_equal(const struct cz_shape *, const struct cz_shape *); /* dtype, rank and dimensions */

/* Refuses negative dimensions, a rank over CZ_MAX_RANK, and sizes over 2^40 bytes. `what` names it in the
 * message. */
cz_status cz_shape_check(const struct cz_shape *, const char *what, cz_error *);

/* "float32 [1,3,224,224]"; unknown (-1) dimensions as "?". Returns buf. */
char *cz_shape_text(const struct cz_shape *, char *buf, size_t size);
enum { CZ_SHAPE_TEXT = 128 };

struct cz_shape cz_tensor_shape(const cz_tensor *);
cz_tensor cz_tensor_view(void *data, const struct cz_shape *);

/* A shape of up to six dimensions: cz_shape_of(CZ_F32, 4, n, c, h, w). */
struct cz_shape cz_shape_of(cz_dtype, int rank, ...);

/* Element i of an int32, int64, bool or uint8 tensor; of a float one truncated. */
int64_t cz_tensor_int(const cz_tensor *, int64_t i);
/* Element i as double, for every dtype. */
double cz_tensor_double(const cz_tensor *, int64_t i);
/* Stores with C conversion rules (saturating where the value does not fit an integer). */
void cz_tensor_store(cz_tensor *, int64_t i, double value);

float cz_half_to_float(uint16_t);
uint16_t cz_float_to_half(float); /* round to nearest even */
float cz_bfloat_to_float(uint16_t);

#endif
