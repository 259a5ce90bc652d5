#!/usr/bin/env python3
"""Random forms of the operators, computed by PyTorch in float64, as ONNX vectors for `test_vectors --folder`.

Usage: torch_vectors.py PATH/TO/test_vectors [SEED]

What PyTorch and ONNX define differently is translated here and said beside the case: indices of MaxPool, the order of
pads, the window of LRN (equal for odd sizes only).
"""
import os
import random
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import torch
    import torch.nn.functional as F
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

TYPES = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("int64"): TensorProto.INT64}


class Writer:
    """Vectors in the layout of libonnx-testdata; inputs that are constants of the graph are initializers."""

    def __init__(self, folder, rng):
        self.folder = os.path.join(folder, "torch")
        self.rng = rng
        self.count = 0

    def tensor(self, *shape):
        return self.rng.standard_normal(shape).astype(np.float32)

    def add(self, op, opset, inputs, outputs, constants=(), **attributes):
        """inputs: arrays, None for one left out; constants: positions of those that are initializers."""
        names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
        results = [f"y{i}" for i in range(len(outputs))]
        node = helper.make_node(op, names, results, name="node", **attributes)
        given = [i for i, x in enumerate(inputs) if x is not None and i not in constants]
        graph = helper.make_graph(
            [node], op,
            [helper.make_tensor_value_info(names[i], TYPES[inputs[i].dtype], inputs[i].shape) for i in given],
            [helper.make_tensor_value_info(r, TYPES[y.dtype], y.shape) for r, y in zip(results, outputs)],
            [numpy_helper.from_array(inputs[i], names[i]) for i in constants])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        self.count += 1
        folder = os.path.join(self.folder, f"{self.count:03d}_{op}")
        data = os.path.join(folder, "test_data_set_0")
        os.makedirs(data)
        onnx.save(model, os.path.join(folder, "model.onnx"))
        for kind, arrays in (("input", [inputs[i] for i in given]), ("output", outputs)):
            for i, array in enumerate(arrays):
                with open(os.path.join(data, f"{kind}_{i}.pb"), "wb") as out:
                    out.write(numpy_helper.from_array(array).SerializeToString())


def wide(x):
    return torch.from_numpy(x).double()


def narrow(y):
    return y.float().numpy() if y.is_floating_point() else y.numpy()


