/*
 * The accuracy report (schema convzoo.accuracy/1): what a network answered on every image of a split, and the
 * figures that follow from it. `eval` and `finetune` write it, `compare` reads it.
 *
 * The predictions are the report; every figure in the file is computed from them, and a reader computes it
 * again and refuses a file whose figures do not follow. No clock, host, thread count or absolute path is in
 * it, so that the same network, data and instruction tier give the same bytes.
 */
#ifndef CZ_FINETUNE_REPORT_H
#define CZ_FINETUNE_REPORT_H

#include "base/memory.h"
#include "finetune/metrics.h"

#include <jansson.h>

struct cz_skipped_image {
    const char *id;
    int64_t offset; /* byte in the file, -1: unknown */
    const char *reason;
};

/* Strings and arrays live in the arena. */
struct cz_report {
    const char *version, *isa;
    struct {
        const char *name, *sha256;                  /* sha256 of the file, or NULL: built in memory */
        const char *preprocess, *preprocess_sha256; /* canonical JSON and its hash */
    } model;
    struct {
        const char *name, *split,
            *sha256;          /* of (id, content hash, class name) of all images, skipped ones too */
        const char **classes; /* [n_classes], the network's outputs in order */
        int n_classes;
        int by_name; /* data and network classes were matched by name; 0: by order */
    } data;
    int n_top; /* entries of every prediction's top */
    int64_t n, n_skipped;
    struct cz_prediction *predictions; /* in data order */
    struct cz_skipped_image *skipped;
    struct cz_metrics metrics; /* see cz_report_finish */
    struct cz_arena *arena;
    size_t prediction_capacity, skipped_capacity;
};

cz_status cz_report_create(struct cz_report **out, cz_error *);
void cz_report_destroy(struct cz_report *); /* accepts NULL */

/*
 * Appends an image, copying everything. probabilities[n_classes] and logits (NULL: not kept). data.n_classes
 * and n_top are set before the first.
 */
cz_status cz_report_add(struct cz_report *, const char *id, const uint8_t sha256[CZ_SHA256_BYTES], int truth,
                        const double *probabilities, const float *logits, cz_error *);
cz_status cz_report_skip(struct cz_report *, const char *id, int64_t offset, const char *reason, cz_error *);

/* Computes the figures; nothing may be added afterwards. */
cz_status cz_report_finish(struct cz_report *, cz_error *);

/* Writes the JSON, whole or not at all. */
cz_status cz_report_write(const struct cz_report *, const char *path, cz_error *);

/* The document as written, a new reference; NULL when memory ran out. */
json_t *cz_report_json(const struct cz_report *);

/*
 * Reads a report and checks all of it: kinds, ranges, unique ids, probabilities that fall, figures that
 * follow. Errors  CZ_ERR_IO, CZ_ERR_FORMAT (what does not fit), CZ_ERR_UNSUPPORTED (a newer schema),
 * CZ_ERR_MEMORY; the path in front.
 */
cz_status cz_report_read(const char *path, struct cz_report **out, cz_error *);

/* The same from memory; `name` stands in front of messages. */
cz_status cz_report_parse(const void *bytes, size_t size, const char *name, struct cz_report **out,
                          cz_error *);

/* The same from a document. */
cz_status cz_report_from_json(const json_t *root, const char *name, struct cz_report **out, cz_error *);

enum { CZ_REPORT_MAX_BYTES = 1 << 30 };

#endif
