/*
 * Plan: a graph at fixed shapes turned into steps. Every decision is here and none in the graph: what is
 * fused, which algorithm computes a node, the layout of each value, where it lies in the arena.
 *
 * Operators emit their steps through cz_builder; kernels never see a graph.
 */
#ifndef CZ_ENGINE_PLAN_H
#define CZ_ENGINE_PLAN_H

#include "engine/graph.h"
#include "engine/kernels/kernels.h"
#include "engine/runtime.h"

/*
 * CZ_BLOCKED: [N][ceil(C/width)][pixels][width] with the width of the plan's tier, for float32 values of rank
 * 3 to 5; pixels is the product of the dimensions behind C.
 */
enum cz_layout { CZ_PLAIN, CZ_BLOCKED };

/* What a node does besides its own operator, in this order: scale and shift per output channel, add,
 * activation. */
struct cz_fusion {
    float *scale, *shift; /* [out_c], NULL: none */
    int residual;         /* graph value of the output's shape, -1: none */
    struct cz_activation act;
};

/* A node of the plan's own graph, which fusing rewrites. Values are the graph's. */
struct cz_plan_node {
    const char *name;
    const struct cz_op *op;
    const void *attrs;
    int n_in, n_out;
    int *in, *out; /* -1: absent */
    struct cz_fusion fusion;
    double macs;
    int dead;
};

enum cz_storage { CZ_IN_ARENA, CZ_IN_INPUT, CZ_IN_CONSTANT };

/* A value in one layout. */
struct cz_planned {
    struct cz_shape shape;
    enum cz_layout layout;
    enum cz_storage storage;
    const void *constant;
    int input;       /* CZ_IN_INPUT: which of the graph's */
    int same_as;     /* shares the memory of an earlier planned value, -1 */
    int first, last; /* steps between which it must be kept; last INT32_MAX: to the end */
    size_t bytes, offset;
};

struct cz_step;

/* What a tile function gets at run time. */
struct cz_run {
    unsigned char *const *data; /* per planned value */
    unsigned char *scratch;     /* per worker, scratch_stride apart */
    size_t scratch_stride;
    const struct cz_kernels *kernels;
    const struct cz_runtime *runtime;
    uint64_t serial; /* the session's runs so far: tells whether scratch was filled by this one */
};

typedef void (*cz_tile_fn)(const struct cz_step *, const struct cz_run *, int64_t tile, int worker);

struct cz_step {
    const char *name;      /* of the node; reorders carry their value's name */
    const char *op;        /* "Conv", "Reorder" */
    const char *algorithm; /* "direct 14x2", "depthwise", "reference" */
    cz_tile_fn tile;       /* run once for each of n_tiles */
    cz_status (*whole)(const struct cz_step *, const struct cz_run *, cz_error *); /* instead of tile */
    int64_t n_tiles;
    int n_in, n_out;
    const int *in, *out;  /* planned values */
    int in_place;         /* out[0] may take the memory of in[in_place]; -1: no */
    const void *choice;   /* the operator's own, in the plan's arena */
    size_t scratch_bytes; /* per worker */
    double macs;
};

struct cz_plan {
    int refs;
    struct cz_graph *graph;
    struct cz_runtime *runtime;
    struct cz_infer *infer;
    struct cz_arena *arena;
    struct cz_plan_node *nodes;
    int n_nodes;
    struct cz_planned *values;
    int n_values;
    struct cz_step *steps;
    int n_steps;
    int *inputs, *outputs; /* planned values of the graph's inputs and outputs; inputs -1: not used */
    size_t arena_bytes, scratch_bytes, packed_bytes;
    void **packed; /* blocks of prepared weights */
    int n_packed;
    size_t value_capacity, step_capacity, packed_capacity;
    uint64_t packed_version;
};

struct cz_plan *cz_plan_retain(struct cz_plan *);

/* Weights the plan prepared, in bytes. */
size_t cz_plan_packed_bytes(const struct cz_plan *);
double cz_plan_macs(const struct cz_plan *);

/* plan_fuse.c: rewrites plan->nodes by all rules but those in `without`. */
cz_status cz_plan_fuse(struct cz_plan *, unsigned without, cz_error *);

/* 1 if plan node n is an activation whose parameters are known before the run. */
int cz_plan_activation(const struct cz_plan *, int n, struct cz_activation *);

/* 1 if plan node n is a BatchNormalization with constant statistics: scale and shift per channel, in the
 * plan's arena. */
int cz_plan_batchnorm(struct cz_plan *, int n, float **scale, float **shift);

/* plan_memory.c: lifetimes, sharing, offsets. */
cz_status cz_plan_place(struct cz_plan *, cz_error *);

/*
 * The builder: what an operator's `plan` works with. Everything it allocates lives as long as the plan.
 */
struct cz_builder {
    struct cz_plan *plan;
    int *in_layout[2];    /* planned value per graph value and layout, -1: not made */
    const char *declined; /* reason, set by cz_builder_decline */
};

/* Node `node` of the plan, and the shape of a graph value. */
const struct cz_plan_node *cz_builder_node(const struct cz_builder *, int node);
const struct cz_shape *cz_builder_shape(const struct cz_builder *, int graph_value);

/* The contents of a graph value known before the run (a weight, a folded constant), or NULL. */
const cz_tensor *cz_builder_constant(const struct cz_builder *, int graph_value);

/* 1 if the value exists in this layout already. */
int cz_builder_has(const struct cz_builder *, int graph_value, enum cz_layout);

/* 1 if the value can be channel-blocked: float32, rank 3 to 5. */
int cz_builder_can_block(const struct cz_builder *, int graph_value);

/* The graph value in the wanted layout; emits a reorder step where it is not there yet. */
cz_status cz_builder_value(struct cz_builder *, int graph_value, enum cz_layout, int *planned, cz_error *);

/* A new planned value for a graph value that this node computes. */
cz_status cz_builder_output(struct cz_builder *, int graph_value, enum cz_layout, int *planned, cz_error *);

/* The same memory seen as another graph value (Reshape, Flatten); both row-major. */
cz_status cz_builder_alias(struct cz_builder *, int graph_value, int planned, cz_error *);

/* A planned value that belongs to no graph value: working memory between two steps. */
cz_status cz_builder_temporary(struct cz_builder *, size_t bytes, int *planned, cz_error *);

/* A new step for plan node `node`, zeroed but for name, op, in_place; in[] and out[] are copied. */
cz_status cz_builder_step(struct cz_builder *, int node, const char *algorithm, const int *in, int n_in,
                          const int *out, int n_out, struct cz_step **step, cz_error *);

/* Zeroed memory for a step's choice. */
void *cz_builder_alloc(struct cz_builder *, size_t bytes);

/* Aligned memory for prepared weights, not cleared. NULL: out of memory. */
void *cz_builder_pack(struct cz_builder *, size_t bytes);

/* Leaves the node to the operator's eval; returns CZ_OK. */
cz_status cz_builder_decline(struct cz_builder *, const char *reason);

/* Geometry of a blocked value. */
struct cz_blocked {
    int64_t n, c, blocks, pixels; /* blocks = ceil(c/width) */
};
struct cz_blocked cz_blocked_of(const struct cz_shape *, int width);

static inline void *cz_run_data(const struct cz_run *run, int planned)
{
    return run->data[planned];
}

static inline void *cz_run_scratch(const struct cz_run *run, int worker)
{
    return run->scratch + (size_t)worker * run->scratch_stride;
}

#endif