def conv(w, r):
    spatial = r.choice([1, 2, 2, 2])
    groups = r.choice([1, 1, 2, 3, 4])
    depthwise = r.random() < 0.25
    per_in, per_out = (1, 1) if depthwise else (r.randint(1, 9), r.randint(1, 9))
    if depthwise:
        groups = r.randint(2, 20)
    kernel = [r.randint(1, 5) for _ in range(spatial)]
    stride = [r.randint(1, 3) for _ in range(spatial)]
    dilation = [r.randint(1, 2) for _ in range(spatial)]
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    begin = [r.randint(0, s // 2) for s in span]
    end = [r.randint(0, s // 2) for s in span]
    size = [s + r.randint(0, 14) for s in span]
    x = w.tensor(r.randint(1, 3), groups * per_in, *size)
    weight = w.tensor(groups * per_out, per_in, *kernel)
    bias = w.tensor(groups * per_out) if r.random() < 0.7 else None
    # F.pad lists the last dimension first
    pads = [p for b, e in zip(reversed(begin), reversed(end)) for p in (b, e)]
    f = F.conv1d if spatial == 1 else F.conv2d
    y = f(F.pad(wide(x), pads), wide(weight), None if bias is None else wide(bias), stride, 0, dilation, groups)
    inputs = [x, weight] if bias is None else [x, weight, bias]
    constants = list(range(1, len(inputs))) if r.random() < 0.8 else []
    w.add("Conv", r.choice([1, 11, 13, 17]), inputs, [narrow(y)], constants, strides=stride, dilations=dilation,
          pads=begin + end, group=groups, kernel_shape=kernel)


def conv_same(w, r):
    """auto_pad, as TensorFlow defines SAME: ceil(in / stride) outputs, an odd pad behind (UPPER) or in front."""
    kernel, stride, size = r.randint(1, 5), r.randint(1, 3), r.randint(5, 14)
    x, weight = w.tensor(1, 3, size, size), w.tensor(4, 3, kernel, kernel)
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    for mode, front in (("SAME_UPPER", total // 2), ("SAME_LOWER", total - total // 2)):
        y = F.conv2d(F.pad(wide(x), [front, total - front] * 2), wide(weight), stride=stride)
        w.add("Conv", 13, [x, weight], [narrow(y)], [1], strides=[stride] * 2, auto_pad=mode)


def pool_form(r, spatial, dilated):
    kernel = [r.randint(1, 4) for _ in range(spatial)]
    stride = [r.randint(1, 4) for _ in range(spatial)]
    dilation = [r.randint(1, 2) if dilated else 1 for _ in range(spatial)]
    pad = [r.randint(0, k // 2) for k in kernel]
    size = [(k - 1) * d + 1 + r.randint(0, 10) for k, d in zip(kernel, dilation)]
    return kernel, stride, dilation, pad, size


def max_pool(w, r):
    spatial = r.choice([1, 2, 2])
    kernel, stride, dilation, pad, size = pool_form(r, spatial, True)
    ceil = r.random() < 0.5
    x = w.tensor(r.randint(1, 2), r.randint(1, 5), *size)
    f = F.max_pool1d if spatial == 1 else F.max_pool2d
    y, index = f(wide(x), kernel, stride, pad, dilation, ceil, True)
    # PyTorch counts within a channel, ONNX within the whole tensor
    channel = torch.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2] + (1,) * spatial)
    index = index + channel * int(np.prod(size))
    outputs = [narrow(y), narrow(index)] if r.random() < 0.5 else [narrow(y)]
    w.add("MaxPool", r.choice([10, 12, 17]), [x], outputs, kernel_shape=kernel, strides=stride, dilations=dilation,
          pads=pad * 2, ceil_mode=int(ceil))


def average_pool(w, r):
    spatial = r.choice([1, 2, 2])
    kernel, stride, _, pad, size = pool_form(r, spatial, False)
    ceil, include = r.random() < 0.5, r.random() < 0.5
    x = w.tensor(r.randint(1, 2), r.randint(1, 5), *size)
    f = F.avg_pool1d if spatial == 1 else F.avg_pool2d
    y = f(wide(x), kernel, stride, pad, ceil, include)
    w.add("AveragePool", r.choice([10, 11, 17, 19]), [x], [narrow(y)], kernel_shape=kernel, strides=stride,
          pads=pad * 2, ceil_mode=int(ceil), count_include_pad=int(include))


def gemm(w, r):
    m, n, k = r.randint(1, 9), r.randint(1, 40), r.randint(1, 70)
    ta, tb = r.randint(0, 1), r.randint(0, 1)
    a = w.tensor(*((k, m) if ta else (m, k)))
    b = w.tensor(*((n, k) if tb else (k, n)))
    c = w.tensor(*r.choice([(n,), (1, n), (m, 1), (m, n), (1,), ()]))
    alpha, beta = np.float32(r.choice([1, 0.5, -2])), np.float32(r.choice([1, 0.25, 3]))
    y = float(alpha) * ((wide(a).T if ta else wide(a)) @ (wide(b).T if tb else wide(b))) + float(beta) * wide(c)
    w.add("Gemm", r.choice([7, 9, 11, 13]), [a, b, c], [narrow(y)], r.choice([[], [1], [1, 2]]), alpha=float(alpha),
          beta=float(beta), transA=ta, transB=tb)


def matmul(w, r):
    m, n, k = r.randint(1, 7), r.randint(1, 20), r.randint(1, 40)
    a, b = r.choice([((m, k), (k, n)), ((2, m, k), (k, n)), ((2, 1, m, k), (3, k, n)), ((k,), (2, k, n)),
                     ((2, m, k), (k,)), ((k,), (k,)), ((1, m, k), (4, k, n))])
    a, b = w.tensor(*a), w.tensor(*b)
    w.add("MatMul", r.choice([1, 9, 13]), [a, b], [narrow(torch.matmul(wide(a), wide(b)))], r.choice([[], [1]]))


def batch_norm(w, r):
    c = r.randint(1, 20)
    x = w.tensor(r.randint(1, 3), c, *[r.randint(1, 6) for _ in range(r.randint(0, 3))])
    scale, shift, mean = w.tensor(c), w.tensor(c), w.tensor(c)
    variance = np.abs(w.tensor(c)) + np.float32(0.1)
    epsilon = float(np.float32(r.choice([1e-5, 1e-3])))
    y = F.batch_norm(wide(x), wide(mean), wide(variance), wide(scale), wide(shift), False, 0, epsilon)
    w.add("BatchNormalization", r.choice([7, 9, 14, 15]), [x, scale, shift, mean, variance], [narrow(y)],
          r.choice([[], [1, 2, 3, 4]]), epsilon=epsilon)


def lrn(w, r):
    size = r.choice([1, 3, 5, 7])
    alpha, beta, bias = (float(np.float32(v)) for v in (r.choice([1e-4, 0.3]), r.choice([0.75, 0.5]), r.choice([1, 2])))
    x = w.tensor(2, r.randint(1, 12), 3, 4)
    y = F.local_response_norm(wide(x), size, alpha, beta, bias)
    w.add("LRN", r.choice([1, 13]), [x], [narrow(y)], size=size, alpha=alpha, beta=beta, bias=bias)


def activations(w, r):
    x = w.tensor(2, 3, r.randint(1, 40)) * np.float32(4)
    sixth = float(np.float32(1 / 6))
    for op, y, attributes in (
            ("Relu", F.relu(wide(x)), {}),
            ("LeakyRelu", F.leaky_relu(wide(x), float(np.float32(0.1))), {"alpha": 0.1}),
            ("Sigmoid", torch.sigmoid(wide(x)), {}),
            ("Tanh", torch.tanh(wide(x)), {}),
            ("HardSwish", F.hardswish(wide(x)), {}),
            ("HardSigmoid", torch.clamp(wide(x) * sixth + 0.5, 0, 1), {"alpha": sixth, "beta": 0.5})):
        w.add(op, 14, [x], [narrow(y)], **attributes)
    slope = w.tensor(3, 1)
    w.add("PRelu", 16, [x, slope], [narrow(torch.where(wide(x) < 0, wide(slope) * wide(x), wide(x)))], [1])
    low, high = np.float32(-1), np.float32(2.5)
    w.add("Clip", 13, [x, np.array(low), np.array(high)], [narrow(torch.clamp(wide(x), float(low), float(high)))],
          r.choice([[], [1, 2]]))
    w.add("Clip", 6, [x], [narrow(torch.clamp(wide(x), float(low), float(high)))], min=float(low), max=float(high))


def softmax(w, r):
    x = w.tensor(*[r.randint(1, 6) for _ in range(r.randint(1, 4))]) * np.float32(5)
    axis = r.randrange(-x.ndim, x.ndim)
    w.add("Softmax", 13, [x], [narrow(torch.softmax(wide(x), axis))], axis=axis)
    flat = wide(x).reshape(int(np.prod(x.shape[:axis % x.ndim])), -1)
    w.add("Softmax", 11, [x], [narrow(torch.softmax(flat, 1).reshape(x.shape))], axis=axis)


def arithmetic(w, r):
    shape = [r.randint(1, 5) for _ in range(r.randint(1, 4))]
    a = w.tensor(*[d if r.random() < 0.7 else 1 for d in shape])
    b = w.tensor(*[d if r.random() < 0.7 else 1 for d in shape[r.randrange(len(shape)):]])
    for op, y in (("Add", wide(a) + wide(b)), ("Sub", wide(a) - wide(b)), ("Mul", wide(a) * wide(b)),
                  ("Div", wide(a) / wide(b)), ("Sum", wide(a) + wide(b))):
        w.add(op, r.choice([8, 13, 14]), [a, b], [narrow(y)], r.choice([[], [1]]))


def pad(w, r):
    x = w.tensor(2, 3, r.randint(4, 6), r.randint(4, 6))
    amounts = [r.randint(0, 3) for _ in range(4)]  # left, right, top, bottom
    pads = np.array([0, 0, amounts[2], amounts[0], 0, 0, amounts[3], amounts[1]], np.int64)
    value = np.array(r.choice([0, 1.5]), np.float32)
    for mode, name, opset in (("constant", "constant", 11), ("reflect", "reflect", 13), ("edge", "replicate", 18),
                              ("wrap", "circular", 19)):
        y = F.pad(wide(x), amounts, name, **({"value": float(value)} if mode == "constant" else {}))
        w.add("Pad", opset, [x, pads, value], [narrow(y)], [1, 2], mode=mode)


def reductions(w, r):
    x = w.tensor(*[r.randint(1, 5) for _ in range(4)])
    axes = r.choice([[2, 3], [-1], [0, 2], [1], [-2, -1]])
    keep = r.randint(0, 1)
    y = narrow(wide(x).mean(axes, keepdim=bool(keep)))
    w.add("ReduceMean", 13, [x], [y], axes=axes, keepdims=keep)
    w.add("ReduceMean", 18, [x, np.array(axes, np.int64)], [y], [1], keepdims=keep)
    w.add("GlobalAveragePool", 13, [x], [narrow(wide(x).mean((2, 3), True))])
    w.add("GlobalMaxPool", 13, [x], [narrow(wide(x).amax((2, 3), True))])


def moves(w, r):
    x = w.tensor(2, 3, 4, 5)
    order = r.sample(range(4), 4)
    w.add("Transpose", 13, [x], [x.transpose(order).copy()], perm=order)
    start, end, step = r.randint(-6, 6), r.randint(-6, 6), r.choice([1, 2, -1, -3])
    w.add("Slice", 13, [x] + [np.array([v], np.int64) for v in (start, end, 3, step)],
          [np.ascontiguousarray(x[..., start:end:step])], [1, 2, 3, 4])
    index = np.array([r.randint(-4, 3) for _ in range(3)], np.int64)
    w.add("Gather", 13, [x, index], [np.take(x, index, 2)], axis=2)
    w.add("Concat", 13, [x, x[:, :1]], [np.concatenate([x, x[:, :1]], 1)], axis=1)
    w.add("Split", 13, [x, np.array([1, 2], np.int64)], [x[:, :1].copy(), x[:, 1:].copy()], [1], axis=1)


ROUNDS = ((conv, 60), (conv_same, 4), (max_pool, 25), (average_pool, 25), (gemm, 12), (matmul, 12), (batch_norm, 10),
          (lrn, 6), (activations, 2), (softmax, 6), (arithmetic, 8), (pad, 3), (reductions, 6), (moves, 6))


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20240607
    with tempfile.TemporaryDirectory() as folder:
        w = Writer(folder, np.random.default_rng(seed))
        r = random.Random(seed)
        for make, times in ROUNDS:
            for _ in range(times):
                make(w, r)
        print(f"seed {seed}: {w.count} vectors", flush=True)
        return subprocess.run([program, "--folder", folder], check=False).returncode


sys.exit(main())
