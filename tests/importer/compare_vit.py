#!/usr/bin/python3
"""torchvision's VisionTransformer exported by PyTorch, read and run by us: the test of generality.

  compare_vit.py IMPORTER_TOOL small|b_16

`small` is a seeded one of 3 layers at 64 pixels, at several opsets, fixed and dynamic; `b_16` is torchvision's vit_b_16
with seeded weights. Bound 1e-4 of the largest logit: float32 in another order of sums stays below 1e-5 here.
"""
import os
import sys
import tempfile

import compare

BOUND = 1e-4


def build(size):
    import torch
    from torchvision.models import VisionTransformer, vit_b_16
    torch.manual_seed(1)
    net = vit_b_16() if size == "b_16" else VisionTransformer(
        image_size=64, patch_size=16, num_layers=3, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=10)
    for p in net.parameters():  # the head starts at zero, and norms at one
        p.data += (0.02 if size == "b_16" else 0.1) * torch.randn_like(p)
    net.eval()
    # PyTorch exports no fused attention, which it takes in eval mode; without dropout both modes are the same.
    for layer in net.encoder.layers:
        layer.self_attention.train()
    return net, torch.randn(2, 3, *(2 * [224 if size == "b_16" else 64]))


def main():
    tool, size = sys.argv[1:]
    compare.need("numpy", "onnx", "torch", "torchvision")
    import torch
    net, x = build(size)
    with torch.no_grad():
        want = net(x).numpy()
    failed = 0
    for opset, dynamic in ((17, 1),) if size == "b_16" else ((11, 0), (13, 1), (17, 0)):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "vit.onnx")
            torch.onnx.export(net, x, path, opset_version=opset, input_names=["x"], output_names=["y"],
                              dynamic_axes={"x": {0: "n"}} if dynamic else None,
                              training=torch.onnx.TrainingMode.PRESERVE)
            got = compare.run_ours(tool, path, x.numpy())
        error = float(abs(got - want).max() / abs(want).max())
        passed = got.shape == want.shape and error < BOUND
        failed += not passed
        print("vit %s opset %d %s: %.1e of the largest logit%s" % (
            size, opset, "dynamic" if dynamic else "fixed", error, "" if passed else "  FAILED"), flush=True)
    return 1 if failed else 0


sys.exit(main())
