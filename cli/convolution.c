#include "cli/convolution.h"
#include "cli/options.h"
#include "data/image.h"
#include "engine/graph.h"

#include <stdlib.h>
#include <string.h>

enum { OPSET = 17 };

cz_status cz_convolution_normalize(struct cz_convolution *f, enum cz_normalize how, cz_error *err)
{
    const int n = f->kernel.rows * f->kernel.cols;
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)f->kernel.values[i];
    f->divisor = how == CZ_NORMALIZE_K2 ? (float)n : how == CZ_NORMALIZE_SUM ? (float)sum : 1.0f;
    if (f->divisor == 0)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "--normalize sum: the kernel's numbers add up to 0; give none or k2");
    return CZ_OK;
}

static int span(const struct cz_convolution *f, int axis)
{
    return f->dilation * ((axis == 0 ? f->kernel.rows : f->kernel.cols) - 1) + 1;
}

static cz_status check_pad(const struct cz_convolution *f, const int in[2], cz_error *err)
{
    for (int a = 0; a < 2; a++) {
        int most = f->before[a] > f->after[a] ? f->before[a] : f->after[a];
        if (f->pad_mode == CZ_PAD_REFLECT && most >= in[a])
            CZ_FAIL(err, CZ_ERR_ARGUMENT,
                    "--pad-mode reflect: %d pixels of padding need a side of at least %d, found %d; give "
                    "--pad-mode edge",
                    most, most + 1, in[a]);
    }
    int64_t pixels =
        ((int64_t)in[0] + f->before[0] + f->after[0]) * ((int64_t)in[1] + f->before[1] + f->after[1]);
    if (pixels > CZ_IMAGE_MAX_PIXELS)
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "--padding: the padded input would have %jd pixels, the limit is %d; give less",
                (intmax_t)pixels, (int)CZ_IMAGE_MAX_PIXELS);
    return CZ_OK;
}

cz_status cz_convolution_pad(struct cz_convolution *f, const char *padding, const int in[2], cz_error *err)
{
    int64_t n = 0;
    int same = strcmp(padding, "same") == 0;
    if (!same && strcmp(padding, "valid") != 0 && cz_parse_count(padding, 0, CZ_PAD_MAX, &n))
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "--padding %s: not valid, same, or a whole number from 0 to %d; try --padding same", padding,
                (int)CZ_PAD_MAX);
    for (int a = 0; a < 2; a++) {
        int covered = (in[a] + f->stride - 1) / f->stride * f->stride - f->stride + span(f, a);
        int total = same ? (covered > in[a] ? covered - in[a] : 0) : 2 * (int)n;
        f->before[a] = total / 2;
        f->after[a] = total - total / 2;
    }
    return check_pad(f, in, err);
}

cz_status cz_convolution_output(const struct cz_convolution *f, const int in[2], int out[2], cz_error *err)
{
    for (int a = 0; a < 2; a++) {
        int padded = in[a] + f->before[a] + f->after[a];
        if (padded < span(f, a))
            CZ_FAIL(err, CZ_ERR_SHAPE,
                    "%s of %d pixels (with padding) is less than the kernel's %d; give --padding same",
                    a == 0 ? "height" : "width", padded, span(f, a));
        out[a] = (padded - span(f, a)) / f->stride + 1;
    }
    return CZ_OK;
}

/* Zero padding is Conv's own; the other modes are a Pad in front of it. */
static cz_status add_pad(struct cz_graph *g, const struct cz_convolution *f, int *value, cz_error *err)
{
    static const char *const modes[] = {[CZ_PAD_EDGE] = "edge", [CZ_PAD_REFLECT] = "reflect"};
    if (f->pad_mode == CZ_PAD_ZERO)
        return CZ_OK;
    int64_t pads[8] = {0, 0, f->before[0], f->before[1], 0, 0, f->after[0], f->after[1]};
    struct cz_shape shape = cz_shape_of(CZ_I64, 1, (int64_t)8);
    cz_tensor constant = cz_tensor_view(pads, &shape);
    struct cz_attr_list attrs = {0};
    int in[2] = {*value, -1};
    const char *name = "padded";
    if (cz_attrs_add_string(g->arena, &attrs, "mode", modes[f->pad_mode]))
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory");
    CZ_TRY(cz_graph_add_constant(g, "pads", &constant, &in[1], err));
    return cz_graph_add_node(g, "Pad", "pad", &attrs, in, 2, &name, 1, value, err);
}

