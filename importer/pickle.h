/*
 * A closed interpreter for the pickles that PyTorch saves: dictionaries, lists, numbers, text and tensors.
 *
 * A pickle is a program that names functions and calls them. Here nothing is looked up and nothing is called:
 * a name is compared with a table of twenty, a call makes one of the records below, and any other name or
 * opcode ends the reading with that name. A container is closed once it lies in another one, so that no
 * container can come to hold itself and whoever walks the result comes to an end.
 *
 * Limits: memory is in proportion to the bytes read (at most a million values), nothing recurses.
 *
 * Source: Python's Lib/pickletools.py (opcodes), torch/serialization.py and torch/_utils.py (what is saved).
 */
#ifndef CZ_IMPORTER_PICKLE_H
#define CZ_IMPORTER_PICKLE_H

#include "base/memory.h"
#include "engine/tensor.h"

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT,
    PICKLE_TEXT,
    PICKLE_GLOBAL, /* a name of the table */
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,    /* items: key, value, key, value */
    PICKLE_STORAGE, /* where a tensor's elements lie */
    PICKLE_TENSOR
};

struct pickle_value {
    enum pickle_kind kind;
    int is_closed; /* in another container: may grow no more */
    union {
        int64_t number; /* BOOL, INT */
        double real;
        const char *text; /* TEXT: NUL-terminated, of any other bytes */
        const struct pickle_global *global;
        struct {
            struct pickle_value **items;
            size_t count, capacity;
        } list;
        const struct pickle_storage *storage;
        const struct pickle_tensor *tensor;
    };
};

/* What a name stands for: the table's row. */
struct pickle_global {
    const char *module, *name;
    int meaning;
    int has_dtype; /* of a storage */
    cz_dtype dtype;
    size_t element_size;
};

struct pickle_storage {
    const struct pickle_global *type;
    const char *key;
    int64_t first, count; /* elements; first is not 0 for a view of an older file's storage */
    int64_t whole;        /* elements of the storage that it is a view of */
    const struct pickle_storage *previous; /* named before this one in the same pickle */
};

struct pickle_tensor {
    const struct pickle_storage *storage;
    int64_t offset;
    int rank;
    int64_t size[CZ_MAX_RANK], stride[CZ_MAX_RANK];
};

struct pickle {
    struct pickle_value *value;
    const struct pickle_storage *storages; /* the last one named */
    size_t used;                           /* bytes */
};

/*
 * Runs the pickle at bytes[0..size). The values live in the arena, strings too.
 * Errors  CZ_ERR_FORMAT (broken), CZ_ERR_UNSUPPORTED (a name or opcode that is not ours), CZ_ERR_MEMORY.
 */
cz_status pickle_read(const unsigned char *bytes, size_t size, struct cz_arena *, struct pickle *out,
                      cz_error *);

/* The value under a text key, NULL: none, or no dictionary. */
const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key);

#endif
