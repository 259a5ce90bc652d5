/*
 * External data: tensors whose bytes lie in another file.
 *
 * A model that names files is a model that reads files of whoever runs it, so only a regular file beside or
 * below the model is opened: every component by itself, relative to the folder's descriptor, never through a
 * link, and judged after opening, so that nothing can be swapped in between. A file with a second hard link
 * could be one from elsewhere and is refused.
 *
 * Source: ONNX ExternalData.md, and the rules its own checker arrived at (CVE-2022-25882, CVE-2024-27318,
 * CVE-2026-34446).
 */
#ifndef CZ_IMPORTER_ONNX_EXTERNAL_H
#define CZ_IMPORTER_ONNX_EXTERNAL_H

#include "base/file.h"
#include "engine/graph.h"

struct onnx_external {
    const char *location;
    size_t offset, length;
    int has_length;
};

/* Takes the entries of a tensor apart. Errors  CZ_ERR_FORMAT. Strings stay the caller's. */
cz_status onnx_external_parse(const struct cz_metadata *entries, size_t n, struct onnx_external *out,
                              cz_error *);

/*
 * Maps `location` below the folder that the model at `model_path` lies in.
 * Errors  CZ_ERR_FORMAT (a location that leaves the folder, a link, not a regular file), CZ_ERR_IO.
 */
cz_status onnx_external_map(const char *folder, const char *location, struct cz_file_map *out, cz_error *);

#endif
