#include "engine/ops/integer_plan.h"
#include "base/checked.h"
#include "engine/ops/common.h"

#include <stdlib.h>
#include <string.h>

/* Elements, or pixels of a channel block, per tile. */
enum { CHUNK = 16384, PIXELS = 512 };

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "plan: out of memory");
}

static int value_at(const struct cz_plan_node *node, int input)
{
    return input >= 0 && input < node->n_in ? node->in[input] : -1;
}

/* Left out, or constant. */
static int is_known(const struct cz_infer *infer, const struct cz_plan_node *node, int input)
{
    int value = value_at(node, input);
    return value < 0 || infer->constant[value].data;
}

int cz_integer_is_known(const struct cz_infer *infer, const struct cz_plan_node *node)
{
    const struct cz_integer_inputs *at = cz_integer_inputs(node->op);
    int x_zero = value_at(node, at->x_zero), x_scale = value_at(node, at->x_scale);
    if (x_zero >= 0 && cz_shape_count(&infer->shape[x_zero]) != 1)
        return 0; /* by rows */
    if (x_scale >= 0 && cz_shape_count(&infer->shape[x_scale]) != 1)
        return 0;
    return is_known(infer, node, at->x_scale) && is_known(infer, node, at->w) &&
           is_known(infer, node, at->w_scale) && is_known(infer, node, at->w_zero) &&
           is_known(infer, node, at->y_scale) && is_known(infer, node, at->y_zero) &&
           is_known(infer, node, at->bias);
}

/* -- weights --------------------------------------------------------------------------------------------- */

/* The node's input, absent: rank -1. */
static cz_tensor known_input(const struct cz_builder *b, int node, int input)
{
    int value = value_at(cz_builder_node(b, node), input);
    const cz_tensor *t = value >= 0 ? cz_builder_constant(b, value) : NULL;
    return t ? *t : (cz_tensor){.rank = -1};
}

/* The largest |code - zero| of the input; where the zero point is not known, of any. */
static int64_t largest_input(const struct cz_builder *b, int n)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_integer_inputs *at = cz_integer_inputs(node->op);
    cz_tensor zero = known_input(b, n, at->x_zero);
    if (value_at(node, at->x_zero) >= 0 && zero.rank < 0)
        return UINT8_MAX;
    struct cz_codes c = cz_codes_of(cz_builder_shape(b, node->in[at->x])->dtype, cz_zero_at(&zero, 0));
    return c.zero - c.low > c.high - c.zero ? c.zero - c.low : c.high - c.zero;
}

static void centre_weights(const cz_tensor *codes, const cz_tensor *zero, struct cz_integer_weights *w)
{
    for (int64_t i = 0; i < w->count; i += w->run)
        cz_centre(codes, i, w->run, cz_zero_at(zero, i / w->run % w->channels), w->values + i);
}

static int all_exact(const struct cz_integer_weights *w, int64_t largest, int64_t *sums)
{
    for (int64_t i = 0; i < w->count; i++)
        sums[i / w->run % w->channels] += abs(w->values[i]);
    for (int64_t c = 0; c < w->channels; c++)
        if (sums[c] * largest > 1 << 24)
            return 0;
    return 1;
}

cz_status cz_integer_weights(struct cz_builder *b, int n, int64_t channels, int64_t run,
                             struct cz_integer_weights *w, cz_error *err)
{
    const struct cz_integer_inputs *at = cz_integer_inputs(cz_builder_node(b, n)->op);
    cz_tensor codes = known_input(b, n, at->w), zero = known_input(b, n, at->w_zero);
    *w = (struct cz_integer_weights){.channels = channels, .run = run, .count = cz_tensor_count(&codes)};
    int64_t *sums = calloc((size_t)channels, sizeof *sums);
    w->values = malloc(sizeof *w->values * (size_t)w->count);
    if (!sums || !w->values) {
        free(sums);
        free(w->values);
        w->values = NULL;
        return no_memory(err);
    }
    centre_weights(&codes, &zero, w);
    w->is_exact = all_exact(w, largest_input(b, n), sums);
    free(sums);
    return CZ_OK;
}

