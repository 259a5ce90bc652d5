/*
 * Random forms of the windowed operators and of Gemm against formulas written down here without any of the
 * operators' helpers: every output asks for each input element whether it belongs to it.
 */
#include "text.h"

#include "base/memory.h"
#include "base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_FORMS = 300 };

/* -- random forms -----------------------------------------------------------------------------------------
 */

struct random {
    uint64_t form;
    uint32_t draw;
};

static uint32_t next(struct random *r)
{
    uint32_t out[4];
    cz_random4(0x5eed, CZ_STREAM_FOLDS, 0, r->form, r->draw++, out);
    return out[0];
}

static int64_t between(struct random *r, int64_t low, int64_t high)
{
    return low + next(r) % (uint32_t)(high - low + 1);
}

static void fill(struct random *r, cz_tensor *t)
{
    struct cz_shape s = cz_tensor_shape(t);
    for (int64_t i = 0; i < cz_shape_count(&s); i++)
        ((float *)t->data)[i] = cz_unit_float(next(r)) - 0.5f;
}

static cz_tensor tensor(struct cz_arena *arena, struct random *r, struct cz_shape shape)
{
    cz_tensor t = cz_tensor_view(cz_arena_alloc(arena, cz_shape_bytes(&shape) + 1), &shape);
    assert_non_null(t.data);
    fill(r, &t);
    return t;
}

static float at(const cz_tensor *t, int64_t n, int64_t c, int64_t y, int64_t x)
{
    return ((const float *)t->data)[((n * t->dim[1] + c) * t->dim[2] + y) * t->dim[3] + x];
}

/* Height and width: kernel, stride, dilation, pads, and the output size. */
struct form {
    int64_t kernel[2], stride[2], dilation[2], pads[4], in[2], out[2];
    int ceil_mode, include_pad;
};

/* The window starts inside the input or its left padding, and (but for ceil_mode) ends inside the padding. */
static int64_t output_size(const struct form *f, int d)
{
    int64_t span = (f->kernel[d] - 1) * f->dilation[d], n = 0;
    int64_t limit = f->in[d] + f->pads[d] + f->pads[2 + d];
    for (int64_t start = 0;; start += f->stride[d], n++) {
        int fits = start + span < limit;
        int overhangs = f->ceil_mode && start < f->in[d] + f->pads[d] && n > 0 &&
                        start - f->stride[d] + span < limit - 1; /* the one before left elements over */
        if (!fits && !overhangs)
            return n;
    }
}

static struct form random_form(struct random *r, int pool)
{
    struct form f = {.ceil_mode = pool && next(r) % 2, .include_pad = next(r) % 2};
    for (int d = 0; d < 2; d++) {
        f.kernel[d] = between(r, 1, 4);
        f.stride[d] = between(r, 1, 3);
        f.dilation[d] = between(r, 1, 2);
        f.pads[d] = between(r, 0, f.kernel[d] - 1);
        f.pads[2 + d] = between(r, 0, f.kernel[d] - 1);
        f.in[d] = (f.kernel[d] - 1) * f.dilation[d] + between(r, 1, 9);
    }
    for (int d = 0; d < 2; d++)
        f.out[d] = output_size(&f, d);
    return f;
}

static struct cz_attr_list attributes(struct cz_arena *arena, const struct form *f, int pool)
{
    struct cz_attr_list a = {0};
    int failed = cz_attrs_add_ints(arena, &a, "kernel_shape", f->kernel, 2) |
                 cz_attrs_add_ints(arena, &a, "strides", f->stride, 2) |
                 cz_attrs_add_ints(arena, &a, "dilations", f->dilation, 2) |
                 cz_attrs_add_ints(arena, &a, "pads", f->pads, 4);
    if (pool)
        failed |= cz_attrs_add_int(arena, &a, "ceil_mode", f->ceil_mode) |
                  cz_attrs_add_int(arena, &a, "count_include_pad", f->include_pad);
    assert_int_equal(failed, 0);
    return a;
}

/* Whether input position i (maybe in the padding) belongs to output o along d. */
static int in_window(const struct form *f, int d, int64_t o, int64_t i)
{
    int64_t offset = i - (o * f->stride[d] - f->pads[d]);
    return offset >= 0 && offset % f->dilation[d] == 0 && offset / f->dilation[d] < f->kernel[d];
}

static int64_t tap(const struct form *f, int d, int64_t o, int64_t i)
{
    return (i - (o * f->stride[d] - f->pads[d])) / f->dilation[d];
}

/* Sums in double in the other order of rows, so up to k = 4*4*6 roundings of double: nothing beside the one
 * rounding to float, half a unit in the last place. */
static void check(const char *op, uint64_t form, float got, double want, double magnitude)
{
    if (!(fabs((double)got - want) <= 0x1p-24 * fabs(want) + 1e-14 * magnitude))
        fail_msg("%s, form %llu: got %.9g, wanted %.17g", op, (unsigned long long)form, (double)got, want);
}

