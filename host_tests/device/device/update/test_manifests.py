# SPDX-License-Identifier: MIT
"""A manifest is read line by line, and what is none is refused. Its text is written by hand here."""

import binascii
import gc
import io
from hashlib import sha256

from common import equal, raises
from device.update.manifests import Manifest, check_paths, files

A = "a" * 64  # a SHA-256
HEAD = "msgin5g 1\nkind %s\nname garden\nversion 1.4\nnumber 1796000000\nboard %s\n"
APP = HEAD % ("app", "rp2040 pico_w") + "mpy 6.3\nneeds =0.3.0\npermit 1797000000\ntrial 900\nconfirm\n"
PATHS = ("app/app.mpy", "app/data/a.txt", "fw/msgin5g/rules/steps.mpy")
TEXT = APP + "".join(["file %d %s %s\n" % (number, A, path) for number, path in enumerate(PATHS)])
LEAST = HEAD % ("config", "any") + "needs 0.3.0\nfile 2 %s config.json\n" % A


def read(text):
    return Manifest(io.BytesIO(text.encode()))


def refused(text):
    """What is said of a text that is no manifest."""
    return str(raises(ValueError, read, text))


def app(*paths, size=1):
    """An application without .mpy of these files."""
    text = HEAD % ("app", "any") + "needs 0.3.0\n"
    return text + "".join(["file %d %s %s\n" % (size, A, path) for path in paths])


def test_what_it_says():
    found = read(TEXT)
    equal((found.kind, found.name, found.version, found.number), ("app", "garden", "1.4", 1796000000))
    equal((found.boards, found.mpy, found.needs), ([b"rp2040", b"pico_w"], b"6.3", b"=0.3.0"))
    equal((found.permit, found.trial, found.confirm), (1797000000, 900, True))
    equal((found.files, found.size), (3, 0 + 1 + 2))
    equal(found.id, str(binascii.hexlify(sha256(TEXT.encode()).digest()[:8]), "ascii"))
    named = list(files(io.BytesIO(TEXT.encode())))
    equal(named, [(number, A.encode(), path) for number, path in enumerate(PATHS)])


def test_what_need_not_be_there():
    found = read(LEAST)
    equal((found.kind, found.boards, found.needs), ("config", [b"any"], b"0.3.0"))
    equal((found.mpy, found.permit, found.trial, found.confirm, found.size), (b"", 0, 600, False, 2))


def test_each_line_at_its_place_and_once():
    lines = TEXT.split("\n")[:-1]
    for at, line in enumerate(lines):
        optional = line.split()[0] in ("permit", "trial", "confirm", "file")
        doubled = lines[:at] + [line] + lines[at:]
        # `check_paths` sees a file that comes twice
        wrong = [] if line.startswith("file") else [doubled]
        if not optional:
            wrong.append(lines[:at] + lines[at + 1 :])
        if not line.startswith("file"):
            wrong.append(lines[:at] + lines[at + 1 :] + [line])
        for each in wrong:
            refused("\n".join(each) + "\n")


def test_each_end():
    """No beginning of a manifest is one but where the line of a file ends."""
    whole = [len(APP)]
    for _ in PATHS:
        whole.append(TEXT.index("\n", whole[-1]) + 1)
    ends = [end for end in range(len(TEXT)) if end not in whole[1:]]
    for end in ends:
        refused(TEXT[:end])
    # with .mpy files gone the line `mpy` is one too many, so only the first file makes one
    for end in whole[1:]:
        equal(read(TEXT[:end]).files, whole.index(end))


def test_values_that_are_none():
    for there, wrong in (
        ("msgin5g 1", ("msgin5g 2", "msgin5g  1", "msgin5g", "MSGin5G 1")),
        ("kind app", ("kind apps", "kind config", "kind image", "kind ")),
        ("name garden", ("name ", "name a b", "name " + "a" * 33, "name a/b", "name \u00e9", "name a\r")),
        ("version 1.4", ("version ", "version 1 4", "version " + "1" * 33)),
        ("number 1796000000", ("number 0", "number 01", "number -1", "number 4294967296", "number 1e3", "number +1")),
        ("board rp2040 pico_w", ("board any", "board any rp2040", "board rp2040 rp2040", "board rp2040 ", "board")),
        ("mpy 6.3", ("mpy 6", "mpy 6.4", "mpy 6.33", "mpy 06.3", "mpy 6.", "mpy .3")),
        ("needs =0.3.0", ("needs 0.3", "needs ==0.3.0", "needs 0.3.0.1", "needs 0.03.0", "needs a.b.c", "needs")),
        ("permit 1797000000", ("permit 0", "permit ", "permit 99999999999")),
        ("trial 900", ("trial 59", "trial 86401", "trial 0900", "trial x")),
        ("confirm", ("confirm ", "confirm 1", "CONFIRM")),
        ("file 0 ", ("file 00 ", "file -1 ", "file 4194305 ", "file  0 ", "file 0  ", "FILE 0 ")),
        (A, ("a" * 63, "a" * 65, "A" * 64, "g" * 64)),
    ):  # fmt: skip
        assert there in TEXT
        for each in wrong:
            refused(TEXT.replace(there, each, 1))
    refused(TEXT + "\n")
    refused("\n" + TEXT)
    refused(TEXT.replace("\n", "\r\n"))
    refused(TEXT[:-1])
    refused("")


