#include "zoo/init.h"
#include "base/checked.h"
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

/* ---- one tensor, cut into tiles ---- */

enum { TILE = 1 << 14 }; /* elements: 64 KiB; a multiple of the four that are drawn together */

struct job {
    const struct cz_param *param;
    struct cz_shape shape;
    uint64_t seed;
    double deviation; /* of normal values, or */
    float constant;
    uint64_t bits; /* atomic: the sum's order does not matter modulo 2^64 */
};

static int64_t tile_begin(const struct job *j, int64_t tile, int64_t *n)
{
    int64_t first = tile * TILE, left = cz_shape_count(&j->shape) - first;
    *n = left < TILE ? left : TILE;
    return first;
}

static void normal_tile(void *ctx, int64_t tile, int worker)
{
    const struct job *j = ctx;
    const char *name = j->param->name;
    uint32_t stream = (uint32_t)cz_fnv1a64(name, strlen(name), CZ_FNV1A64_START);
    int64_t n, first = tile_begin(j, tile, &n);
    float *w = (float *)j->param->value.data + first;
    double normal[4];
    (void)worker;
    for (int64_t i = 0; i < n; i++) {
        if (i % 4 == 0)
            four_normals(j->seed, (uint64_t)((first + i) / 4), stream, normal);
        w[i] = (float)(j->deviation * normal[i % 4]);
    }
}

static void constant_tile(void *ctx, int64_t tile, int worker)
{
    const struct job *j = ctx;
    int64_t n, first = tile_begin(j, tile, &n);
    float *w = (float *)j->param->value.data + first;
    (void)worker;
    for (int64_t i = 0; i < n; i++)
        w[i] = j->constant;
}

static void golden_tile(void *ctx, int64_t tile, int worker)
{
    const struct job *j = ctx;
    int64_t n, first = tile_begin(j, tile, &n);
    (void)worker;
    cz_golden_fill(j->seed, j->param->name, (enum cz_fill)j->param->golden_rule, &j->shape, first, n,
                   (float *)j->param->value.data + first);
}

static void golden_bits_tile(void *ctx, int64_t tile, int worker)
{
    struct job *j = ctx;
    float values[TILE];
    int64_t n, first = tile_begin(j, tile, &n);
    uint64_t sum = 0;
    (void)worker;
    cz_golden_fill(j->seed, j->param->name, (enum cz_fill)j->param->golden_rule, &j->shape, first, n, values);
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        sum += bits;
    }
    __atomic_fetch_add(&j->bits, sum, __ATOMIC_RELAXED);
}

static void each_tile(struct cz_pool *pool, struct job *j, void (*body)(void *, int64_t, int))
{
    int64_t n_tiles = cz_ceil_div(cz_shape_count(&j->shape), TILE);
    if (pool)
        cz_parallel_for(pool, n_tiles, body, j);
    for (int64_t tile = 0; tile < n_tiles && !pool; tile++)
        body(j, tile, 0);
}

static struct job job_of(const struct cz_param *p, uint64_t seed)
{
    return (struct job){.param = p, .shape = cz_tensor_shape(&p->value), .seed = seed};
}

/* ---- the rules ---- */

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

static void fill_kaiming(const struct cz_graph *g, const struct cz_param *p, uint64_t seed,
                         struct cz_pool *pool)
{
    struct job j = job_of(p, seed);
    int64_t fan_in = 1;
    for (int i = 1; i < p->value.rank; i++)
        fan_in *= p->value.dim[i];
    j.deviation = is_head_weight(g, p) ? 0.01 : sqrt(2.0 / (double)fan_in);
    j.constant = p->role == CZ_NORM_SCALE || is_running_variance(g, p) ? 1 : 0;
    each_tile(pool, &j, p->role == CZ_WEIGHT ? normal_tile : constant_tile);
}

static cz_status fill_golden(const struct cz_param *p, uint64_t seed, struct cz_pool *pool, cz_error *err)
{
    struct job j = job_of(p, seed);
    if (p->golden_rule == CZ_FILL_NONE)
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "parameter '%s': no golden rule; --init golden is for networks of the zoo", p->name);
    each_tile(pool, &j, golden_tile);
    return CZ_OK;
}

static cz_status fill(struct cz_graph *g, struct cz_init init, int only_missing, struct cz_pool *pool,
                      cz_error *err)
{
    if (init.kind == CZ_INIT_NONE)
        return CZ_OK;
    for (int i = 0; i < g->params.count; i++) {
        struct cz_param *p = &g->params.items[i];
        if (p->role == CZ_CONSTANT || (only_missing && p->value.data))
            continue;
        CZ_TRY(cz_param_allocate(p, err));
        if (init.kind == CZ_INIT_KAIMING)
            fill_kaiming(g, p, init.seed, pool);
        else
            CZ_TRY(fill_golden(p, init.seed, pool, err));
    }
    g->params.version++;
    return CZ_OK;
}

cz_status cz_init_apply(struct cz_graph *g, struct cz_init init, struct cz_pool *pool, cz_error *err)
{
    return fill(g, init, 0, pool, err);
}

cz_status cz_init_missing(struct cz_graph *g, struct cz_init init, struct cz_pool *pool, cz_error *err)
{
    return fill(g, init, 1, pool, err);
}

uint64_t cz_golden_state_bits(const struct cz_graph *g, uint64_t seed, struct cz_pool *pool)
{
    uint64_t sum = 0;
    for (int i = 0; i < g->params.count; i++) {
        struct job j = job_of(&g->params.items[i], seed);
        if (g->params.items[i].role == CZ_CONSTANT)
            continue;
        each_tile(pool, &j, golden_bits_tile);
        sum += j.bits;
    }
    return sum;
}