static cz_tensor run(struct cz_arena *arena, const char *op, uint64_t form, const struct cz_attr_list *attrs,
                     const struct text_tensors *in, struct cz_shape wanted)
{
    struct text_tensors out = {0};
    cz_error err = {0};
    char text[CZ_SHAPE_TEXT], found[CZ_SHAPE_TEXT];
    if (text_run_node(arena, op, 19, attrs, in, 1, &out, &err) != CZ_OK)
        fail_msg("%s, form %llu: %s", op, (unsigned long long)form, err.message);
    struct cz_shape got = cz_tensor_shape(&out.tensor[0]);
    if (!cz_shape_equal(&got, &wanted))
        fail_msg("%s, form %llu: output %s, wanted %s", op, (unsigned long long)form,
                 cz_shape_text(&got, found, sizeof found), cz_shape_text(&wanted, text, sizeof text));
    return out.tensor[0];
}

/* -- Conv -------------------------------------------------------------------------------------------------
 */

static double conv_at(const struct form *f, const cz_tensor *x, const cz_tensor *w, int64_t n, int64_t oc,
                      int64_t oy, int64_t ox, int64_t groups)
{
    int64_t per_in = w->dim[1], group = oc / (w->dim[0] / groups);
    double sum = 0;
    for (int64_t y = f->in[0] - 1; y >= 0; y--)
        for (int64_t i = 0; i < f->in[1]; i++)
            for (int64_t c = 0; c < per_in; c++)
                if (in_window(f, 0, oy, y) && in_window(f, 1, ox, i))
                    sum += (double)at(x, n, group * per_in + c, y, i) *
                           (double)at(w, oc, c, tap(f, 0, oy, y), tap(f, 1, ox, i));
    return sum;
}

static void conv_form(struct random *r)
{
    struct cz_arena *arena = cz_arena_create();
    struct form f = random_form(r, 0);
    int64_t groups = between(r, 1, 3), per_in = between(r, 1, 6), out_c = groups * between(r, 1, 4);
    int64_t batch = between(r, 1, 2);
    struct cz_attr_list attrs = attributes(arena, &f, 0);
    assert_int_equal(cz_attrs_add_int(arena, &attrs, "group", groups), 0);
    struct text_tensors in = {.n = 3};
    in.tensor[0] = tensor(arena, r, cz_shape_of(CZ_F32, 4, batch, groups * per_in, f.in[0], f.in[1]));
    in.tensor[1] = tensor(arena, r, cz_shape_of(CZ_F32, 4, out_c, per_in, f.kernel[0], f.kernel[1]));
    in.tensor[2] = tensor(arena, r, cz_shape_of(CZ_F32, 1, out_c));
    cz_tensor y =
        run(arena, "Conv", r->form, &attrs, &in, cz_shape_of(CZ_F32, 4, batch, out_c, f.out[0], f.out[1]));
    for (int64_t n = 0; n < batch; n++)
        for (int64_t c = 0; c < out_c; c++)
            for (int64_t oy = 0; oy < f.out[0]; oy++)
                for (int64_t ox = 0; ox < f.out[1]; ox++)
                    check("Conv", r->form, at(&y, n, c, oy, ox),
                          conv_at(&f, &in.tensor[0], &in.tensor[1], n, c, oy, ox, groups) +
                              (double)((float *)in.tensor[2].data)[c],
                          30);
    cz_arena_destroy(arena);
}

/* -- pools ------------------------------------------------------------------------------------------------
 */

/* Visits the padded input; *n counts what an average divides by. */
static void pool_at(const struct form *f, const cz_tensor *x, int64_t c, int64_t oy, int64_t ox, double *sum,
                    double *largest, int64_t *n)
{
    *sum = 0;
    *largest = -INFINITY;
    *n = 0;
    for (int64_t y = -f->pads[0]; y < f->in[0] + f->pads[2]; y++)
        for (int64_t i = -f->pads[1]; i < f->in[1] + f->pads[3]; i++) {
            int inside = y >= 0 && y < f->in[0] && i >= 0 && i < f->in[1];
            if (!in_window(f, 0, oy, y) || !in_window(f, 1, ox, i))
                continue;
            *n += inside || f->include_pad;
            *sum += inside ? (double)at(x, 0, c, y, i) : 0;
            *largest = inside ? fmax(*largest, (double)at(x, 0, c, y, i)) : *largest;
        }
}

