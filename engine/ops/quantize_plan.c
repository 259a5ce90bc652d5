/*
 * QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear in chunks for all threads.
 *
 * A QuantizeLinear whose planned output is float32 has taken its DequantizeLinear in (plan_fuse_quantized.c):
 * it snaps each element to the nearest one that a code stands for, in whichever layout the input has.
 */
#include "base/checked.h"
#include "engine/ops/integer.h"
#include "engine/ops/plans.h"
#include "engine/ops/quantize.h"
#include "engine/ops/quantize_dynamic.h"

/* Elements per tile: enough work to be worth handing out, small enough for a second-level cache. */
enum { CHUNK = 16384 };

struct choice {
    struct cz_scale_layout layout;
    struct cz_codes *codes; /* [layout.n] */
    int64_t chunks;         /* of each slice */
};

struct part {
    const struct cz_codes *codes;
    int64_t first, n;
};

/* Tile: slice and chunk of it. */
static struct part part_of(const struct choice *c, int64_t tile)
{
    int64_t slice = tile / c->chunks, first = tile % c->chunks * CHUNK, rest = c->layout.inner - first;
    return (struct part){&c->codes[slice % c->layout.n], slice * c->layout.inner + first,
                         rest < CHUNK ? rest : CHUNK};
}

static void quantize_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    struct part p = part_of(step->choice, tile);
    (void)worker;
    run->kernels->quantize(p.codes, (const float *)cz_run_data(run, step->in[0]) + p.first,
                           (uint8_t *)cz_run_data(run, step->out[0]) + p.first, p.n);
}

static void dequantize_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    struct part p = part_of(step->choice, tile);
    (void)worker;
    run->kernels->dequantize(p.codes, (const uint8_t *)cz_run_data(run, step->in[0]) + p.first,
                             (float *)cz_run_data(run, step->out[0]) + p.first, p.n);
}

static void snap_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    struct part p = part_of(step->choice, tile);
    (void)worker;
    run->kernels->snap(p.codes, (const float *)cz_run_data(run, step->in[0]) + p.first,
                       (float *)cz_run_data(run, step->out[0]) + p.first, p.n);
}

/* Codes of every slice, from a scale and zero point known before the run; *out NULL: not this plan's form. */
static cz_status make_choice(struct cz_builder *b, const struct cz_plan_node *node, cz_dtype codes,
                             struct choice **out, cz_error *err)
{
    static const cz_tensor absent = {.rank = -1};
    const struct cz_quantize_attrs *attrs = node->attrs;
    const cz_tensor *scale = cz_builder_constant(b, node->in[1]), *zero = &absent;
    *out = NULL;
    if (node->n_in > 2 && node->in[2] >= 0)
        zero = cz_builder_constant(b, node->in[2]);
    if (!scale || !zero || attrs->block)
        return CZ_OK;
    struct choice *c = cz_builder_alloc(b, sizeof *c);
    struct cz_shape scales = cz_tensor_shape(scale);
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    CZ_TRY(cz_scale_layout(attrs, cz_builder_shape(b, node->in[0]), &scales, &c->layout, err));
    c->codes = cz_builder_alloc(b, sizeof *c->codes * (size_t)(c->layout.n + 1));
    if (!c->codes)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    for (int64_t i = 0; i < c->layout.n; i++) {
        c->codes[i] = cz_codes_of(codes, cz_zero_at(zero, i));
        c->codes[i].scale = cz_scale_at(scale, i);
    }
    c->chunks = cz_ceil_div(c->layout.inner, CHUNK);
    *out = c;
    return CZ_OK;
}

static cz_status emit(struct cz_builder *b, int n, const char *algorithm, cz_tile_fn tile,
                      const struct choice *c, enum cz_layout layout, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    int x, y;
    struct cz_step *step;
    CZ_TRY(cz_builder_value(b, node->in[0], layout, &x, err));
    CZ_TRY(cz_builder_output(b, node->out[0], layout, &y, err));
    CZ_TRY(cz_builder_step(b, n, algorithm, &x, 1, &y, 1, &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = c->layout.outer * c->layout.n * c->chunks;
    return CZ_OK;
}

static const char unknown_codes[] =
    "scales not known before the run, by blocks, or no float32 or 8-bit codes";

/* One scale: a run over all floats of the value as it lies, unused lanes included. */
static cz_status snap_plan(struct cz_builder *b, int n, struct choice *c, cz_error *err)
{
    int x = cz_builder_node(b, n)->in[0];
    enum cz_layout layout = cz_builder_has(b, x, CZ_BLOCKED) ? CZ_BLOCKED : CZ_PLAIN;
    if (layout == CZ_BLOCKED) {
        struct cz_blocked g = cz_blocked_of(cz_builder_shape(b, x), b->plan->runtime->kernels->width);
        c->layout.inner = g.n * g.blocks * g.pixels * b->plan->runtime->kernels->width;
        c->chunks = cz_ceil_div(c->layout.inner, CHUNK);
    }
    CZ_TRY(emit(b, n, "elements, to codes and back", snap_tile, c, layout, err));
    b->plan->steps[b->plan->n_steps - 1].in_place = 0;
    return CZ_OK;
}

cz_status cz_quantize_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    cz_dtype to = cz_builder_shape(b, node->out[0])->dtype, codes = to;
    struct choice *c = NULL;
    if (to == CZ_F32) /* the codes' type is then the zero point's, or uint8 */
        codes = node->n_in > 2 && node->in[2] >= 0 ? cz_builder_shape(b, node->in[2])->dtype : CZ_U8;
    if (cz_builder_shape(b, node->in[0])->dtype == CZ_F32)
        CZ_TRY(make_choice(b, node, codes, &c, err));
    if (!c)
        return cz_builder_decline(b, unknown_codes);
    if (to == CZ_F32)
        return snap_plan(b, n, c, err);
    return emit(b, n, "elements", quantize_tile, c, CZ_PLAIN, err);
}

cz_status cz_dequantize_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    cz_dtype codes = cz_builder_shape(b, node->in[0])->dtype;
    struct choice *c = NULL;
    if (1u << codes & CZ_SET_CODE && cz_builder_shape(b, node->out[0])->dtype == CZ_F32)
        CZ_TRY(make_choice(b, node, codes, &c, err));
    if (!c)
        return cz_builder_decline(b, unknown_codes);
    return emit(b, n, "elements", dequantize_tile, c, CZ_PLAIN, err);
}

