/*
 * ONNX Runtime through its C interface, opened at run time: the peer we are measured against.
 *
 * The npm package brings the shared library but not its header, so the few functions we call are found by
 * their place in the library's table of functions. That is what any program compiled against the header does
 * too: the table only ever grows at its end, and the places below are those of its first version.
 *
 * Source: ONNX Runtime's documentation of OrtApi (struct OrtApi, API version 1).
 */
#ifndef CZ_BENCH_PEERS_ONNXRUNTIME_H
#define CZ_BENCH_PEERS_ONNXRUNTIME_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct cz_ort;
struct cz_ort_session;

/* Opens the library. Errors  CZ_ERR_IO, CZ_ERR_UNSUPPORTED. */
cz_status cz_ort_open(const char *library, struct cz_ort **out, cz_error *);
void cz_ort_close(struct cz_ort *);
const char *cz_ort_version(const struct cz_ort *);

/*
 * Loads a model as its users are told to for speed on a CPU: all graph optimisations, one operator after
 * another, n_threads inside an operator, everything else as it is by default. Errors  CZ_ERR_FORMAT.
 */
cz_status cz_ort_session_create(struct cz_ort *, const char *model, int n_threads,
                                struct cz_ort_session **out, cz_error *);
void cz_ort_session_destroy(struct cz_ort_session *);

/* Where the model's one float32 input lies; it must stay. Errors  CZ_ERR_SHAPE. */
cz_status cz_ort_bind(struct cz_ort_session *, const char *input, float *data, const int64_t *dim, int rank,
                      cz_error *);

/* Runs once; *data are the elements of the float32 output, valid until the next run. */
cz_status cz_ort_run(struct cz_ort_session *, const char *output, const float **data, cz_error *);

#endif
