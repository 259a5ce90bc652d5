/* AVX2 with FMA: 8 floats, 16 registers. */
#include <immintrin.h>

typedef __m256 vf;
enum { VW = 8, VF_REGISTERS = 16 };

static inline __m256i vf_mask(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

#define vf_load(p) _mm256_loadu_ps(p)
#define vf_store(p, x) _mm256_storeu_ps(p, x)
#define vf_load_n(p, n) _mm256_maskload_ps(p, vf_mask(n)) /* n < VW lanes, the rest 0 */
#define vf_store_n(p, x, n) _mm256_maskstore_ps(p, vf_mask(n), x)
#define vf_set1(x) _mm256_set1_ps(x)
#define vf_add(a, b) _mm256_add_ps(a, b)
#define vf_sub(a, b) _mm256_sub_ps(a, b)
#define vf_mul(a, b) _mm256_mul_ps(a, b)
#define vf_div(a, b) _mm256_div_ps(a, b)
#define vf_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define vf_max(a, b) _mm256_max_ps(a, b)
#define vf_min(a, b) _mm256_min_ps(a, b)
/* a < b ? x : y, per lane; y where a or b is NaN */
#define vf_select_lt(a, b, x, y) _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ))
/* x where a is NaN, else y */
#define vf_select_nan(a, x, y) _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, a, _CMP_UNORD_Q))
#define vf_round(x) _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
/* x * 2^n for whole n from -126 to 127; x where it is NaN, whatever n */
#define vf_scale(x, n)                                                                                       \
    _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(                                                  \
                         _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23)))
