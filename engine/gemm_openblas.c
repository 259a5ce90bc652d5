#include "engine/gemm_openblas.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/*
 * OpenBLAS 0.3.21 chooses its kernels by CPU model, in a constructor, from a list that newer CPUs are not in;
 * then it falls back to kernels of half the speed or less. The variable that overrides the choice is read in
 * that same constructor.
 */
static const struct {
    const char *tier, *core;
} cores[] = {{"avx512", "SkylakeX"}, {"avx2", "Haswell"}};

static const char *core_for(const char *tier)
{
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
        if (strcmp(cores[i].tier, tier) == 0)
            return cores[i].core;
    return NULL;
}

/* Sets a variable the user has not set; 1 if it must be taken back. */
static int lend_variable(const char *name, const char *value)
{
    return value && !getenv(name) && setenv(name, value, 1) == 0;
}

void cz_openblas_open(const char *tier, struct cz_openblas *out)
{
    memset(out, 0, sizeof *out);
    int lent_core = lend_variable("OPENBLAS_CORETYPE", core_for(tier));
    int lent_threads = lend_variable("OPENBLAS_NUM_THREADS", "1");
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (lent_core)
        unsetenv("OPENBLAS_CORETYPE");
    if (lent_threads)
        unsetenv("OPENBLAS_NUM_THREADS");
    if (!library)
        return;
    char *(*corename)(void);
    void (*set_threads)(int);
    *(void **)&out->sgemm = dlsym(library, "cblas_sgemm");
    *(void **)&corename = dlsym(library, "openblas_get_corename");
    *(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
    if (!out->sgemm || !corename || !set_threads) {
        dlclose(library);
        out->sgemm = NULL;
        return;
    }
    /* The host may have loaded it before us with more threads; sums would then depend on their number. */
    set_threads(1);
    out->library = library;
    out->core = corename();
}

enum { ROW_MAJOR = 101, NO_TRANS = 111 };

void cz_openblas_gemm(const struct cz_openblas *blas, int64_t m, int64_t n, int64_t k, const float *a,
                      int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc)
{
    blas->sgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, (int)m, (int)n, (int)k, 1.0f, a, (int)lda, b, (int)ldb, 0.0f,
                c, (int)ldc);
}
