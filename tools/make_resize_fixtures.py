#!/usr/bin/env python3
"""Writes tests/fixtures/resize.txt: what Pillow's Image.resize makes of random pixels.

A line is: in_h in_w channels out_h out_w filter seed crc32, the CRC-32 of the result's bytes. The input is filled by
a linear congruential generator, which the test repeats. Needs Pillow and numpy; run it again only to add cases:

  tools/make_resize_fixtures.py > tests/fixtures/resize.txt
"""
import zlib

import numpy as np
import PIL
from PIL import Image

FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}

# Shrinking, enlarging, one axis only, equal size, single rows and columns, one pixel, odd ratios.
SIZES = [
    ((37, 53), (16, 23)), ((37, 53), (90, 131)), ((37, 53), (37, 20)), ((37, 53), (19, 53)), ((37, 53), (37, 53)),
    ((1, 200), (7, 31)), ((200, 1), (31, 7)), ((1, 1), (5, 9)), ((2, 3), (224, 224)), ((64, 64), (32, 32)),
    ((100, 150), (224, 336)), ((333, 500), (256, 384)), ((255, 255), (1, 1)), ((3, 1000), (3, 17)), ((480, 640), (97, 129)),
]


def pixels(n, seed):
    out = np.empty(n, np.uint8)
    x = seed
    for i in range(n):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = x >> 24
    return out


def main():
    print("# Pillow %s, tools/make_resize_fixtures.py: in_h in_w channels out_h out_w filter seed crc32" % PIL.__version__)
    seed = 1
    for (in_h, in_w), (out_h, out_w) in SIZES:
        for channels in (1, 3):
            data = pixels(in_h * in_w * channels, seed)
            shape = (in_h, in_w) if channels == 1 else (in_h, in_w, 3)
            image = Image.fromarray(data.reshape(shape))
            for name, kind in FILTERS.items():
                got = np.asarray(image.resize((out_w, out_h), kind))
                print(in_h, in_w, channels, out_h, out_w, name, seed, "%08x" % zlib.crc32(got.tobytes()))
            seed += 1


main()
