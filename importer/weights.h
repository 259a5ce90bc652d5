/*
 * Weight files: named tensors without a network, whichever tool wrote them.
 *
 * Formats: safetensors, PyTorch (.pth, zip and legacy layout), NumPy (.npz), ONNX (its parameters). Which one
 * a file is, its first bytes decide; the suffix only where they leave a choice (see weights.c).
 *
 * Files are untrusted. Nothing in them is run: a pickle is read by a closed interpreter (pickle.h). Reading a
 * file of S bytes takes at most 64 MiB + 16 S until it is known to be sound. Tensors are views of the mapped
 * file where the format allows it, so a file must not be changed while its weights live.
 */
#ifndef CZ_IMPORTER_WEIGHTS_H
#define CZ_IMPORTER_WEIGHTS_H

#include "base/file.h"
#include "base/memory.h"
#include "engine/graph.h"

enum { CZ_WEIGHTS_MAX = 100000 }; /* tensors in one file */

struct cz_weight {
    const char *name;
    const char *type; /* the element type in the file's own word: "BF16", "HalfStorage" */
    int has_dtype;    /* 0: a type that the engine lacks; shape.dtype says nothing then */
    struct cz_shape shape;
    const unsigned char *data;   /* the first element, little endian, not necessarily aligned */
    int64_t stride[CZ_MAX_RANK]; /* in elements, never negative; PyTorch saves views as they are */
    int role;                    /* enum cz_role where the file shows it (ONNX), else -1 */
};

struct cz_weights {
    const char *format; /* "safetensors", "PyTorch (zip)", ... */
    const char *note;   /* what was chosen inside, e.g. "its entry state_dict"; NULL: nothing to choose */
    struct cz_weight *items;
    int count;
    size_t capacity;
    struct cz_arena *arena;
    struct cz_file_map map;
    int is_file;            /* the mapping is ours, and `name` a path */
    struct cz_graph *graph; /* ONNX: whose parameters the tensors are */
    void **blocks;          /* bytes that could not stay in the file */
    size_t n_blocks, block_capacity;
};

/*
 * Errors  CZ_ERR_IO, CZ_ERR_FORMAT (broken, contradictory, or no weight file), CZ_ERR_UNSUPPORTED (an object
 * or an element type that we do not rebuild, by its name), CZ_ERR_MEMORY. The path stands in front.
 */
cz_status cz_weights_load(const char *path, struct cz_weights **out, cz_error *);

/* The same from memory, which must outlive the weights. `name` is for messages, its suffix as a file's. */
cz_status cz_weights_load_memory(const void *bytes, size_t size, const char *name, struct cz_weights **out,
                                 cz_error *);
void cz_weights_destroy(struct cz_weights *); /* NULL is fine */

/* Rows of the table of formats, e.g. for messages: "safetensors pth pt bin npz onnx". */
const char *cz_weights_suffixes(void);

#endif
