#include "bench/peers/onnxruntime.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Places in the table. */
enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    DISABLE_TELEMETRY = 6,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    SET_EXECUTION_MODE = 13,
    SET_OPTIMIZATION_LEVEL = 23,
    SET_INTRA_OP_THREADS = 24,
    SET_INTER_OP_THREADS = 25,
    CREATE_TENSOR_WITH_DATA = 49,
    GET_TENSOR_DATA = 51,
    CREATE_CPU_MEMORY_INFO = 69,
    RELEASE_ENV = 92,
    RELEASE_STATUS = 93,
    RELEASE_MEMORY_INFO = 94,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96,
    RELEASE_SESSION_OPTIONS = 100
};

/* Values of its enumerations. */
enum {
    LOG_ERRORS = 3,
    SEQUENTIAL = 0,
    ALL_OPTIMIZATIONS = 99,
    ARENA_ALLOCATOR = 1,
    DEFAULT_MEMORY = 0,
    FLOAT32 = 1
};

struct base {
    const void *const *(*get_api)(uint32_t version);
    const char *(*version)(void);
};

struct cz_ort {
    void *library;
    const struct base *base;
    const void *const *api;
    void *env, *memory;
};

struct cz_ort_session {
    struct cz_ort *ort;
    void *session, *options, *input, *output;
    const char *input_name;
};

/* One function of the table: CALL(ort, RUN, void *(*)(...)). A function pointer in a table of data pointers,
 * as POSIX has it for dlsym. */
#define CALL(ort, place, type) ((type)(ort)->api[place])

/* A status of theirs into one of ours; NULL is success. */
static cz_status take(const struct cz_ort *ort, void *status, cz_status code, const char *what, cz_error *err)
{
    if (!status)
        return CZ_OK;
    cz_error_set(err, code, "%s: ONNX Runtime: %s", what,
                 CALL(ort, GET_ERROR_MESSAGE, const char *(*)(const void *))(status));
    CALL(ort, RELEASE_STATUS, void (*)(void *))(status);
    return code;
}

static cz_status start(struct cz_ort *ort, cz_error *err)
{
    CZ_TRY(take(ort,
                CALL(ort, CREATE_ENV, void *(*)(int, const char *, void **))(LOG_ERRORS, "peers", &ort->env),
                CZ_ERR_UNSUPPORTED, "onnxruntime", err));
    CZ_TRY(take(ort, CALL(ort, DISABLE_TELEMETRY, void *(*)(void *))(ort->env), CZ_ERR_UNSUPPORTED,
                "onnxruntime", err));
    return take(ort,
                CALL(ort, CREATE_CPU_MEMORY_INFO, void *(*)(int, int, void **))(ARENA_ALLOCATOR,
                                                                                DEFAULT_MEMORY, &ort->memory),
                CZ_ERR_UNSUPPORTED, "onnxruntime", err);
}

cz_status cz_ort_open(const char *library, struct cz_ort **out, cz_error *err)
{
    const struct base *(*get_base)(void) = NULL;
    struct cz_ort *ort = calloc(1, sizeof *ort);
    if (!ort)
        CZ_FAIL(err, CZ_ERR_MEMORY, "onnxruntime: out of memory");
    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
    ort->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (ort->library)
        *(void **)&get_base = dlsym(ort->library, "OrtGetApiBase");
    ort->base = get_base ? get_base() : NULL;
    ort->api = ort->base ? ort->base->get_api(1) : NULL;
    cz_status status = CZ_OK;
    if (!ort->api)
        status = cz_error_set(err, CZ_ERR_IO, "%s: %s; bench/peers/run installs it", library,
                              ort->library ? "is not ONNX Runtime" : dlerror());
    if (status == CZ_OK)
        status = start(ort, err);
    if (status != CZ_OK) {
        cz_ort_close(ort);
        return status;
    }
    *out = ort;
    return CZ_OK;
}

