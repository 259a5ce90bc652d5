/* Writes a network's parameters as a safetensors file, the form in which other tools take weights. */
#ifndef CZ_IMPORTER_SAFETENSORS_EXPORT_H
#define CZ_IMPORTER_SAFETENSORS_EXPORT_H

#include "engine/graph.h"

/*
 * Every parameter but constants, under its name and in the graph's order; the graph's metadata as
 * __metadata__. fp16: weights as F16 (half.h). The same graph gives the same bytes; the file appears whole or
 * not at all. Errors  CZ_ERR_STATE (a parameter without values), CZ_ERR_UNSUPPORTED (fp16, see half.h),
 * CZ_ERR_IO, CZ_ERR_MEMORY.
 */
cz_status cz_safetensors_export(const struct cz_graph *, const char *path, int fp16, cz_error *);

#endif
