/*
 * Runtime: threads, the instruction tier with its kernels, and the GEMM choice. Shared by plans and sessions.
 */
#ifndef CZ_ENGINE_RUNTIME_H
#define CZ_ENGINE_RUNTIME_H

#include "base/pool.h"
#include "engine/gemm_openblas.h"

struct cz_kernels;

enum cz_gemm_mode { CZ_GEMM_AUTO, CZ_GEMM_OWN, CZ_GEMM_OPENBLAS };

struct cz_runtime {
    int refs; /* atomic; plans and sessions hold one each */
    struct cz_pool *pool;
    const struct cz_kernels *kernels;
    enum cz_gemm_mode gemm;
    int exact; /* see cz_runtime_options */
    struct cz_openblas blas;
    void (*log)(void *user, int level, const char *line);
    void *log_user;
};

struct cz_runtime *cz_runtime_retain(struct cz_runtime *);

const char *cz_runtime_isa(const struct cz_runtime *);       /* "avx512" */
const char *cz_runtime_gemm(const struct cz_runtime *);      /* "auto", "own", "openblas" */
const char *cz_runtime_blas_core(const struct cz_runtime *); /* "SkylakeX", or NULL: no OpenBLAS */
int cz_runtime_threads(const struct cz_runtime *);

/* Tiers compiled in and present on this CPU, best first. Returns how many were written. */
int cz_runtime_tiers(const char **names, int max);

void cz_runtime_log(const struct cz_runtime *, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
