/*
 * Where (ONNX opset 9, 16): x where the condition holds, else y, all three broadcast over one another.
 *
 * Source: ONNX operator specification, Where-16.
 */
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"
#include "engine/ops/walk.h"

static cz_status where_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "condition", CZ_SET_BOOL, err));
    CZ_TRY(cz_check_same_dtype(&in[2], "y", in[1].shape.dtype, err));
    CZ_TRY(cz_broadcast_shape(&in[1].shape, &in[2].shape, &out[0], err));
    return cz_broadcast_shape(&out[0], &in[0].shape, &out[0], err);
}

static cz_status where_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                            cz_error *err)
{
    struct cz_shape y = cz_tensor_shape(&out[0]);
    struct cz_walk w = cz_walk_over(y.dim, y.rank, 3);
    int64_t at = 0;
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    for (int i = 0; i < 3; i++) {
        struct cz_shape s = cz_tensor_shape(&in[i]);
        cz_broadcast_strides(&s, &y, w.stride[i]);
    }
    if (cz_shape_count(&y) == 0)
        return CZ_OK;
    do {
        int chosen = ((const uint8_t *)in[0].data)[w.at[0]] ? 1 : 2;
        cz_copy_elements(&out[0], at++, &in[chosen], w.at[chosen], 1);
    } while (cz_walk_next(&w));
    return CZ_OK;
}

const struct cz_op cz_op_where = {
    .name = "Where",
    .opset_min = 9,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 3,
    .n_in_max = 3,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = where_infer,
    .eval = where_eval,
};
