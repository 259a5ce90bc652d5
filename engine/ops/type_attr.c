/* Source: onnx.proto, TensorProto.DataType, for the numbers. */
#include "engine/ops/type_attr.h"
#include "engine/ops/common.h"

static const struct {
    const char *name;
    int supported;
    cz_dtype dtype;
} types[] = {
    [1] = {"float32", 1, CZ_F32},    [2] = {"uint8", 1, CZ_U8},     [3] = {"int8", 1, CZ_I8},
    [4] = {"uint16", 0, 0},          [5] = {"int16", 0, 0},         [6] = {"int32", 1, CZ_I32},
    [7] = {"int64", 1, CZ_I64},      [8] = {"string", 0, 0},        [9] = {"bool", 1, CZ_BOOL},
    [10] = {"float16", 1, CZ_F16},   [11] = {"float64", 1, CZ_F64}, [12] = {"uint32", 0, 0},
    [13] = {"uint64", 0, 0},         [14] = {"complex64", 0, 0},    [15] = {"complex128", 0, 0},
    [16] = {"bfloat16", 1, CZ_BF16},
};

cz_status cz_parse_type(const struct cz_attr_list *list, const char *name, cz_dtype *out, cz_error *err)
{
    int64_t to;
    if (!cz_attr_find(list, name))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s' is missing", name);
    CZ_TRY(cz_parse_int(list, name, 0, 1, INT32_MAX, &to, err));
    if (to >= (int64_t)(sizeof types / sizeof *types))
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "data type %lld is not supported", (long long)to);
    if (!types[to].supported)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "data type %s is not supported", types[to].name);
    *out = types[to].dtype;
    return CZ_OK;
}
