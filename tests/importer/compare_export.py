#!/usr/bin/python3
"""Files we write: onnx.checker passes them, and ONNX Runtime computes the same logits as we do.

  compare_export.py IMPORTER_TOOL zoo NAME SIDE       a network of the zoo, golden weights, batch 1 and 2
  compare_export.py IMPORTER_TOOL file ONNX INPUT     a file of another exporter, read and written again
                                                      (paths below CONVZOO_TEST_DATA)

Bound 1e-4 of the output's norm: two float32 programs with different orders of summation differ by a few 1e-6.
"""
import os
import sys
import tempfile

import compare

BOUND = 1e-4


def pictures(channels, side):
    """Smooth pictures would do; any input with some spread tells a wrong graph from a right one."""
    import numpy as np
    return np.random.default_rng(7).normal(size=(2, channels, side, side)).astype(np.float32)


def check(path):
    import onnx
    model = onnx.load(path)
    if model.opset_import[0].version > onnx.defs.onnx_opset_version():
        print("opset %d is newer than this checker" % model.opset_import[0].version)
    else:
        onnx.checker.check_model(model, full_check=True)
    return model


def judge(what, error, bound=BOUND):
    print("%s: %.1e%s" % (what, error, "" if error < bound else "  FAILED"), flush=True)
    return 0 if error < bound else 1


def zoo(tool, folder, name, side):
    path, again = os.path.join(folder, "net.onnx"), os.path.join(folder, "again.onnx")
    compare.call(tool, "zoo", name, str(side), path)
    model = check(path)
    shape = model.graph.input[0].type.tensor_type.shape
    if model.ir_version != 8 or model.opset_import[0].version != 17 or shape.dim[0].dim_param != "N":
        print("FAILED: IR %d, opset %d, batch '%s'" % (model.ir_version, model.opset_import[0].version,
                                                     shape.dim[0].dim_param))
        return 1
    compare.call(tool, "zoo", name, str(side), again)
    failed = open(path, "rb").read() != open(again, "rb").read()
    print("the same bytes twice: %s" % ("no  FAILED" if failed else "yes"))
    x = pictures(shape.dim[1].dim_value, side)
    for batch in (1, 2):
        ours, theirs = compare.run_ours(tool, path, x[:batch]), compare.run_onnxruntime(path, x[:batch])
        failed += judge("%s at %d px, batch %d" % (name, side, batch), compare.relative(ours, theirs))
    return failed


def file(tool, folder, source, array):
    import numpy as np
    source = os.path.join(compare.data_folder(), source)
    x = np.load(os.path.join(compare.data_folder(), array))
    base = os.path.basename(source)  # the graph is called after its file
    path, again = os.path.join(folder, base), os.path.join(folder, "again", base)
    os.mkdir(os.path.dirname(again))
    compare.call(tool, "export", source, path)
    model = check(path)
    if model.graph.input[0].type.tensor_type.elem_type == 10:
        x = x.astype(np.float16)
    compare.call(tool, "export", path, again)
    failed = open(path, "rb").read() != open(again, "rb").read()
    print("read and written once more, the same bytes: %s" % ("no  FAILED" if failed else "yes"))
    wide = x.dtype == np.float16
    theirs = compare.run_onnxruntime(path, x)
    if wide:
        theirs = theirs.view(np.float16)
    before, after = compare.run_ours(tool, source, x), compare.run_ours(tool, path, x)
    failed += not (before == after).all()
    print("our bits before and after: %s" % ("equal" if (before == after).all() else "differ  FAILED"))
    # float16 ends: both round the same float32 to 11 bits, so a neighbour is 5e-4 off.
    return failed + judge(os.path.basename(source), compare.relative(after, theirs), 1e-3 if wide else BOUND)


def main():
    tool, kind, first, second = sys.argv[1:]
    compare.need("numpy", "onnx")
    compare.need_runtime()
    with tempfile.TemporaryDirectory() as folder:
        failed = zoo(tool, folder, first, int(second)) if kind == "zoo" else file(tool, folder, first, second)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