float *cz_integer_floats(const struct cz_integer_weights *w)
{
    float *floats = malloc(sizeof *floats * (size_t)w->count);
    for (int64_t i = 0; floats && i < w->count; i++)
        floats[i] = w->values[i];
    return floats;
}

const int16_t *cz_integer_keep(struct cz_builder *b, const struct cz_integer_weights *w)
{
    int16_t *copy = cz_builder_pack(b, sizeof *copy * (size_t)w->count);
    if (copy)
        memcpy(copy, w->values, sizeof *copy * (size_t)w->count);
    return copy;
}

/* -- input ----------------------------------------------------------------------------------------------- */

/* in[1], where there is one, is the zero point. */
struct input {
    struct cz_codes codes;
    cz_dtype dtype;
    int64_t count;
    struct cz_blocked g;
};

static struct cz_codes codes_now(const struct cz_step *step, const struct cz_run *run)
{
    struct cz_codes codes = ((const struct input *)step->choice)->codes;
    if (step->n_in > 1) {
        uint8_t zero = *(const uint8_t *)cz_run_data(run, step->in[1]);
        codes.zero = codes.low < 0 ? (int8_t)zero : zero;
    }
    return codes;
}

static int64_t chunk_of(const struct input *c, int64_t tile)
{
    return c->count - tile * CHUNK < CHUNK ? c->count - tile * CHUNK : CHUNK;
}

/* Tile: chunk. */
static void floats_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    struct cz_codes codes = codes_now(step, run);
    (void)worker;
    run->kernels->dequantize(&codes, (const uint8_t *)cz_run_data(run, step->in[0]) + tile * CHUNK,
                             (float *)cz_run_data(run, step->out[0]) + tile * CHUNK,
                             chunk_of(step->choice, tile));
}

static void shorts_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct input *c = step->choice;
    cz_tensor x = {cz_run_data(run, step->in[0]), c->dtype, 1, {c->count}};
    (void)worker;
    cz_centre(&x, tile * CHUNK, chunk_of(c, tile), codes_now(step, run).zero,
              (int16_t *)cz_run_data(run, step->out[0]) + tile * CHUNK);
}

/* Tile: image and channel block. */
static void blocked_tile(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct input *c = step->choice;
    struct cz_codes codes = codes_now(step, run);
    int64_t width = run->kernels->width, first = tile % c->g.blocks * width;
    int64_t lanes = c->g.c - first < width ? c->g.c - first : width;
    const uint8_t *x =
        (const uint8_t *)cz_run_data(run, step->in[0]) + (tile / c->g.blocks * c->g.c + first) * c->g.pixels;
    float *y = (float *)cz_run_data(run, step->out[0]) + tile * c->g.pixels * width;
    float *planes = cz_run_scratch(run, worker);
    for (int64_t p = 0; p < c->g.pixels; p += PIXELS) {
        int64_t n = c->g.pixels - p < PIXELS ? c->g.pixels - p : PIXELS;
        for (int64_t lane = 0; lane < lanes; lane++)
            run->kernels->dequantize(&codes, x + lane * c->g.pixels + p, planes + lane * PIXELS, n);
        run->kernels->block_channels(
            &(struct cz_channel_block){planes, y + p * width, PIXELS, n, (int)lanes});
    }
}

