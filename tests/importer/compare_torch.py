#!/usr/bin/python3
"""PyTorch's own export of one network, read and run by us, against float64 goldens.

  compare_torch.py IMPORTER_TOOL MODEL SIDE FORMS

FORMS is `few` (opset 13 folded fixed, opset 17 kept dynamic) or `all`: opset 13 and 17, BatchNorm folded into
convolutions and kept, fixed and dynamic batch. Each file runs at batch 1 and 2.

Bound 1e-4 of the logits' norm: float32 itself stays below 2e-5 in any order of sums (goldens' float32_error), a wrong
epsilon or one lost branch is above 2e-4.
"""
import csv
import itertools
import os
import sys
import tempfile

import compare

BOUND = 1e-4


def goldens(model, side):
    """First logits of pictures 0 and 1 in float64, from the table, else from PyTorch here and now."""
    with open(os.path.join(compare.data_folder(), "reference", "goldens.csv"), newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["model"] == model and int(r["size"]) == side]
    rows.sort(key=lambda r: int(r["picture"]))
    if rows:
        return [[float(r["logit%d" % i]) for i in range(16) if r["logit%d" % i]] for r in rows]
    import torch
    import zoo_reference as zoo
    net = zoo.build(model)
    zoo.fill_model(net, 1)
    with torch.no_grad():
        y = net.double().eval()(zoo.picture_batch(1, 2, zoo.in_channels(model), side, side).double())
    return y[:, :16].tolist()


def export(folder, model, side, opset, keep_bn, dynamic):
    import export_torchvision
    sys.argv = ["export", folder, "--models", model, "--size", str(side), "--opset", str(opset)]
    sys.argv += ["--keep-bn"] * keep_bn + ["--dynamic"] * dynamic
    export_torchvision.main()
    tag = ("_dyn" if dynamic else "") + ("_bn" if keep_bn else "")
    path = os.path.join(folder, "%s_op%d%s.onnx" % (model, opset, tag))
    if not os.path.exists(path):
        print("FAILED: PyTorch wrote no file")
        sys.exit(1)
    return path


def main():
    tool, model, side, forms = sys.argv[1:]
    side = int(side)
    compare.need("numpy", "onnx", "torch", "torchvision")
    sys.path.insert(0, os.path.join(compare.data_folder(), "reference", "tools"))
    import zoo_reference as zoo
    x = zoo.picture_batch(1, 2, zoo.in_channels(model), side, side).numpy()
    want = goldens(model, side)
    combinations = list(itertools.product((13, 17), (0, 1), (0, 1)))
    if forms == "few":
        combinations = [(13, 0, 0), (17, 1, 1)]
    failed = 0
    for opset, keep_bn, dynamic in combinations:
        with tempfile.TemporaryDirectory() as folder:
            path = export(folder, model, side, opset, keep_bn, dynamic)
            both = compare.run_ours(tool, path, x)
            alone = [compare.run_ours(tool, path, x[i:i + 1])[0] for i in range(2)]
        for i in range(2):
            n = len(want[i])
            error = max(compare.relative(both[i][:n], want[i]), compare.relative(alone[i][:n], want[i]))
            same = (both[i] == alone[i]).all()
            passed = error < BOUND and same
            failed += not passed
            print("%s opset %d%s%s picture %d: %.1e%s%s" % (
                model, opset, " kept" if keep_bn else " folded", " dynamic" if dynamic else " fixed", i, error,
                "" if same else ", batch 2 has other bits", "" if passed else "  FAILED"), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
