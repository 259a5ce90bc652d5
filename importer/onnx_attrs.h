/* AttributeProto to the neutral list that operators take apart. */
#ifndef CZ_IMPORTER_ONNX_ATTRS_H
#define CZ_IMPORTER_ONNX_ATTRS_H

#include "engine/attrs.h"
#include "importer/onnx_tensor.h"

/*
 * Reads a node's attributes into `arena`. Values of tensors stay in the source's store.
 *
 * refused   set to a text where an attribute has a kind that no operator of ours takes (sub-graphs, sparse
 *           tensors, lists of strings, references to a function's attributes): the node is unsupported, the
 *           status CZ_OK.
 * Errors    CZ_ERR_FORMAT (contradictory, twice), CZ_ERR_MEMORY.
 */
cz_status onnx_read_attrs(struct onnx_source *, const Onnx__NodeProto *, struct cz_arena *arena,
                          struct cz_attr_list *out, const char **refused, cz_error *);

#endif