static cz_status input_step(struct cz_builder *b, int n, const char *algorithm, cz_tile_fn tile, size_t bytes,
                            int *planned, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_integer_inputs *at = cz_integer_inputs(node->op);
    const struct cz_shape *x = cz_builder_shape(b, node->in[at->x]);
    int zero = value_at(node, at->x_zero), in[2], n_in = 1;
    cz_tensor known = known_input(b, n, at->x_zero);
    struct input *c = cz_builder_alloc(b, sizeof *c);
    struct cz_step *step;
    if (!c)
        return no_memory(err);
    *c = (struct input){cz_codes_of(x->dtype, cz_zero_at(&known, 0)), x->dtype, cz_shape_count(x), {0}};
    CZ_TRY(cz_builder_value(b, node->in[at->x], CZ_PLAIN, &in[0], err));
    if (zero >= 0 && known.rank < 0)
        CZ_TRY(cz_builder_value(b, zero, CZ_PLAIN, &in[n_in++], err));
    CZ_TRY(cz_builder_temporary(b, bytes, planned, err));
    CZ_TRY(cz_builder_step(b, n, algorithm, in, n_in, planned, 1, &step, err));
    step->tile = tile;
    step->choice = c;
    step->n_tiles = cz_ceil_div(c->count, CHUNK);
    step->macs = 0;
    if (tile == blocked_tile) {
        int width = b->plan->runtime->kernels->width;
        c->g = cz_blocked_of(x, width);
        step->n_tiles = c->g.n * c->g.blocks;
        step->scratch_bytes = (size_t)(PIXELS * width) * sizeof(float);
    }
    return CZ_OK;
}

static const struct cz_shape *input_shape(const struct cz_builder *b, int n)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    return cz_builder_shape(b, node->in[cz_integer_inputs(node->op)->x]);
}

static size_t float_bytes(const struct cz_builder *b, const struct cz_shape *s, enum cz_layout layout)
{
    int width = b->plan->runtime->kernels->width;
    if (layout == CZ_PLAIN)
        return (size_t)cz_shape_count(s) * sizeof(float);
    struct cz_blocked g = cz_blocked_of(s, width);
    return (size_t)(g.n * g.blocks * g.pixels * width) * sizeof(float);
}

cz_status cz_integer_input_floats(struct cz_builder *b, int n, enum cz_layout layout, int *planned,
                                  cz_error *err)
{
    return input_step(b, n, "codes to float32", layout == CZ_BLOCKED ? blocked_tile : floats_tile,
                      float_bytes(b, input_shape(b, n), layout), planned, err);
}

cz_status cz_integer_input_shorts(struct cz_builder *b, int n, int *planned, cz_error *err)
{
    return input_step(b, n, "codes to int16", shorts_tile,
                      (size_t)cz_shape_count(input_shape(b, n)) * sizeof(int16_t), planned, err);
}

/* -- output ---------------------------------------------------------------------------------------------- */

const struct cz_write_back *cz_integer_write_backs(struct cz_builder *b, int n, int64_t channels)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    cz_dtype dtype = cz_builder_shape(b, node->out[0])->dtype;
    cz_tensor *in = cz_builder_alloc(b, sizeof *in * (size_t)node->n_in);
    struct cz_write_back *w = cz_builder_alloc(b, sizeof *w * (size_t)channels);
    if (!in || !w)
        return NULL;
    for (int i = 0; i < node->n_in; i++)
        in[i] = known_input(b, n, i);
    for (int64_t c = 0; c < channels; c++)
        w[c] = cz_write_back_of(cz_integer_inputs(node->op), in, node->n_in, dtype, 0, c);
    return w;
}

struct output {
    const struct cz_write_back *w;
    int64_t channels;
    struct cz_blocked g;
};

/* n sums that a float32 kernel computed, to elements `first` and on. */
static void write_floats(const struct cz_run *run, const struct cz_write_back *w, const float *sums,
                         int64_t n, void *out, int64_t first)
{
    if (w->dtype != CZ_I32) {
        run->kernels->requantize(&w->codes, sums, w->bias, (uint8_t *)out + first, n);
        return;
    }
    int32_t *y = (int32_t *)out + first;
    for (int64_t i = 0; i < n; i++)
        y[i] = (int32_t)sums[i];
}

