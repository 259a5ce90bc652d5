/*
 * convzoo: run image classification networks on the CPU.
 *
 * Life cycle: runtime (threads, instruction tier) -> model (a graph from a file or the zoo) -> plan (shapes
 * fixed, algorithms chosen, weights packed) -> session (working memory) -> run. Every object is created by a
 * `_create`,
 * `_load` or `_build` function and given back by its `_destroy`, which accepts NULL and may be called in any
 * order.
 *
 * Errors: a function that can fail returns cz_status and, where the caller passes a cz_error, leaves one line
 * in it. The library never prints, exits or aborts.
 */
#ifndef CONVZOO_H
#define CONVZOO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CZ_API __attribute__((visibility("default")))
#else
#define CZ_API
#endif

typedef enum cz_status {
    CZ_OK = 0,
    CZ_ERR_ARGUMENT,
    CZ_ERR_MEMORY,
    CZ_ERR_IO,
    CZ_ERR_FORMAT,
    CZ_ERR_UNSUPPORTED,
    CZ_ERR_SHAPE,
    CZ_ERR_STATE,
    CZ_ERR_NUMERIC,
    CZ_ERR_INTERNAL
} cz_status;

/* The caller's; every `cz_error *` may be NULL. */
typedef struct cz_error {
    cz_status code;
    char message[512];
} cz_error;

typedef enum cz_dtype { CZ_F32, CZ_F16, CZ_BF16, CZ_F64, CZ_I8, CZ_U8, CZ_I32, CZ_I64, CZ_BOOL } cz_dtype;

enum { CZ_MAX_RANK = 6 };

/* A row-major view; owns nothing. */
typedef struct cz_tensor {
    void *data;
    cz_dtype dtype;
    int rank;
    int64_t dim[CZ_MAX_RANK];
} cz_tensor;

typedef struct cz_runtime cz_runtime;
typedef struct cz_graph cz_model;
typedef struct cz_plan cz_plan;
typedef struct cz_session cz_session;

typedef struct cz_runtime_options {
    size_t struct_size; /* sizeof(cz_runtime_options) */
    int n_threads;      /* 0: the CPUs in this process's affinity mask and cgroup quota */
    const char *isa;    /* NULL or "auto": the best tier here; else "scalar", "avx2", "avx512", "neon" */
    const char *gemm;   /* NULL or "auto": by a fixed table; else "own", "openblas" */
    void (*log)(void *user, int level, const char *line); /* level 0 debug, 1 note, 2 warning */
    void *log_user;
    int exact; /* no algorithm whose rounding is coarser than a plain sum's: no Winograd */
} cz_runtime_options;

/* Strings live as long as the model. Unknown sizes are -1. */
typedef struct cz_model_info {
    const char *name, *source;
    int n_classes, in_c, in_h, in_w;
} cz_model_info;

typedef struct cz_build_options {
    size_t struct_size;
    int n_classes;      /* 0: the network's own */
    int in_channels;    /* 0: the network's own */
    double width;       /* 0: 1.0; multiplies the channels of small-image networks */
    uint64_t init_seed; /* Kaiming initialisation */
} cz_build_options;

typedef struct cz_input_shape {
    const char *name;
    int rank;
    int64_t dim[CZ_MAX_RANK]; /* -1: not fixed by the model; in cz_plan_options: as the model says */
} cz_input_shape;

/* How a plan rewrites its copy of the graph. */
typedef enum cz_fusion_rule {
    CZ_FUSE_IDENTITY = 1,    /* nodes that change nothing are dropped */
    CZ_FUSE_BATCHNORM = 2,   /* BatchNormalization into the weights before it */
    CZ_FUSE_SCALE = 4,       /* Mul and Add of one value per channel into the weights before them */
    CZ_FUSE_GATED = 8,       /* x * sigmoid(x) and x * hardsigmoid(x) as one activation */
    CZ_FUSE_RESIDUAL = 16,   /* Add into the write-back of a convolution */
    CZ_FUSE_PAD = 64,        /* zeros of a Pad into the pads of Conv and AveragePool */
    CZ_FUSE_ACTIVATION = 32, /* activations into the write-back of the node before them */
    CZ_FUSE_QUANTIZED = 128  /* QuantizeLinear and DequantizeLinear as one step, Cast into ConvInteger */
} cz_fusion_rule;

