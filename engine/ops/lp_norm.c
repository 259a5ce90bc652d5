/*
 * LpNormalization (ONNX opset 1): every vector along an axis divided by its 1- or 2-norm; one of zeros stays.
 * MeanVarianceNormalization (9, 13): mean 0 and deviation 1 over the given axes, all but C by default; the
 * deviation is the root of the variance, plus 1e-9.
 *
 * Source: ONNX operator specification, LpNormalization-1, MeanVarianceNormalization-13 (its function body).
 */
#include "engine/ops/common.h"
#include "engine/ops/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct lp_attrs {
    int64_t axis, p;
};

static cz_status lp_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct lp_attrs *a = attrs;
    (void)opset;
    CZ_TRY(cz_parse_int(list, "p", 2, 1, 2, &a->p, err));
    return cz_parse_int(list, "axis", -1, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err);
}

static cz_status lp_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                          int n_out, cz_error *err)
{
    const struct lp_attrs *a = attrs;
    int axis;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(cz_normalize_axis(a->axis, in[0].shape.rank, &axis, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static double norm_of(const cz_tensor *x, int64_t first, int64_t n, int64_t stride, int64_t p)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = cz_tensor_double(x, first + i * stride);
        sum += p == 1 ? fabs(v) : v * v;
    }
    return p == 1 ? sum : sqrt(sum);
}

static cz_status lp_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                         cz_error *err)
{
    const struct lp_attrs *a = attrs;
    const cz_tensor *x = &in[0];
    int axis;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    int64_t outer = cz_dim_product(x->dim, 0, axis), n = x->dim[axis];
    int64_t inner = cz_dim_product(x->dim, axis + 1, x->rank);
    for (int64_t v = 0; v < outer * inner; v++) {
        int64_t first = v / inner * n * inner + v % inner;
        double norm = norm_of(x, first, n, inner, a->p);
        for (int64_t i = first; i < first + n * inner; i += inner)
            cz_tensor_store(&out[0], i, norm != 0 ? cz_tensor_double(x, i) / norm : 0);
    }
    return CZ_OK;
}

const struct cz_op cz_op_lp_norm = {
    .name = "LpNormalization",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct lp_attrs),
    .parse = lp_parse,
    .infer = lp_infer,
    .eval = lp_eval,
};

struct mvn_attrs {
    int n;
    int64_t axes[CZ_MAX_RANK];
};

static cz_status mvn_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct mvn_attrs *a = attrs;
    (void)opset;
    CZ_TRY(cz_parse_ints(list, "axes", -CZ_MAX_RANK, CZ_MAX_RANK - 1, a->axes, CZ_MAX_RANK, &a->n, err));
    if (!cz_attr_find(list, "axes"))
        *a = (struct mvn_attrs){3, {0, 2, 3}};
    return CZ_OK;
}

/* Over the input, with the places of the averages; their number is returned. */
static cz_status mvn_walk(const struct mvn_attrs *a, const int64_t *dim, int rank, struct cz_walk *w,
                          int64_t *n_averages, cz_error *err)
{
    unsigned set = 0;
    for (int i = 0; i < a->n; i++) {
        int axis;
        CZ_TRY(cz_normalize_axis(a->axes[i], rank, &axis, err));
        set |= 1u << axis;
    }
    *w = cz_walk_over(dim, rank, 1);
    *n_averages = 1;
    for (int i = rank - 1; i >= 0; i--) {
        w->stride[0][i] = set >> i & 1 ? 0 : *n_averages;
        *n_averages *= set >> i & 1 ? 1 : dim[i];
    }
    return CZ_OK;
}

static cz_status mvn_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                           int n_out, cz_error *err)
{
    struct cz_walk w;
    int64_t n;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    CZ_TRY(mvn_walk(attrs, in[0].shape.dim, in[0].shape.rank, &w, &n, err));
    return cz_infer_same(attrs, in, n_in, out, n_out, err);
}

static void mvn(const cz_tensor *x, const struct cz_walk *start, int64_t n_averages, double *mean,
                cz_tensor *out)
{
    int64_t n = cz_tensor_count(x), n_terms = n_averages ? n / n_averages : 0;
    double *variance = mean + n_averages;
    struct cz_walk w = *start;
    memset(mean, 0, sizeof *mean * (size_t)(2 * n_averages));
    for (int64_t i = 0; i < n; i++, cz_walk_next(&w))
        mean[w.at[0]] += cz_tensor_double(x, i) / (double)n_terms;
    w = *start;
    for (int64_t i = 0; i < n; i++, cz_walk_next(&w)) {
        double d = cz_tensor_double(x, i) - mean[w.at[0]];
        variance[w.at[0]] += d * d / (double)n_terms;
    }
    w = *start;
    for (int64_t i = 0; i < n; i++, cz_walk_next(&w)) {
        double d = cz_tensor_double(x, i) - mean[w.at[0]];
        cz_tensor_store(out, i, d / (sqrt(variance[w.at[0]]) + 1e-9));
    }
}

static cz_status mvn_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                          cz_error *err)
{
    struct cz_walk w;
    int64_t n;
    (void)n_in, (void)n_out;
    CZ_TRY(mvn_walk(attrs, in[0].dim, in[0].rank, &w, &n, err));
    double *mean = cz_scratch_doubles(2 * n, err);
    if (!mean)
        return CZ_ERR_MEMORY;
    mvn(&in[0], &w, n, mean, &out[0]);
    free(mean);
    return CZ_OK;
}

const struct cz_op cz_op_mean_variance_norm = {
    .name = "MeanVarianceNormalization",
    .opset_min = 9,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct mvn_attrs),
    .parse = mvn_parse,
    .infer = mvn_infer,
    .eval = mvn_eval,
};