static void pool_form(struct random *r)
{
    struct cz_arena *arena = cz_arena_create();
    struct form f = random_form(r, 1);
    int64_t channels = between(r, 1, 3);
    struct cz_attr_list attrs = attributes(arena, &f, 1);
    struct text_tensors in = {.n = 1};
    in.tensor[0] = tensor(arena, r, cz_shape_of(CZ_F32, 4, (int64_t)1, channels, f.in[0], f.in[1]));
    struct cz_shape shape = cz_shape_of(CZ_F32, 4, (int64_t)1, channels, f.out[0], f.out[1]);
    cz_tensor average = run(arena, "AveragePool", r->form, &attrs, &in, shape);
    cz_tensor largest = run(arena, "MaxPool", r->form, &attrs, &in, shape);
    for (int64_t c = 0; c < channels; c++)
        for (int64_t oy = 0; oy < f.out[0]; oy++)
            for (int64_t ox = 0; ox < f.out[1]; ox++) {
                double sum, most;
                int64_t n;
                pool_at(&f, &in.tensor[0], c, oy, ox, &sum, &most, &n);
                check("AveragePool", r->form, at(&average, 0, c, oy, ox), n ? sum / (double)n : 0, 1);
                if (most != (double)at(&largest, 0, c, oy, ox))
                    fail_msg("MaxPool, form %llu: got %.9g, wanted %.9g", (unsigned long long)r->form,
                             (double)at(&largest, 0, c, oy, ox), most);
            }
    cz_arena_destroy(arena);
}

/* Element i of `in` belongs to output o if the two cover a common part of [0, in*out). */
static int shares(int64_t o, int64_t out, int64_t i, int64_t in)
{
    return i * out < (o + 1) * in && o * in < (i + 1) * out;
}

static void adaptive_form(struct random *r)
{
    struct cz_arena *arena = cz_arena_create();
    int64_t in_h = between(r, 1, 12), in_w = between(r, 1, 12);
    int64_t out[2] = {between(r, 1, 9), between(r, 1, 9)};
    struct cz_attr_list attrs = {0};
    struct text_tensors in = {.n = 1};
    assert_int_equal(cz_attrs_add_ints(arena, &attrs, "output_size", out, 2), 0);
    in.tensor[0] = tensor(arena, r, cz_shape_of(CZ_F32, 4, (int64_t)1, (int64_t)1, in_h, in_w));
    cz_tensor y = run(arena, "AdaptiveAveragePool", r->form, &attrs, &in,
                      cz_shape_of(CZ_F32, 4, (int64_t)1, (int64_t)1, out[0], out[1]));
    for (int64_t oy = 0; oy < out[0]; oy++)
        for (int64_t ox = 0; ox < out[1]; ox++) {
            double sum = 0;
            int n = 0;
            for (int64_t i = 0; i < in_h * in_w; i++)
                if (shares(oy, out[0], i / in_w, in_h) && shares(ox, out[1], i % in_w, in_w)) {
                    sum += (double)((float *)in.tensor[0].data)[i];
                    n++;
                }
            check("AdaptiveAveragePool", r->form, at(&y, 0, 0, oy, ox), sum / n, 1);
        }
    cz_arena_destroy(arena);
}

/* -- Gemm -------------------------------------------------------------------------------------------------
 */

static void gemm_form(struct random *r)
{
    struct cz_arena *arena = cz_arena_create();
    int64_t m = between(r, 1, 9), n = between(r, 1, 9), k = between(r, 1, 30);
    int ta = next(r) % 2, tb = next(r) % 2;
    struct cz_attr_list attrs = {0};
    struct text_tensors in = {.n = 2};
    assert_int_equal(
        cz_attrs_add_int(arena, &attrs, "transA", ta) | cz_attrs_add_int(arena, &attrs, "transB", tb), 0);
    in.tensor[0] = tensor(arena, r, cz_shape_of(CZ_F32, 2, ta ? k : m, ta ? m : k));
    in.tensor[1] = tensor(arena, r, cz_shape_of(CZ_F32, 2, tb ? n : k, tb ? k : n));
    const float *a = in.tensor[0].data, *b = in.tensor[1].data;
    cz_tensor y = run(arena, "Gemm", r->form, &attrs, &in, cz_shape_of(CZ_F32, 2, m, n));
    for (int64_t i = 0; i < m * n; i++) {
        double sum = 0;
        for (int64_t l = k - 1; l >= 0; l--)
            sum +=
                (double)a[ta ? l * m + i / n : i / n * k + l] * (double)b[tb ? i % n * k + l : l * n + i % n];
        check("Gemm", r->form, ((float *)y.data)[i], sum, 10);
    }
    cz_arena_destroy(arena);
}

static void test_conv(void **state)
{
    (void)state;
    for (uint64_t form = 0; form < N_FORMS; form++)
        conv_form(&(struct random){form, 0});
}

static void test_pools(void **state)
{
    (void)state;
    for (uint64_t form = 0; form < N_FORMS; form++)
        pool_form(&(struct random){form, 0});
}

static void test_adaptive_pool(void **state)
{
    (void)state;
    for (uint64_t form = 0; form < N_FORMS; form++)
        adaptive_form(&(struct random){form, 0});
}

static void test_gemm(void **state)
{
    (void)state;
    for (uint64_t form = 0; form < N_FORMS; form++)
        gemm_form(&(struct random){form, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_adaptive_pool),
        cmocka_unit_test(test_gemm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