typedef struct cz_plan_options {
    size_t struct_size;
    int64_t batch; /* 0: the input's own, or 1 where it is symbolic */
    const cz_input_shape *inputs;
    int n_inputs;
    int no_fuse;      /* one step per node, no folding: the first thing to try when a number looks wrong */
    unsigned without; /* of cz_fusion_rule: these alone are left out, to find the one that is wrong */
} cz_plan_options;

/*
 * Creates the thread pool and selects the kernels.
 * Errors  CZ_ERR_ARGUMENT (unknown tier or gemm), CZ_ERR_UNSUPPORTED (tier not on this CPU), CZ_ERR_MEMORY.
 */
CZ_API cz_status cz_runtime_create(const cz_runtime_options *, cz_runtime **out, cz_error *);

/* Reads an ONNX file. Errors name the file, the place and what to do. The runtime may go before the model. */
CZ_API cz_status cz_model_load(cz_runtime *, const char *path, cz_model **out, cz_error *);

/* Builds a network of the zoo with seeded Kaiming weights. */
CZ_API cz_status cz_model_build(cz_runtime *, const char *zoo_name, const cz_build_options *, cz_model **out,
                                cz_error *);

CZ_API void cz_model_get_info(const cz_model *, cz_model_info *out);

/* Value of a metadata key, e.g. "convzoo.preprocess" (JSON), or NULL. Lives as long as the model. */
CZ_API const char *cz_model_metadata(const cz_model *, const char *key);

CZ_API int cz_model_n_inputs(const cz_model *);
CZ_API int cz_model_n_outputs(const cz_model *);
CZ_API cz_status cz_model_input(const cz_model *, int i, const char **name, cz_input_shape *shape,
                                cz_dtype *dtype, cz_error *);
CZ_API cz_status cz_model_output(const cz_model *, int i, const char **name, cz_input_shape *shape,
                                 cz_dtype *dtype, cz_error *);

/*
 * Fixes the shapes, chooses algorithms, packs the weights. The plan keeps the model and the runtime alive.
 * Errors  CZ_ERR_SHAPE and CZ_ERR_UNSUPPORTED name the node; CZ_ERR_MEMORY.
 */
CZ_API cz_status cz_plan_create(cz_runtime *, cz_model *, const cz_plan_options *, cz_plan **out, cz_error *);

/* Bytes of activations a session of this plan needs. */
CZ_API size_t cz_plan_arena_bytes(const cz_plan *);

CZ_API cz_status cz_session_create(cz_plan *, cz_session **out, cz_error *);

/*
 * Runs the plan once.
 *
 * in      [n_in], in graph order; row-major, dtype and shape as the plan fixed them, e.g. float32
 * [N][3][H][W]. out     [n_out]; `data` NULL: pointed into the session, valid until its next run; else
 * filled. dtype, rank and dim are set in both cases. Errors  CZ_ERR_SHAPE (which input, found and wanted
 * shape). On error the outputs are unspecified; the session may be used again. Threads one caller per session
 * at a time. Same inputs give the same bits for any thread count and batch.
 */
CZ_API cz_status cz_session_run(cz_session *, const cz_tensor *in, size_t n_in, cz_tensor *out, size_t n_out,
                                cz_error *);

CZ_API void cz_session_destroy(cz_session *);
CZ_API void cz_plan_destroy(cz_plan *);
CZ_API void cz_model_destroy(cz_model *);
CZ_API void cz_runtime_destroy(cz_runtime *);

CZ_API const char *cz_status_name(cz_status);
CZ_API const char *cz_version(void);

#ifdef __cplusplus
}
#endif
#endif
