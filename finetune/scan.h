/*
 * Running a network over images of a data set, batch by batch, each image's answer handed over in order.
 *
 * An image's answer does not depend on the batch it is in, so the batch is a matter of speed and memory
 * alone; the last, smaller one is filled up with empty pictures. A network that only works one image at a
 * time (a Reshape with a fixed first dimension) is run so.
 */
#ifndef CZ_FINETUNE_SCAN_H
#define CZ_FINETUNE_SCAN_H

#include "data/loader.h"
#include "engine/graph.h"
#include "engine/runtime.h"

struct cz_scan_options {
    struct cz_preprocess preprocess;
    int size[2]; /* height, width of the network's input */
    int batch, no_fuse;
};

struct cz_scan_image {
    int64_t place; /* in the list of samples */
    int64_t sample;
    const struct cz_load_result *loaded;
    const float *output; /* NULL: the image could not be read, see loaded */
    int64_t n_output;
};

struct cz_scan;

/* The graph has one input, and its first output is looked at. Everything must outlive the scan. */
cz_status cz_scan_create(struct cz_runtime *, struct cz_graph *, const struct cz_dataset *,
                         const struct cz_scan_options *, struct cz_scan **out, cz_error *);
void cz_scan_destroy(struct cz_scan *); /* accepts NULL */

/* Elements of one image's output. */
int64_t cz_scan_output_size(const struct cz_scan *);

const struct cz_dataset *cz_scan_dataset(const struct cz_scan *);

/*
 * Starts a hash over everything that decides the bits of an answer but the image: version, arithmetic, graph
 * with weights, preprocessing, size.
 */
cz_status cz_scan_identity(const struct cz_scan *, struct cz_sha256 *, cz_error *);

/* Working memory: inputs, activations, prepared weights. */
size_t cz_scan_bytes(const struct cz_scan *);

/* Reads one sample as a scan would, without running the network: why it cannot be read. */
cz_status cz_scan_look(struct cz_scan *, int64_t sample, struct cz_load_result *, cz_error *);

/*
 * Calls image() for samples[0..n-1] in order; its status, if not CZ_OK, ends the scan.
 * Errors  those of loading as a whole, running, and image(); an unreadable image is none.
 */
cz_status cz_scan_run(struct cz_scan *, const int64_t *samples, int64_t n,
                      cz_status (*image)(void *user, const struct cz_scan_image *, cz_error *), void *user,
                      cz_error *);

#endif
