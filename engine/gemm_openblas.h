/*
 * OpenBLAS, opened at run time and never linked, so that the kernel choice it makes while loading can be set
 * first.
 */
#ifndef CZ_ENGINE_GEMM_OPENBLAS_H
#define CZ_ENGINE_GEMM_OPENBLAS_H

#include <stdint.h>

struct cz_openblas {
    void *library; /* NULL: not there */
    const char *core;
    void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
                  int lda, const float *b, int ldb, float beta, float *c, int ldc);
};

/*
 * Opens libopenblas.so.0 with one thread and the core that suits `tier`, unless the user set
 * OPENBLAS_CORETYPE. Must run before other threads exist (it changes the environment for the moment of
 * loading). A missing library leaves library NULL: not an error.
 */
void cz_openblas_open(const char *tier, struct cz_openblas *out);

/* C[m][n] = A[m][k] * B[k][n], row-major, leading dimensions lda, ldb, ldc in elements; on the calling
 * thread. */
void cz_openblas_gemm(const struct cz_openblas *, int64_t m, int64_t n, int64_t k, const float *a,
                      int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc);

#endif
