/*
 * A worker: a process of its own that loads one model, plans it and then runs it whenever it is told to.
 *
 * A process, because the largest resident memory that the system reports is then that of this model alone,
 * because a model that the system ends (out of memory) is one failed row and not the end of the benchmark,
 * and because models can still be run in turns: all but one are asleep at any time. It is a fork of ours, so
 * it must be started while the caller has one thread only; what it knows, it knows from the caller's memory.
 */
#ifndef CZ_BENCH_WORKER_H
#define CZ_BENCH_WORKER_H

#include "bench/state.h"
#include "engine/graph.h"

#include <sys/types.h>

enum cz_worker_kind {
    CZ_WORKER_PLAN,     /* planned and fused as options say */
    CZ_WORKER_UNFUSED,  /* one step per node */
    CZ_WORKER_REFERENCE /* every node by its operator's own plain loops; can only give outputs */
};

struct cz_worker_options {
    /* Makes the model, in the worker's process: weights included. */
    cz_status (*open)(void *user, int model, struct cz_graph **out, cz_error *);
    void *user;
    int model;
    cz_runtime_options runtime;
    enum cz_worker_kind kind;
    int64_t batch;
    int side_px; /* where the model leaves its picture's size open; 0: nothing said */
};

struct cz_worker_facts {
    int64_t n_parameters, batch, weights_bytes, packed_bytes, arena_bytes, scratch_bytes, resident_bytes;
    double macs; /* of the whole batch */
    int threads, exact;
    char isa[CZ_BENCH_WORD], gemm[CZ_BENCH_WORD], blas_core[CZ_BENCH_WORD]; /* blas_core "": none */
};

struct cz_worker {
    pid_t pid;
    int socket;
};

/* One step of the plan over a number of runs. */
struct cz_profile_step {
    char name[CZ_BENCH_NAME], op[CZ_BENCH_WORD], algorithm[CZ_BENCH_WORD], shape[CZ_SHAPE_TEXT];
    double seconds, macs; /* of one run */
    int64_t bytes;        /* of its inputs, outputs and weights that are values of the plan */
};

/*
 * Starts the process and waits until the model is planned. `others` are the workers that live already, whose
 * sockets the new process closes. Errors: those of opening and planning; CZ_ERR_INTERNAL, CZ_ERR_MEMORY (the
 * process ended). On error there is no worker.
 */
cz_status cz_worker_start(const struct cz_worker_options *, const struct cz_worker *others, int n_others,
                          struct cz_worker *out, struct cz_worker_facts *, cz_error *);

/* Runs the model n times; seconds[n] of each run, and the CPU seconds of all threads together. */
cz_status cz_worker_run(struct cz_worker *, int64_t n, double *seconds, double *cpu, cz_error *);

/* Floating-point operations a second on registers only, and the CPU seconds it took; see peak.h. */
cz_status cz_worker_peak(struct cz_worker *, double *flops, double *cpu, cz_error *);

/* The outputs of one run, one after another: their bytes, or their elements as doubles. free() them.
 * `images`: only so many of the batch, 0: all. */
cz_status cz_worker_output_bytes(struct cz_worker *, int64_t images, unsigned char **out, size_t *n,
                                 cz_error *);
cz_status cz_worker_output(struct cz_worker *, double **out, size_t *n, cz_error *);

/* Runs n times with a clock around every step. free() the steps. */
cz_status cz_worker_profile(struct cz_worker *, int64_t n, struct cz_profile_step **steps, size_t *n_steps,
                            cz_error *);

/* The largest resident memory so far, in bytes. */
cz_status cz_worker_peak_bytes(struct cz_worker *, int64_t *bytes, cz_error *);

/* Ends the process. A zeroed worker is fine. */
void cz_worker_stop(struct cz_worker *);

#endif
