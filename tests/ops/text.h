/*
 * Tensors, attributes and single-node runs written as text, so that a case of an operator is one line of a
 * table.
 *
 *   tensors     "f[2,3]: 1 2 3 4 5 6 | l[2]: -1 3"    separated by |, "-" is an input left out
 *               dtypes f float32, d float64, h float16, l int64, i int32, u uint8, c int8, b bool
 *               values as numbers, nan, inf, -inf; "a.." counts on from a; "*v" repeats v to the end
 *               a leading "?" hides the value from infer: it is known at the run only
 *   attributes  "axis=1 alpha=0.5f mode=reflect pads=[0,1,0,1] scales=[1.0f,2.0f] value={f[1]: 3}"
 */
#ifndef CZ_TESTS_OPS_TEXT_H
#define CZ_TESTS_OPS_TEXT_H

#include "engine/op.h"

enum { TEXT_MAX_TENSORS = 9 };

struct text_tensors {
    int n;
    cz_tensor tensor[TEXT_MAX_TENSORS];
    int hidden[TEXT_MAX_TENSORS];
};

/* All memory from the arena; a mistake in the text ends the test program. */
struct text_tensors text_parse_tensors(struct cz_arena *, const char *text);
struct cz_attr_list text_parse_attrs(struct cz_arena *, const char *text);

/*
 * Parses, infers and evaluates one node; out->tensor[0..n_out) is filled from the arena.
 * `op` is found by name and opset.
 */
cz_status text_run_node(struct cz_arena *, const char *name, int opset, const struct cz_attr_list *,
                        const struct text_tensors *in, int n_out, struct text_tensors *out, cz_error *err);

#endif