struct dynamic {
    int64_t count, chunks;
};

static int64_t chunk_of(const struct dynamic *c, int64_t tile)
{
    return c->count - tile * CHUNK < CHUNK ? c->count - tile * CHUNK : CHUNK;
}

/* Tile: chunk. Its range, with 0 in it. */
static void range_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    float *range = (float *)cz_run_data(run, step->out[0]) + 2 * tile;
    (void)worker;
    range[0] = range[1] = 0;
    run->kernels->widen_range((const float *)cz_run_data(run, step->in[0]) + tile * CHUNK,
                              chunk_of(step->choice, tile), &range[0], &range[1]);
}

/* One tile: scale and zero point of all ranges. */
static void codes_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct dynamic *c = step->choice;
    const float *range = cz_run_data(run, step->in[0]);
    float low = 0, high = 0;
    (void)tile, (void)worker;
    for (int64_t i = 0; i < c->chunks; i++) {
        low = range[2 * i] < low ? range[2 * i] : low;
        high = range[2 * i + 1] > high ? range[2 * i + 1] : high;
    }
    struct cz_codes codes = cz_codes_of_range(low, high);
    *(float *)cz_run_data(run, step->out[0]) = codes.scale;
    *(uint8_t *)cz_run_data(run, step->out[1]) = (uint8_t)codes.zero;
}

static void dynamic_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    struct cz_codes codes = cz_codes_of(CZ_U8, *(const uint8_t *)cz_run_data(run, step->in[2]));
    (void)worker;
    codes.scale = *(const float *)cz_run_data(run, step->in[1]);
    run->kernels->quantize(&codes, (const float *)cz_run_data(run, step->in[0]) + tile * CHUNK,
                           (uint8_t *)cz_run_data(run, step->out[0]) + tile * CHUNK,
                           chunk_of(step->choice, tile));
}

static cz_status dynamic_step(struct cz_builder *b, int n, const char *algorithm, cz_tile_fn tile,
                              const struct dynamic *c, const int *in, int n_in, const int *out, int n_out,
                              cz_error *err)
{
    struct cz_step *step;
    CZ_TRY(cz_builder_step(b, n, algorithm, in, n_in, out, n_out, &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = tile == codes_tile ? 1 : c->chunks;
    return CZ_OK;
}

cz_status cz_dynamic_quantize_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    struct dynamic *c = cz_builder_alloc(b, sizeof *c);
    int x[3], y, range;
    if (!c)
        CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
    c->count = cz_shape_count(cz_builder_shape(b, node->in[0]));
    c->chunks = cz_ceil_div(c->count, CHUNK);
    if (c->count == 0 || node->out[0] < 0 || node->out[1] < 0 || node->out[2] < 0)
        return cz_builder_decline(b, "empty, or an output that nobody reads");
    CZ_TRY(cz_builder_value(b, node->in[0], CZ_PLAIN, &x[0], err));
    CZ_TRY(cz_builder_temporary(b, (size_t)c->chunks * 2 * sizeof(float), &range, err));
    CZ_TRY(cz_builder_output(b, node->out[0], CZ_PLAIN, &y, err));
    CZ_TRY(cz_builder_output(b, node->out[1], CZ_PLAIN, &x[1], err));
    CZ_TRY(cz_builder_output(b, node->out[2], CZ_PLAIN, &x[2], err));
    CZ_TRY(dynamic_step(b, n, "range", range_tile, c, x, 1, &range, 1, err));
    CZ_TRY(dynamic_step(b, n, "scale", codes_tile, c, &range, 1, &x[1], 2, err));
    return dynamic_step(b, n, "elements", dynamic_tile, c, x, 3, &y, 1, err);
}
