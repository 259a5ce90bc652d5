#!/usr/bin/env python3
"""Makes the zoo's tables of figures from the reference framework's.

    python3 tools/zoo_tables.py REFERENCE_DIR zoo

REFERENCE_DIR holds torchvision_reference.csv (parameters, multiply-adds, published weights), goldens.csv (float64
logits from seeded weights and pictures, see zoo/golden.h) and state_dicts/state_dicts.txt.gz (names, shapes and fill
rules), all made with torchvision 0.14 and torch 1.13.  Written:

    reference.csv   per network: parameters, multiply-adds at its own size, tensors of the state dict, FNV-1a hash of
                    the lines "name shape rule" of its floating-point tensors in order, sum of their bits at seed 1
    goldens.csv     per network, size and picture: multiply-adds and the first 16 logits (10 of LeNet-5)
    published.csv   per published set of weights: accuracy and preprocessing, the recommended set first

The build turns every row into a C initialiser, so no field may be empty or hold a blank.
"""
import csv
import gzip
import sys

AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
LOGITS = 16
# The published weights of these expect the normalised input scaled once more, inside the network, to byte/127.5 - 1.
# Ours have no such layer, so their pictures get mean and standard deviation 1/2 at once.
TRANSFORM_INPUT = ("googlenet", "inception_v3")


def fnv1a64(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def state_dict_hashes(path):
    lines, name = {}, None
    for line in gzip.open(path, "rt"):
        if line.startswith("="):
            name = line.split()[1]
            lines[name] = []
        elif not line.startswith(("#",) + AUXILIARY) and not line.endswith(" zero\n"):
            lines[name].append(line)
    return {name: fnv1a64("".join(rows)) for name, rows in lines.items()}


def read(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def write(path, comment, header, rows):
    with open(path, "w", newline="\n") as f:
        f.write("# %s\n" % comment)
        f.write(",".join(header) + "\n")
        for row in rows:
            f.write(",".join(str(v) for v in row) + "\n")


def tag(weights):
    return weights.replace("IMAGENET1K_", "").lower() or "none"


def published_row(r):
    norm = {"0.485 0.456 0.406": "imagenet", "0.5 0.5 0.5": "half"}[r["mean"]]
    if r["model"] in TRANSFORM_INPUT:
        norm = "half"
    return [r["model"], tag(r["weights"]), r["crop"], r["resize"], r["interpolation"], norm, r["acc1"] or "-1",
            r["acc5"] or "-1", r["min_size"] or "1", r["file_name"] or "none"]


def main(source, out):
    table, goldens = read(source + "/torchvision_reference.csv"), read(source + "/goldens.csv")
    hashes = state_dict_hashes(source + "/state_dicts/state_dicts.txt.gz")
    bits = {g["model"]: g["state_bits_sum"] for g in goldens}
    first = {}
    for r in table:
        first.setdefault(r["model"], r)
    write(out + "/reference.csv", "source: torchvision 0.14, torch 1.13; made by tools/zoo_tables.py",
          ["model", "parameters", "macs", "tensors", "names_fnv1a64", "state_bits_sum"],
          [[m, r["params"], r["macs"], r["state_tensors"], "0x%016x" % hashes[m], "0x" + bits[m]]
           for m, r in first.items()])
    write(out + "/goldens.csv", "source: torchvision 0.14, torch 1.13, float64, seed 1; made by tools/zoo_tables.py",
          ["model", "kind", "side", "picture", "macs", "n_logits"] + ["logit%d" % i for i in range(LOGITS)],
          [[g["model"], g["kind"], g["size"], g["picture"], g["macs"], min(LOGITS, int(g["classes"]))]
           + [g["logit%d" % i] or "0" for i in range(LOGITS)] for g in goldens])
    write(out + "/published.csv", "source: metadata of torchvision 0.14's weights; made by tools/zoo_tables.py",
          ["model", "tag", "crop_px", "resize_px", "filter", "norm", "top1", "top5", "min_px", "file"],
          sorted((published_row(r) for r in table if r["mean"]),
                 key=lambda row: (list(first).index(row[0]), -float(row[6]))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
