/* AVX-512 (F, BW, VL, DQ): 16 floats, 32 registers. */
#include <immintrin.h>

typedef __m512 vf;
enum { VW = 16, VF_REGISTERS = 32 };

static inline __mmask16 vf_mask(int n)
{
    return (__mmask16)((1u << n) - 1);
}

#define vf_load(p) _mm512_loadu_ps(p)
#define vf_store(p, x) _mm512_storeu_ps(p, x)
#define vf_load_n(p, n) _mm512_maskz_loadu_ps(vf_mask(n), p) /* n < VW lanes, the rest 0 */
#define vf_store_n(p, x, n) _mm512_mask_storeu_ps(p, vf_mask(n), x)
#define vf_set1(x) _mm512_set1_ps(x)
#define vf_add(a, b) _mm512_add_ps(a, b)
#define vf_sub(a, b) _mm512_sub_ps(a, b)
#define vf_mul(a, b) _mm512_mul_ps(a, b)
#define vf_div(a, b) _mm512_div_ps(a, b)
#define vf_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define vf_max(a, b) _mm512_max_ps(a, b)
#define vf_min(a, b) _mm512_min_ps(a, b)
/* a < b ? x : y, per lane; y where a or b is NaN */
#define vf_select_lt(a, b, x, y) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x)
/* x where a is NaN, else y */
#define vf_select_nan(a, x, y) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), y, x)
#define vf_round(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
/* x * 2^n for whole n from -126 to 127; x where it is NaN, whatever n */
#define vf_scale(x, n) _mm512_scalef_ps(x, n)