static cz_status add_conv(struct cz_graph *g, const struct cz_convolution *f, int *value, cz_error *err)
{
    const int own = f->pad_mode == CZ_PAD_ZERO;
    const int64_t pads[4] = {own ? f->before[0] : 0, own ? f->before[1] : 0, own ? f->after[0] : 0,
                             own ? f->after[1] : 0};
    const int64_t strides[2] = {f->stride, f->stride}, dilations[2] = {f->dilation, f->dilation};
    struct cz_shape shape =
        cz_shape_of(CZ_F32, 4, (int64_t)1, (int64_t)1, (int64_t)f->kernel.rows, (int64_t)f->kernel.cols);
    struct cz_attr_list attrs = {0};
    int in[2] = {*value, -1};
    const char *name = "sums";
    if (cz_attrs_add_ints(g->arena, &attrs, "pads", pads, 4) ||
        cz_attrs_add_ints(g->arena, &attrs, "strides", strides, 2) ||
        cz_attrs_add_ints(g->arena, &attrs, "dilations", dilations, 2))
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory");
    CZ_TRY(cz_graph_add_param(g, "kernel", CZ_WEIGHT, &shape, f->kernel.values, &in[1], err));
    return cz_graph_add_node(g, "Conv", "conv", &attrs, in, 2, &name, 1, value, err);
}

static cz_status add_division(struct cz_graph *g, const struct cz_convolution *f, int *value, cz_error *err)
{
    float divisor = f->divisor;
    if (divisor == 1)
        return CZ_OK;
    struct cz_shape shape = cz_shape_of(CZ_F32, 0);
    cz_tensor constant = cz_tensor_view(&divisor, &shape);
    struct cz_attr_list attrs = {0};
    int in[2] = {*value, -1};
    const char *name = "quotients";
    CZ_TRY(cz_graph_add_constant(g, "divisor", &constant, &in[1], err));
    return cz_graph_add_node(g, "Div", "divide", &attrs, in, 2, &name, 1, value, err);
}

/* Channels are the batch: each is a picture of one channel. */
static cz_status build(struct cz_graph *g, const struct cz_convolution *f, const struct cz_shape *in,
                       cz_error *err)
{
    int value;
    CZ_TRY(cz_graph_add_input(g, "picture", in, &value, err));
    CZ_TRY(add_pad(g, f, &value, err));
    CZ_TRY(add_conv(g, f, &value, err));
    CZ_TRY(add_division(g, f, &value, err));
    return cz_graph_add_output(g, value, err);
}

static cz_status plan_and_run(cz_runtime *runtime, struct cz_graph *g, const cz_tensor *in, cz_tensor *out,
                              cz_error *err)
{
    /* Unfused: the division stays one rounding of exact sums instead of entering the kernel. */
    const cz_plan_options options = {.struct_size = sizeof options, .batch = in->dim[0], .no_fuse = 1};
    cz_plan *plan = NULL;
    cz_session *session = NULL;
    cz_status status = cz_plan_create(runtime, g, &options, &plan, err);
    if (status == CZ_OK)
        status = cz_session_create(plan, &session, err);
    if (status == CZ_OK)
        status = cz_session_run(session, in, 1, out, 1, err);
    cz_session_destroy(session);
    cz_plan_destroy(plan);
    return status;
}

cz_status cz_convolution_run(cz_runtime *runtime, const struct cz_convolution *f, const float *planes, int c,
                             const int in[2], float *result, cz_error *err)
{
    int out_size[2];
    struct cz_graph *g;
    struct cz_shape shape = cz_shape_of(CZ_F32, 4, (int64_t)c, (int64_t)1, (int64_t)in[0], (int64_t)in[1]);
    CZ_TRY(cz_convolution_output(f, in, out_size, err));
    CZ_TRY(cz_graph_create(OPSET, &g, err));
    cz_tensor input = cz_tensor_view((void *)planes, &shape), output = {.data = result};
    cz_status status = build(g, f, &shape, err);
    if (status == CZ_OK)
        status = plan_and_run(runtime, g, &input, &output, err);
    cz_graph_release(g);
    return status;
}
