#include "data/loader.h"
#include "base/pool.h"

#include <string.h>

enum { MAX_THREADS = 256 };

struct job {
    const struct cz_dataset *ds;
    const struct cz_preprocess *pp;
    const int64_t *index;
    const int *size;
    float *out;
    size_t values_per_image;
    struct cz_load_result *results;
};

static cz_status load_one(const struct job *job, int64_t i, struct cz_load_result *r)
{
    struct cz_sample sample;
    cz_status status = cz_dataset_read(job->ds, job->index[i], job->pp->exif, &sample, &r->error);
    if (status == CZ_OK) {
        status = cz_preprocess_image(job->pp, &sample.image, job->size,
                                     job->out + (size_t)i * job->values_per_image, &r->error);
        char buf[CZ_SHA256_HEX];
        if (status != CZ_OK)
            cz_error_prefix(&r->error, status, "%s", cz_dataset_id(job->ds, job->index[i], buf));
    }
    r->error_offset = sample.info.error_offset;
    r->n_warnings = sample.info.n_warnings;
    memcpy(r->sha256, sample.sha256, sizeof r->sha256);
    cz_sample_deinit(&sample);
    return status;
}

static void load_tile(void *ctx, int64_t i, int worker)
{
    (void)worker;
    const struct job *job = ctx;
    struct cz_load_result *r = &job->results[i];
    memset(r, 0, sizeof *r);
    r->status = load_one(job, i, r);
    if (r->status == CZ_ERR_UNSUPPORTED) /* the program can do what was asked; this input is not fit for it */
        r->status = r->error.code = CZ_ERR_FORMAT;
    if (r->status != CZ_OK)
        memset(job->out + (size_t)i * job->values_per_image, 0, job->values_per_image * sizeof *job->out);
}

const char *cz_load_reason(const struct cz_load_result *r, const char *id)
{
    const size_t n = strlen(id);
    const char *message = r->error.message;
    return strncmp(message, id, n) == 0 && strncmp(message + n, ": ", 2) == 0 ? message + n + 2 : message;
}

const char *cz_load_remedy(const struct cz_load_result *r)
{
    return strstr(r->error.message, "; ") ? ", or give --on-bad-image skip"
                                          : "; replace it, or give --on-bad-image skip";
}

cz_status cz_load_batch(const struct cz_dataset *ds, const struct cz_preprocess *pp, const int64_t *index,
                        int64_t n, const int size[2], int threads, float *out, struct cz_load_result *results,
                        int64_t *n_failed, cz_error *err)
{
    *n_failed = 0;
    CZ_TRY(cz_preprocess_check(pp, err));
    if (n < 0 || size[0] < 1 || size[1] < 1 || threads < 1 || threads > MAX_THREADS)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "loading %jd images of %d x %d with %d threads: wanted 1 to %d threads",
                (intmax_t)n, size[0], size[1], threads, (int)MAX_THREADS);
    struct cz_pool *pool;
    CZ_TRY(cz_pool_create(threads < n ? threads : n > 0 ? (int)n : 1, &pool, err));
    size_t values = (size_t)cz_preprocess_channels(pp) * (size_t)size[0] * (size_t)size[1];
    struct job job = {ds, pp, index, size, out, values, results};
    cz_parallel_for(pool, n, load_tile, &job);
    cz_pool_destroy(pool);
    for (int64_t i = 0; i < n; i++)
        *n_failed += results[i].status != CZ_OK;
    for (int64_t i = 0; i < n; i++) /* nothing is wrong with the image, so it is not to be skipped */
        if (results[i].status == CZ_ERR_MEMORY)
            CZ_FAIL(err, CZ_ERR_MEMORY, "%s", results[i].error.message);
    return CZ_OK;
}
