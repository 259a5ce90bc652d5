/*
 * TensorProto to tensors: element types, dimensions, and the four places a file may keep the values in.
 */
#ifndef CZ_IMPORTER_ONNX_TENSOR_H
#define CZ_IMPORTER_ONNX_TENSOR_H

#include "engine/tensor.h"
#include "importer/onnx_prescan.h"
#include "importer/onnx_store.h"

#include <onnx/onnx.pb-c.h>

/* The file a skeleton was made from. */
struct onnx_source {
    const unsigned char *bytes;
    const struct onnx_scan *scan;
    struct onnx_store *store;
    int64_t n_widened; /* float16, bfloat16 and float64 tensors that became float32 */
};

/* The name of an ONNX element type ("uint16"), and the engine's (0 where it has none). */
const char *onnx_type_name(int elem_type);
int onnx_type_to_dtype(int elem_type, cz_dtype *out);
int onnx_type_of(cz_dtype); /* TensorProto.DataType, for writing */

/* 1 for the types that are computed in float32 although stored otherwise. */
int onnx_is_widened(cz_dtype);

/* Type and dimensions as stored. Errors  CZ_ERR_FORMAT, CZ_ERR_SHAPE, CZ_ERR_UNSUPPORTED; the tensor is
 * named. */
cz_status onnx_tensor_shape(const Onnx__TensorProto *, struct cz_shape *out, cz_error *);

/*
 * The tensor's values: a view of the file where type and alignment allow, else a block of the store. `widen`:
 * floats of other widths become float32.
 */
cz_status onnx_tensor_values(struct onnx_source *, const Onnx__TensorProto *, int widen, cz_tensor *out,
                             cz_error *);

#endif
