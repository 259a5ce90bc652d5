#!/usr/bin/python3
"""Fine-tuning on real photos against other programs: compare_transfer.py MODEL.onnx FEATURES SET.

MODEL and SET are names below models/ and datasets/ of CONVZOO_TEST_DATA; FEATURES is the tensor in front of the
classifier, '-' for the model's output. What is compared:

- our frozen features with ONNX Runtime's on the same pictures, prepared with Pillow: 1e-4 of the largest;
- an exact ridge regression on our features with the published one of the set (within one picture);
- the run's accuracy with an L2 logistic regression (scipy, penalty by 5 folds on the training pictures): not
  significantly worse by McNemar's exact test, and at least the bound below;
- the predictions of the exported network in ONNX Runtime with those in the run's report: all of them.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "importer"))
import compare

# test pictures that the exact ridge has right (None: not published), least accuracy of our head
BOUNDS = {
    ("mobilenetv2_torch_op12", "hymenoptera"): (144, 0.92), ("mobilenetv2_torch_op12", "trash6"): (111, 0.76),
    ("resnet50v2_trunk", "hymenoptera"): (None, 0.885), ("resnet50v2_trunk", "trash6"): (None, 0.74),
}


def prepare(path):
    """Shorter side 256, centre crop 224, ImageNet mean and deviation, as torchvision does with Pillow."""
    import numpy as np
    from PIL import Image, ImageOps
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    w, h = image.size
    w, h = (256, 256 * h // w) if w <= h else (256 * w // h, 256)
    image = image.resize((w, h), Image.BILINEAR)
    left, top = round((w - 224) / 2), round((h - 224) / 2)
    x = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float64) / 255
    return ((x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).transpose(2, 0, 1).astype(np.float32)


def pictures(folder):
    """Paths relative to the set, in bytewise order, and labels."""
    paths, labels = [], []
    for k, name in enumerate(sorted(os.listdir(folder))):
        for file in sorted(os.listdir(os.path.join(folder, name))):
            paths.append(os.path.join(folder, name, file))
            labels.append(k)
    return paths, labels


def cut(model, tensor, path):
    import onnx
    m = onnx.load(model)
    if tensor != "-":
        del m.graph.output[:]
        m.graph.output.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, None))
    onnx.save(m, path)


def ours(convzoo, model, x):
    import numpy as np
    with tempfile.TemporaryDirectory() as folder:
        into, out = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
        np.save(into, x)
        compare.call(convzoo, "run", model, "--input", into, "--output", out)
        return np.load(out)


def in_batches(run, x, size=50):
    import numpy as np
    return np.concatenate([run(x[i:i + size]) for i in range(0, len(x), size)])


def standardise(train, test):
    mean, deviation = train.mean(0), train.std(0) + 1e-6
    return (train - mean) / deviation, (test - mean) / deviation


def ridge(train, labels, test):
    """Exact, on one-hot targets, lambda a tenth of the number of pictures."""
    import numpy as np
    train, test = standardise(train.astype(np.float64), test.astype(np.float64))
    kernel = train @ train.T
    weights = np.linalg.solve(kernel + 0.1 * len(train) * np.eye(len(train)), np.eye(labels.max() + 1)[labels])
    return (test @ train.T @ weights).argmax(1)


def logistic(train, labels, test, penalty):
    import numpy as np
    from scipy.optimize import minimize
    k, targets = labels.max() + 1, np.eye(labels.max() + 1)[labels]

    def loss(flat):
        w = flat.reshape(k, -1)
        z = train @ w[:, :-1].T + w[:, -1]
        z = z - z.max(1, keepdims=True)
        p = np.exp(z)
        total = p.sum(1, keepdims=True)
        value = (np.log(total[:, 0]) - (z * targets).sum(1)).mean() + penalty / 2 * (w[:, :-1] ** 2).sum()
        g = (p / total - targets) / len(train)
        gradient = np.concatenate([g.T @ train + penalty * w[:, :-1], g.sum(0)[:, None]], axis=1)
        return value, gradient.ravel()

    w = minimize(loss, np.zeros(k * (train.shape[1] + 1)), jac=True, method="L-BFGS-B",
                 options={"maxiter": 300}).x.reshape(k, -1)
    return (test @ w[:, :-1].T + w[:, -1]).argmax(1)


def logistic_by_folds(train, labels, test):
    import numpy as np
    train, test = standardise(train.astype(np.float64), test.astype(np.float64))
    fold = np.zeros(len(labels), int)
    for k in range(labels.max() + 1):
        fold[labels == k] = np.random.RandomState(k).permutation((labels == k).sum()) % 5
    def right(penalty):
        return sum((logistic(train[fold != f], labels[fold != f], train[fold == f], penalty) == labels[fold == f]).sum()
                   for f in range(5))
    best = max([1e-3, 1e-2, 1e-1, 1], key=right)
    return logistic(train, labels, test, best)


def mcnemar_worse(ours_right, theirs_right):
    """Two-sided exact p where ours is the worse one, else 1."""
    b, c = int((ours_right & ~theirs_right).sum()), int((~ours_right & theirs_right).sum())
    if c <= b:
        return 1.0
    return min(1.0, 2 * sum(math.comb(b + c, i) for i in range(b + 1)) / 2 ** (b + c))


def main():
    convzoo, (name, tensor, data) = os.environ["CONVZOO"], sys.argv[1:4]
    compare.need("numpy", "scipy", "onnx", "PIL")
    compare.need_runtime()
    import numpy as np
    shared = compare.data_folder()
    model, folder = os.path.join(shared, "models", name + ".onnx"), os.path.join(shared, "datasets", data)
    bad = []

    def judge(ok, text):
        print(("ok    " if ok else "FAILED ") + text)
        if not ok:
            bad.append(text)

    with tempfile.TemporaryDirectory() as work:
        environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(work, "cache"))
        run = os.path.join(work, "run")
        done = subprocess.run([convzoo, "finetune", model, "--data", folder, "--preprocess", "torchvision", "--out", run],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            print(done.stdout)
            return 1
        report = json.load(open(os.path.join(run, "report.json")))

        trunk = os.path.join(work, "trunk.onnx")
        cut(model, tensor, trunk)
        x, labels, features = {}, {}, {}
        for split in "train", "test":
            paths, y = pictures(os.path.join(folder, split))
            x[split], labels[split] = np.stack([prepare(p) for p in paths]), np.array(y)
            features[split] = in_batches(lambda part: ours(convzoo, trunk, part), x[split])
            theirs = in_batches(lambda part: compare.run_onnxruntime(trunk, part), x[split])
            error = np.abs(features[split] - theirs).max() / np.abs(theirs).max()
            judge(error < 1e-4, "features of %s differ by %.1e of the largest" % (split, error))
            features[split] = features[split].reshape(len(y), -1)

        n = len(labels["test"])
        wanted, least = BOUNDS[name, data]
        hits = int((ridge(features["train"], labels["train"], features["test"]) == labels["test"]).sum())
        judge(wanted is None or abs(hits - wanted) <= 1, "ridge on our features: %d of %d" % (hits, n))

        predicted = np.array([p["top"][0] for p in report["predictions"]])
        right = predicted == np.array([p["truth"] for p in report["predictions"]])
        judge(right.mean() >= least, "our head: %.4f, at least %.3f" % (right.mean(), least))
        other = logistic_by_folds(features["train"], labels["train"], features["test"]) == labels["test"]
        p = mcnemar_worse(right, other)
        judge(p >= 0.05, "logistic regression: %.4f, McNemar p that ours is worse: %.3f" % (other.mean(), p))

        exported = in_batches(lambda part: compare.run_onnxruntime(os.path.join(run, "best.onnx"), part), x["test"])
        same = (exported.reshape(n, -1).argmax(1) == predicted).sum()
        judge(same == n, "exported network in ONNX Runtime: %d of %d predictions the same" % (same, n))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
