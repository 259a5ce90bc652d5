#!/usr/bin/env python3
"""Operators at the opsets that no packaged vector reaches (18 to 21), and forms that none covers, against ONNX Runtime.

Usage: ort_vectors.py PATH/TO/test_vectors    (CONVZOO_ORT: the folder with node_modules/onnxruntime-node)

Every case is a model of one node, or of what the importer writes out: functions, If and Loop. ONNX Runtime computes its outputs; model, inputs and outputs then go through
`test_vectors --peer`, which runs our reference and our plans on every tier. Models are written with the oldest IR
version that knows their opset; Debian's onnx is older than opset 19, so nothing here asks it to check them.
"""
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "int32": TensorProto.INT32,
         "bool": TensorProto.BOOL, "uint8": TensorProto.UINT8, "int8": TensorProto.INT8}
NEW = (18, 19, 20, 21)


class Cases:
    def __init__(self, folder):
        self.folder = folder
        self.rng = np.random.default_rng(20240607)
        self.count = 0

    def floats(self, *shape, low=-2.0, high=2.0):
        return self.rng.uniform(low, high, shape).astype(np.float32)

    def ints(self, *shape, low=-9, high=9, dtype=np.int64):
        return self.rng.integers(low, high, shape).astype(dtype)

    def bools(self, *shape):
        return self.rng.random(shape) < 0.5

    def add(self, op, opset, inputs, out_types=("float32",), constants=(), **attributes):
        """inputs: arrays, None for one left out; constants: positions of those that are initializers."""
        names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
        while names and not names[-1]:
            names.pop()
        results = [f"y{i}" for i in range(len(out_types))]
        given = [i for i, x in enumerate(inputs) if x is not None and i not in constants]
        graph = helper.make_graph(
            [helper.make_node(op, names, results, name="node", **attributes)], op,
            [helper.make_tensor_value_info(names[i], TYPES[inputs[i].dtype.name], inputs[i].shape) for i in given],
            [helper.make_tensor_value_info(r, TYPES[t], None) for r, t in zip(results, out_types)],
            [numpy_helper.from_array(inputs[i], names[i]) for i in constants])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        self.add_model(f"{op}_{opset}", model, [inputs[i] for i in given])

    def add_model(self, name, model, inputs):
        folder = os.path.join(self.folder, f"{self.count:03d}_{name}")
        self.count += 1
        os.makedirs(folder)
        with open(os.path.join(folder, "model.onnx"), "wb") as out:
            out.write(model.SerializeToString())
        for i, x in enumerate(inputs):
            np.save(os.path.join(folder, f"in_{i}.npy"), x)


def i64(*values):
    return np.array(values, np.int64)


def f32(*values):
    return np.array(values, np.float32)


UNARY = ("Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor HardSigmoid HardSwish LeakyRelu Log "
         "Mish Neg Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh "
         "ThresholdedRelu").split()
DOMAIN = {"Acos": (-1, 1), "Asin": (-1, 1), "Atanh": (-0.9, 0.9), "Acosh": (1, 9), "Log": (0.01, 9), "Sqrt": (0, 9),
          "Reciprocal": (0.1, 3), "Tan": (-1.4, 1.4)}


def unary(c):
    for op in UNARY:
        low, high = DOMAIN.get(op, (-4, 4))
        c.add(op, 18 if op == "Mish" else 21, [c.floats(3, 5, low=low, high=high)])
    for how in ("none", "tanh"):
        c.add("Gelu", 20, [c.floats(3, 50, low=-6, high=6)], approximate=how)
    for opset in (18, 20, 21):
        x = f32(1, np.inf, -np.inf, np.nan)
        c.add("IsNaN", opset, [x], ("bool",))
        c.add("IsInf", opset, [x], ("bool",), detect_negative=0)
    c.add("Not", 21, [c.bools(4)], ("bool",))
    for opset in NEW:
        for to in ("float32", "int64", "int32", "bool", "uint8"):
            c.add("Cast", opset, [c.floats(7, low=0, high=9)], (to,), to=TYPES[to])
        c.add("CastLike", opset, [c.floats(7, low=-9, high=9), i64(0)], ("int64",))


