/*
 * Sums of products of 8-bit codes in the plan: by the float32 kernels where that is exact, else in int32.
 *
 * Whole numbers up to 2^24 are exact in float32. Where, for every output channel, the sum of |weight - zero|
 * times the largest |input - zero| stays within it, so does every partial sum in any order, and the float32
 * kernels, fused multiply-add or not, give the very sum that int32 would. The plan proves that for each node,
 * and the algorithm's name says which one it took.
 */
#ifndef CZ_ENGINE_OPS_INTEGER_PLAN_H
#define CZ_ENGINE_OPS_INTEGER_PLAN_H

#include "engine/ops/integer.h"
#include "engine/plan.h"

/* 1 if scales, zero points and weights of the node are known before the run; the input's zero point need not.
 */
int cz_integer_is_known(const struct cz_infer *, const struct cz_plan_node *);

/* 1 if cz_conv_integer_plan, cz_matmul_integer_plan takes the node: then its output may be float32. */
int cz_conv_integer_can_plan(const struct cz_infer *, const struct cz_plan_node *);
int cz_matmul_integer_can_plan(const struct cz_infer *, const struct cz_plan_node *);

/* Weights minus their zero points: element i belongs to channel i / run % channels. */
struct cz_integer_weights {
    int64_t channels, run, count;
    int16_t *values; /* from malloc */
    int is_exact;    /* in float32 */
};

/* Frees nothing on error: values is NULL then. */
cz_status cz_integer_weights(struct cz_builder *, int node, int64_t channels, int64_t run,
                             struct cz_integer_weights *, cz_error *);

/* The weights as floats, from malloc; NULL: out of memory. */
float *cz_integer_floats(const struct cz_integer_weights *);

/* A copy of the weights that lives as long as the plan; NULL: out of memory. */
const int16_t *cz_integer_keep(struct cz_builder *, const struct cz_integer_weights *);

/* The node's input minus its zero point, as float32 in a layout or as row-major int16; emits the step. */
cz_status cz_integer_input_floats(struct cz_builder *, int node, enum cz_layout, int *planned, cz_error *);
cz_status cz_integer_input_shorts(struct cz_builder *, int node, int *planned, cz_error *);

/* What becomes of each output channel's sums; lives as long as the plan. NULL: out of memory. */
const struct cz_write_back *cz_integer_write_backs(struct cz_builder *, int node, int64_t channels);

/*
 * Where a float32 kernel puts the node's sums: its output where that is float32, else working memory, from
 * which cz_integer_finish then makes the output. Row-major values are [m][channels].
 */
cz_status cz_integer_sums(struct cz_builder *, int node, enum cz_layout, int *planned, cz_error *);
cz_status cz_integer_finish(struct cz_builder *, int node, enum cz_layout, int sums, int64_t channels,
                            cz_error *);

/* Says in the name of the last step that it is exact. */
cz_status cz_integer_say_exact(struct cz_builder *, cz_error *);

#endif
