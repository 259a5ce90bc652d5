/*
 * TopK: k as an attribute (ONNX opset 1) or as an input (10), the largest or smallest (11) elements along an
 * axis and their positions. Sorted always, which sorted=0 leaves free; of equal elements the lower position
 * comes first. NaN counts as larger than every number.
 *
 * Source: ONNX operator specification, TopK-1, TopK-11.
 */
#include "engine/ops/common.h"
#include "engine/ops/order.h"

#include <stdlib.h>

struct topk_attrs {
    int from_input, largest;
    int64_t axis, k;
};

static cz_status topk_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct topk_attrs *a = attrs;
    a->from_input = opset >= 10;
    if (!a->from_input && !cz_attr_find(list, "k"))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'k' is missing");
    CZ_TRY(cz_parse_int(list, "k", 0, 0, INT64_MAX, &a->k, err));
    CZ_TRY(cz_parse_flag(list, "largest", 1, &a->largest, err));
    return cz_parse_int(list, "axis", -1, -CZ_MAX_RANK, CZ_MAX_RANK - 1, &a->axis, err);
}

static cz_status resolve_k(const struct topk_attrs *a, const struct cz_op_input *in, int n_in, int64_t *k,
                           cz_error *err)
{
    int n;
    *k = a->k;
    if (!a->from_input)
        return CZ_OK;
    if (!cz_has_input(in, n_in, 1))
        CZ_FAIL(err, CZ_ERR_FORMAT, "input 'K' is missing");
    CZ_TRY(cz_known_ints(&in[1], "input 'K'", k, 1, &n, err));
    if (n != 1)
        CZ_FAIL(err, CZ_ERR_SHAPE, "input 'K' is empty; one number wanted");
    return CZ_OK;
}

static cz_status topk_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                            int n_out, cz_error *err)
{
    const struct topk_attrs *a = attrs;
    int64_t k;
    int axis;
    CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_NUMBER, err));
    CZ_TRY(cz_normalize_axis(a->axis, in[0].shape.rank, &axis, err));
    CZ_TRY(resolve_k(a, in, n_in, &k, err));
    if (k < 0 || k > in[0].shape.dim[axis])
        CZ_FAIL(err, CZ_ERR_SHAPE, "k is %lld; 0 to %lld wanted, the size of axis %d", (long long)k,
                (long long)in[0].shape.dim[axis], axis);
    out[0] = in[0].shape;
    out[0].dim[axis] = k;
    if (n_out > 1) {
        out[1] = out[0];
        out[1].dtype = CZ_I64;
    }
    return CZ_OK;
}

/* qsort hands its comparison elements only, so each carries what they are compared by. */
struct entry {
    const cz_tensor *x;
    int64_t at; /* grows with the position along the axis */
    int sign;
};

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = cz_element_order(a->x, a->at, b->at) * a->sign;
    return order ? -order : (a->at > b->at) - (a->at < b->at);
}

struct lane {
    int64_t first, n, stride, out_first, k;
};

static void sort_lane(const struct lane *l, const cz_tensor *x, int sign, struct entry *entries,
                      cz_tensor *out, int n_out)
{
    for (int64_t i = 0; i < l->n; i++)
        entries[i] = (struct entry){x, l->first + i * l->stride, sign};
    qsort(entries, (size_t)l->n, sizeof *entries, compare);
    for (int64_t i = 0; i < l->k; i++) {
        int64_t to = l->out_first + i * l->stride;
        cz_copy_elements(&out[0], to, x, entries[i].at, 1);
        if (n_out > 1)
            ((int64_t *)out[1].data)[to] = (entries[i].at - l->first) / l->stride;
    }
}

static cz_status topk_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                           cz_error *err)
{
    const struct topk_attrs *a = attrs;
    const cz_tensor *x = &in[0];
    int axis;
    (void)n_in;
    CZ_TRY(cz_normalize_axis(a->axis, x->rank, &axis, err));
    int64_t n = x->dim[axis], k = out[0].dim[axis], outer = cz_dim_product(x->dim, 0, axis);
    int64_t inner = cz_dim_product(x->dim, axis + 1, x->rank);
    struct entry *entries = calloc((size_t)n + 1, sizeof *entries);
    if (!entries)
        CZ_FAIL(err, CZ_ERR_MEMORY, "no memory to sort %lld elements", (long long)n);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            struct lane l = {o * n * inner + i, n, inner, o * k * inner + i, k};
            sort_lane(&l, x, a->largest ? 1 : -1, entries, out, n_out);
        }
    free(entries);
    return CZ_OK;
}

const struct cz_op cz_op_topk = {
    .name = "TopK",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 2,
    .attrs_size = sizeof(struct topk_attrs),
    .parse = topk_parse,
    .infer = topk_infer,
    .eval = topk_eval,
};