/* Tile: image and channel block. */
static void finish_blocked(const struct cz_step *step, const struct cz_run *run, int64_t tile, int worker)
{
    const struct output *c = step->choice;
    int64_t width = run->kernels->width, first = tile % c->g.blocks * width;
    int64_t lanes = c->g.c - first < width ? c->g.c - first : width;
    int64_t at = (tile / c->g.blocks * c->g.c + first) * c->g.pixels;
    float *sums = (float *)cz_run_data(run, step->in[0]) + tile * c->g.pixels * width;
    float *planes = cz_run_scratch(run, worker);
    for (int64_t p = 0; p < c->g.pixels; p += PIXELS) {
        int64_t n = c->g.pixels - p < PIXELS ? c->g.pixels - p : PIXELS;
        run->kernels->unblock_channels(
            &(struct cz_channel_block){planes, sums + p * width, PIXELS, n, (int)lanes});
        for (int64_t lane = 0; lane < lanes; lane++)
            write_floats(run, &c->w[first + lane], planes + lane * PIXELS, n, cz_run_data(run, step->out[0]),
                         at + lane * c->g.pixels + p);
    }
}

/* Tile: row. */
static void finish_row(const struct cz_step *step, const struct cz_run *run, int64_t row, int worker)
{
    const struct output *c = step->choice;
    const float *sums = (const float *)cz_run_data(run, step->in[0]) + row * c->channels;
    (void)worker;
    for (int64_t i = 0; i < c->channels; i++)
        write_floats(run, &c->w[i], &sums[i], 1, cz_run_data(run, step->out[0]), row * c->channels + i);
}

cz_status cz_integer_sums(struct cz_builder *b, int n, enum cz_layout layout, int *planned, cz_error *err)
{
    int value = cz_builder_node(b, n)->out[0];
    const struct cz_shape *y = cz_builder_shape(b, value);
    if (y->dtype == CZ_F32)
        return cz_builder_output(b, value, layout, planned, err);
    return cz_builder_temporary(b, float_bytes(b, y, layout), planned, err);
}

cz_status cz_integer_finish(struct cz_builder *b, int n, enum cz_layout layout, int sums, int64_t channels,
                            cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    const struct cz_shape *y = cz_builder_shape(b, node->out[0]);
    int width = b->plan->runtime->kernels->width, out;
    if (y->dtype == CZ_F32)
        return CZ_OK;
    struct output *c = cz_builder_alloc(b, sizeof *c);
    struct cz_step *step;
    if (!c)
        return no_memory(err);
    *c = (struct output){cz_integer_write_backs(b, n, channels), channels, {0}};
    if (!c->w)
        return no_memory(err);
    CZ_TRY(cz_builder_output(b, node->out[0], CZ_PLAIN, &out, err));
    CZ_TRY(cz_builder_step(b, n, y->dtype == CZ_I32 ? "float32 to int32" : "float32 to codes", &sums, 1, &out,
                           1, &step, err));
    step->choice = c;
    step->macs = 0;
    if (layout == CZ_BLOCKED)
        c->g = cz_blocked_of(y, width);
    step->tile = layout == CZ_BLOCKED ? finish_blocked : finish_row;
    step->n_tiles = layout == CZ_BLOCKED ? c->g.n * c->g.blocks : cz_shape_count(y) / channels;
    step->scratch_bytes = layout == CZ_BLOCKED ? (size_t)(PIXELS * width) * sizeof(float) : 0;
    return CZ_OK;
}

cz_status cz_integer_say_exact(struct cz_builder *b, cz_error *err)
{
    struct cz_step *step = &b->plan->steps[b->plan->n_steps - 1];
    step->algorithm = cz_arena_printf(b->plan->arena, "%s, exact in float32", step->algorithm);
    return step->algorithm ? CZ_OK : no_memory(err);
}
