/*
 * What `run` works on: the inputs and outputs of a model with their files, and the report about them.
 */
#ifndef CZ_CLI_RUN_JOB_H
#define CZ_CLI_RUN_JOB_H

#include "cli/model.h"

/* An input or output of the graph and its files. */
struct cz_run_port {
    const char *name;
    const struct cz_value *value;
    const char *file, *expect; /* as given; NULL: none */
    cz_tensor tensor;          /* an input's, read; an output's, gathered over the chunks. Memory of malloc */
    double max_abs, max_rel;   /* against expect */
    int within;
};

struct cz_run_job {
    struct cz_cli_model model;
    cz_runtime *runtime;
    struct cz_run_port *in, *out;
    int n_in, n_out;
    double tolerance;
};

/* An .npy file, or a TensorProto where the name ends in .pb. Memory of malloc. */
cz_status cz_run_read_tensor(const char *path, cz_tensor *out, cz_error *);
int cz_run_is_float(cz_dtype);

/* Writes the outputs, compares them, prints table or document. Returns an exit code. */
int cz_run_report(struct cz_cli *, struct cz_run_job *);

#endif
