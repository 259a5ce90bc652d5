#!/usr/bin/env python3
"""`convzoo pull` against a server that behaves and one that does not, case by case.

  pull_server.py PROGRAM [CASE...]

PROGRAM is the whole program over a catalogue of one more set of weights, lenet5:test (tests/cli/pull_catalogue), whose
bytes are made here. The first part of an address names how the server behaves.
"""
import hashlib
import http.server
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

NAME = "lenet5-%s.safetensors"


def weights():
    """LeNet-5 as safetensors, from a generator that any machine repeats: multiples of 2^-17 below 1/4."""
    shapes = [("conv1.weight", (6, 1, 5, 5)), ("conv1.bias", (6,)), ("conv2.weight", (16, 6, 5, 5)),
              ("conv2.bias", (16,)), ("fc1.weight", (120, 400)), ("fc1.bias", (120,)), ("fc2.weight", (84, 120)),
              ("fc2.bias", (84,)), ("fc3.weight", (10, 84)), ("fc3.bias", (10,))]
    header, data, state = {}, [], 1
    at = 0
    for name, shape in shapes:
        n = 1
        for d in shape:
            n *= d
        values = []
        for _ in range(n):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            values.append(((state >> 16) - 32768) / 131072.0)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + 4 * n]}
        at += 4 * n
        data.append(struct.pack("<%df" % n, *values))
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data)