/* The library stays loaded: its threads may still be about to end. */
void cz_ort_close(struct cz_ort *ort)
{
    if (!ort)
        return;
    if (ort->memory)
        CALL(ort, RELEASE_MEMORY_INFO, void (*)(void *))(ort->memory);
    if (ort->env)
        CALL(ort, RELEASE_ENV, void (*)(void *))(ort->env);
    free(ort);
}

const char *cz_ort_version(const struct cz_ort *ort)
{
    return ort->base->version();
}

static cz_status set_options(struct cz_ort_session *s, const char *model, int n_threads, cz_error *err)
{
    static const int places[] = {SET_EXECUTION_MODE, SET_OPTIMIZATION_LEVEL, SET_INTRA_OP_THREADS,
                                 SET_INTER_OP_THREADS};
    const int values[] = {SEQUENTIAL, ALL_OPTIMIZATIONS, n_threads, 1};
    CZ_TRY(take(s->ort, CALL(s->ort, CREATE_SESSION_OPTIONS, void *(*)(void **))(&s->options), CZ_ERR_MEMORY,
                model, err));
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        CZ_TRY(take(s->ort, CALL(s->ort, places[i], void *(*)(void *, int))(s->options, values[i]),
                    CZ_ERR_ARGUMENT, model, err));
    return CZ_OK;
}

cz_status cz_ort_session_create(struct cz_ort *ort, const char *model, int n_threads,
                                struct cz_ort_session **out, cz_error *err)
{
    typedef void *(*create_fn)(void *, const char *, const void *, void **);
    struct cz_ort_session *s = calloc(1, sizeof *s);
    if (!s)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", model);
    s->ort = ort;
    cz_status status = set_options(s, model, n_threads, err);
    if (status == CZ_OK)
        status = take(ort, CALL(ort, CREATE_SESSION, create_fn)(ort->env, model, s->options, &s->session),
                      CZ_ERR_FORMAT, model, err);
    if (status != CZ_OK) {
        cz_ort_session_destroy(s);
        return status;
    }
    *out = s;
    return CZ_OK;
}

static void release(const struct cz_ort_session *s, int place, void *object)
{
    if (object)
        CALL(s->ort, place, void (*)(void *))(object);
}

void cz_ort_session_destroy(struct cz_ort_session *s)
{
    if (!s)
        return;
    release(s, RELEASE_VALUE, s->output);
    release(s, RELEASE_VALUE, s->input);
    release(s, RELEASE_SESSION, s->session);
    release(s, RELEASE_SESSION_OPTIONS, s->options);
    free(s);
}

cz_status cz_ort_bind(struct cz_ort_session *s, const char *input, float *data, const int64_t *dim, int rank,
                      cz_error *err)
{
    typedef void *(*tensor_fn)(const void *, void *, size_t, const int64_t *, size_t, int, void **);
    size_t bytes = sizeof *data;
    for (int i = 0; i < rank; i++)
        bytes *= (size_t)dim[i];
    s->input_name = input;
    release(s, RELEASE_VALUE, s->input);
    s->input = NULL;
    return take(s->ort,
                CALL(s->ort, CREATE_TENSOR_WITH_DATA, tensor_fn)(s->ort->memory, data, bytes, dim,
                                                                 (size_t)rank, FLOAT32, &s->input),
                CZ_ERR_SHAPE, input, err);
}

cz_status cz_ort_run(struct cz_ort_session *s, const char *output, const float **data, cz_error *err)
{
    typedef void *(*run_fn)(void *, const void *, const char *const *, const void *const *, size_t,
                            const char *const *, size_t, void **);
    const void *in = s->input;
    void *elements;
    release(s, RELEASE_VALUE, s->output);
    s->output = NULL;
    CZ_TRY(take(s->ort,
                CALL(s->ort, RUN, run_fn)(s->session, NULL, &s->input_name, &in, 1, &output, 1, &s->output),
                CZ_ERR_SHAPE, output, err));
    CZ_TRY(take(s->ort, CALL(s->ort, GET_TENSOR_DATA, void *(*)(void *, void **))(s->output, &elements),
                CZ_ERR_SHAPE, output, err));
    *data = elements;
    return CZ_OK;
}
