#include "zoo/init.h"
#include "base/math.h"
#include "base/philox.h"
#include "zoo/golden.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *prefix;
    enum cz_init_kind kind;
} kinds[] = {{"kaiming:", CZ_INIT_KAIMING}, {"golden:", CZ_INIT_GOLDEN}};

cz_status cz_init_parse(const char *text, struct cz_init *out, cz_error *err)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        size_t length = strlen(kinds[k].prefix);
        const char *digits = text + length;
        if (strncmp(text, kinds[k].prefix, length) != 0 || !isdigit((unsigned char)digits[0]))
            continue;
        char *end;
        errno = 0;
        unsigned long long seed = strtoull(digits, &end, 10);
        if (*end || errno)
            continue;
        *out = (struct cz_init){kinds[k].kind, seed};
        return CZ_OK;
    }
    CZ_FAIL(err, CZ_ERR_ARGUMENT, "--init %s: not an initialisation; give kaiming:SEED or golden:SEED", text);
}

/* Normal deviates 4*block ... 4*block + 3 of a stream, by Box and Muller: two from each pair of uniform ones.
 */
static void four_normals(uint64_t seed, uint64_t block, uint32_t stream, double out[4])
{
    uint32_t r[4];
    cz_random4(seed, CZ_STREAM_INIT, 0, block, stream, r);
    for (int i = 0; i < 4; i += 2) {
        double u = (r[i] + 1.0) * 0x1p-32; /* (0, 1]: the logarithm is finite */
        double angle = 6.283185307179586 * (r[i + 1] * 0x1p-32), radius = sqrt(-2 * cz_log(u)), s, c;
        cz_sincos(angle, &s, &c);
        out[i] = radius * c;
        out[i + 1] = radius * s;
    }
}

static void fill_normal(const struct cz_param *p, uint64_t seed, double deviation)
{
    uint32_t stream = (uint32_t)cz_fnv1a64(p->name, strlen(p->name), CZ_FNV1A64_START);
    struct cz_shape shape = cz_tensor_shape(&p->value);
    float *w = p->value.data;
    double normal[4];
    for (int64_t i = 0, n = cz_shape_count(&shape); i < n; i++) {
        if (i % 4 == 0)
            four_normals(seed, (uint64_t)(i / 4), stream, normal);
        w[i] = (float)(deviation * normal[i % 4]);
    }
}

static void fill_constant(const struct cz_param *p, float value)
{
    struct cz_shape shape = cz_tensor_shape(&p->value);
    float *w = p->value.data;
    for (int64_t i = 0, n = cz_shape_count(&shape); i < n; i++)
        w[i] = value;
}

static int is_head_weight(const struct cz_graph *g, const struct cz_param *p)
{
    size_t length = g->head ? strlen(g->head) : 0;
    return length && strncmp(p->name, g->head, length) == 0 && strcmp(p->name + length, ".weight") == 0;
}

/* The role says only that it is a statistic: mean and variance are told apart by who reads them as what. */
static int is_running_variance(const struct cz_graph *g, const struct cz_param *p)
{
    for (int n = 0; p->role == CZ_RUNNING_STAT && n < g->n_nodes; n++) {
        const struct cz_node *node = &g->nodes[n];
        if (strcmp(node->op->name, "BatchNormalization") == 0 &&
            g->values[node->in[4]].param == p - g->params.items)
            return 1;
    }
    return 0;
}

static void fill_kaiming(const struct cz_graph *g, const struct cz_param *p, uint64_t seed)
{
    if (p->role == CZ_WEIGHT) {
        int64_t fan_in = 1;
        for (int i = 1; i < p->value.rank; i++)
            fan_in *= p->value.dim[i];
        fill_normal(p, seed, is_head_weight(g, p) ? 0.01 : sqrt(2.0 / (double)fan_in));
        return;
    }
    fill_constant(p, p->role == CZ_NORM_SCALE || is_running_variance(g, p) ? 1 : 0);
}

static cz_status fill_golden(const struct cz_param *p, uint64_t seed, cz_error *err)
{
    struct cz_shape shape = cz_tensor_shape(&p->value);
    if (p->golden_rule == CZ_FILL_NONE)
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "parameter '%s': no golden rule; --init golden is for networks of the zoo", p->name);
    cz_golden_fill(seed, p->name, (enum cz_fill)p->golden_rule, &shape, 0, cz_shape_count(&shape),
                   p->value.data);
    return CZ_OK;
}

cz_status cz_init_apply(struct cz_graph *g, struct cz_init init, cz_error *err)
{
    if (init.kind == CZ_INIT_NONE)
        return CZ_OK;
    for (int i = 0; i < g->params.count; i++) {
        struct cz_param *p = &g->params.items[i];
        if (p->role == CZ_CONSTANT)
            continue;
        CZ_TRY(cz_param_allocate(p, err));
        if (init.kind == CZ_INIT_KAIMING)
            fill_kaiming(g, p, init.seed);
        else
            CZ_TRY(fill_golden(p, init.seed, err));
    }
    g->params.version++;
    return CZ_OK;
}

static uint64_t param_bits(const struct cz_param *p, uint64_t seed)
{
    enum { CHUNK = 4096 };
    float chunk[CHUNK];
    struct cz_shape shape = cz_tensor_shape(&p->value);
    uint64_t sum = 0;
    for (int64_t i = 0, count = cz_shape_count(&shape); i < count; i += CHUNK) {
        int64_t n = count - i < CHUNK ? count - i : CHUNK;
        cz_golden_fill(seed, p->name, (enum cz_fill)p->golden_rule, &shape, i, n, chunk);
        for (int64_t k = 0; k < n; k++) {
            uint32_t bits;
            memcpy(&bits, &chunk[k], sizeof bits);
            sum += bits;
        }
    }
    return sum;
}

uint64_t cz_golden_state_bits(const struct cz_graph *g, uint64_t seed)
{
    uint64_t sum = 0;
    for (int i = 0; i < g->params.count; i++)
        if (g->params.items[i].role != CZ_CONSTANT)
            sum += param_bits(&g->params.items[i], seed);
    return sum;
}