def pairs(c):
    for opset in (18, 19, 21):
        for op in ("Add", "Sub", "Mul", "Div", "PRelu", "Max", "Min", "Mean", "Sum"):
            c.add(op, opset, [c.floats(2, 3, 4), c.floats(3, 1, low=0.5)])
        for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
            c.add(op, opset, [c.ints(2, 3, 4), c.ints(4)], ("bool",))
            c.add(op, opset, [np.round(c.floats(2, 3, 4)), np.round(c.floats(4))], ("bool",))
        for op in ("And", "Or", "Xor"):
            c.add(op, opset, [c.bools(2, 3, 4), c.bools(3, 1)], ("bool",))
        c.add("Equal", opset, [c.bools(5), c.bools(5)], ("bool",))
        c.add("Pow", opset, [c.floats(3, 4, low=0.1), c.floats(4)])
        c.add("Pow", opset, [c.floats(3, 4), f32(3)])
        c.add("Mod", opset, [c.ints(9), c.ints(9, low=1)], ("int64",))
        c.add("Mod", opset, [c.floats(9), c.floats(9, low=0.5)], fmod=1)
        c.add("Where", opset, [c.bools(2, 1, 3), c.floats(4, 1), c.floats(1)])


REDUCTIONS = ("ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
              "ReduceSumSquare").split()


def reductions(c):
    for op in REDUCTIONS:
        low = 0.1 if op == "ReduceLogSum" else -2
        for opset in (18, 20, 21):
            x = c.floats(2, 3, 4, low=low)
            c.add(op, opset, [x, i64(1)], constants=(1,))
            c.add(op, opset, [x, i64(-1, 0)], constants=(1,), keepdims=0)
            c.add(op, opset, [x])
            if op in ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"):
                c.add(op, opset, [x], noop_with_empty_axes=1)
        if op in ("ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd"):
            c.add(op, 18, [c.ints(3, 4), i64(0)], ("int64",), constants=(1,))
    for op in ("ReduceMax", "ReduceMin"):
        c.add(op, 20, [c.bools(3, 4), i64(1)], ("bool",), constants=(1,))
    for op in ("ArgMax", "ArgMin"):
        c.add(op, 18, [np.round(c.floats(4, 5))], ("int64",), axis=1, select_last_index=1)
    c.add("TopK", 18, [c.floats(3, 9), i64(4)], ("float32", "int64"), constants=(1,))
    c.add("TopK", 21, [c.floats(3, 9), i64(2)], ("float32", "int64"), constants=(1,), axis=0, largest=0)
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        for opset in (11, 18, 21):
            c.add(op, opset, [c.floats(2, 3, 4)], axis=1)
    c.add("CumSum", 18, [c.floats(3, 4), i64(1)[0:1].reshape(())], reverse=1, exclusive=1)


def moves(c):
    for opset in (18, 19, 21):
        for mode in ("constant", "reflect", "edge") + (("wrap",) if opset >= 19 else ()):
            c.add("Pad", opset, [c.floats(3, 4, 5), i64(1, 0, 2, 2, 1, 0)], constants=(1,), mode=mode)
            c.add("Pad", opset, [c.floats(3, 4, 5), i64(1, 2, 0, 2), None, i64(-1, 0)], constants=(1, 3), mode=mode)
        c.add("Pad", opset, [c.ints(3, 4), i64(1, 0, 0, 2), np.array(7, np.int64)], ("int64",), constants=(1, 2))
        c.add("Split", opset, [c.floats(7, 2)], ("float32",) * 3, num_outputs=3)
        c.add("Split", opset, [c.floats(2, 7), i64(3, 4)], ("float32",) * 2, constants=(1,), axis=-1)
        c.add("Reshape", opset, [c.floats(2, 6), i64(0, -1, 2)], constants=(1,))
        c.add("Reshape", opset, [c.floats(0, 6), i64(3, 0)], constants=(1,), allowzero=1)
        c.add("Squeeze", opset, [c.floats(1, 6, 1), i64(0)], constants=(1,))
        c.add("Unsqueeze", opset, [c.floats(6), i64(0, 2)], constants=(1,))
        c.add("Transpose", opset, [c.floats(2, 3, 4)], perm=[2, 0, 1])
        c.add("Flatten", opset, [c.floats(2, 3, 4)], axis=2)
        c.add("Identity", opset, [c.floats(2, 3)])
        c.add("Shape", opset, [c.floats(2, 3, 4)], ("int64",), start=1)
        c.add("Size", opset, [c.floats(2, 3, 4)], ("int64",))
        c.add("ConstantOfShape", opset, [i64(2, 3)], ("int64",), (0,), value=numpy_helper.from_array(i64(5)))
        for how in ("none", "add", "mul", "max", "min"):
            c.add("ScatterElements", opset, [c.floats(3, 4), c.ints(2, 4, low=0, high=3), c.floats(2, 4)],
                  reduction=how)
            c.add("ScatterND", opset, [c.floats(4, 2), i64(1, 3, 1).reshape(3, 1), c.floats(3, 2)], reduction=how)
    c.add("Expand", 18, [c.floats(3, 1), i64(2, 1, 4)], constants=(1,))
    c.add("Tile", 18, [c.floats(2, 3), i64(2, 2)], constants=(1,))
    c.add("Range", 18, [f32(1).reshape(()), f32(9).reshape(()), f32(1.5).reshape(())], constants=(0, 1, 2))
    c.add("OneHot", 18, [c.ints(2, 3, low=-4, high=6), i64(5), f32(0.5, 3)], constants=(1,), axis=1)
    c.add("EyeLike", 18, [c.floats(3, 4)], k=1)
    c.add("Trilu", 18, [c.floats(2, 4, 5), np.array(-1, np.int64)], upper=0)
    c.add("GatherElements", 18, [c.floats(3, 4), c.ints(3, 2, low=-4, high=4)], axis=1)
    c.add("GatherND", 18, [c.floats(2, 3, 4), c.ints(2, 2, 1, low=0, high=3)], batch_dims=1)
    c.add("DepthToSpace", 18, [c.floats(2, 12, 2, 3)], blocksize=2, mode="CRD")
    c.add("SpaceToDepth", 18, [c.floats(2, 3, 4, 6)], blocksize=2)
    for equation, shapes in (("bij,bjk->bik", ((2, 3, 4), (2, 4, 5))), ("bhqd,bhkd->bhqk", ((2, 2, 3, 4), (2, 2, 5, 4))),
                             ("...ij->...ji", ((2, 3, 4),)), ("ij,ij->i", ((3, 4), (3, 4)))):
        c.add("Einsum", 18, [c.floats(*s) for s in shapes], equation=equation)


