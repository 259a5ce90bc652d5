"""What the comparisons with other programs share: where things are, how they are run, distances.

A comparison whose tools or data are missing ends with 77, which CTest counts as skipped.
"""
import os
import subprocess
import sys
import tempfile


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def data_folder():
    folder = os.environ.get("CONVZOO_TEST_DATA")
    if not folder:
        skip("CONVZOO_TEST_DATA is not set")
    return folder


def need(*modules):
    for name in modules:
        try:
            __import__(name)
        except ImportError:
            skip("python3-%s is missing" % name)


def need_runtime():
    folder = os.environ.get("CONVZOO_ORT", "")
    if not os.path.isdir(os.path.join(folder, "node_modules", "onnxruntime-node")):
        skip("onnxruntime-node is not installed in %s" % folder)


def call(*command):
    environment = dict(os.environ, ORT_DISABLE_TELEMETRY="1")
    done = subprocess.run(list(command), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print("FAILED: %s\n%s" % (" ".join(command), done.stdout))
        sys.exit(1)


def run_ours(tool, model, x):
    return run_with([tool, "run"], model, x)


def run_onnxruntime(model, x):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "ort_run.mjs")
    return run_with(["node", script], model, x)


def run_with(command, model, x):
    import numpy as np
    with tempfile.TemporaryDirectory() as folder:
        into, out = os.path.join(folder, "in.npy"), os.path.join(folder, "out.npy")
        np.save(into, np.ascontiguousarray(x))
        call(*command, model, into, out)
        return np.load(out)


def relative(a, b):
    """Norm of the difference over the norm of b."""
    import numpy as np
    a, b = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    return float(np.linalg.norm(a - b) / np.linalg.norm(b)) if a.shape == b.shape else float("inf")
