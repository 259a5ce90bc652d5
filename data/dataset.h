/*
 * Data sets: labelled images in splits, read one at a time by index.
 *
 * One object holds all splits; index runs over all samples, split after split, and each split is a range.
 * Order is the same everywhere: classes and files bytewise by name (not by locale, not naturally: "10" comes
 * before "9"). Formats are listed in formats.def.
 */
#ifndef CZ_DATA_DATASET_H
#define CZ_DATA_DATASET_H

#include "base/sha256.h"
#include "data/image.h"

/* Samples [first, first + count). Names: "train", "val", "test", or "all" where the folder has no splits. */
struct cz_split {
    const char *name;
    int64_t first, count;
};

/* Something a person should know about the data set's files: what was left out, and why. */
struct cz_notice {
    char *id, *text;
};

/* A decoded sample and what it was made from. */
struct cz_sample {
    struct cz_image image;
    struct cz_image_info info;
    uint8_t sha256[CZ_SHA256_BYTES]; /* of the file's bytes; IDX and CIFAR: of the stored pixel bytes */
};

struct cz_dataset;
struct cz_arena;

/* What a format implements. */
struct cz_dataset_vtable {
    /* As cz_dataset_read; decode 0: only the hash and info.type. Thread-safe. */
    cz_status (*read)(const struct cz_dataset *, int64_t index, int decode, int turn_upright,
                      struct cz_sample *, cz_error *);
    const char *(*id)(const struct cz_dataset *, int64_t index, char buf[CZ_SHA256_HEX]);
    int (*label)(const struct cz_dataset *, int64_t index);
    void (*close)(struct cz_dataset *); /* frees impl; NULL where it lives in the arena */
};

struct cz_dataset {
    const struct cz_dataset_vtable *vtable;
    const char *format;      /* "folder", "idx", "cifar10", "cifar100", "files" */
    char *path;              /* as opened; never in result files */
    int64_t count;           /* samples of all splits */
    int n_splits, n_classes; /* n_classes 0: no labels ("files") */
    struct cz_split *splits;
    char **class_names; /* [n_classes], bytes as the folder has them; IDX without names: "0", "1", ... */
    struct cz_notice *notices; /* at most CZ_DATASET_MAX_NOTICES are kept, n_notices counts all */
    int64_t n_notices;
    struct cz_arena *arena; /* of all strings and lists above */
    void *impl;
};

/* Formats are tried in the order of formats.def; the first whose probe says yes opens it. */
struct cz_format {
    const char *name;
    int (*probe)(const char *path); /* cheap: looks at names and first bytes */
    /* Fills a data set that has path and arena; what it returns in error is closed by the caller. */
    cz_status (*open)(const char *path, struct cz_dataset *, cz_error *);
};

enum { CZ_DATASET_MAX_SAMPLES = 100000000, CZ_DATASET_MAX_CLASSES = 100000, CZ_DATASET_MAX_NOTICES = 1000 };

/*
 * Opens DATA: a folder per class (with or without train/ val/ test/), an IDX or CIFAR folder, or the word
 * "fashion-mnist" (the Debian package dataset-fashion-mnist). A folder of that name is "./fashion-mnist".
 * Errors  CZ_ERR_IO (no such folder), CZ_ERR_FORMAT (no images, broken files), CZ_ERR_UNSUPPORTED (nothing we
 * know).
 */
cz_status cz_dataset_open(const char *data, struct cz_dataset **out, cz_error *);

/* Files without labels, in the order given, ids as given: one split "all". Nothing is opened before it is
 * read. */
cz_status cz_dataset_from_files(const char *const *paths, int64_t n, struct cz_dataset **out, cz_error *);

void cz_dataset_close(struct cz_dataset *); /* accepts NULL */

/* The split of that name, or NULL. name NULL: what eval uses, test, else val, else the only one there is. */
const struct cz_split *cz_dataset_split(const struct cz_dataset *, const char *name);

/*
 * As cz_dataset_split; when there is none, CZ_ERR_ARGUMENT lists those there are.
 */
cz_status cz_dataset_need_split(const struct cz_dataset *, const char *name, const struct cz_split **out,
                                cz_error *);

/* Class index 0 to n_classes-1, or -1 where there are no labels. */
int cz_dataset_label(const struct cz_dataset *, int64_t index);

/*
 * "test/glass/g12.jpg" relative to the data set, '/' between; "test/00012" for IDX and CIFAR. May use buf,
 * may point into the data set; bytes as the file system has them.
 */
const char *cz_dataset_id(const struct cz_dataset *, int64_t index, char buf[CZ_SHA256_HEX]);

/*
 * Reads and decodes one sample; give it back with cz_sample_deinit.
 * Errors   messages start with the id. On error sample->info and, where the bytes could be read, sha256 are
 * valid. Threads  any number at once.
 */
cz_status cz_dataset_read(const struct cz_dataset *, int64_t index, int turn_upright, struct cz_sample *,
                          cz_error *);

/* The content hash alone, without decoding. */
cz_status cz_dataset_content_hash(const struct cz_dataset *, int64_t index, uint8_t sha256[CZ_SHA256_BYTES],
                                  cz_error *);

void cz_sample_deinit(struct cz_sample *);

/*
 * The data hash of a split: SHA-256 over (id, 0, content hash, class name, 0) of its samples in order; "" for
 * the class name where there are no labels. Unreadable images count by their bytes. sha256s  NULL, or the
 * [count] content hashes already known (cz_load_batch gives them), else files are read again.
 */
cz_status cz_dataset_hash(const struct cz_dataset *, const struct cz_split *,
                          const uint8_t (*sha256s)[CZ_SHA256_BYTES], uint8_t out[CZ_SHA256_BYTES],
                          cz_error *);

#endif
