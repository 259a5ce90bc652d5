/*
 * DepthToSpace (ONNX opset 1, 11, 13) and SpaceToDepth (1, 13): blocks of b x b pixels against b*b channels.
 * Both are one strided copy over [N][..][b][..][b][..] in which only the source's channel order differs.
 *
 * Source: ONNX operator specification, DepthToSpace-13, SpaceToDepth-13.
 */
#include "engine/ops/common.h"
#include "engine/ops/strided.h"

#include <string.h>

struct block_attrs {
    int64_t size;
    int column_row; /* CRD: a channel's b*b values are neighbours; else the channels are */
};

static cz_status block_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct block_attrs *a = attrs;
    const char *mode = cz_attr_string(list, "mode", "DCR");
    (void)opset;
    if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'mode' is '%s'; DCR or CRD wanted", mode);
    a->column_row = mode[0] == 'C';
    if (!cz_attr_find(list, "blocksize"))
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'blocksize' is missing");
    return cz_parse_int(list, "blocksize", 0, 1, 1 << 15, &a->size, err);
}

static cz_status depth_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    const struct block_attrs *a = attrs;
    int64_t b = a->size;
    CZ_TRY(cz_check_rank(&in[0], "input", 4, 4, err));
    CZ_TRY(cz_infer_same(attrs, in, n_in, out, n_out, err));
    if (out[0].dim[1] % (b * b))
        CZ_FAIL(err, CZ_ERR_SHAPE, "input has %lld channels; a multiple of %lld wanted",
                (long long)out[0].dim[1], (long long)(b * b));
    out[0].dim[1] /= b * b;
    for (int i = 2; i < 4; i++)
        if (__builtin_mul_overflow(out[0].dim[i], b, &out[0].dim[i]))
            CZ_FAIL(err, CZ_ERR_SHAPE, "blocksize %lld is too large for this input", (long long)b);
    return CZ_OK;
}

static cz_status depth_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                            cz_error *err)
{
    const struct block_attrs *a = attrs;
    int64_t b = a->size, h = in[0].dim[2], w = in[0].dim[3], c = out[0].dim[1], plane = h * w;
    int64_t channel = a->column_row ? b * b : 1, block = a->column_row ? 1 : c; /* in planes */
    struct cz_strided s = {
        .rank = 6,
        .dim = {in[0].dim[0], c, h, b, w, b},
        .src_stride = {c * b * b * plane, channel * plane, w, b * block * plane, 1, block * plane},
    };
    (void)n_in, (void)n_out, (void)err;
    cz_strides_of(s.dim, s.rank, s.dst_stride);
    cz_strided_copy(&s, &in[0], &out[0]);
    return CZ_OK;
}

static cz_status space_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                             int n_out, cz_error *err)
{
    const struct block_attrs *a = attrs;
    int64_t b = a->size;
    CZ_TRY(cz_check_rank(&in[0], "input", 4, 4, err));
    CZ_TRY(cz_infer_same(attrs, in, n_in, out, n_out, err));
    if (out[0].dim[2] % b || out[0].dim[3] % b)
        CZ_FAIL(err, CZ_ERR_SHAPE, "input is %lldx%lld; multiples of %lld wanted", (long long)out[0].dim[2],
                (long long)out[0].dim[3], (long long)b);
    if (__builtin_mul_overflow(out[0].dim[1], b * b, &out[0].dim[1]))
        CZ_FAIL(err, CZ_ERR_SHAPE, "blocksize %lld is too large for this input", (long long)b);
    out[0].dim[2] /= b;
    out[0].dim[3] /= b;
    return CZ_OK;
}

static cz_status space_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                            cz_error *err)
{
    const struct block_attrs *a = attrs;
    int64_t b = a->size, h = out[0].dim[2], w = out[0].dim[3], c = in[0].dim[1], in_w = in[0].dim[3];
    struct cz_strided s = {
        .rank = 6,
        .dim = {in[0].dim[0], b, b, c, h, w},
        .src_stride = {c * b * h * in_w, in_w, 1, b * h * in_w, b * in_w, b},
    };
    (void)n_in, (void)n_out, (void)err;
    cz_strides_of(s.dim, s.rank, s.dst_stride);
    cz_strided_copy(&s, &in[0], &out[0]);
    return CZ_OK;
}

#define BLOCKS(symbol, onnx_name, kind)                                                                      \
    const struct cz_op cz_op_##symbol = {                                                                    \
        .name = onnx_name,                                                                                   \
        .opset_min = 1,                                                                                      \
        .opset_max = CZ_OPSET_NEWEST,                                                                        \
        .n_in_min = 1,                                                                                       \
        .n_in_max = 1,                                                                                       \
        .n_out_min = 1,                                                                                      \
        .n_out_max = 1,                                                                                      \
        .attrs_size = sizeof(struct block_attrs),                                                            \
        .parse = block_parse,                                                                                \
        .infer = kind##_infer,                                                                               \
        .eval = kind##_eval,                                                                                 \
    };

BLOCKS(depth_to_space, "DepthToSpace", depth)
BLOCKS(space_to_depth, "SpaceToDepth", space)
