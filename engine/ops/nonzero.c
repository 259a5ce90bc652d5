/*
 * NonZero (ONNX opset 9, 13): the positions of all elements that are not 0, a row per dimension. How many
 * there are decides the shape, so the input must be known before the run.
 *
 * Source: ONNX operator specification, NonZero-13.
 */
#include "engine/ops/common.h"
#include "engine/ops/walk.h"

static int64_t count_nonzero(const cz_tensor *x)
{
    int64_t n = cz_tensor_count(x), found = 0;
    for (int64_t i = 0; i < n; i++)
        found += cz_tensor_double(x, i) != 0;
    return found;
}

static cz_status nonzero_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                               struct cz_shape *out, int n_out, cz_error *err)
{
    (void)attrs, (void)n_in, (void)n_out;
    if (!in[0].constant.data)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "input is computed from data; it must be known before the run");
    out[0] = cz_shape_of(CZ_I64, 2, (int64_t)in[0].shape.rank, count_nonzero(&in[0].constant));
    return CZ_OK;
}

static cz_status nonzero_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                              cz_error *err)
{
    struct cz_walk w = cz_walk_over(in[0].dim, in[0].rank, 0);
    int64_t n = cz_tensor_count(&in[0]), columns = out[0].dim[1], *result = out[0].data, found = 0;
    (void)attrs, (void)n_in, (void)n_out, (void)err;
    for (int64_t i = 0; i < n; i++, cz_walk_next(&w)) {
        if (cz_tensor_double(&in[0], i) == 0)
            continue;
        for (int d = 0; d < w.rank; d++)
            result[d * columns + found] = w.index[d];
        found++;
    }
    return CZ_OK;
}

const struct cz_op cz_op_nonzero = {
    .name = "NonZero",
    .opset_min = 9,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .infer = nonzero_infer,
    .eval = nonzero_eval,
};