def test_paths_that_lead_elsewhere():
    for path in (
        "app",
        "app/",
        "/app/a",
        "app//a",
        "app/./a",
        "app/../a",
        "../app/a",
        "app/a/..",
        "lib/a",
        "base/a",
        "fw",
        "app/a b",
        "app/a\\b",
        "app/a:b",
        "app/\u00e4",
        "app/a\0",
        "app/" + "a" * 65,
        "app/" + "a/" * 62 + "a",  # 129 octets
        "config.json",
        "slots/now",
    ):
        refused(app(path))
    equal(read(app("app/" + "a" * 64)).files, 1)
    equal(read(app("app/" + "a/" * 61 + "aa")).files, 1)  # 128 octets
    equal(read(app("app/...", "app/.a")).files, 2)


def test_other_kinds_have_one_file():
    refused(LEAST.replace("config.json", "app/app.py"))
    refused(LEAST.replace("config.json", "../config.json"))
    refused(LEAST + "file 2 %s config.json\n" % A)
    refused(LEAST.replace("file 2 %s config.json\n" % A, ""))
    image = LEAST.replace("config", "image").replace("image.json", "image.bin")
    refused(image)  # for any board
    equal(read(image.replace("any", "esp32")).kind, "image")


def test_compiled_files_and_the_line_that_says_so():
    refused(TEXT.replace("mpy 6.3\n", ""))
    refused(app("app/app.py").replace("needs", "mpy 6.3\nneeds"))
    refused(TEXT.replace("rp2040 pico_w", "any"))


def test_bounds():
    equal(read(app("app/a", size=4194304)).size, 4194304)
    refused(app("app/a", "app/b", size=4194303))
    equal(read(app(*["app/%d" % number for number in range(256)])).files, 256)
    refused(app(*["app/%d" % number for number in range(257)]))
    refused(LEAST.replace("board any", "board " + " ".join(["b%d" % number for number in range(400)])))
    refused(LEAST.replace("name garden", "name " + "a" * 8000))


def test_paths_that_hinder_each_other():
    def check(*paths):
        text = app(*paths).encode()
        equal(read(app(*paths)).files, len(paths))
        check_paths(lambda: io.BytesIO(text))

    check("app/a", "app/b", "fw/a", "app/c/a", "app/c/b", "app/ab", "app/c.d")
    for paths in (
        ("app/a", "app/b", "app/a"),
        ("app/a", "app/A"),
        ("app/a", "app/a/b"),
        ("app/A/b/c", "app/a"),
        ("fw/b/c/d/e", "app/x", "fw/b/c"),
    ):
        raises(ValueError, check, *paths)


def test_the_heap_holds_a_line_of_it():
    """A manifest that is as long as one may be costs what a short one does, but for 8 octets a file while they are
    compared."""
    if not hasattr(gc, "mem_alloc"):
        return  # CPython's is not counted

    class File:
        """As a file on flash: nothing of it in the heap."""

        def __init__(self, line, times, head):
            self._parts = head, line, times
            self._at = 0

        def read(self, size):
            head, line, times = self._parts
            whole = len(head) + len(line) * times
            made = b""
            while self._at < whole and not made:
                if self._at < len(head):
                    made = head[self._at : self._at + size]
                else:
                    at = (self._at - len(head)) % len(line)
                    made = line[at : at + size]
            self._at += len(made)
            return made

    head = (HEAD % ("app", "any") + "needs 0.3.0\n").encode()
    line = b"file 9 %s app/a-name-of-some-length\n" % A.encode()

    def peak(times):
        file = File(line, times, head)
        gc.collect()
        before = gc.mem_alloc()
        most = [0]
        plain = file.read

        def watched(size):
            gc.collect()
            most[0] = max(most[0], gc.mem_alloc() - before)
            return plain(size)

        file.read = watched
        equal(Manifest(file).files, times)
        return most[0]

    short, long = peak(2), peak(150)
    assert long <= short + 512, (short, long)
