#ifndef CZ_TESTS_OPS_CASES_H
#define CZ_TESTS_OPS_CASES_H

/*
 * One run of an operator. `want` holds the outputs, or "error STATUS: part of the message"; `tolerance` is
 * relative to the largest wanted element, 0 for equal bits.
 */
struct op_case {
    const char *op;
    int opset;
    const char *attrs, *in, *want;
    double tolerance;
};

extern const struct op_case op_cases[];
extern const int n_op_cases;

#endif
