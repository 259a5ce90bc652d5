/*
 * ReduceMean: axes as an attribute (ONNX opset 1, 11, 13) or as an input (18). No axes: all, unless
 * noop_with_empty_axes. Sums in double in row-major order; integer means truncate.
 *
 * Source: ONNX operator specification, ReduceMean-13, ReduceMean-18.
 */
#include "engine/ops/reduce.h"
#include "engine/ops/common.h"

#include <stdlib.h>
#include <string.h>

static cz_status reduce_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_reduce_attrs *a = attrs;
    CZ_TRY(cz_parse_flag(list, "keepdims", 1, &a->keepdims, err));
    CZ_TRY(cz_parse_flag(list, "noop_with_empty_axes", 0, &a->noop_with_empty_axes, err));
    return cz_axes_parse(list, opset >= 18, &a->axes, err);
}

cz_status cz_reduce_resolve(const struct cz_reduce_attrs *a, const struct cz_op_input *in, int n_in,
                            unsigned *set, cz_error *err)
{
    int given;
    CZ_TRY(cz_axes_resolve(&a->axes, in, n_in, in[0].shape.rank, set, &given, err));
    if (!given && !a->noop_with_empty_axes)
        *set = (1u << in[0].shape.rank) - 1;
    return CZ_OK;
}

static cz_status reduce_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    const struct cz_reduce_attrs *a = attrs;
    const struct cz_shape *x = &in[0].shape;
    unsigned set;
    (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT | CZ_SET_INDEX, err));
    CZ_TRY(cz_reduce_resolve(a, in, n_in, &set, err));
    out[0] = (struct cz_shape){x->dtype, 0, {0}};
    for (int i = 0; i < x->rank; i++)
        if (!(set >> i & 1) || a->keepdims)
            out[0].dim[out[0].rank++] = set >> i & 1 ? 1 : x->dim[i];
    return CZ_OK;
}

/* Strides of the output over the input's dimensions, 0 where reduced; returns the number of terms. */
static int64_t output_strides(const cz_tensor *x, unsigned set, int64_t *stride)
{
    int64_t step = 1, n_terms = 1;
    for (int i = x->rank - 1; i >= 0; i--) {
        int reduced = set >> i & 1;
        stride[i] = reduced ? 0 : step;
        step *= reduced ? 1 : x->dim[i];
        n_terms *= reduced ? x->dim[i] : 1;
    }
    return n_terms;
}

static void add_all(const cz_tensor *x, const int64_t *stride, double *sum)
{
    int64_t index[CZ_MAX_RANK] = {0}, n = cz_tensor_count(x), at = 0;
    for (int64_t i = 0; i < n; i++) {
        sum[at] += cz_tensor_double(x, i);
        for (int d = x->rank - 1; d >= 0; d--) {
            at += stride[d];
            if (++index[d] < x->dim[d])
                break;
            at -= stride[d] * index[d];
            index[d] = 0;
        }
    }
}

static cz_status reduce_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    struct cz_op_input known[2] = {0};
    int64_t stride[CZ_MAX_RANK], n = cz_tensor_count(&out[0]);
    unsigned set;
    (void)n_out;
    cz_known_inputs(in, n_in, known);
    CZ_TRY(cz_reduce_resolve(attrs, known, n_in, &set, err));
    double *sum = cz_scratch_doubles(n, err);
    if (!sum)
        return CZ_ERR_MEMORY;
    memset(sum, 0, sizeof *sum * (size_t)n);
    int64_t n_terms = output_strides(&in[0], set, stride);
    add_all(&in[0], stride, sum);
    for (int64_t i = 0; i < n; i++)
        cz_tensor_store(&out[0], i, sum[i] / (double)n_terms);
    free(sum);
    return CZ_OK;
}

const struct cz_op cz_op_reduce_mean = {
    .name = "ReduceMean",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_reduce_attrs),
    .parse = reduce_parse,
    .infer = reduce_infer,
    .eval = reduce_eval,
};
