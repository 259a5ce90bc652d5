/*
 * Tile (ONNX opset 6, 13): the input repeated along every axis.
 *
 * Source: ONNX operator specification, Tile-13.
 */
#include "engine/ops/common.h"
#include "engine/ops/strided.h"
#include "engine/ops/walk.h"

static cz_status tile_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                            int n_out, cz_error *err)
{
    int64_t repeats[CZ_MAX_RANK];
    int n;
    (void)attrs, (void)n_in, (void)n_out;
    CZ_TRY(cz_known_ints(&in[1], "input 'repeats'", repeats, CZ_MAX_RANK, &n, err));
    if (n != in[0].shape.rank)
        CZ_FAIL(err, CZ_ERR_SHAPE, "%d repeats for an input of rank %d", n, in[0].shape.rank);
    out[0] = in[0].shape;
    for (int i = 0; i < n; i++)
        if (repeats[i] < 0 || __builtin_mul_overflow(out[0].dim[i], repeats[i], &out[0].dim[i]))
            CZ_FAIL(err, CZ_ERR_SHAPE, "dimension %d repeated %lld times; 0 or more wanted, and no overflow",
                    i, (long long)repeats[i]);
    return CZ_OK;
}

static cz_status tile_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    struct cz_walk w = cz_walk_over(out[0].dim, out[0].rank, 0);
    int64_t stride[CZ_MAX_RANK], n = cz_tensor_count(&out[0]);
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    cz_strides_of(in[0].dim, in[0].rank, stride);
    for (int64_t i = 0; i < n; i++, cz_walk_next(&w)) {
        int64_t from = 0;
        for (int d = 0; d < w.rank; d++)
            from += w.index[d] % in[0].dim[d] * stride[d];
        cz_copy_elements(&out[0], i, &in[0], from, 1);
    }
    return CZ_OK;
}

const struct cz_op cz_op_tile = {
    .name = "Tile",
    .opset_min = 6,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = tile_infer,
    .eval = tile_eval,
};
