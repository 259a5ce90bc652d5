/*
 * Pad: pads as an attribute (ONNX opset 1 as `paddings`, 2) or as an input (11, 13), for chosen axes (18),
 * with the modes constant, reflect, edge and wrap (19). Negative pads cut; the other modes then continue what
 * is left. Reflection that runs further than the input turns round again, as numpy's does.
 *
 * Source: ONNX operator specification, Pad-1 to Pad-21.
 */
#include "engine/ops/pad.h"
#include "engine/ops/common.h"
#include "engine/ops/strided.h"

#include <stdlib.h>
#include <string.h>

static cz_status parse_mode(const struct cz_attr_list *list, int opset, enum cz_pad_mode *mode, cz_error *err)
{
    static const char *const names[] = {[CZ_PAD_CONSTANT] = "constant",
                                        [CZ_PAD_REFLECT] = "reflect",
                                        [CZ_PAD_EDGE] = "edge",
                                        [CZ_PAD_WRAP] = "wrap"};
    const char *text = cz_attr_string(list, "mode", "constant");
    int n = opset < 19 ? CZ_PAD_WRAP : CZ_PAD_WRAP + 1;
    for (int i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0) {
            *mode = (enum cz_pad_mode)i;
            return CZ_OK;
        }
    CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'mode' is '%s'; constant, reflect, edge%s wanted", text,
            n > CZ_PAD_WRAP ? " or wrap" : "");
}

static cz_status pad_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct cz_pad_attrs *a = attrs;
    const char *name = opset < 2 ? "paddings" : "pads";
    a->from_inputs = opset >= 11;
    a->value = cz_attr_float(list, "value", 0);
    CZ_TRY(parse_mode(list, opset, &a->mode, err));
    if (!a->from_inputs && !cz_attr_find(list, name))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute '%s' is missing", name);
    return cz_parse_ints(list, name, INT32_MIN, INT32_MAX, a->pads, 2 * CZ_MAX_RANK, &a->n_pads, err);
}

/* The axes that the pads are for: all, or those of input 3. */
static cz_status pad_axes(const struct cz_op_input *in, int n_in, int rank, int *axis, int *n, cz_error *err)
{
    int64_t list[CZ_MAX_RANK];
    unsigned seen = 0;
    *n = rank;
    for (int i = 0; i < rank; i++)
        list[i] = i;
    if (cz_has_input(in, n_in, 3))
        CZ_TRY(cz_known_ints(&in[3], "input 'axes'", list, CZ_MAX_RANK, n, err));
    for (int i = 0; i < *n; i++) {
        CZ_TRY(cz_normalize_axis(list[i], rank, &axis[i], err));
        if (seen & 1u << axis[i])
            CZ_FAIL(err, CZ_ERR_SHAPE, "axis %d is given twice", axis[i]);
        seen |= 1u << axis[i];
    }
    return CZ_OK;
}

static cz_status check_axis(const struct cz_pad_attrs *a, const struct cz_shape *x, int axis, int64_t begin,
                            int64_t end, cz_error *err)
{
    char text[CZ_SHAPE_TEXT];
    int64_t size = x->dim[axis], kept = size + (begin < 0 ? begin : 0) + (end < 0 ? end : 0);
    int in_range = begin >= INT32_MIN && begin <= INT32_MAX && end >= INT32_MIN && end <= INT32_MAX;
    if (!in_range || kept < 0 || (kept == 0 && a->mode != CZ_PAD_CONSTANT && (begin > 0 || end > 0)))
        CZ_FAIL(err, CZ_ERR_SHAPE, "pads %lld and %lld of dimension %d; more elements wanted in input %s",
                (long long)begin, (long long)end, axis, cz_shape_text(x, text, sizeof text));
    return CZ_OK;
}

cz_status cz_pad_resolve(const struct cz_pad_attrs *a, const struct cz_op_input *in, int n_in,
                         struct cz_pads *out, cz_error *err)
{
    int64_t pads[2 * CZ_MAX_RANK];
    int axis[CZ_MAX_RANK], n_axes, n_pads = a->n_pads;
    memcpy(pads, a->pads, sizeof pads);
    memset(out, 0, sizeof *out);
    if (a->from_inputs) {
        if (!cz_has_input(in, n_in, 1))
            CZ_FAIL(err, CZ_ERR_FORMAT, "input 'pads' is missing");
        CZ_TRY(cz_known_ints(&in[1], "input 'pads'", pads, 2 * CZ_MAX_RANK, &n_pads, err));
    }
    CZ_TRY(pad_axes(in, n_in, in[0].shape.rank, axis, &n_axes, err));
    if (n_pads != 2 * n_axes)
        CZ_FAIL(err, CZ_ERR_SHAPE, "%d pads; %d wanted for %d dimensions", n_pads, 2 * n_axes, n_axes);
    for (int i = 0; i < n_axes; i++) {
        CZ_TRY(check_axis(a, &in[0].shape, axis[i], pads[i], pads[n_axes + i], err));
        out->begin[axis[i]] = pads[i];
        out->end[axis[i]] = pads[n_axes + i];
    }
    return CZ_OK;
}