def windows(c):
    for opset in (18, 19, 21):
        c.add("AveragePool", opset, [c.floats(1, 2, 7, 8)], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1],
              count_include_pad=1)
        c.add("AveragePool", opset, [c.floats(1, 2, 5, 6, 7)], kernel_shape=[2, 3, 2], pads=[1, 1, 0, 0, 1, 1])
        c.add("MaxPool", opset, [c.floats(1, 2, 5, 6, 7)], kernel_shape=[2, 3, 2], dilations=[2, 1, 1])
        c.add("LpPool", opset, [c.floats(1, 2, 7, 8)], kernel_shape=[3, 2], strides=[2, 2], p=3)
        c.add("LpPool", opset, [c.floats(1, 2, 9)], kernel_shape=[3], pads=[1, 1])
        c.add("GlobalLpPool", opset, [c.floats(2, 3, 4, 5)], p=1)
        c.add("GlobalMaxPool", opset, [c.floats(2, 3, 4, 5)])
        c.add("Conv", opset, [c.floats(1, 4, 5, 6, 7), c.floats(6, 2, 3, 2, 3), c.floats(6)], constants=(1, 2), group=2,
              strides=[1, 2, 1], pads=[1, 0, 1, 1, 1, 1])
        c.add("ConvTranspose", opset, [c.floats(2, 4, 5, 6), c.floats(4, 3, 3, 2), c.floats(6)], group=2, strides=[2, 3],
              pads=[1, 0, 1, 1], output_padding=[1, 0], dilations=[1, 2])
        c.add("ConvTranspose", opset, [c.floats(1, 2, 5), c.floats(2, 3, 4)], strides=[2], auto_pad="SAME_UPPER")
        c.add("BatchNormalization", opset, [c.floats(2, 3, 4)] + [c.floats(3, low=0.5) for _ in range(4)])
        c.add("InstanceNormalization", opset, [c.floats(2, 3, 4, 5), c.floats(3), c.floats(3)])
        c.add("LayerNormalization", opset, [c.floats(2, 3, 8), c.floats(8), c.floats(8)])
        c.add("LayerNormalization", opset, [c.floats(2, 3, 8), c.floats(3, 8)], ("float32",) * 3, axis=1)
        c.add("LpNormalization", opset, [c.floats(2, 3, 4)], axis=1, p=1)
        c.add("MeanVarianceNormalization", opset, [c.floats(2, 3, 4, 5)])
        c.add("LRN", opset, [c.floats(2, 7, 4, 5)], size=5)
    c.add("GroupNormalization", 18, [c.floats(2, 6, 4, 5), c.floats(3), c.floats(3)], num_groups=3)
    c.add("GroupNormalization", 21, [c.floats(2, 6, 4, 5), c.floats(6), c.floats(6)], num_groups=3)


