#!/usr/bin/python3
"""Weights as PyTorch and NumPy save them, loaded into the zoo's network, against PyTorch's own logits.

  compare_weights.py MODEL SIDE

Forms: torch.save in the zip and in the legacy layout, the way training scripts keep it (DataParallel's names under
state_dict, beside an optimizer's state, in float16-representable numbers as half), safetensors written here after the
documented layout (and once more in bfloat16 against bfloat16's numbers), .npz compressed, and PyTorch's ONNX export
with its names. Where a network has other names in the wild, those too: DenseNet's older ones, timm's for VGG and
EfficientNet, auxiliary classifiers for the inceptions.

Bound 1e-4 of the largest change that another picture makes to a logit: float32 in any order of sums stays below 2e-5
of it, and a tensor in the wrong place changes logits by as much as pictures do.
"""
import collections
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

import compare

BOUND = 1e-4


def safetensors(path, tensors):
    import torch
    names = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}
    header, data = {"__metadata__": {"format": "pt"}}, []
    at = 0
    for name, t in tensors.items():
        t = t.contiguous()
        raw = (t.view(torch.int16) if t.dtype == torch.bfloat16 else t).numpy().tobytes()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        data.append(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def old_densenet(name):
    return re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", name)


def timm_efficientnet(name):
    first = {"0.0": "conv_dw", "0.1": "bn1", "1.fc1": "se.conv_reduce", "1.fc2": "se.conv_expand", "2.0": "conv_pw",
             "2.1": "bn2"}
    others = {"0.0": "conv_pw", "0.1": "bn1", "1.0": "conv_dw", "1.1": "bn2", "2.fc1": "se.conv_reduce",
              "2.fc2": "se.conv_expand", "3.0": "conv_pwl", "3.1": "bn3"}
    ends = {"features.0.0": "conv_stem", "features.0.1": "bn1", "features.8.0": "conv_head", "features.8.1": "bn2",
            "classifier.1": "classifier"}
    layer, kind = name.rsplit(".", 1)
    if layer in ends:
        return ends[layer] + "." + kind
    stage, block, part = re.fullmatch(r"features\.(\d+)\.(\d+)\.block\.(.+)", layer).groups()
    return "blocks.%d.%s.%s.%s" % (int(stage) - 1, block, (first if stage == "1" else others)[part], kind)


def timm_vgg(state):
    ends = {"classifier.0.": "pre_logits.fc1.", "classifier.3.": "pre_logits.fc2.", "classifier.6.": "head.fc."}
    out = collections.OrderedDict()
    for name, t in state.items():
        for ours, theirs in ends.items():
            name = name.replace(ours, theirs)
        if name == "pre_logits.fc1.weight":
            t = t.reshape(-1, 512, 7, 7)
        if name == "pre_logits.fc2.weight":
            t = t.reshape(*t.shape, 1, 1)
        out[name] = t
    return out


def renamed(state, function):
    return collections.OrderedDict((function(name), t) for name, t in state.items())


def other_names(model, state):
    """What the wild calls the same tensors: form -> state dict."""
    import torch
    if model.startswith("densenet"):
        return {"older names": renamed(state, old_densenet)}
    if model.startswith("efficientnet_b"):
        return {"timm names": renamed(state, timm_efficientnet)}
    if model.startswith("vgg"):
        return {"timm names": timm_vgg(state)}
    if model in ("googlenet", "inception_v3"):
        extra = {"aux1.fc1.weight": torch.ones(3), "aux2.fc1.weight": torch.ones(3)}
        if model == "inception_v3":
            extra = {"AuxLogits.fc.weight": torch.ones(3)}
        return {"auxiliary": collections.OrderedDict(list(state.items()) + list(extra.items()))}
    return {}


def write_forms(folder, model, net, state):
    """Form -> file; all hold the same float32 numbers."""
    import numpy
    import torch
    files = {}

    def new(form, suffix):
        files[form] = os.path.join(folder, "%d%s" % (len(files), suffix))
        return files[form]

    torch.save(state, new("zip", ".pth"))
    torch.save(state, new("legacy", ".pth"), _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": {"module." + k: v for k, v in state.items()},
                "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(7)}}, "param_groups": [{"lr": 0.1}]}},
               new("training script's", ".pt"))
    torch.save({"model": {k: torch.nn.Parameter(v) if v.is_floating_point() else v for k, v in state.items()},
                "optimizer": torch.zeros(5)}, new("legacy training script's", ".pt"),
               _use_new_zipfile_serialization=False)
    safetensors(new("safetensors", ".safetensors"), state)
    numpy.savez_compressed(new("npz", ".npz"), **{k: v.numpy() for k, v in state.items()})
    for form, other in other_names(model, state).items():
        safetensors(new(form, ".safetensors"), other)
    return files


def run(model, side, path, x, folder):
    import numpy
    given, made = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
    numpy.save(given, x)
    done = subprocess.run([os.environ["CONVZOO"], "run", model, "--size", str(side), "--weights", path, "--input", given,
                           "--output", made, "--force", "--quiet"], capture_output=True, text=True)
    if done.returncode:
        print(done.stderr.strip())
        return None
    return numpy.load(made)


def logits(net, x):
    import torch
    with torch.no_grad():
        return net.eval()(torch.from_numpy(x)).numpy()


def main():
    model, side = sys.argv[1], int(sys.argv[2])
    compare.need("numpy", "torch", "torchvision")
    sys.path.insert(0, os.path.join(compare.data_folder(), "reference", "tools"))
    import torch
    import zoo_reference as zoo
    x = zoo.picture_batch(1, 2, zoo.in_channels(model), side, side).numpy()
    net = zoo.build(model)
    zoo.fill_model(net, 1)
    failed = 0

    def judge(form, path, folder):
        nonlocal failed
        want, got = logits(net, x), run(model, side, path, x, folder)
        error = abs(got - want).max() / abs(want[0] - want[1]).max() if got is not None else float("inf")
        failed += not error < BOUND
        print("%s, %s: %.1e%s" % (model, form, error, "" if error < BOUND else "  FAILED"), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        for form, path in write_forms(folder, model, net, net.state_dict()).items():
            judge(form, path, folder)
        for dtype in (torch.float16, torch.bfloat16):
            # Rounded first, so that the network that PyTorch runs has exactly the file's numbers.
            for t in list(net.parameters()) + list(net.buffers()):
                if t.is_floating_point():
                    t.data = t.data.to(dtype).float()
            short = {k: v.to(dtype) if v.is_floating_point() else v for k, v in net.state_dict().items()}
            path = os.path.join(folder, "short.safetensors")
            safetensors(path, short)
            judge(str(dtype), path, folder)
            torch.save(short, path[:-11] + "pth")
            judge(str(dtype) + " zip", path[:-11] + "pth", folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
