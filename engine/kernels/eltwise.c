/*
 * Element by element: activations, binary operators, a scale and shift per channel. Tails go through the same
 * operations under a mask, so an element's bits do not depend on where in a row it stands.
 */
#include "engine/kernels/vec_math.h"

CZ_INLINE vf leaky_relu(vf x, float alpha)
{
    return vf_select_lt(x, vf_set1(0.0f), vf_mul(x, vf_set1(alpha)), x);
}

CZ_INLINE vf hard_sigmoid(vf x, float alpha, float beta)
{
    return vf_clamp(vf_add(vf_mul(x, vf_set1(alpha)), vf_set1(beta)), vf_set1(0.0f), vf_set1(1.0f));
}

CZ_INLINE vf apply(enum cz_act_kind kind, float alpha, float beta, vf x)
{
    switch (kind) {
    case CZ_ACT_RELU:
        return vf_max(vf_set1(0.0f), x);
    case CZ_ACT_CLIP:
        return vf_clamp(x, vf_set1(alpha), vf_set1(beta));
    case CZ_ACT_LEAKY_RELU:
        return leaky_relu(x, alpha);
    case CZ_ACT_SIGMOID:
        return vf_sigmoid(x);
    case CZ_ACT_HARD_SIGMOID:
        return hard_sigmoid(x, alpha, beta);
    case CZ_ACT_HARD_SWISH:
        return vf_mul(x, hard_sigmoid(x, 1.0f / 6.0f, 0.5f));
    case CZ_ACT_TANH:
        return vf_tanh(x);
    case CZ_ACT_SILU:
        return vf_mul(x, vf_sigmoid(x));
    default:
        return x;
    }
}

CZ_INLINE void activate_as(enum cz_act_kind kind, float alpha, float beta, const float *x, float *y,
                           int64_t n)
{
    int64_t i = 0;
    for (; i + VW <= n; i += VW)
        vf_store(y + i, apply(kind, alpha, beta, vf_load(x + i)));
    int rest = (int)(n - i);
    if (rest > 0)
        vf_store_n(y + i, apply(kind, alpha, beta, vf_load_n(x + i, rest)), rest);
}

#define ACT(kind)                                                                                            \
    case kind:                                                                                               \
        activate_as(kind, act->alpha, act->beta, x, y, n);                                                   \
        break;

void CZ_KERNEL(activate)(const struct cz_activation *act, const float *x, float *y, int64_t n)
{
    switch (act->kind) {
        ACT(CZ_ACT_NONE)
        ACT(CZ_ACT_RELU)
        ACT(CZ_ACT_CLIP)
        ACT(CZ_ACT_LEAKY_RELU)
        ACT(CZ_ACT_SIGMOID)
        ACT(CZ_ACT_HARD_SIGMOID)
        ACT(CZ_ACT_HARD_SWISH)
        ACT(CZ_ACT_TANH)
        ACT(CZ_ACT_SILU)
    }
}

CZ_INLINE vf combine(enum cz_binary_kind op, vf a, vf b)
{
    switch (op) {
    case CZ_BINARY_ADD:
        return vf_add(a, b);
    case CZ_BINARY_SUB:
        return vf_sub(a, b);
    case CZ_BINARY_MUL:
        return vf_mul(a, b);
    default:
        return vf_div(a, b);
    }
}

CZ_INLINE void binary_as(enum cz_binary_kind op, const float *a, const float *b, float *y, int64_t n)
{
    int64_t i = 0;
    for (; i + VW <= n; i += VW)
        vf_store(y + i, combine(op, vf_load(a + i), vf_load(b + i)));
    int rest = (int)(n - i);
    if (rest > 0)
        vf_store_n(y + i, combine(op, vf_load_n(a + i, rest), vf_load_n(b + i, rest)), rest);
}

void CZ_KERNEL(binary)(enum cz_binary_kind op, const float *a, const float *b, float *y, int64_t n)
{
    switch (op) {
    case CZ_BINARY_ADD:
        binary_as(CZ_BINARY_ADD, a, b, y, n);
        break;
    case CZ_BINARY_SUB:
        binary_as(CZ_BINARY_SUB, a, b, y, n);
        break;
    case CZ_BINARY_MUL:
        binary_as(CZ_BINARY_MUL, a, b, y, n);
        break;
    case CZ_BINARY_DIV:
        binary_as(CZ_BINARY_DIV, a, b, y, n);
        break;
    }
}

void CZ_KERNEL(channel_affine)(const struct cz_channel_affine *a)
{
    vf scale = vf_load(a->scale), shift = a->shift ? vf_load(a->shift) : vf_set1(0.0f);
    vf low = vf_set1(a->low), high = vf_set1(a->high);
    if (a->shift)
        for (int64_t p = 0; p < a->n_pixels; p++)
            vf_store(a->y + p * VW, vf_clamp(vf_fma(vf_load(a->x + p * VW), scale, shift), low, high));
    else
        for (int64_t p = 0; p < a->n_pixels; p++)
            vf_store(a->y + p * VW, vf_clamp(vf_mul(vf_load(a->x + p * VW), scale), low, high));
}

/* Chunks of 64 pixels, then the chunks: an error of about (64 + n/64)/2 ulp instead of n/2. */
enum { CHUNK = 64 };

void CZ_KERNEL(mean_pixels)(const float *x, int64_t n_pixels, float *y)
{
    vf sum = vf_set1(0.0f);
    for (int64_t p = 0; p < n_pixels; p += CHUNK) {
        vf part = vf_set1(0.0f);
        int64_t end = p + CHUNK < n_pixels ? p + CHUNK : n_pixels;
        for (int64_t q = p; q < end; q++)
            part = vf_add(part, vf_load(x + q * VW));
        sum = vf_add(sum, part);
    }
    vf_store(y, vf_div(sum, vf_set1((float)n_pixels)));
}
