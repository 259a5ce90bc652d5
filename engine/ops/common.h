/*
 * What the operators share: the opset range, checks of dtypes, ranks and attributes with one wording, and
 * access to elements of any dtype in runs, so that no reference loop switches on a dtype per element.
 */
#ifndef CZ_ENGINE_OPS_COMMON_H
#define CZ_ENGINE_OPS_COMMON_H

#include "engine/op.h"

/* The newest opset whose definitions were read. A form that still holds ends its range here. */
enum { CZ_OPSET_NEWEST = 21 };

/* Sets of dtypes an input may have. */
enum cz_dtype_set {
    CZ_SET_FLOAT = 1u << CZ_F32 | 1u << CZ_F16 | 1u << CZ_BF16 | 1u << CZ_F64,
    CZ_SET_INT = 1u << CZ_I8 | 1u << CZ_U8 | 1u << CZ_I32 | 1u << CZ_I64,
    CZ_SET_INDEX = 1u << CZ_I32 | 1u << CZ_I64,
    CZ_SET_BOOL = 1u << CZ_BOOL,
    CZ_SET_NUMBER = CZ_SET_FLOAT | CZ_SET_INT,
    CZ_SET_ANY = CZ_SET_NUMBER | CZ_SET_BOOL,
};

static inline int cz_is_float(cz_dtype dtype)
{
    return (1u << dtype & CZ_SET_FLOAT) != 0;
}

/* `what` names the input in the message. */
cz_status cz_check_dtype(const struct cz_op_input *, const char *what, unsigned allowed, cz_error *);
cz_status cz_check_same_dtype(const struct cz_op_input *, const char *what, cz_dtype wanted, cz_error *);
cz_status cz_check_rank(const struct cz_op_input *, const char *what, int min, int max, cz_error *);
/* A vector of `length`, called `what`, of the dtype of x. */
cz_status cz_check_vector(const struct cz_op_input *, const char *what, int64_t length, cz_dtype, cz_error *);

/*
 * The elements of an int32 or int64 scalar or vector that must be known before the run.
 * Errors  CZ_ERR_UNSUPPORTED (not known), CZ_ERR_SHAPE (rank, or more than max elements).
 */
cz_status cz_known_ints(const struct cz_op_input *, const char *what, int64_t *out, int max, int *n,
                        cz_error *);

/* Attributes whose value must lie in a range; absent gives `missing`. */
cz_status cz_parse_int(const struct cz_attr_list *, const char *name, int64_t missing, int64_t min,
                       int64_t max, int64_t *out, cz_error *);
cz_status cz_parse_flag(const struct cz_attr_list *, const char *name, int missing, int *out, cz_error *);
/* Up to max ints, each in [min, max_value]; *n is 0 where the attribute is absent. */
cz_status cz_parse_ints(const struct cz_attr_list *, const char *name, int64_t min, int64_t max_value,
                        int64_t *out, int max, int *n, cz_error *);

/* An input left out by its position or by an empty name. */
static inline int cz_has_input(const struct cz_op_input *in, int n_in, int i)
{
    return i < n_in && in[i].present;
}

static inline int cz_has_tensor(const cz_tensor *in, int n_in, int i)
{
    return i < n_in && in[i].rank >= 0;
}

/* What infer would see of the inputs of an eval: all of it. */
void cz_known_inputs(const cz_tensor *in, int n_in, struct cz_op_input *out);

int64_t cz_tensor_count(const cz_tensor *);

/* Product of dim[from..to). */
int64_t cz_dim_product(const int64_t *dim, int from, int to);

/*
 * n elements from `first` on, as doubles or back (rounded once, integers saturating), and as int64_t or back
 * (low bits kept, as integer arithmetic of the type would).
 */
void cz_load_doubles(const cz_tensor *, int64_t first, int64_t n, double *out);
void cz_store_doubles(cz_tensor *, int64_t first, int64_t n, const double *in);
void cz_load_ints(const cz_tensor *, int64_t first, int64_t n, int64_t *out);
void cz_store_ints(cz_tensor *, int64_t first, int64_t n, const int64_t *in);

/* Elements that go through a buffer at a time. */
enum { CZ_RUN = 256 };

/* Memory for n doubles of an `eval`, free() gives it back; NULL with the error set when there is none. */
double *cz_scratch_doubles(int64_t n, cz_error *);

/* All elements as doubles, in scratch memory. */
double *cz_scratch_load(const cz_tensor *, cz_error *);

/* Copies n elements: dst and src have the same dtype. */
void cz_copy_elements(cz_tensor *dst, int64_t dst_first, const cz_tensor *src, int64_t src_first, int64_t n);

/*
 * Element i of a tensor of indices, for an axis of `size` elements; negative ones count from the end.
 * Errors  CZ_ERR_ARGUMENT (out of range).
 */
cz_status cz_take_index(const cz_tensor *, int64_t i, int64_t size, int64_t *index, cz_error *);

/* Every element of t becomes the one at `element`. */
void cz_fill_elements(cz_tensor *t, const void *element);

/* infer and eval of operators that pass input 0 on: same dtype and elements, out's own shape. */
cz_status cz_infer_same(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                        int n_out, cz_error *);
cz_status cz_eval_copy(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                       cz_error *);

#endif
