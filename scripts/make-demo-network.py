#!/usr/bin/python3
"""Makes zoo/embedded/resnet20_fashion6.onnx, the pretrained network of scripts/demo.

resnet20 (He et al. 2016, section 4.2; projection shortcuts, one input channel) learns six of Fashion-MNIST's ten
classes. The other four (pullover, coat, shirt, sneaker) never reach it: the demo teaches them to it from few images,
and what the six taught it is what the demo measures.

PyTorch does the training until convzoo's own engine can; nothing in the build, the tests or the demo runs this
script. Needs Debian's python3-torch, python3-onnx, python3-numpy and dataset-fashion-mnist; about ten minutes on two
cores. Seeded, but PyTorch's sums depend on the CPU and the number of threads: another machine makes a network of the
same quality, not the same bytes.

  scripts/make-demo-network.py [--out FILE] [--epochs 3] [--seed 0]
"""
import argparse
import gzip
import json
import os

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

DATA = "/usr/share/datasets/fashion-mnist"
# Fashion-MNIST's own label numbers and words.
PRETRAIN = {0: "T-shirt/top", 1: "Trouser", 3: "Dress", 5: "Sandal", 8: "Bag", 9: "Ankle boot"}
HELD_BACK = {2: "Pullover", 4: "Coat", 6: "Shirt", 7: "Sneaker"}
# Mean and deviation of the six classes' training pixels, in [0,1], rounded.
MEAN, STD = 0.27, 0.35
# "squash" changes nothing on 28 x 28 pixels and lets the network take any picture.
PREPROCESS = {
    "schema": "convzoo.preprocess/1", "exif": True, "channels": "GRAY",
    "resize": {"mode": "squash", "size_px": [28, 28], "filter": "bilinear"},
    "crop": {"mode": "none", "size_px": [0, 0]},
    "scale": 1 / 255, "mean": [MEAN], "std": [STD], "layout": "NCHW",
}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions; parameters named as torchvision names them."""

    def __init__(self, in_c, out_c, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_c, out_c, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_c)
        self.conv2 = nn.Conv2d(out_c, out_c, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_c)
        self.downsample = None
        if stride != 1 or in_c != out_c:
            self.downsample = nn.Sequential(nn.Conv2d(in_c, out_c, 1, stride, bias=False), nn.BatchNorm2d(out_c))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet20(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self.stage(16, 16, 1)
        self.layer2 = self.stage(16, 32, 2)
        self.layer3 = self.stage(32, 64, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, n_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def stage(in_c, out_c, stride):
        return nn.Sequential(BasicBlock(in_c, out_c, stride), BasicBlock(out_c, out_c, 1), BasicBlock(out_c, out_c, 1))

    def features(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return torch.flatten(self.avgpool(self.layer3(self.layer2(self.layer1(x)))), 1)

    def forward(self, x):
        return self.fc(self.features(x))


def load(part, classes):
    """Images [n,1,28,28] normalised and labels 0.. in the order of `classes`."""
    with gzip.open(f"{DATA}/{part}-labels-idx1-ubyte.gz") as f:
        labels = np.frombuffer(f.read(), np.uint8, offset=8)
    with gzip.open(f"{DATA}/{part}-images-idx3-ubyte.gz") as f:
        pixels = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    keep = np.isin(labels, list(classes))
    index = {label: i for i, label in enumerate(classes)}
    x = (torch.from_numpy(pixels[keep]).float() / 255 - MEAN) / STD
    return x, torch.tensor([index[v] for v in labels[keep]])


def augment(x):
    """Mirrored half of the time, shifted by up to two pixels: one shift a batch, which is enough over 800 batches."""
    flip = torch.rand(len(x)) < 0.5
    x = torch.where(flip[:, None, None, None], x.flip(3), x)
    dy, dx = torch.randint(-2, 3, (2,)).tolist()
    return torch.roll(x, (dy, dx), (2, 3))


def train(net, x, y, epochs, batch=128):
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    steps = epochs * (len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=steps)
    for epoch in range(epochs):
        net.train()
        order = torch.randperm(len(x))
        total = 0.0
        for i in range(len(x) // batch):
            pick = order[i * batch:(i + 1) * batch]
            loss = F.cross_entropy(net(augment(x[pick])), y[pick])
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} of {epochs}: loss {total / (len(x) // batch):.3f}", flush=True)


@torch.no_grad()
def in_batches(f, x, batch=500):
    return torch.cat([f(x[i:i + batch]) for i in range(0, len(x), batch)])


def top1(net, x, y):
    net.eval()
    return (in_batches(net, x).argmax(1) == y).float().mean().item()


def probe(net, n_per_class):
    """Accuracy of a ridge classifier on frozen features, from the first n images of each held-back class."""
    net.eval()
    (x, y), (tx, ty) = load("train", HELD_BACK), load("t10k", HELD_BACK)
    pick = torch.cat([(y == c).nonzero()[:n_per_class, 0] for c in range(len(HELD_BACK))])
    f, tf = in_batches(net.features, x[pick]).double(), in_batches(net.features, tx).double()
    mean, std = f.mean(0), f.std(0) + 1e-6
    f, tf = (f - mean) / std, (tf - mean) / std
    target = F.one_hot(y[pick]).double() - 0.25
    w = torch.linalg.solve(f.T @ f + 10.0 * torch.eye(f.shape[1]).double(), f.T @ target)
    return ((tf @ w).argmax(1) == ty).float().mean().item()


def undo_sharing(model):
    """Gives every parameter its own initializer: the exporter merges equal ones (two biases that always get the same
    gradients) through Identity nodes."""
    initializers = {i.name: i for i in model.graph.initializer}
    for node in [n for n in model.graph.node if n.op_type == "Identity" and n.input[0] in initializers]:
        copy = model.graph.initializer.add()
        copy.CopyFrom(initializers[node.input[0]])
        copy.name = node.output[0]
        model.graph.node.remove(node)


def export(net, path, accuracy, n_test, args):
    net.eval()
    # PRESERVE in eval mode keeps BatchNormalization and the state-dict names: the file can be tuned and re-initialised.
    torch.onnx.export(net, torch.zeros(1, 1, 28, 28), path, opset_version=17, input_names=["input"],
                      output_names=["logits"], dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    model = onnx.load(path)
    undo_sharing(model)
    how = {"script": "scripts/make-demo-network.py", "framework": f"PyTorch {torch.__version__}",
           "data": "Fashion-MNIST train, 6 classes, 36000 images", "epochs": args.epochs, "seed": args.seed,
           "optimizer": "SGD, Nesterov 0.9, batch 128, one cycle to 0.1, weight decay 5e-4"}
    metadata = {
        "convzoo.format": "1", "convzoo.model": "resnet20", "convzoo.output": "logits",
        "convzoo.preprocess": json.dumps(PREPROCESS), "convzoo.classes": json.dumps(list(PRETRAIN.values())),
        "convzoo.train": json.dumps(how),
        "convzoo.metrics": json.dumps({"split": "test", "n": n_test, "top1": round(accuracy, 4)}),
        "convzoo.license": "MIT (network); trained on Fashion-MNIST, MIT, Zalando SE",
    }
    del model.metadata_props[:]
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    model.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, path)
    print(f"{path}: {os.path.getsize(path):,} bytes")


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    p = argparse.ArgumentParser()
    p.add_argument("--out", default=f"{root}/zoo/embedded/resnet20_fashion6.onnx")
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    x, y = load("train", PRETRAIN)
    print(f"{len(x)} training images, mean {(x * STD + MEAN).mean():.3f}, deviation {(x * STD).std():.3f}")
    net = ResNet20(len(PRETRAIN))
    before = {n: probe(net, n) for n in (25, 100)}
    train(net, x, y, args.epochs)
    tx, ty = load("t10k", PRETRAIN)
    accuracy = top1(net, tx, ty)
    print(f"test, the six classes: {accuracy:.4f} of {len(tx)}")
    for n, random_top1 in before.items():
        print(f"test, the four others, ridge on {n} images a class: {probe(net, n):.4f}, untrained {random_top1:.4f}")
    export(net, args.out, accuracy, len(tx), args)


if __name__ == "__main__":
    main()
