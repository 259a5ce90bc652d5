"""Google Benchmark's own compare.py on two of our outputs, and on our program in place of one.

Exit 77: compare.py (Debian's libbenchmark-tools), numpy or scipy are missing. What is compared is whether it reads
everything, not how fast we are: the same program measured twice.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

TOOL = "/usr/share/benchmark/compare.py"
CONVZOO = os.environ["CONVZOO"]

try:
    import numpy  # noqa: F401
    import scipy  # noqa: F401
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)
if not os.path.exists(TOOL):
    print("skipped: no", TOOL)
    sys.exit(77)


def run(*command):
    # compare.py loads its own modules from beside itself; warnings of newer numpy versions are not our business.
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("exit %d: %s\n%s\n%s" % (done.returncode, " ".join(command), done.stdout, done.stderr))
    return done.stdout


def compare(*arguments):
    text = run(sys.executable, TOOL, "--no-color", *arguments)
    if "nan" in text or "inf" in text:
        sys.exit("nan or inf in:\n" + text)
    return text


def want(text, pattern, why):
    if not re.search(pattern, text, re.M):
        sys.exit("%s: no /%s/ in:\n%s" % (why, pattern, text))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        files = [os.path.join(folder, name) for name in ("a.json", "b.json")]
        for file in files:
            run(CONVZOO, "bench", "lenet5", "lenet5_tanh", "--threads", "1", "--reps", "9", "--min-time", "2ms",
                "--warmup", "3", "--quiet", "--out", file)
        text = compare("benchmarks", *files)
        for name in ("lenet5", "lenet5_tanh"):
            run_name = re.escape(name + "/batch:1/threads:1/real_time")
            # Change of real and CPU time, then four times without decimals that are not 0.
            want(text, "^" + run_name + r"\s+[+-]\d\.\d+\s+[+-]\d\.\d+(\s+[1-9]\d*){4}$", "a round")
            want(text, "^" + run_name + r"_median\s+[+-]", "an aggregate")
            want(text, "^" + run_name + r"_pvalue\s+\d\.\d+.*U Test, Repetitions: 9 vs 9", "the U test")
        want(text, r"^OVERALL_GEOMEAN\s+[+-]\d\.\d+", "the geometric mean")

        text = compare("filters", files[0], "lenet5", "lenet5_tanh")
        want(text, r"^\[lenet5 vs\. lenet5_tanh\]/batch:1", "two models of one file")

        # Given the program, compare.py starts it with --benchmark_* flags only and a file that it made.
        text = compare("benchmarks", CONVZOO, files[0], "--benchmark_filter=^lenet5(_tanh)?/batch:1",
                       "--benchmark_repetitions=2", "--benchmark_min_time=0.002")
        want(text, "^RUNNING: .*convzoo --benchmark_filter", "the program is started")

        with open(files[0]) as f:
            document = json.load(f, parse_constant=lambda word: sys.exit("not JSON: " + word))
        names = [b["name"] for b in document["benchmarks"] if b["run_type"] == "aggregate"]
        if len(names) != len(set(names)):
            sys.exit("names are not unique")


main()
