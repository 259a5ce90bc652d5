"""Our decoding, resizing and preprocessing against Pillow and numpy, live: every photo of the test data, random sizes.

compare_pillow.py IMAGE_DUMP [SEED]. Exit 77: Pillow, numpy or the test data are missing.
"""
import glob
import os
import random
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from PIL import Image, ImageOps
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

DUMP = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 20240607
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
failed = passed = 0


def check(what, good):
    global failed, passed
    passed += good
    failed += not good
    if not good:
        print("FAIL", what, "(repeat: %s %s %d)" % (sys.argv[0], DUMP, SEED))


def dump(args, dtype):
    r = subprocess.run([DUMP] + [str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if r.returncode != 0:
        return r.stderr.decode().strip()
    return np.frombuffer(r.stdout[12:], dtype).reshape(np.frombuffer(r.stdout[:12], np.int32))


def ours(path, *resize):
    """Pixels as RGB, or the message."""
    a = dump([path, *resize], np.uint8)
    return a if isinstance(a, str) or a.shape[2] == 3 else np.repeat(a, 3, axis=2)


def theirs(path):
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def same(a, b):
    return not isinstance(a, str) and a.shape == b.shape and bool((a == b).all())


def check_photos(folder, rng):
    """All pixels equal; the cut file is refused by both."""
    photos = sorted(glob.glob(folder + "/*.jpg") + glob.glob(folder + "/odd/*"))
    check("%d photos" % len(photos), len(photos) > 90)
    for path in photos:
        name = os.path.basename(path)
        if name == "truncated.jpg":
            check(name, "JPEG ends at byte 10000 of 10000" in ours(path))
            continue
        image = theirs(path)
        check(name + " decoded", same(ours(path), np.asarray(image)))
        h, w = rng.randint(1, 2 * image.height), rng.randint(1, 2 * image.width)
        for filter, kind in FILTERS.items():
            # Resize before the conversion to RGB or after it: the same, as gray channels are equal.
            want = np.asarray(image.resize((w, h), kind))
            check("%s to %d x %d %s" % (name, h, w, filter), same(ours(path, h, w, filter), want))


def check_random_sizes(rng, tmp):
    """Noise is the hardest picture: every pixel carries every bit."""
    for n in range(150):
        size = [max(1, int(2 ** rng.uniform(0, 9))) for _ in range(4)]
        a = np.frombuffer(rng.randbytes(size[0] * size[1] * 3), np.uint8).reshape(size[0], size[1], 3)
        if n % 3 == 0:
            a = a[:, :, 0]
        path = os.path.join(tmp, "n.png")
        image = Image.fromarray(a)
        image.save(path)
        filter = rng.choice(sorted(FILTERS))
        want = np.asarray(image.convert("RGB").resize((size[3], size[2]), FILTERS[filter]))
        check("noise %s %s" % (size, filter), same(ours(path, size[2], size[3], filter), want))


def check_pngs(rng, tmp):
    """Every kind that Pillow writes; where the rule differs, ours is computed here."""
    a = np.frombuffer(rng.randbytes(24 * 31 * 4), np.uint8).reshape(24, 31, 4)
    wide = np.frombuffer(rng.randbytes(24 * 31 * 2), "<u2").reshape(24, 31)
    rgb = Image.fromarray(a[:, :, :3])
    bits = Image.fromarray(a[:, :, 0]).convert("1")
    palette = rgb.quantize(200)
    cases = [("1 bit", bits, bits.convert("RGB")), ("palette", palette, palette.convert("RGB")),
             ("few colours", rgb.quantize(3), rgb.quantize(3).convert("RGB")),
             ("alpha dropped", Image.fromarray(a), rgb),
             ("gray and alpha", Image.fromarray(a[:, :, :2], "LA"), Image.fromarray(a[:, :, 0]).convert("RGB")),
             # Pillow clips 16 bits at 255 when asked for RGB; we keep the upper byte.
             ("16 bit gray", Image.fromarray(wide), Image.fromarray((wide >> 8).astype(np.uint8)).convert("RGB"))]
    for name, image, want in cases:
        path = os.path.join(tmp, "x.png")
        image.save(path)
        check("PNG, " + name, same(ours(path), np.asarray(want)))


def check_jpegs(rng, tmp):
    """Quality, sampling, progressive, colour spaces, restart intervals of one MCU are all in the decoder's hands."""
    base = Image.effect_mandelbrot((93, 61), (-2, -1.2, 1, 1.2), 60).convert("RGB")
    noise = Image.frombytes("RGB", (93, 61), rng.randbytes(93 * 61 * 3))
    rgb = Image.blend(base, noise, 0.3)
    for mode in ("L", "RGB", "CMYK"):
        for sampling in (0, 1, 2):
            for progressive in (False, True):
                path = os.path.join(tmp, "x.jpg")
                rgb.convert(mode).save(path, quality=rng.randint(30, 98), subsampling=sampling, progressive=progressive)
                want = np.asarray(Image.open(path).convert("RGB"))
                check("JPEG %s sampling %d progressive %d" % (mode, sampling, progressive), same(ours(path), want))


def check_webp(rng, tmp):
    if "webp" not in Image.registered_extensions().values() and ".webp" not in Image.registered_extensions():
        return
    rgb = Image.frombytes("RGB", (75, 41), rng.randbytes(75 * 41 * 3))
    for name, options in (("lossy", dict(quality=70)), ("lossless", dict(lossless=True))):
        path = os.path.join(tmp, "x.webp")
        rgb.save(path, **options)
        check("WebP " + name, same(ours(path), np.asarray(Image.open(path).convert("RGB"))))


def prepared(image, side, resize, crop, mean, std, scale, bgr, nhwc):
    """The steps of torchvision's ImageNet preset, in float64 until the end, as ours."""
    w, h = image.size
    short = (resize * side * 2 + crop) // (2 * crop)
    nw, nh = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
    if (nw, nh) != (w, h):
        image = image.resize((nw, nh), Image.BILINEAR)
    left, top = int(round((nw - side) / 2.0)), int(round((nh - side) / 2.0))
    a = np.asarray(image.crop((left, top, left + side, top + side)), np.float64)
    a = a[:, :, ::-1] if bgr else a
    a = ((a * scale - np.array(mean)) / np.array(std)).astype(np.float32)
    return a if nhwc else a.transpose(2, 0, 1)


def check_tensors(folder, rng):
    """Bits equal: numpy's float64 multiply, subtract and divide round as C's do."""
    image_net = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], 0.00392156862745098, False, False)
    recipes = {"torchvision": (256, 224, *image_net), "torchvision-v2": (232, 224, *image_net),
               "caffe": (256, 224, [104, 117, 123], [1, 1, 1], 1.0, True, False),
               "tf": (256, 224, [1, 1, 1], [1, 1, 1], 0.00784313725490196, False, True)}
    for path in sorted(glob.glob(folder + "/*.jpg"))[::9] + [folder + "/odd/orient6.jpg", folder + "/odd/indexed.png"]:
        for name, recipe in recipes.items():
            side = rng.choice([224, 97, 128])
            got = dump(["--preprocess", name, side, path], np.float32)
            want = prepared(theirs(path), side, *recipe)
            good = not isinstance(got, str) and got.tobytes() == np.ascontiguousarray(want).tobytes()
            check("%s %s at %d" % (os.path.basename(path), name, side), good)


def main():
    data = os.environ.get("CONVZOO_TEST_DATA")
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as tmp:
        check_random_sizes(rng, tmp)
        check_pngs(rng, tmp)
        check_jpegs(rng, tmp)
        check_webp(rng, tmp)
    if data:
        check_photos(data + "/photos", rng)
        check_tensors(data + "/photos", rng)
    print("%d equal to Pillow's, %d not" % (passed, failed))
    if failed:
        sys.exit(1)
    if not data:
        print("skipped the photos: CONVZOO_TEST_DATA is not set")
        sys.exit(77)


main()
