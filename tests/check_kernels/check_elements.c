#include "checker.h"
#include "engine/ops/activation.h"

#include <math.h>
#include <string.h>

static const float special[] = {NAN,     INFINITY, -INFINITY, 0.0f,   -0.0f,  1e-30f,
                                -1e-30f, 88.0f,    -88.0f,    100.0f, -100.0f};

static void put_specials(struct checker *c, float *x, int64_t n)
{
    for (int i = 0; n > 0 && i < 3; i++)
        x[draw(c, 0, n - 1)] = special[draw(c, 0, (int64_t)(sizeof special / sizeof *special) - 1)];
}

/*
 * Clamps and the leaky slope round once. Sigmoid: exp within 2 ulp, an addition, a division; SiLU one more
 * product; tanh 4 ulp. Hard sigmoid rounds a product of |alpha*x| and a sum. Denormal results are flushed.
 */
static double allowed_error(const struct cz_activation *a, double x, double wanted)
{
    double size = fabs(wanted), smallest = 0x1p-126;
    switch (a->kind) {
    case CZ_ACT_SIGMOID:
    case CZ_ACT_TANH:
        return 4 * EPSILON * size + smallest;
    case CZ_ACT_SILU:
        return 5 * EPSILON * size + smallest * fmax(fabs(x), 1);
    case CZ_ACT_HARD_SIGMOID:
        return EPSILON * (fabs((double)a->alpha * x) + fabs((double)a->beta) + 1);
    case CZ_ACT_HARD_SWISH: /* 1/6 is rounded too */
        return 2 * EPSILON * fabs(x) * (fabs(x) + 1);
    default:
        return EPSILON * size;
    }
}

/* exp saturates, so sigmoid of -100 is not 4e-44 but the smallest normal times a bit: both are nothing. */
static double wanted_value(const struct cz_activation *a, double x)
{
    if (a->kind == CZ_ACT_SILU && x == -INFINITY)
        return NAN; /* -inf * 0 */
    return cz_activation_apply(a, x);
}

void check_activate(struct checker *c)
{
    struct cz_activation a = {(enum cz_act_kind)draw(c, CZ_ACT_NONE, CZ_ACT_SILU), 0.2f, 0.5f};
    if (a.kind == CZ_ACT_CLIP)
        a.alpha = -1.0f, a.beta = 1.5f;
    int64_t n = draw(c, 0, 70);
    float *x = guarded(c, n), *y = guarded(c, n), *one = guarded(c, 1);
    for (int64_t i = 0; i < n; i++)
        x[i] *= 5;
    put_specials(c, x, n);
    c->kernels->activate(&a, x, y, n);
    for (int64_t i = 0; i < n; i++) {
        if (a.kind == CZ_ACT_SILU && isinf(x[i]))
            continue; /* inf * (a number that depends on where exp saturates) */
        if (a.kind == CZ_ACT_HARD_SWISH && isinf(x[i]))
            continue;
        double wanted = wanted_value(&a, (double)x[i]);
        expect_near(c, "y", i, (double)y[i], wanted, allowed_error(&a, (double)x[i], wanted));
        /* The bits of an element do not depend on where it stands. */
        c->kernels->activate(&a, &x[i], one, 1);
        expect_bits(c, "y alone", i, y[i], *one);
    }
}

/* One correctly rounded operation: exact in every tier. */
void check_binary(struct checker *c)
{
    enum cz_binary_kind op = (enum cz_binary_kind)draw(c, CZ_BINARY_ADD, CZ_BINARY_DIV);
    int64_t n = draw(c, 0, 70);
    float *a = guarded(c, n), *b = guarded(c, n), *y = guarded(c, n);
    c->kernels->binary(op, a, b, y, n);
    for (int64_t i = 0; i < n; i++) {
        float wanted[] = {[CZ_BINARY_ADD] = a[i] + b[i],
                          [CZ_BINARY_SUB] = a[i] - b[i],
                          [CZ_BINARY_MUL] = a[i] * b[i],
                          [CZ_BINARY_DIV] = a[i] / b[i]};
        expect_bits(c, "y", i, y[i], wanted[op]);
    }
}

void check_channel_affine(struct checker *c)
{
    int64_t n = draw(c, 0, 40) * c->kernels->width;
    struct cz_channel_affine a = {.x = guarded(c, n),
                                  .scale = guarded(c, c->kernels->width),
                                  .shift = draw(c, 0, 1) ? guarded(c, c->kernels->width) : NULL,
                                  .low = draw(c, 0, 1) ? 0.0f : -INFINITY,
                                  .high = INFINITY,
                                  .y = guarded(c, n),
                                  .n_pixels = n / c->kernels->width};
    c->kernels->channel_affine(&a);
    for (int64_t i = 0; i < n; i++) {
        int64_t lane = i % c->kernels->width;
        double product = (double)a.x[i] * (double)a.scale[lane], shift = a.shift ? (double)a.shift[lane] : 0;
        expect_near(c, "y", i, (double)a.y[i], fmax(product + shift, (double)a.low),
                    EPSILON * (fabs(product) + fabs(shift)));
    }
}

static void draw_block(struct checker *c, struct cz_channel_block *b)
{
    int width = c->kernels->width;
    b->n_channels = (int)draw(c, 1, width);
    b->n_pixels = draw(c, 0, 30);
    b->plane_stride = b->n_pixels + draw(c, 0, 3);
    b->plain = guarded(c, b->n_pixels > 0 ? (b->n_channels - 1) * b->plane_stride + b->n_pixels : 0);
    b->blocked = guarded(c, b->n_pixels * width);
}

void check_block_channels(struct checker *c)
{
    struct cz_channel_block b;
    draw_block(c, &b);
    c->kernels->block_channels(&b);
    for (int64_t i = 0; i < b.n_pixels * c->kernels->width; i++) {
        int64_t lane = i % c->kernels->width, p = i / c->kernels->width;
        expect_bits(c, "blocked", i, b.blocked[i],
                    lane < b.n_channels ? b.plain[lane * b.plane_stride + p] : 0.0f);
    }
}

void check_unblock_channels(struct checker *c)
{
    struct cz_channel_block b;
    draw_block(c, &b);
    c->kernels->unblock_channels(&b);
    for (int64_t lane = 0; lane < b.n_channels; lane++)
        for (int64_t p = 0; p < b.n_pixels; p++)
            expect_bits(c, "plain", lane * b.plane_stride + p, b.plain[lane * b.plane_stride + p],
                        b.blocked[p * c->kernels->width + lane]);
}
