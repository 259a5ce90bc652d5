/*
 * BatchNormalization (ONNX opset 1, 6, 7, 9, 14, 15), inference form.
 *
 * The training form is told by `is_test` 0 before opset 7, by further outputs before 14, and by
 * `training_mode` from 14 on; it is refused by name, because its answer depends on the batch.
 *
 * Source: ONNX operator specification, BatchNormalization-1 to -15.
 */
#include "engine/ops/batchnorm.h"
#include "engine/ops/common.h"
#include "engine/ops/plans.h"

#include <math.h>

static cz_status refuse_training(const char *sign, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
            "%s is the training form of BatchNormalization; export the model in inference (eval) mode", sign);
}

static cz_status batchnorm_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_batchnorm_attrs *a = attrs;
    int is_test, training;
    a->epsilon = cz_attr_float(list, "epsilon", 1e-5f);
    a->momentum = cz_attr_float(list, "momentum", 0.9f);
    CZ_TRY(cz_parse_flag(list, "spatial", 1, &a->spatial, err));
    CZ_TRY(cz_parse_flag(list, "is_test", opset >= 7, &is_test, err));
    CZ_TRY(cz_parse_flag(list, "training_mode", 0, &training, err));
    if (!is_test)
        return refuse_training("is_test=0", err);
    if (training)
        return refuse_training("training_mode=1", err);
    return CZ_OK;
}

static cz_status batchnorm_infer(const void *attrs, const struct cz_op_input *in, int n_in,
                                 struct cz_shape *out, int n_out, cz_error *err)
{
    static const char *const names[] = {"input", "scale", "shift", "mean", "variance"};
    const struct cz_batchnorm_attrs *a = attrs;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_check_rank(&in[0], "input", 1, CZ_MAX_RANK, err));
    if (n_out > 1)
        return refuse_training("an output of statistics", err);
    if (!a->spatial && in[0].shape.rank > 2)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "spatial=0 (statistics per pixel) with an input of rank %d; rank 2 wanted", in[0].shape.rank);
    int64_t channels = in[0].shape.rank > 1 ? in[0].shape.dim[1] : 1;
    for (int i = 1; i < n_in; i++) {
        CZ_TRY(cz_check_dtype(&in[i], names[i], CZ_SET_FLOAT, err));
        CZ_TRY(cz_check_vector(&in[i], names[i], channels, in[i].shape.dtype, err));
    }
    out[0] = in[0].shape;
    return CZ_OK;
}

static cz_status batchnorm_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                                cz_error *err)
{
    const struct cz_batchnorm_attrs *a = attrs;
    int64_t channels = in[0].rank > 1 ? in[0].dim[1] : 1;
    int64_t n = cz_dim_product(in[0].dim, 2, in[0].rank), n_planes = in[0].dim[0] * channels;
    (void)n_in, (void)n_out, (void)err;
    for (int64_t i = 0; i < n_planes; i++) {
        int64_t c = i % channels;
        double mean = cz_tensor_double(&in[3], c), shift = cz_tensor_double(&in[2], c);
        double gain = cz_tensor_double(&in[1], c) / sqrt(cz_tensor_double(&in[4], c) + (double)a->epsilon);
        for (int64_t j = i * n; j < (i + 1) * n; j++)
            cz_tensor_store(&out[0], j, (cz_tensor_double(&in[0], j) - mean) * gain + shift);
    }
    return CZ_OK;
}

const struct cz_op cz_op_batchnorm = {
    .name = "BatchNormalization",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 5,
    .n_in_max = 5,
    .n_out_min = 1,
    .n_out_max = 5,
    .attrs_size = sizeof(struct cz_batchnorm_attrs),
    .parse = batchnorm_parse,
    .infer = batchnorm_infer,
    .eval = batchnorm_eval,
    .plan = cz_batchnorm_plan,
};
