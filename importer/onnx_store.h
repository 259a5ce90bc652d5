/*
 * What keeps an imported graph's values alive: the mapped model, the mapped external files, and copies of
 * tensors that could not stay where they were. The graph owns it and gives it back with its last reference.
 */
#ifndef CZ_IMPORTER_ONNX_STORE_H
#define CZ_IMPORTER_ONNX_STORE_H

#include "base/file.h"
#include "base/strmap.h"

struct onnx_external_file {
    char *location;
    struct cz_file_map map;
};

struct onnx_store {
    struct cz_file_map model; /* size 0 where the caller keeps the bytes */
    char *folder;             /* of the model; NULL: no external data */
    struct onnx_external_file *files;
    size_t n_files, file_capacity;
    struct cz_strmap file_index;
    void **blocks;
    size_t n_blocks, block_capacity;
    size_t source_bytes; /* of the model and the external files */
    size_t copied_bytes;
};

struct onnx_store *onnx_store_create(const char *folder); /* NULL: out of memory */
void onnx_store_destroy(void *store);                     /* void *, to be cz_graph's release */

/* The mapping of an external file, made at its first use. */
cz_status onnx_store_external(struct onnx_store *, const char *location, struct cz_file_map *out, cz_error *);

/*
 * Memory for a tensor's values, kept until the store goes. Errors  CZ_ERR_UNSUPPORTED where all copies
 * together are out of proportion to the files (many tensors over the same bytes), CZ_ERR_MEMORY.
 */
cz_status onnx_store_block(struct onnx_store *, size_t bytes, void **out, cz_error *);

/*
 * The pages of [data, data + size) are not needed for now: after copying a tensor. Only for bytes that the
 * store has mapped; memory of the caller's would lose its contents.
 */
void onnx_store_drop_pages(const unsigned char *data, size_t size);
int onnx_store_has_mapped(const struct onnx_store *,
                          const unsigned char *data); /* within the model's mapping */

#endif
