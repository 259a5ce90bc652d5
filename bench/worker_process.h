/*
 * The worker's own side: what runs in its process, and how the two talk. Both are the same program, so
 * messages are its structs: a request, answered by a reply with `bytes` bytes behind it.
 */
#ifndef CZ_BENCH_WORKER_PROCESS_H
#define CZ_BENCH_WORKER_PROCESS_H

#include "bench/worker.h"

enum cz_worker_action {
    CZ_DO_RUN,          /* double cpu, seconds[n] */
    CZ_DO_PEAK,         /* double flops, cpu */
    CZ_DO_OUTPUT_BYTES, /* the bytes of the first n images */
    CZ_DO_OUTPUT,       /* doubles */
    CZ_DO_PROFILE,      /* struct cz_profile_step per step */
    CZ_DO_PEAK_BYTES    /* int64_t */
};

struct cz_worker_request {
    enum cz_worker_action action;
    int64_t n;
};

struct cz_worker_reply {
    cz_error err; /* err.code CZ_OK: done */
    uint64_t bytes;
};

/* Whole blocks through a socket; 0, or 1 when the other side is gone. */
int cz_worker_send(int socket, const void *data, size_t bytes);
int cz_worker_receive(int socket, void *data, size_t bytes);

/* Opens the model, answers with the facts, then serves requests until the other side closes. */
void cz_worker_serve(int socket, const struct cz_worker_options *);

#endif
