/*
 * Checking a data set: every image is read and decoded once, then what would spoil a result is told:
 * unreadable files, images that are in two splits or two classes, classes that a split lacks.
 *
 * Duplicates: exact by content hash. Near ones by a difference hash (9 x 8 gray thumbnail, 64 signs of
 * neighbours' differences) at most CZ_NEAR_BITS apart, and thumbnails at most CZ_NEAR_LEVELS apart on
 * average: both, because flat pictures have few sure signs and dark ones small differences. It finds
 * recompressed and resized copies, not cropped or mirrored ones.
 */
#ifndef CZ_DATA_CHECK_H
#define CZ_DATA_CHECK_H

#include "data/dataset.h"

enum cz_duplicates { CZ_DUPLICATES_EXACT, CZ_DUPLICATES_NEAR, CZ_DUPLICATES_NO };

/* Near duplicates compare all pairs: 100,000 images take 5 billion comparisons of 64 bits. */
enum { CZ_NEAR_BITS = 4, CZ_NEAR_LEVELS = 6, CZ_NEAR_MAX_SAMPLES = 100000 };

enum cz_finding_kind {
    CZ_FINDING_UNREADABLE,     /* problem */
    CZ_FINDING_DUPLICATE,      /* problem across splits or classes, else notice */
    CZ_FINDING_NEAR_DUPLICATE, /* likewise */
    CZ_FINDING_CLASS,          /* a class that a split lacks, or names that differ only in case */
    CZ_FINDING_DAMAGE,         /* notice: decoded, with warnings */
    CZ_FINDING_NAME,           /* notice: the name says another type than the content */
    CZ_FINDING_LEFT_OUT        /* notice: a file that does not count */
};

/* "unreadable", "duplicate", "near_duplicate", ... */
const char *cz_finding_name(enum cz_finding_kind);

struct cz_finding {
    enum cz_finding_kind kind;
    int is_problem;
    int64_t offset;           /* byte in the file, -1 */
    const char *file, *other; /* ids; other NULL but for duplicates; file "" where no file is meant */
    const char *text;         /* without the files' names */
};

struct cz_sample_facts;

struct cz_check {
    const struct cz_dataset *ds;
    enum cz_duplicates duplicates;
    struct cz_sample_facts *facts; /* [ds->count] */
    int64_t *n_of_class;           /* [ds->n_splits][ds->n_classes] */
    struct cz_finding *findings;   /* problems first, then in data order */
    size_t n_findings, capacity;
    int64_t n_problems, n_unreadable;
    int64_t n_of_type[CZ_IMAGE_FOREIGN + 1]; /* readable ones */
    int min_size[2], max_size[2];            /* {height, width} as decoded; 0 where nothing could be read */
    struct cz_arena *arena;
};

/*
 * The data set must outlive the check.
 * Errors  CZ_ERR_UNSUPPORTED: near duplicates of more than CZ_NEAR_MAX_SAMPLES images; CZ_ERR_MEMORY.
 */
cz_status cz_check_create(const struct cz_dataset *, enum cz_duplicates, struct cz_check **out, cz_error *);
void cz_check_destroy(struct cz_check *); /* accepts NULL */

/* Reads samples [first, first + n) with several threads; every sample must be read once before the
 * conclusion. */
struct cz_pool;
void cz_check_read(struct cz_check *, struct cz_pool *, int64_t first, int64_t n, int turn_upright);

/* Fills the findings. CZ_ERR_MEMORY. */
cz_status cz_check_conclude(struct cz_check *, cz_error *);

/* Images of class `label` in split number `split`. */
int64_t cz_check_class_count(const struct cz_check *, int split, int label);

#endif