BODY = weights()
HASH = hashlib.sha256(BODY).hexdigest()
NAME = NAME % HASH[:8]
HALF = len(BODY) // 2


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    seen = []  # (behaviour, first byte asked for)
    free = threading.Event()  # ends the stalls


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def head(self, status, length=None, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def body(self, first, end, claimed=None):
        """BODY[first:end] as the answer to a range (or a whole), `claimed` bytes of it in the header."""
        claimed = len(BODY) - first if claimed is None else claimed
        if first:
            self.head(206, claimed, Content_Range="bytes %d-%d/%d" % (first, first + claimed - 1, first + claimed))
        else:
            self.head(200, claimed)
        self.wfile.write(BODY[first:end])
        self.wfile.flush()

    def redirect(self, to):
        self.head(302, 0, Location=to)

    def do_GET(self):
        behaviour = self.path.split("/")[1]
        ranged = self.headers.get("Range")
        first = int(ranged[len("bytes="):].rstrip("-")) if ranged else 0
        earlier = [f for b, f in Server.seen if b == behaviour]
        Server.seen.append((behaviour, first))
        if first >= len(BODY):
            return self.head(416, 0, Content_Range="bytes */%d" % len(BODY))
        return getattr(self, behaviour)(first, earlier)

    def good(self, first, earlier):
        self.body(first, None)

    def whole_only(self, first, earlier):  # no ranges, and cut off the first time
        self.head(200, len(BODY))
        self.wfile.write(BODY if earlier else BODY[:HALF])

    def hop(self, first, earlier):
        self.redirect("http://127.0.0.1:%d/good/%s" % (self.server.server_port, NAME))

    def redirects(self, first, earlier):
        self.redirect("/hop/" + NAME)

    def circle(self, first, earlier):
        self.redirect("/circle/" + NAME)

    def to_file(self, first, earlier):
        self.redirect("file:///etc/hostname")

    def cuts_off(self, first, earlier):  # a third at a time
        self.body(first, first + len(BODY) // 3 + 1)

    def dies(self, first, earlier):  # half of it once, then nothing
        self.body(first, HALF if not first else first)

    def stalls(self, first, earlier):
        self.body(first, HALF if not first else first)
        Server.free.wait(60)

    def says_more(self, first, earlier):
        if first:
            return self.head(200, len(BODY) + 999)
        return self.body(0, None, len(BODY) + 999)

    def says_less(self, first, earlier):
        self.body(first, None, HALF)

    def endless(self, first, earlier):
        self.head(200, None, Content_Type="application/octet-stream")
        try:
            while True:
                self.wfile.write(bytes(1 << 16))
        except OSError:
            pass

    def other_bytes(self, first, earlier):
        self.head(200, len(BODY))
        self.wfile.write(BODY[:-1] + bytes([BODY[-1] ^ 1]))

    def web_page(self, first, earlier):
        page = b"<html>please log in</html>"
        self.head(200, len(page), Content_Type="text/html")
        self.wfile.write(page)

    def missing(self, first, earlier):
        self.head(404, 0)

    def broken(self, first, earlier):
        self.head(503, 0)


class Case:
    """One empty cache, and the program in it."""

    def __init__(self, program, port, folder):
        self.program, self.port, self.folder = program, port, folder
        self.file = os.path.join(folder, "convzoo", "weights", NAME)
        self.part = self.file + ".part"

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("CONVZOO") and "proxy" not in k.lower()}
        return dict(env, XDG_CACHE_HOME=self.folder, XDG_CONFIG_HOME="/nonexistent", XDG_STATE_HOME=self.folder, LC_ALL="C")

    def mirror(self, behaviour):
        return "http://127.0.0.1:%d/%s" % (self.port, behaviour)

    def run(self, *args, **more):
        return subprocess.run([self.program, *args], capture_output=True, text=True, timeout=100,
                              env=dict(self.environment(), **more))

    def pull(self, behaviour, code, says="", *args):
        before = len(Server.seen)
        got = self.run("pull", "lenet5", "--timeout", "1s", *args, CONVZOO_MIRROR=self.mirror(behaviour))
        self.asked = [f for _, f in Server.seen[before:]]
        check(got.returncode == code and says in got.stderr, "exit %d, wanted %d with '%s':\n%s" % (
            got.returncode, code, says, got.stderr))
        return got

    def expect(self, file, part=None):
        """What the cache holds: the finished file or not; the part's length or None."""
        check(os.path.exists(self.file) == file, "the file is%s there" % ("" if not file else " not"))
        check(not file or open(self.file, "rb").read() == BODY, "the file has other bytes")
        size = os.path.getsize(self.part) if os.path.exists(self.part) else None
        check(size == part, "the part has %s bytes, wanted %s" % (size, part))


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def a_good_server(c):
    got = c.pull("good", 0)
    check(got.stdout == c.file + "\n", "stdout: " + got.stdout)
    c.expect(True)
    check(c.asked == [0], "asked for %s" % c.asked)
    c.pull("missing", 0)  # it is here: nobody is asked
    check(c.asked == [], "asked again")


def a_document(c):
    row, = json.loads(c.pull("good", 0, "", "--json").stdout)["files"]
    check(row == {"path": c.file, "bytes": len(BODY), "sha256": HASH, "tag": "test", "license": "MIT"}, str(row))


def a_redirect(c):
    c.pull("redirects", 0)
    c.expect(True)


def redirects_in_a_circle(c):
    c.pull("circle", 6, "from one address to another without end")
    c.expect(False)


def a_redirect_to_a_file(c):
    c.pull("to_file", 6, "neither http nor https")
    c.expect(False)


def cut_off_and_resumed(c):
    c.pull("cuts_off", 0)
    c.expect(True)
    check(len(c.asked) == 3 and c.asked == sorted(c.asked) and c.asked[1] > 0, "asked from %s" % c.asked)


def cut_off_without_ranges(c):
    c.pull("whole_only", 0)
    c.expect(True)


def cut_off_for_good_then_resumed(c):
    c.pull("dies", 6, "are kept, pull again to go on")
    c.expect(False, HALF)
    c.pull("good", 0)
    check(c.asked == [HALF], "asked from %s" % c.asked)
    c.expect(True)


def silence(c):
    begin = time.monotonic()
    c.pull("stalls", 6, "the server went silent")
    check(time.monotonic() - begin < 30, "took %.0f s" % (time.monotonic() - begin))
    c.expect(False, HALF)


def a_length_too_large(c):
    c.pull("says_more", 0)  # all bytes came; that more were promised does not matter
    c.expect(True)


def a_length_too_small(c):
    c.pull("says_less", 4, "nothing was kept")
    c.expect(False)


def a_body_without_end(c):
    c.pull("endless", 6, "sends more than the catalogue says")
    size = os.path.getsize(c.part) if os.path.exists(c.part) else 0
    check(size < 2 << 20, "%d bytes were kept" % size)


def wrong_bytes(c):
    c.pull("other_bytes", 4, "%s: SHA-256 is " % NAME)
    c.expect(False)


def a_web_page(c):
    c.pull("web_page", 4, "catalogue says %s...; nothing was kept" % HASH[:8])
    c.expect(False)


def another_beginning(c):
    os.makedirs(os.path.dirname(c.part))
    with open(c.part, "wb") as f:
        f.write(b"x" * 1000)
    c.pull("good", 0, "from the beginning")
    check(c.asked == [1000, 0], "asked from %s" % c.asked)
    c.expect(True)


def answers_of_failure(c):
    c.pull("missing", 6, "the server answers 404")
    c.pull("broken", 6, "the server answers 503; copy the file by hand and give --weights FILE, or set CONVZOO_MIRROR")
    c.expect(False)


def no_network(c):
    got = c.run("pull", "lenet5", "--mirror", "http://127.0.0.1:1")
    check(got.returncode == 6 and "pull lenet5: no network (nobody answers)" in got.stderr, got.stderr)
    got = c.run("pull", "lenet5", "--mirror", "http://weights.invalid/")
    check(got.returncode == 6 and "no network (name not found); copy the file by hand" in got.stderr, got.stderr)
    c.expect(False)


def an_interrupt(c):
    p = subprocess.Popen([c.program, "pull", "lenet5"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                         env=dict(c.environment(), CONVZOO_MIRROR=c.mirror("stalls")))
    for _ in range(200):
        if os.path.exists(c.part) and os.path.getsize(c.part) == HALF:
            break
        time.sleep(0.05)
    other = c.run("pull", "lenet5", CONVZOO_MIRROR=c.mirror("good"))
    check(other.returncode == 6 and "another convzoo is pulling it" in other.stderr, other.stderr)
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=20)
    check(p.returncode == -signal.SIGINT and "go on with: convzoo pull lenet5" in err, "%d: %s" % (p.returncode, err))
    c.expect(False, HALF)


def what_is_pulled_is_used(c):
    photo = os.path.join(c.folder, "photo.pgm")
    with open(photo, "wb") as f:
        f.write(b"P5 32 32 255\n" + bytes(range(256)) * 4)
    got = c.run("predict", "lenet5", photo)
    check(got.returncode == 6 and "lenet5: no weights here; run `convzoo pull lenet5` (0.2 MiB), or give --weights FILE" in
          got.stderr, got.stderr)
    c.pull("good", 0)
    got = c.run("predict", "lenet5", photo)
    check(got.returncode == 0 and "lenet5:test" in got.stderr, got.stderr)
    check("lenet5" in c.run("pull", "--list").stdout, "not in the list")
    with open(c.file, "r+b") as f:
        f.seek(len(BODY) - 1)
        f.write(b"?")
    got = c.run("predict", "lenet5", photo)
    check(got.returncode == 4 and "run `convzoo pull lenet5:test`" in got.stderr, got.stderr)
    c.pull("good", 0, "pulling it again")
    c.expect(True)
    check(c.run("pull", "lenet5:test", "--remove").returncode == 0, "--remove")
    c.expect(False)
    check(c.run("pull", "lenet5", "--remove").returncode == 6, "--remove twice")
    check(c.run("pull", "--list").stdout.startswith("nothing pulled"), "still in the list")


def mistakes(c):
    for args, says in ((["pull"], "pull: no model"), (["pull", "lenet5:v9"], "has no weights 'v9'"),
                       (["pull", "lenet5", "plain20"], "no weights are published"),
                       (["pull", "lenet"], "nearest is 'lenet5'"), (["pull", "--list", "lenet5"], "--list: takes no model")):
        got = c.run(*args, CONVZOO_MIRROR=c.mirror("good"))
        check(got.returncode == 2 and says in got.stderr, "%s: %s" % (args, got.stderr))
    c.expect(False)


CASES = [a_good_server, a_document, a_redirect, redirects_in_a_circle, a_redirect_to_a_file, cut_off_and_resumed,
         cut_off_without_ranges, cut_off_for_good_then_resumed, silence, a_length_too_large, a_length_too_small,
         a_body_without_end, wrong_bytes, a_web_page, another_beginning, answers_of_failure, no_network, an_interrupt,
         what_is_pulled_is_used, mistakes]


def main():
    program, wanted = sys.argv[1], sys.argv[2:]
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    failed = 0
    for case in CASES:
        if wanted and case.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            begin = time.monotonic()
            try:
                case(Case(program, server.server_port, folder))
                print("ok      %s  %.1f s" % (case.__name__, time.monotonic() - begin), flush=True)
            except AssertionError as why:
                failed += 1
                print("FAILED  %s: %s\n        repeat: %s %s %s" % (
                    case.__name__, why, sys.argv[0], program, case.__name__), flush=True)
    Server.free.set()
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--name"]:
        print(NAME, HASH[:8], len(BODY))
        sys.exit(0)
    sys.exit(main())
