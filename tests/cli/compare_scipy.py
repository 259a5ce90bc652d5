"""`convzoo filter` against scipy.ndimage.correlate on photos: every padding, pad mode, stride and dilation.

Exit 77: scipy, Pillow or the test data are missing. Float results are compared as text matrices of the gray photo; sums
of 8-bit pixels under whole-number kernels are exact in float32, so only the one division may round: 1e-6 relative.
"""
import itertools
import os
import random
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from PIL import Image
    from scipy import ndimage
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

CONVZOO, DATA = os.environ["CONVZOO"], os.environ.get("CONVZOO_TEST_DATA")
MODES = {"zero": "constant", "edge": "edge", "reflect": "reflect"}  # numpy.pad's names
KERNELS = {"blur": np.ones((5, 5)), "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
           "sobel-h": np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]),
           "prewitt-v": np.array([[1, 0, -1]] * 3), "gaussian": np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]),
           "file": np.array([[3, -1, 0, 2], [1, 0, 5, -2]])}
DIVISOR = {"blur": 25, "gaussian": 256}


def pads(padding, side, k, stride, dilation):
    """(before, after) of one axis."""
    if padding == "valid":
        return 0, 0
    if padding != "same":
        return int(padding), int(padding)
    total = max((-(-side // stride) - 1) * stride + dilation * (k - 1) + 1 - side, 0)
    return total // 2, total - total // 2


def expected(x, name, padding, mode, stride, dilation, flip):
    k = KERNELS[name][::-1, ::-1] if flip else KERNELS[name]
    spread = np.zeros([dilation * (n - 1) + 1 for n in k.shape])
    spread[::dilation, ::dilation] = k
    x = np.pad(x, [pads(padding, x.shape[a], k.shape[a], stride, dilation) for a in (0, 1)], MODES[mode])
    # correlate centres the kernel; where it lies wholly inside, origins and borders do not matter.
    full = ndimage.correlate(x, spread, mode="constant")
    top, left = spread.shape[0] // 2, spread.shape[1] // 2
    inside = full[top:top + x.shape[0] - spread.shape[0] + 1, left:left + x.shape[1] - spread.shape[1] + 1]
    return inside[::stride, ::stride] / DIVISOR.get(name, 1)


def main():
    if not DATA:
        print("skipped: CONVZOO_TEST_DATA is not set")
        sys.exit(77)
    rng = random.Random(7)
    photo = DATA + "/photos/odd/hopper.png"
    rgb = np.asarray(Image.open(photo).convert("RGB"), np.float64)
    gray = np.asarray(Image.open(photo).convert("L"), np.float64)
    cases = list(itertools.product(KERNELS, ("valid", "same", "0", "3"), MODES, (1, 2, 3), (1, 2), (False, True)))
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        np.savetxt(tmp + "/k.txt", KERNELS["file"], "%d")
        for n, (name, padding, mode, stride, dilation, flip) in enumerate(rng.sample(cases, 160)):
            size = ["--kernel-size", "5"] if name in ("blur", "gaussian") else []
            out = tmp + ("/y.png" if n % 4 == 0 else "/y.txt")
            command = [CONVZOO, "filter", photo, "--kernel", tmp + "/k.txt" if name == "file" else name, *size,
                       "--padding", padding, "--pad-mode", mode, "--stride", str(stride), "--dilation", str(dilation),
                       "--flip=%s" % ("yes" if flip else "no"), "--force", "--quiet", "-o", out]
            command += ["--gray"] if out.endswith(".txt") else []
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if out.endswith(".txt"):
                want = expected(gray, name, padding, mode, stride, dilation, flip)
                got = np.loadtxt(out, ndmin=2)
                good = got.shape == want.shape and np.allclose(got, want, rtol=1e-6, atol=0)
            else:
                want = np.stack([expected(rgb[:, :, c], name, padding, mode, stride, dilation, flip) for c in range(3)], 2)
                want = np.clip(np.rint(want.astype(np.float32)), 0, 255).astype(np.uint8)
                got = np.asarray(Image.open(out))
                good = got.shape == want.shape and bool((got == want).all())
            if not good:
                failed += 1
                print("FAIL", " ".join(command), got.shape, want.shape)
    print("160 filtered pictures, %d differ from scipy's" % failed)
    sys.exit(1 if failed else 0)


main()
