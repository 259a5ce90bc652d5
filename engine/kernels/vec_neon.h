/* NEON on AArch64: 4 floats, 32 registers. */
#include <arm_neon.h>

typedef float32x4_t vf;
enum { VW = 4, VF_REGISTERS = 32 };

static inline vf vf_load_n(const float *p, int n)
{
    float lanes[4] = {0};
    for (int i = 0; i < n; i++)
        lanes[i] = p[i];
    return vld1q_f32(lanes);
}

static inline void vf_store_n(float *p, vf x, int n)
{
    float lanes[4];
    vst1q_f32(lanes, x);
    for (int i = 0; i < n; i++)
        p[i] = lanes[i];
}

#define vf_load(p) vld1q_f32(p)
#define vf_store(p, x) vst1q_f32(p, x)
#define vf_set1(x) vdupq_n_f32(x)
#define vf_add(a, b) vaddq_f32(a, b)
#define vf_sub(a, b) vsubq_f32(a, b)
#define vf_mul(a, b) vmulq_f32(a, b)
#define vf_div(a, b) vdivq_f32(a, b)
#define vf_fma(a, b, c) vfmaq_f32(c, a, b)
/* FMAX would give the default NaN; a compare and select gives the second operand as on x86. */
#define vf_max(a, b) vbslq_f32(vcgtq_f32(a, b), a, b)
#define vf_min(a, b) vbslq_f32(vcltq_f32(a, b), a, b)
/* a < b ? x : y, per lane; y where a or b is NaN */
#define vf_select_lt(a, b, x, y) vbslq_f32(vcltq_f32(a, b), x, y)
/* x where a is NaN, else y */
#define vf_select_nan(a, x, y) vbslq_f32(vceqq_f32(a, a), y, x)
#define vf_round(x) vrndnq_f32(x)
/* x * 2^n for whole n from -126 to 127; x where it is NaN, whatever n */
#define vf_scale(x, n)                                                                                       \
    vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23)))