def resize(c, opset, x, roi, scales, sizes, **attributes):
    """What is left out is an empty tensor in opset 11, where roi and scales were no optional inputs yet."""
    missing = f32() if opset == 11 else None
    inputs = [x, missing if roi is None else roi, missing if scales is None else scales, sizes]
    c.add("Resize", opset, inputs, constants=[i for i in (1, 2, 3) if inputs[i] is not None], **attributes)


COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")


def resizes(c):
    for scale in (1.7, 2.0):
        c.add("Resize", 10, [c.floats(1, 2, 5, 4), f32(1, 1, scale, 2)], constants=(1,), mode="nearest")
        c.add("Resize", 10, [c.floats(1, 2, 5, 4), f32(1, 1, scale, 2)], constants=(1,), mode="linear")
    c.add("Resize", 10, [c.floats(1, 1, 7, 9), f32(1, 1, 0.5, 0.4)], constants=(1,), mode="nearest")
    c.add("Upsample", 9, [c.floats(1, 2, 3, 4), f32(1, 1, 2, 3)], constants=(1,), mode="linear")
    c.add("Upsample", 7, [c.floats(1, 2, 3, 4)], mode="nearest", scales=[1.0, 1.0, 2.0, 3.0])
    for opset in (11, 13, 18, 19, 21):
        for coordinates in COORDINATES + (("half_pixel_symmetric",) if opset >= 19 else ()):
            for sizes in (i64(1, 2, 8, 11), i64(1, 2, 3, 3)):
                for mode in ("nearest", "linear", "cubic"):
                    resize(c, opset, c.floats(1, 2, 5, 6), None, None, sizes, mode=mode,
                           coordinate_transformation_mode=coordinates)
        resize(c, opset, c.floats(1, 1, 6, 6), None, f32(1, 1, 1.5, 0.5), None, mode="cubic", cubic_coeff_a=-0.5,
               exclude_outside=1)
        resize(c, opset, c.floats(1, 1, 6, 6), f32(0, 0, 0.2, 0.3, 1, 1, 0.7, 1.4), None, i64(1, 1, 4, 5),
               mode="linear", coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=5.0)
        for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            resize(c, opset, c.floats(1, 1, 6, 6), None, None, i64(1, 1, 9, 4), mode="nearest", nearest_mode=nearest)
    for opset in (18, 19, 21):
        for mode in ("linear", "cubic"):
            resize(c, opset, c.floats(1, 2, 11, 12), None, None, i64(1, 2, 4, 5), mode=mode, antialias=1)
        resize(c, opset, c.floats(1, 2, 6, 8), None, None, i64(9, 4), mode="linear", axes=[2, 3])
        for policy in ("not_larger", "not_smaller"):
            resize(c, opset, c.floats(1, 2, 6, 8), None, None, i64(9, 4), mode="nearest", axes=[2, 3],
                   keep_aspect_ratio_policy=policy)


def value(name, kind=TensorProto.FLOAT, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, array):
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))


def wrap(c, name, nodes, x, opset=17, initializers=(), functions=(), n_outputs=1):
    """A model of these nodes from x to y, y1, ...; functions live in the domain "own"."""
    outputs = ["y"] + [f"y{i}" for i in range(1, n_outputs)]
    graph = helper.make_graph(nodes, name, [value("x", TensorProto.FLOAT, x.shape)], [value(o) for o in outputs],
                              list(initializers))
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    c.add_model(name, helper.make_model(graph, opset_imports=imports, ir_version=8, functions=list(functions)), [x])


def function(name, inputs, outputs, nodes, attributes=(), opset=17):
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, inputs, outputs, nodes, imports, attributes=list(attributes))


def referring(op, inputs, outputs, name, to):
    """A node whose attribute `name` is the attribute `to` of the function's call."""
    node = helper.make_node(op, inputs, outputs)
    a = node.attribute.add()
    a.name, a.ref_attr_name, a.type = name, to, 1
    return node


def functions(c):
    leaky = function("Leaky", ["a"], ["b"], [referring("LeakyRelu", ["a"], ["t"], "alpha", "slope"),
                                             helper.make_node("Add", ["t", "a"], ["b"])], ["slope"])
    twice = function("Twice", ["a", "w"], ["b", "first"], [
        referring("LeakyRelu", ["a"], ["first"], "alpha", "slope"),
        helper.make_node("Leaky", ["first"], ["t"], domain="own", slope=0.5),
        helper.make_node("Mul", ["t", "w"], ["b"])], ["slope"])
    call = [helper.make_node("Twice", ["x", "w"], ["u", "y1"], domain="own", slope=0.25),
            helper.make_node("Twice", ["u", "w"], ["y", "unread"], domain="own", slope=0.125)]
    w = numpy_helper.from_array(c.floats(4), "w")
    wrap(c, "functions", call, c.floats(3, 4), initializers=[w], functions=[leaky, twice], n_outputs=2)
    split = function("Halves", ["a"], ["p", "q"], [helper.make_node("Split", ["a"], ["p", "q"], axis=1)])
    wrap(c, "function_unused_output", [helper.make_node("Halves", ["x"], ["", "y"], domain="own")], c.floats(3, 4),
         functions=[split])


