"""Our speed beside ONNX Runtime's, in turns (bench/peers): the answers agree, and ResNet-50 on one thread takes at most
1.5 times as long.

Usage: compare_onnxruntime.py CONVZOO_PEERS. Exit 77: no onnxruntime-node (CONVZOO_ORT). A ratio of neighbouring turns
holds on a machine with other work, single times do not; what is measured usually is near 1.
"""
import glob
import os
import platform
import re
import subprocess
import sys
import tempfile

CONVZOO, PEERS = os.environ["CONVZOO"], sys.argv[1]
ARCH = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "none")
LIBRARY = glob.glob(os.path.join(os.environ["CONVZOO_ORT"], "node_modules/onnxruntime-node/bin/napi-v*/linux", ARCH,
                                 "libonnxruntime.so.1"))


def run(*command, code=0):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout)
    if done.returncode != code:
        sys.exit("exit %d, wanted %d: %s" % (done.returncode, code, " ".join(command)))
    return done.stdout


def main():
    if not LIBRARY:
        print("skipped: no onnxruntime-node in", os.environ["CONVZOO_ORT"])
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name in ("squeezenet1_1", "resnet50"):
            files[name] = os.path.join(folder, name + ".onnx")
            run(CONVZOO, "export", name, "--init", "golden:1", "--out", files[name])
        peers = [PEERS, "--library", LIBRARY[0]]
        text = run(*peers, "--threads", "1,2", "--batch", "2", "--rounds", "2", "--seconds", "0.02",
                   files["squeezenet1_1"])
        if len(re.findall(r"^squeezenet1_1.onnx\s+2\s+[12]\s", text, re.M)) != 2:
            sys.exit("a row for each number of threads is wanted")
        # It can say no: nobody is a thousand times faster.
        run(*peers, "--rounds", "1", "--seconds", "0.01", "--at-most", "0.001", files["squeezenet1_1"], code=1)
        run(*peers, "--threads", "1", "--rounds", "7", "--seconds", "0.2", "--at-most", "1.5", files["resnet50"])


main()
