/* Data types as attributes name them. */
#ifndef CZ_ENGINE_OPS_TYPE_ATTR_H
#define CZ_ENGINE_OPS_TYPE_ATTR_H

#include "engine/op.h"

/* The attribute holds a TensorProto.DataType. Errors  CZ_ERR_FORMAT (missing), CZ_ERR_UNSUPPORTED. */
cz_status cz_parse_type(const struct cz_attr_list *, const char *name, cz_dtype *out, cz_error *);

#endif
