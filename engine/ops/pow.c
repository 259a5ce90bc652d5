/*
 * Pow (ONNX opset 1, 7, 12, 13, 15) and Mod (10, 13) with broadcasting.
 *
 * The exponent of Pow may be of another type; the result has the base's. Integer powers wrap around as
 * products do, and a negative exponent gives what 1/x truncates to. Mod's sign is the divisor's, or with
 * fmod=1 the dividend's, which floats demand.
 *
 * Source: ONNX operator specification, Pow-15, Mod-13.
 */
#include "base/math.h"
#include "engine/ops/common.h"
#include "engine/ops/pairwise.h"

#include <math.h>

static void pow_doubles(double *a, const double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        a[i] = cz_pow(a[i], b[i]);
}

/* 1 / x^n truncated: only 1 and -1 leave anything. */
static int64_t inverse_power(int64_t x, int64_t n)
{
    return x == 1 ? 1 : x == -1 ? (n % 2 ? -1 : 1) : 0;
}

static int pow_ints(int64_t *a, const int64_t *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)a[i], y = 1;
        if (b[i] < 0 && a[i] == 0)
            return 1;
        for (int64_t e = b[i]; e > 0; e >>= 1, x *= x)
            if (e & 1)
                y *= x;
        a[i] = b[i] < 0 ? inverse_power(a[i], b[i]) : (int64_t)y;
    }
    return 0;
}

static void fmod_doubles(double *a, const double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        a[i] = fmod(a[i], b[i]); /* exact in every C library */
}

static int remainder_ints(int64_t *a, const int64_t *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (b[i] == 0)
            return 1;
        a[i] = b[i] == -1 ? 0 : a[i] % b[i];
    }
    return 0;
}

static int modulo_ints(int64_t *a, const int64_t *b, int64_t n)
{
    int by_zero = remainder_ints(a, b, n);
    for (int64_t i = 0; i < n && !by_zero; i++)
        if (a[i] != 0 && (a[i] < 0) != (b[i] < 0))
            a[i] += b[i];
    return by_zero;
}

static const struct cz_pairwise power = {pow_doubles, pow_ints};
static const struct cz_pairwise modulo = {NULL, modulo_ints}, c_remainder = {fmod_doubles, remainder_ints};

static cz_status pow_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    return cz_pairwise_parse(&power, list, opset, attrs, err);
}

static cz_status pow_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                           int n_out, cz_error *err)
{
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], "base", CZ_SET_NUMBER, err));
    CZ_TRY(cz_check_dtype(&in[1], "exponent", CZ_SET_NUMBER, err));
    return cz_pairwise_shape(attrs, in, &out[0], err);
}

static cz_status mod_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    int as_in_c;
    CZ_TRY(cz_parse_flag(list, "fmod", 0, &as_in_c, err));
    return cz_pairwise_parse(as_in_c ? &c_remainder : &modulo, list, opset, attrs, err);
}

static cz_status mod_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                           int n_out, cz_error *err)
{
    const struct cz_pairwise_attrs *a = attrs;
    (void)n_in, (void)n_out;
    CZ_TRY(cz_check_dtype(&in[0], a->row->doubles ? "a" : "a of fmod=0",
                          a->row->doubles ? CZ_SET_NUMBER : CZ_SET_INT, err));
    CZ_TRY(cz_check_same_dtype(&in[1], "b", in[0].shape.dtype, err));
    return cz_pairwise_shape(a, in, &out[0], err);
}

const struct cz_op cz_op_mod = {
    .name = "Mod",
    .opset_min = 10,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_pairwise_attrs),
    .parse = mod_parse,
    .infer = mod_infer,
    .eval = cz_pairwise_eval,
};

const struct cz_op cz_op_pow = {
    .name = "Pow",
    .opset_min = 1,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 2,
    .n_in_max = 2,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct cz_pairwise_attrs),
    .parse = pow_parse,
    .infer = pow_infer,
    .eval = cz_pairwise_eval,
};
