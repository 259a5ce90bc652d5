#include "engine/runtime.h"
#include "base/cpu.h"
#include "engine/kernels/kernels.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const gemm_names[] = {"auto", "own", "openblas"};

enum { LARGEST_THREADS = 1024 };

/* The table for a tier name that this CPU can run; NULL asks for the best. */
static cz_status choose_kernels(const char *isa, const struct cz_kernels **out, cz_error *err)
{
    int any = !isa || strcmp(isa, "auto") == 0;
    for (int i = 0; i < cz_kernels_count(); i++) {
        const struct cz_kernels *k = cz_kernels_at(i);
        if (!any && strcmp(k->tier, isa) != 0)
            continue;
        if (cz_cpu_has_tier(k->tier)) {
            *out = k;
            return CZ_OK;
        }
        if (!any)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                    "--isa %s: this CPU has not got it; `convzoo info` lists its tiers", isa);
    }
    /* A tier of another architecture is not compiled in; its name is no mistake. */
    static const char *const elsewhere[] = {"avx2", "avx512", "neon"};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (strcmp(isa, elsewhere[i]) == 0)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                    "--isa %s: this build has not got it; `convzoo info` lists its tiers", isa);
    CZ_FAIL(err, CZ_ERR_ARGUMENT, "--isa %s: unknown; `convzoo info` lists the tiers", isa);
}

static cz_status choose_gemm(const char *name, enum cz_gemm_mode *out, cz_error *err)
{
    for (int i = 0; i < 3; i++)
        if (!name || strcmp(name, gemm_names[i]) == 0) {
            *out = (enum cz_gemm_mode)i;
            return CZ_OK;
        }
    CZ_FAIL(err, CZ_ERR_ARGUMENT, "--gemm %s: unknown; one of auto, own, openblas", name);
}

static cz_status fill(struct cz_runtime *rt, const cz_runtime_options *o, cz_error *err)
{
    int n_threads = o->n_threads > 0 ? o->n_threads : cz_cpu_allowed();
    const char *isa = o->isa ? o->isa : getenv("CONVZOO_ISA");
    if (o->n_threads < 0 || n_threads > LARGEST_THREADS)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "--threads %d: from 1 to %d", o->n_threads, LARGEST_THREADS);
    CZ_TRY(choose_kernels(isa && isa[0] ? isa : NULL, &rt->kernels, err));
    CZ_TRY(choose_gemm(o->gemm, &rt->gemm, err));
    cz_openblas_open(rt->kernels->tier, &rt->blas);
    if (rt->gemm == CZ_GEMM_OPENBLAS && !rt->blas.library)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "--gemm openblas: libopenblas.so.0 is not installed; give --gemm own");
    rt->exact = o->exact;
    rt->log = o->log;
    rt->log_user = o->log_user;
    return cz_pool_create(n_threads, &rt->pool, err);
}

cz_status cz_runtime_create(const cz_runtime_options *options, cz_runtime **out, cz_error *err)
{
    cz_runtime_options o = {0};
    if (options)
        memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
    struct cz_runtime *rt = calloc(1, sizeof *rt);
    if (!rt)
        CZ_FAIL(err, CZ_ERR_MEMORY, "runtime: out of memory");
    rt->refs = 1;
    cz_status status = fill(rt, &o, err);
    if (status != CZ_OK) {
        cz_runtime_destroy(rt);
        return status;
    }
    *out = rt;
    return CZ_OK;
}

struct cz_runtime *cz_runtime_retain(struct cz_runtime *rt)
{
    __atomic_fetch_add(&rt->refs, 1, __ATOMIC_RELAXED);
    return rt;
}

void cz_runtime_destroy(cz_runtime *rt)
{
    if (!rt || __atomic_fetch_sub(&rt->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    cz_pool_destroy(rt->pool);
    free(rt); /* OpenBLAS stays loaded: it cannot be unloaded safely, and the next runtime wants it again */
}

const char *cz_runtime_isa(const struct cz_runtime *rt)
{
    return rt->kernels->tier;
}

const char *cz_runtime_gemm(const struct cz_runtime *rt)
{
    return gemm_names[rt->gemm];
}

const char *cz_runtime_blas_core(const struct cz_runtime *rt)
{
    return rt->blas.core;
}

int cz_runtime_threads(const struct cz_runtime *rt)
{
    return cz_pool_threads(rt->pool);
}

int cz_runtime_tiers(const char **names, int max)
{
    int n = 0;
    for (int i = 0; i < cz_kernels_count() && n < max; i++)
        if (cz_cpu_has_tier(cz_kernels_at(i)->tier))
            names[n++] = cz_kernels_at(i)->tier;
    return n;
}

void cz_runtime_log(const struct cz_runtime *rt, int level, const char *fmt, ...)
{
    if (!rt->log)
        return;
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    rt->log(rt->log_user, level, line);
}
