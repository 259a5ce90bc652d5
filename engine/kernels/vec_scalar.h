/* Plain C: one float. The reference for every other tier; its fma rounds twice, as the language says. */
typedef float vf;
enum { VW = 1, VF_REGISTERS = 16 };

/* x * 2^n for whole n from -126 to 127; x where it is NaN, whatever n */
static inline float vf_scale(float x, float n)
{
    uint32_t bits = (uint32_t)(x == x ? (int32_t)n + 127 : 0) << 23;
    float f;
    memcpy(&f, &bits, sizeof f);
    return x * f;
}

#define vf_load(p) (*(p))
#define vf_store(p, x) ((void)(*(p) = (x)))
#define vf_load_n(p, n) ((n) > 0 ? *(p) : 0.0f)
#define vf_store_n(p, x, n) ((void)((n) > 0 ? (*(p) = (x)) : 0.0f))
#define vf_set1(x) (x)
#define vf_add(a, b) ((a) + (b))
#define vf_sub(a, b) ((a) - (b))
#define vf_mul(a, b) ((a) * (b))
#define vf_div(a, b) ((a) / (b))
#define vf_fma(a, b, c) ((a) * (b) + (c))
#define vf_max(a, b) ((a) > (b) ? (a) : (b))
#define vf_min(a, b) ((a) < (b) ? (a) : (b))
/* a < b ? x : y; y where a or b is NaN */
#define vf_select_lt(a, b, x, y) ((a) < (b) ? (x) : (y))
/* x where a is NaN, else y */
#define vf_select_nan(a, x, y) ((a) != (a) ? (x) : (y))
#define vf_round(x) rintf(x)