static cz_status pad_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                           int n_out, cz_error *err)
{
    const struct cz_pad_attrs *a = attrs;
    struct cz_pads pads;
    (void)n_out;
    if (!a->from_inputs)
        CZ_TRY(cz_check_dtype(&in[0], "input", CZ_SET_FLOAT, err));
    if (cz_has_input(in, n_in, 2)) {
        CZ_TRY(cz_check_same_dtype(&in[2], "constant_value", in[0].shape.dtype, err));
        if (cz_shape_count(&in[2].shape) != 1)
            CZ_FAIL(err, CZ_ERR_SHAPE, "constant_value has %lld elements; 1 wanted",
                    (long long)cz_shape_count(&in[2].shape));
    }
    CZ_TRY(cz_pad_resolve(a, in, n_in, &pads, err));
    out[0] = in[0].shape;
    for (int i = 0; i < out[0].rank; i++)
        out[0].dim[i] += pads.begin[i] + pads.end[i];
    return CZ_OK;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static int64_t modulo(int64_t v, int64_t n)
{
    int64_t r = v % n;
    return r < 0 ? r + n : r;
}

/* The input element that output element o of one dimension shows; kept elements are [low, high). */
static int64_t source_of(enum cz_pad_mode mode, int64_t o, int64_t begin, int64_t low, int64_t high)
{
    int64_t at = o - begin, n = high - low;
    if (mode == CZ_PAD_EDGE)
        return clamp(at, low, high - 1);
    if (mode == CZ_PAD_WRAP)
        return low + modulo(at - low, n);
    if (n == 1)
        return low;
    int64_t turn = modulo(at - low, 2 * (n - 1));
    return low + (turn < n ? turn : 2 * (n - 1) - turn);
}

/* What is kept of the input, as a block of the output. */
static void copy_kept(const struct cz_pads *p, const cz_tensor *x, cz_tensor *out)
{
    struct cz_strided s = {.rank = x->rank};
    cz_strides_of(x->dim, x->rank, s.src_stride);
    cz_strides_of(out->dim, out->rank, s.dst_stride);
    for (int i = 0; i < x->rank; i++) {
        int64_t low = p->begin[i] < 0 ? -p->begin[i] : 0, end = p->end[i] < 0 ? -p->end[i] : 0;
        s.dim[i] = x->dim[i] - low - end;
        s.src_first += low * s.src_stride[i];
        s.dst_first += (p->begin[i] > 0 ? p->begin[i] : 0) * s.dst_stride[i];
    }
    cz_strided_copy(&s, x, out);
}

/* Offsets in the input of every output index, dimension after dimension. */
static void fill_map(enum cz_pad_mode mode, const struct cz_pads *p, const cz_tensor *x, const cz_tensor *out,
                     int64_t *map)
{
    int64_t stride[CZ_MAX_RANK];
    cz_strides_of(x->dim, x->rank, stride);
    for (int d = 0; d < x->rank; d++) {
        int64_t low = p->begin[d] < 0 ? -p->begin[d] : 0;
        int64_t high = x->dim[d] + (p->end[d] < 0 ? p->end[d] : 0);
        for (int64_t o = 0; o < out->dim[d]; o++)
            *map++ = source_of(mode, o, p->begin[d], low, high) * stride[d];
    }
}

static void copy_mapped(const int64_t *map, const cz_tensor *x, cz_tensor *out)
{
    int64_t index[CZ_MAX_RANK] = {0}, n = cz_tensor_count(out);
    for (int64_t i = 0; i < n; i++) {
        const int64_t *row = map;
        int64_t from = 0;
        for (int d = 0; d < out->rank; row += out->dim[d++])
            from += row[index[d]];
        cz_copy_elements(out, i, x, from, 1);
        for (int d = out->rank - 1; d >= 0 && ++index[d] == out->dim[d]; d--)
            index[d] = 0;
    }
}

static cz_status pad_mapped(enum cz_pad_mode mode, const struct cz_pads *p, const cz_tensor *x,
                            cz_tensor *out, cz_error *err)
{
    size_t n = 1;
    for (int d = 0; d < out->rank; d++)
        n += (size_t)out->dim[d];
    int64_t *map = calloc(n, sizeof *map);
    if (!map)
        CZ_FAIL(err, CZ_ERR_MEMORY, "no memory for %zu indices", n);
    if (cz_tensor_count(out) > 0) { /* else a dimension may have nothing to show */
        fill_map(mode, p, x, out, map);
        copy_mapped(map, x, out);
    }
    free(map);
    return CZ_OK;
}

static cz_status pad_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                          cz_error *err)
{
    const struct cz_pad_attrs *a = attrs;
    struct cz_op_input known[4] = {0};
    struct cz_pads pads;
    (void)n_out;
    cz_known_inputs(in, n_in, known);
    CZ_TRY(cz_pad_resolve(a, known, n_in, &pads, err));
    if (a->mode != CZ_PAD_CONSTANT)
        return pad_mapped(a->mode, &pads, &in[0], &out[0], err);
    double element; /* room for one element of any dtype */
    cz_tensor value = {&element, out[0].dtype, 0, {0}};
    cz_tensor_store(&value, 0, (double)a->value);
    cz_fill_elements(&out[0], cz_has_tensor(in, n_in, 2) ? in[2].data : value.data);
    copy_kept(&pads, &in[0], &out[0]);
    return CZ_OK;
}

const struct cz_op cz_op_pad_1 = {
    .name = "Pad",
    .opset_min = 1,
    .opset_max = 10,
    .n_in_min = 1,
    .n_in_max = 1,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_pad_attrs),
    .parse = pad_parse,
    .infer = pad_infer,
    .eval = pad_eval,
};

const struct cz_op cz_op_pad_11 = {
    .name = "Pad",
    .opset_min = 11,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 4,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_pad_attrs),
    .parse = pad_parse,
    .infer = pad_infer,
    .eval = pad_eval,
};
