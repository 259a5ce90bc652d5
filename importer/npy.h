/*
 * NPY files: one array each, read into and written from row-major tensors.
 *
 * Versions 1 to 3, both byte orders, Fortran order (turned into row-major). Element types that the engine
 * does not have are widened without loss (int16, uint16 to int32; uint32, uint64 to int64, a value above
 * INT64_MAX is refused). Objects, voids and structures are refused: their files can carry code.
 *
 * Source: the NPY format description in NumPy's documentation (numpy.lib.format).
 */
#ifndef CZ_IMPORTER_NPY_H
#define CZ_IMPORTER_NPY_H

#include "engine/tensor.h"

/*
 * Reads `path` into *out; out->data is the caller's, to be released with free().
 * Errors  CZ_ERR_IO, CZ_ERR_FORMAT (what is wrong), CZ_ERR_UNSUPPORTED (element type, rank over CZ_MAX_RANK),
 *         CZ_ERR_MEMORY. The file's name stands in front of every message.
 */
cz_status cz_npy_read(const char *path, cz_tensor *out, cz_error *);

/* The same from memory; `name` is for messages. */
cz_status cz_npy_parse(const void *bytes, size_t size, const char *name, cz_tensor *out, cz_error *);

/* Writes version 1, little endian, whole or not at all. bfloat16, which NumPy lacks, becomes float32. */
cz_status cz_npy_write(const char *path, const cz_tensor *, cz_error *);

#endif
