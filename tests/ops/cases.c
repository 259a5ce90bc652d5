/*
 * Cases of the operators, by ONNX name. Wanted values were worked out by hand, or with the formula of the
 * specification in double where a tolerance stands.
 */
#include "cases.h"

/* A float result that was rounded once: half a unit in the last place, with room for the printed digits. */
#define ONCE 1.2e-7

const struct op_case op_cases[] = {
    /* clang-format off */
    {"Add", 14, "", "f[2,2]: 1 2 3 4 | f[2]: 10 20", "f[2,2]: 11 22 13 24", 0},
    {"Add", 14, "", "f[2,1,2]: 1 2 3 4 | f[3,1]: 10 20 30", "f[2,3,2]: 11 12 21 22 31 32 13 14 23 24 33 34", 0},
    {"Add", 14, "", "l[2]: 9223372036854775807 1 | l[]: 1", "l[2]: -9223372036854775808 2", 0},
    {"Add", 14, "", "u[2]: 250 1 | u[2]: 10 2", "u[2]: 4 3", 0},
    {"Add", 14, "", "f[0,2]: | f[2]: 1 2", "f[0,2]:", 0},
    {"Add", 14, "", "h[2]: 1 2048 | h[2]: 0.5 1", "h[2]: 1.5 2048", 0},
    {"Add", 6, "broadcast=1 axis=1", "f[1,2,3]: 0.. | f[2]: 10 20", "f[1,2,3]: 10 11 12 23 24 25", 0},
    {"Add", 6, "broadcast=1", "f[2,2]: 0.. | f[2]: 10 20", "f[2,2]: 10 21 12 23", 0},
    {"Add", 6, "broadcast=1 axis=2", "f[1,2,3]: 0.. | f[2,3]: 0..", "error shape: b is float32 [2,3] at axis 2", 0},
    {"Add", 14, "", "f[2,3]: 0.. | f[2]: 0..", "error shape: float32 [2,3] and float32 [2] do not broadcast: 3 against 2", 0},
    {"Add", 14, "", "f[2]: 0.. | l[2]: 0..", "error shape: b is int64, the other input is float32", 0},

    {"AveragePool", 11, "kernel_shape=[2,2]", "f[1,1,3,3]: 0..", "f[1,1,2,2]: 2 3 5 6", 0},
    {"AveragePool", 11, "kernel_shape=[2,2] pads=[1,1,0,0] strides=[2,2]", "f[1,1,3,3]: 1..", "f[1,1,2,2]: 1 2.5 5.5 7", 0},
    {"AveragePool", 11, "kernel_shape=[2,2] pads=[1,1,0,0] strides=[2,2] count_include_pad=1", "f[1,1,3,3]: 1..", "f[1,1,2,2]: 0.25 1.25 2.75 7", 0},
    /* ceil_mode adds a window that reaches past the padded input: it divides by what lies inside */
    {"AveragePool", 11, "kernel_shape=[2] strides=[2] ceil_mode=1 count_include_pad=1", "f[1,1,3]: 1 2 3", "f[1,1,2]: 1.5 3", 0},
    /* a window that would start in the right padding is dropped: 2 wide, kernel 3, stride 3, pad 1 */
    {"AveragePool", 11, "kernel_shape=[3,3] strides=[3,3] pads=[1,1,1,1] ceil_mode=1", "f[1,1,2,2]: 1 2 3 4", "f[1,1,1,1]: 2.5", 0},
    {"AveragePool", 11, "kernel_shape=[2,2] auto_pad=SAME_LOWER", "f[1,1,2,2]: 1 2 3 4", "f[1,1,2,2]: 1 1.5 2 2.5", 0},
    {"AveragePool", 19, "kernel_shape=[2] dilations=[2]", "f[1,1,4]: 1 2 3 5", "f[1,1,2]: 2 3.5", 0},
    {"AveragePool", 11, "", "f[1,1,2,2]: 0..", "error format: 'kernel_shape' is missing", 0},
    {"AveragePool", 11, "kernel_shape=[3,3]", "f[1,1,2,3]: 0..", "error shape: input height 2 with pads 0 and 0; at least 3 wanted", 0},
    {"AveragePool", 11, "kernel_shape=[2,2] pads=[2,0,0,0]", "f[1,1,3,3]: 0..", "error shape: pads smaller than the kernel", 0},
    {"AveragePool", 11, "kernel_shape=[2,2]", "l[1,1,3,3]: 0..", "error unsupported: input is int64", 0},

    {"BatchNormalization", 15, "epsilon=0.25f", "f[1,2,2]: 1 2 3 4 | f[2]: 2 1 | f[2]: 0 10 | f[2]: 1 3 | f[2]: 0.75 3.75", "f[1,2,2]: 0 2 10 10.5", 0},
    {"BatchNormalization", 9, "epsilon=0.0f", "f[2,2]: 1 2 3 4 | f[2]: 1 1 | f[2]: 0 0 | f[2]: 1 2 | f[2]: 1 4", "f[2,2]: 0 0 2 1", 0},
    {"BatchNormalization", 6, "is_test=1 epsilon=0.0f spatial=1", "f[1,1,2]: 1 2 | f[1]: 3 | f[1]: 0 | f[1]: 1 | f[1]: 1", "f[1,1,2]: 0 3", 0},
    {"BatchNormalization", 6, "", "f[1,1,2]: 1 2 | f[1]: 3 | f[1]: 0 | f[1]: 1 | f[1]: 1", "error unsupported: is_test=0 is the training form", 0},
    {"BatchNormalization", 15, "training_mode=1", "f[1,1,2]: 1 2 | f[1]: 3 | f[1]: 0 | f[1]: 1 | f[1]: 1", "error unsupported: training_mode=1 is the training form", 0},
    {"BatchNormalization", 15, "", "f[1,2,2]: 0.. | f[2]: 0.. | f[2]: 0.. | f[3]: 0.. | f[2]: 1..", "error shape: mean is float32 [3]; float32 [2] wanted", 0},

    {"Clip", 6, "min=-1.0f max=1.5f", "f[4]: -2 0.5 2 nan", "f[4]: -1 0.5 1.5 nan", 0},
    {"Clip", 10, "max=1.0f", "f[2]: -1e30 2", "f[2]: -1e30 1", 0},
    {"Clip", 6, "", "l[1]: 1", "error unsupported: input is int64", 0},
    {"Clip", 11, "", "f[3]: -2 0 2 | f[]: -1 | f[]: 1", "f[3]: -1 0 1", 0},
    {"Clip", 13, "", "f[3]: -2 0 2 | - | f[]: 1", "f[3]: -2 0 1", 0},
    {"Clip", 13, "", "f[3]: -2 0 2 | ?f[1]: -1", "f[3]: -1 0 2", 0},
    {"Clip", 13, "", "f[3]: -2 0 2 | f[]: 3 | f[]: 1", "f[3]: 1 1 1", 0},
    {"Clip", 13, "", "l[3]: -9007199254740993 0 9007199254740993 | l[]: -9007199254740992", "l[3]: -9007199254740992 0 9007199254740993", 0},
    {"Clip", 13, "", "f[1]: 0 | f[2]: 0..", "error shape: min is float32 [2]; a scalar wanted", 0},

    {"Concat", 13, "axis=1", "f[2,1]: 1 2 | f[2,2]: 3 4 5 6", "f[2,3]: 1 3 4 2 5 6", 0},
    {"Concat", 13, "axis=-1", "l[1]: 1 | l[0]: | l[2]: 2 3", "l[3]: 1 2 3", 0},
    {"Concat", 3, "", "f[1,1]: 1 | f[1,1]: 2", "f[1,2]: 1 2", 0},
    {"Concat", 13, "", "f[1]: 1", "error format: 'axis' is missing", 0},
    {"Concat", 13, "axis=1", "f[2,1]: 1 2 | f[3,1]: 3 4 5", "error shape: input 1 is float32 [3,1], input 0 is float32 [2,1]; only dimension 1 may differ", 0},
    {"Concat", 13, "axis=2", "f[2,1]: 1 2", "error shape: axis 2 of an input of rank 2; -2 to 1 wanted", 0},

    {"Conv", 11, "kernel_shape=[2,2]", "f[1,1,3,3]: 0.. | f[1,1,2,2]: 1 2 3 4 | f[1]: 100", "f[1,1,2,2]: 127 137 157 167", 0},
    {"Conv", 11, "pads=[1,0,0,1] strides=[2,1]", "f[1,1,3,2]: 1.. | f[1,1,2,2]: *1", "f[1,1,2,2]: 3 2 18 10", 0},
    {"Conv", 11, "dilations=[2] pads=[1,1]", "f[1,1,4]: 1 2 3 4 | f[1,1,2]: 1 10", "f[1,1,4]: 20 31 42 3", 0},
    {"Conv", 11, "group=2", "f[1,2,1,2]: 1 2 3 4 | f[2,1,1,1]: 10 100", "f[1,2,1,2]: 10 20 300 400", 0},
    {"Conv", 11, "group=2", "f[1,4,1]: 1 2 3 4 | f[2,2,1]: 1 10 100 1000", "f[1,2,1]: 21 4300", 0},
    {"Conv", 11, "auto_pad=SAME_UPPER strides=[2,2]", "f[1,1,3,3]: 1.. | f[1,1,2,2]: *1", "f[1,1,2,2]: 12 9 15 9", 0},
    {"Conv", 11, "auto_pad=SAME_LOWER", "f[1,1,2]: 1 2 | f[1,1,2]: 1 10", "f[1,1,2]: 10 21", 0},
    {"Conv", 11, "auto_pad=VALID", "f[1,1,3]: 1 2 3 | f[1,1,2]: 1 10", "f[1,1,2]: 21 32", 0},
    {"Conv", 11, "", "f[0,1,3]: | f[1,1,2]: 1 10", "f[0,1,2]:", 0},
    /* an infinite input meets no padding: Inf * 0 would be NaN */
    {"Conv", 11, "pads=[1,1]", "f[1,1,1]: 3 | f[1,1,3]: inf 1 inf", "f[1,1,1]: 3", 0},
    {"Conv", 11, "", "f[1,3,4,4]: 0.. | f[8,2,3,3]: *1", "error shape: weight float32 [8,2,3,3] takes 2 channels in each of 1 groups; input float32 [1,3,4,4] has 3", 0},
    {"Conv", 11, "kernel_shape=[3,3]", "f[1,1,4,4]: 0.. | f[1,1,2,2]: *1", "error shape: 'kernel_shape' wants 3 in dimension 2", 0},
    {"Conv", 11, "group=2", "f[1,2,4,4]: 0.. | f[3,1,2,2]: *1", "error shape: 3 output channels; a multiple of 2", 0},
    {"Conv", 11, "", "f[1,2,4,4]: 0.. | f[3,2,2,2]: *1 | f[2]: 0..", "error shape: bias is float32 [2]; float32 [3] wanted", 0},
    {"Conv", 11, "", "f[1,1,2,2,2]: 0.. | f[1,1,1,1,1]: 1", "error unsupported: one or two spatial dimensions", 0},
    {"Conv", 11, "strides=[0,1]", "f[1,1,2,2]: 0.. | f[1,1,1,1]: 1", "error format: attribute 'strides': value 0 is 0", 0},
    {"Conv", 11, "pads=[0,0,0]", "f[1,1,2,2]: 0.. | f[1,1,1,1]: 1", "error format: attribute 'pads' has 3 values; 4 wanted", 0},
    {"Conv", 11, "auto_pad=SAME", "f[1,1,2,2]: 0.. | f[1,1,1,1]: 1", "error format: attribute 'auto_pad' is 'SAME'", 0},

    {"Div", 14, "", "f[3]: 1 0 1 | f[3]: 4 0 0", "f[3]: 0.25 nan inf", 0},
    {"Div", 14, "", "i[3]: 7 -7 -2147483648 | i[3]: 2 2 -1", "i[3]: 3 -3 -2147483648", 0},
    {"Div", 14, "", "l[1]: 1 | l[1]: 0", "error argument: integer division by zero", 0},

    {"Flatten", 13, "", "f[2,1,2]: 0..", "f[2,2]: 0..", 0},
    {"Flatten", 13, "axis=-1", "f[2,1,2]: 0..", "f[2,2]: 0..", 0},
    {"Flatten", 9, "axis=0", "f[2,1,2]: 0..", "f[1,4]: 0..", 0},
    {"Flatten", 13, "axis=3", "f[2,1,2]: 0..", "f[4,1]: 0..", 0},
    {"Flatten", 13, "axis=0", "f[]: 5", "f[1,1]: 5", 0},
    {"Flatten", 13, "axis=4", "f[2,1,2]: 0..", "error shape: axis 4 of an input of rank 3", 0},
    {"Flatten", 9, "axis=-1", "f[2,1,2]: 0..", "error format: attribute 'axis' is -1", 0},

    {"Gemm", 13, "transB=1 alpha=2.0f beta=0.5f", "f[2,3]: 0.. | f[2,3]: 1.. | f[2]: 2 4", "f[2,2]: 17 36 53 126", 0},
    {"Gemm", 13, "transA=1", "f[2,1]: 1 2 | f[2,2]: 1 2 3 4", "f[1,2]: 7 10", 0},
    {"Gemm", 13, "", "f[2,1]: 1 2 | f[1,2]: 1 2 | f[2,1]: 10 20", "f[2,2]: 11 12 22 24", 0},
    {"Gemm", 6, "broadcast=1", "f[1,1]: 2 | f[1,2]: 1 2 | f[]: 1", "f[1,2]: 3 5", 0},
    {"Gemm", 13, "beta=0.0f", "f[1,1]: 2 | f[1,1]: 1 | f[1]: nan", "f[1,1]: 2", 0},
    {"Gemm", 13, "", "f[2,3]: 0.. | f[2,3]: 0..", "error shape: A is float32 [2,3] (transA 0), B is float32 [2,3] (transB 0); 3 wanted in dimension 0 of B", 0},
    {"Gemm", 13, "", "f[1,1]: 1 | f[1,1]: 1 | f[2]: 0..", "error shape: C is float32 [2]; a shape that broadcasts to float32 [1,1] wanted", 0},
    {"Gemm", 13, "", "f[1]: 1 | f[1,1]: 1", "error shape: two matrices wanted", 0},

    {"GlobalAveragePool", 1, "", "f[1,2,2,2]: 0..", "f[1,2,1,1]: 1.5 5.5", 0},
    {"GlobalAveragePool", 17, "", "f[1,1,4]: 0..", "f[1,1,1]: 1.5", 0},
    {"GlobalAveragePool", 17, "", "f[1,1,0]:", "error shape: at least one element per channel", 0},

    {"GlobalMaxPool", 1, "", "f[1,2,2,2]: 0.. ", "f[1,2,1,1]: 3 7", 0},
    {"GlobalMaxPool", 17, "", "f[1,2,2]: -3 -2 nan 5", "f[1,2,1]: -2 nan", 0},
    {"GlobalMaxPool", 17, "", "f[3]: 0..", "error shape: rank 2 to 6 wanted", 0},

    {"HardSigmoid", 6, "", "f[4]: -3 0 1 3", "f[4]: 0 0.5 0.7 1", ONCE},
    {"HardSigmoid", 6, "alpha=0.5f beta=0.25f", "f[3]: -1 1 nan", "f[3]: 0 0.75 nan", 0},
    {"HardSigmoid", 6, "", "l[1]: 0", "error unsupported: input is int64", 0},

    {"HardSwish", 14, "", "f[5]: -4 -1 0 1.5 4", "f[5]: 0 -0.333333343 0 1.125 4", ONCE},
    {"HardSwish", 14, "", "l[1]: 0", "error unsupported: input is int64", 0},

    {"LeakyRelu", 16, "", "f[3]: -100 0 2", "f[3]: -1 0 2", ONCE},
    {"LeakyRelu", 6, "alpha=0.5f", "f[3]: -2 2 nan", "f[3]: -1 2 nan", 0},
    {"LeakyRelu", 16, "", "u[1]: 0", "error unsupported: input is uint8", 0},

    {"MatMul", 13, "", "f[2,3]: 0.. | f[3,1]: 1 2 3", "f[2,1]: 8 26", 0},
    {"MatMul", 13, "", "f[3]: 1 2 3 | f[3]: 1 2 3", "f[]: 14", 0},
    {"MatMul", 13, "", "f[2]: 1 2 | f[2,2,2]: 1..", "f[2,2]: 7 10 19 22", 0},
    {"MatMul", 13, "", "f[2,1,1,2]: 1 2 3 4 | f[2,2,1]: 1 10 100 1000", "f[2,2,1,1]: 21 2100 43 4300", 0},
    {"MatMul", 13, "", "f[2,2]: 1 2 3 4 | f[2]: 1 10", "f[2]: 21 43", 0},
    {"MatMul", 13, "", "f[2,3]: 0.. | f[2,3]: 0..", "error shape: A is float32 [2,3], B is float32 [2,3]; 3 rows of B wanted", 0},
    {"MatMul", 13, "", "f[2,1,3]: 0.. | f[3,3,1]: 0..", "error shape: do not broadcast: 2 against 3", 0},

    {"MaxPool", 12, "kernel_shape=[2,2]", "f[1,1,3,3]: 0..", "f[1,1,2,2]: 4 5 7 8", 0},
    {"MaxPool", 12, "kernel_shape=[2,2] strides=[2,2] pads=[1,1,0,0]", "f[1,2,2,2]: -1 -2 -3 -4 1 2 3 4", "f[1,2,1,1]: -1 1 | l[1,2,1,1]: 0 4", 0},
    {"MaxPool", 12, "kernel_shape=[2,2] storage_order=1", "f[1,1,2,3]: 0 1 2 3 9 5", "f[1,1,1,2]: 9 9 | l[1,1,1,2]: 3 3", 0},
    {"MaxPool", 10, "kernel_shape=[3,3] strides=[3,3] pads=[1,1,1,1] ceil_mode=1", "f[1,1,2,2]: 1 2 3 4", "f[1,1,1,1]: 4", 0},
    {"MaxPool", 10, "kernel_shape=[2] strides=[2] ceil_mode=1", "f[1,1,5]: 5 4 3 2 1", "f[1,1,3]: 5 3 1", 0},
    {"MaxPool", 10, "kernel_shape=[2] dilations=[2]", "f[1,1,4]: 5 4 3 6", "f[1,1,2]: 5 6", 0},
    {"MaxPool", 12, "kernel_shape=[2]", "f[1,1,4]: 1 nan 2 -inf", "f[1,1,3]: nan nan 2", 0},
    {"MaxPool", 12, "kernel_shape=[2]", "f[1,1,3]: 2 2 1", "f[1,1,2]: 2 2 | l[1,1,2]: 0 1", 0},
    {"MaxPool", 12, "kernel_shape=[2]", "u[1,1,3]: 1 200 3", "u[1,1,2]: 200 200", 0},
    {"MaxPool", 1, "kernel_shape=[2] auto_pad=SAME_UPPER strides=[2]", "f[1,1,3]: 1 2 -3", "f[1,1,2]: 2 -3", 0},
    {"MaxPool", 12, "kernel_shape=[5]", "f[1,1,3]: 0..", "error shape: input width 3 with pads 0 and 0; at least 5 wanted by kernel 5, dilation 1", 0},
    {"MaxPool", 12, "kernel_shape=[2,2]", "f[1,1,3]: 0..", "error format: attribute 'kernel_shape' has 2 values; 1 wanted", 0},

    {"Mul", 14, "", "f[1,2,1,2]: 1 2 3 4 | f[1,2,1,1]: 10 100", "f[1,2,1,2]: 10 20 300 400", 0},
    {"Mul", 7, "", "i[1]: 65536 | i[1]: 65536", "i[1]: 0", 0},
    {"Mul", 14, "", "f[2]: 0.. | f[3]: 0..", "error shape: do not broadcast", 0},

    {"PRelu", 16, "", "f[1,2,2]: -1 2 -3 4 | f[2,1]: 0.5 0.25", "f[1,2,2]: -0.5 2 -0.75 4", 0},
    {"PRelu", 6, "", "f[1,2,2]: -1 2 -3 4 | f[2]: 0.5 0.25", "f[1,2,2]: -0.5 2 -0.75 4", 0},
    {"PRelu", 9, "", "i[2]: -3 3 | i[1]: 2", "i[2]: -6 3", 0},
    {"PRelu", 16, "", "f[2]: 0.. | f[1,2]: 0..", "error shape: slope is float32 [1,2]; a shape that broadcasts to float32 [2] wanted", 0},

    {"Relu", 14, "", "f[5]: -1 0 2 nan -inf", "f[5]: 0 0 2 nan 0", 0},
    {"Relu", 6, "", "h[2]: -1 2", "h[2]: 0 2", 0},
    {"Relu", 14, "", "l[2]: -9007199254740993 9007199254740993", "l[2]: 0 9007199254740993", 0},
    {"Relu", 14, "", "b[1]: 1", "error unsupported: input is bool", 0},

    {"Reshape", 13, "", "f[2,3]: 0.. | l[2]: 3 -1", "f[3,2]: 0..", 0},
    {"Reshape", 13, "", "f[2,3]: 0.. | l[3]: 0 1 3", "f[2,1,3]: 0..", 0},
    {"Reshape", 14, "allowzero=1", "f[2,0]: | l[2]: 0 5", "f[0,5]:", 0},
    {"Reshape", 14, "", "f[0,3]: | l[2]: -1 3", "f[0,3]:", 0},
    {"Reshape", 14, "", "f[1]: 7 | l[0]:", "f[]: 7", 0},
    {"Reshape", 4, "shape=[-1,2]", "f[2,3]: 0..", "f[3,2]: 0..", 0},
    {"Reshape", 13, "", "f[2,3]: 0.. | l[2]: 4 2", "error shape: input is float32 [2,3]; it cannot take the shape float32 [4,2]", 0},
    {"Reshape", 13, "", "f[2,3]: 0.. | l[2]: 4 -1", "error shape: cannot take the shape float32 [4,?]", 0},
    {"Reshape", 13, "", "f[2,3]: 0.. | l[2]: -1 -1", "error shape: -1 twice", 0},
    {"Reshape", 13, "", "f[2,3]: 0.. | ?l[2]: 3 2", "error unsupported: 'shape' is computed from data", 0},
    {"Reshape", 13, "", "f[2,3]: 0.. | l[2]: 4611686018427387904 4", "error shape: impossible shape", 0},
    {"Reshape", 13, "", "f[2,3]: 0.. | l[2]: -2 3", "error shape: impossible shape", 0},

    {"Sigmoid", 13, "", "f[4]: 0 2 -2 200", "f[4]: 0.5 0.880797078 0.119202922 1", ONCE},
    {"Sigmoid", 13, "", "f[1]: -100", "f[1]: 3.78350585e-44", 0},
    {"Sigmoid", 6, "", "d[2]: -2 nan", "d[2]: 0.11920292202211755 nan", 3e-16},
    {"Sigmoid", 13, "", "l[1]: 0", "error unsupported: input is int64", 0},

    {"Sub", 14, "", "f[2]: 1 2 | f[]: 3", "f[2]: -2 -1", 0},
    {"Sub", 14, "", "u[1]: 1 | u[1]: 2", "u[1]: 255", 0},
    {"Sub", 14, "", "b[1]: 1 | b[1]: 1", "error unsupported: a is bool", 0},

    {"Sum", 13, "", "f[2]: 1 2 | f[1,1]: 10 | f[2,1]: 100 200", "f[2,2]: 111 112 211 212", 0},
    {"Sum", 6, "", "f[2]: 1 2", "f[2]: 1 2", 0},
    /* rounded once: in float the first sum would lose the 1 */
    {"Sum", 13, "", "f[1]: 16777216 | f[1]: 1 | f[1]: 1", "f[1]: 16777218", 0},
    {"Sum", 13, "", "f[2]: 0.. | f[3]: 0..", "error shape: do not broadcast", 0},

    {"Tanh", 13, "", "f[5]: 0 0.5 -0.5 -inf 100", "f[5]: 0 0.462117157 -0.462117157 -1 1", ONCE},
    {"Tanh", 6, "", "d[3]: 0.1 -0.2499 0.3", "d[3]: 0.09966799462495582 -0.24482465861681368 0.2913126124515909", 4e-16},
    {"Tanh", 13, "", "i[1]: 0", "error unsupported: input is int32", 0},
    /* clang-format on */
};

const int n_op_cases = sizeof op_cases / sizeof *op_cases;