def branches(c):
    scale = numpy_helper.from_array(f32(3), "s")
    for condition in (True, False):
        then = helper.make_graph([helper.make_node("Mul", ["t", "s"], ["o"])], "then", [], [value("o")], [scale])
        inner = helper.make_graph([helper.make_node("Neg", ["t"], ["n"])], "inner", [], [value("n")])
        other = helper.make_graph([constant("yes", np.array(True)),
                                   helper.make_node("If", ["yes"], ["o"], then_branch=inner, else_branch=then)],
                                  "other", [], [value("o")])
        nodes = [helper.make_node("Abs", ["x"], ["t"]), constant("c", np.array(condition)),
                 helper.make_node("If", ["c"], ["o"], then_branch=then, else_branch=other),
                 helper.make_node("Add", ["o", "x"], ["y"])]
        wrap(c, f"if_{condition}", nodes, c.floats(3, 4))
    passing = helper.make_graph([], "passing", [], [value("s")], [scale])
    nodes = [helper.make_node("If", ["c"], ["o"], then_branch=passing, else_branch=passing),
             helper.make_node("Mul", ["o", "x"], ["y"])]
    wrap(c, "if_nothing", nodes, c.floats(3, 4), initializers=[numpy_helper.from_array(np.array(True), "c")])


def loops(c):
    for opset, given in ((11, True), (13, False), (17, True)):
        body = helper.make_graph(
            [helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT), helper.make_node("Add", ["a", "f"], ["b"]),
             helper.make_node("Mul", ["b", "x"], ["row"]), helper.make_node("Identity", ["go"], ["on"])],
            "body", [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("a")],
            [value("on", TensorProto.BOOL, []), value("b"), value("row")])
        initial = numpy_helper.from_array(np.array(True), "start")
        wrap(c, f"loop_{opset}", [helper.make_node("Loop", ["n", "start" if given else "", "x"], ["y", "y1"], body=body)],
             c.floats(2, 3), opset=opset, n_outputs=2,
             initializers=[numpy_helper.from_array(np.array(4, np.int64), "n")] + [initial] * given)


def written_out(c):
    functions(c)
    branches(c)
    loops(c)


def convert(source, target):
    """Case folders to the layout of the official vectors; returns those that ONNX Runtime refused."""
    refused = []
    for name in sorted(os.listdir(source)):
        here, data = os.path.join(source, name), os.path.join(target, "peer", name, "test_data_set_0")
        if os.path.exists(os.path.join(here, "error.txt")):
            with open(os.path.join(here, "error.txt"), encoding="utf-8") as text:
                refused.append((name, text.read()[:200].replace("\n", " ")))
            continue
        os.makedirs(data)
        os.rename(os.path.join(here, "model.onnx"), os.path.join(target, "peer", name, "model.onnx"))
        for kind, prefix in (("input", "in"), ("output", "out")):
            for i in range(20):
                path = os.path.join(here, f"{prefix}_{i}.npy")
                if os.path.exists(path):
                    with open(os.path.join(data, f"{kind}_{i}.pb"), "wb") as out:
                        out.write(numpy_helper.from_array(np.load(path)).SerializeToString())
    return refused


def main():
    runtime = os.environ.get("CONVZOO_ORT", "")
    if not os.path.isdir(os.path.join(runtime, "node_modules", "onnxruntime-node")):
        print(f"skipped: onnxruntime-node is not installed in {runtime}")
        return 77
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "ort_run.mjs")
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "cases"), os.path.join(folder, "vectors")
        c = Cases(source)
        for make in (unary, pairs, reductions, moves, windows, resizes, written_out):
            make(c)
        subprocess.run(["node", script, "--folder", source], check=True,
                       env=dict(os.environ, ORT_DISABLE_TELEMETRY="1"))
        refused = convert(source, target)
        for name, why in refused:
            print(f"  ONNX Runtime refuses {name}: {why}")
        print(f"{c.count} cases, {len(refused)} refused by ONNX Runtime", flush=True)
        done = subprocess.run([sys.argv[1], "--peer", target], check=False)
        return 1 if refused else done.returncode


sys.exit(main())
