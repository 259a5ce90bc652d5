#!/usr/bin/python3
"""Graphs without weights, made alive, against ONNX Runtime.

  compare_light.py IMPORTER_TOOL GRAPH.onnx     (a path below CONVZOO_TEST_DATA)

The graph gets seeded weights that let the signal through (tools/enliven_light.py of the test data). Error: the largest
difference of outputs over the largest change that another input makes, which is what the network has to say. Bound
1e-3: float32 leaves about 1e-5 here, and 2e-4 in the deepest graphs, where rounding grows from layer to layer.
"""
import os
import sys
import tempfile

import compare

BOUND = 1e-3


def main():
    tool, graph = sys.argv[1:]
    compare.need("numpy", "onnx")
    compare.need_runtime()
    import numpy as np
    import onnx
    data = compare.data_folder()
    sys.path.insert(0, os.path.join(data, "tools"))
    import enliven_light
    with tempfile.TemporaryDirectory() as folder:
        alive = os.path.join(folder, "alive.onnx")
        compare.call(sys.executable, os.path.join(data, "tools", "enliven_light.py"), os.path.join(data, graph), alive)
        model = onnx.load(alive)
        held = {i.name for i in model.graph.initializer}
        feed = [i for i in model.graph.input if i.name not in held][0]
        dims = [d.dim_value or (1 if k == 0 else 224) for k, d in enumerate(feed.type.tensor_type.shape.dim)]
        # Pictures of the kind that the weights were measured on; to white noise all networks answer alike.
        x, other = (enliven_light.pictures(np.random.default_rng(seed), dims, 1)[:dims[0]] for seed in (3, 4))
        ours, theirs = compare.run_ours(tool, alive, x), compare.run_onnxruntime(alive, x)
        change = np.abs(compare.run_onnxruntime(alive, other) - theirs).max()
    error = np.abs(ours - theirs).max() / change
    print("%s: %.1e of %.3g, the largest change by another input%s" % (
        graph, error, change, "" if error < BOUND else "  FAILED"))
    return 0 if error < BOUND and ours.shape == theirs.shape else 1


if __name__ == "__main__":
    sys.exit(main())
