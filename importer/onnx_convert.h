/*
 * A graph of one opset written in the words of another.
 *
 * What changed between versions of an operator is a table of rules, each a step up or down at one version.
 * Most steps move an attribute to an input or back; where a form has no equal in the other version, the node
 * is refused by name. The new graph has the same values and names, and shares the old one's parameters.
 *
 * Source: ONNX's Changelog.md, opsets 6 to 21.
 */
#ifndef CZ_IMPORTER_ONNX_CONVERT_H
#define CZ_IMPORTER_ONNX_CONVERT_H

#include "engine/graph.h"

enum { CZ_EXPORT_OPSET_MIN = 13, CZ_EXPORT_OPSET_MAX = 21 };

/*
 * opset   CZ_EXPORT_OPSET_MIN to _MAX, or the graph's own.
 * Errors  CZ_ERR_UNSUPPORTED (the node, and what of it has no equal), CZ_ERR_ARGUMENT (opset), CZ_ERR_MEMORY.
 */
cz_status onnx_convert(struct cz_graph *, int opset, struct cz_graph **out, cz_error *);

#endif
