/*
 * Expand (ONNX opset 8, 13): broadcasting to a given shape, in which the input may also keep what is 1 there.
 *
 * Source: ONNX operator specification, Expand-13.
 */
#include "engine/ops/broadcast.h"
#include "engine/ops/common.h"

static cz_status expand_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    struct cz_shape wanted = {in[0].shape.dtype, 0, {0}};
    (void)attrs, (void)n_in, (void)n_out;
    CZ_TRY(cz_known_ints(&in[1], "input 'shape'", wanted.dim, CZ_MAX_RANK, &wanted.rank, err));
    CZ_TRY(cz_shape_check(&wanted, "new shape", err));
    return cz_broadcast_shape(&in[0].shape, &wanted, &out[0], err);
}

static cz_status expand_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    cz_broadcast_copy(&in[0], &out[0]);
    return CZ_OK;
}

const struct cz_op cz_op_expand = {
    .name = "Expand",
    .opset_min = 8,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = expand_infer,
    .eval = expand_eval,
};
