# SPDX-License-Identifier: MIT
"""Manifest and bundle, octet by octet, and what is none of that."""

import hashlib
import struct
from dataclasses import replace

import pytest

from tools.update import format
from tools.update.format import File, FormatError, Manifest

APP = b"print(1)\n"
DATA = b"\x00\x01"
# From the form's description, not from what writes it.
TEXT = f"""\
msgin5g 1
kind app
name garden
version 1.4
number 1796000000
board rp2040 pico_w
mpy 6.3
needs =0.3.0
permit 1797000000
trial 900
confirm
file 9 {hashlib.sha256(APP).hexdigest()} app/app.py
file 2 {hashlib.sha256(DATA).hexdigest()} fw/msgin5g/rules/steps.mpy
"""
LEAST = f"""\
msgin5g 1
kind config
name garden
version 1.4
number 1
board any
needs 0.3.0
file 2 {hashlib.sha256(b"{}").hexdigest()} config.json
"""
A = "a" * 64  # a SHA-256


def packed(text, signature=b"signature", contents=APP + DATA):
    """The octets of a bundle, by hand."""
    signed = text.encode()
    return b"MSGB\x01" + struct.pack(">II", len(signed), len(signature)) + signed + signature + contents


def app(*files, board="any"):
    """A manifest of an app with these lines of files."""
    head = f"msgin5g 1\nkind app\nname g\nversion 1\nnumber 1\nboard {board}\n"
    mpy = "mpy 6.3\n" if any(line.endswith(".mpy") for line in files) else ""
    return head + mpy + "needs 0.3.0\n" + "".join(f"file {line}\n" for line in files)


def test_a_whole_one_is_read():
    bundle = format.read(packed(TEXT))
    assert bundle.manifest == Manifest(
        kind="app",
        name="garden",
        version="1.4",
        number=1796000000,
        boards=("rp2040", "pico_w"),
        mpy="6.3",
        needs="=0.3.0",
        permit=1797000000,
        trial=900,
        confirm=True,
        files=(
            File(9, hashlib.sha256(APP).hexdigest(), "app/app.py"),
            File(2, hashlib.sha256(DATA).hexdigest(), "fw/msgin5g/rules/steps.mpy"),
        ),
    )
    assert (bundle.signature, bundle.signed) == (b"signature", TEXT.encode())
    assert [contents for _, contents in bundle.files()] == [APP, DATA]
    assert bundle.id == hashlib.sha256(TEXT.encode()).digest()[:8].hex()


def test_a_whole_one_is_written():
    bundle = format.read(packed(TEXT))
    assert bundle.manifest.octets() == TEXT.encode()
    assert bundle.octets() == packed(TEXT)
    assert format.file_of("app/app.py", APP) == bundle.manifest.files[0]


def test_what_is_optional_is_left_out():
    manifest = format.parse(LEAST.encode())
    assert (manifest.mpy, manifest.permit, manifest.trial, manifest.confirm) == (None, None, 600, False)
    assert manifest.octets() == LEAST.encode()


def test_it_writes_nothing_that_it_would_not_read():
    manifest = format.parse(LEAST.encode())
    for wrong in (
        {"name": "a b"},
        {"version": "1\nnumber 7"},
        {"boards": ("any", "rp2040")},
        {"boards": ("a b",)},
        {"number": 0},
        {"files": ()},
        {"trial": 59},
    ):
        with pytest.raises(FormatError):
            replace(manifest, **wrong).octets()


@pytest.mark.parametrize("end", [0, 4, 12, 13, 40, 13 + len(TEXT), 13 + len(TEXT) + 8, -11, -1])
def test_one_that_is_cut_short(end):
    with pytest.raises(FormatError):
        format.read(packed(TEXT)[:end])


def test_one_that_goes_on():
    with pytest.raises(FormatError, match="goes on behind its end"):
        format.read(packed(TEXT) + b"\0")


@pytest.mark.parametrize("at", range(len(APP + DATA)))
def test_a_file_that_is_damaged(at):
    octets = bytearray(packed(TEXT))
    octets[at - len(APP + DATA)] ^= 1
    with pytest.raises(FormatError, match=r"app/app.py|steps.mpy"):
        format.read(bytes(octets))


def test_a_length_that_is_none():
    """Of manifest or signature: 16,384 octets at most; nothing of that size has to be there to see it."""
    for lengths in ((16_385, 1), (1, 16_385), (2**32 - 1, 2**32 - 1)):
        with pytest.raises(FormatError, match="may have 16384"):
            format.read(b"MSGB\x01" + struct.pack(">II", *lengths))
    with pytest.raises(FormatError, match="form 2"):
        format.read(b"MSGB\x02" + packed(TEXT)[5:])
    with pytest.raises(FormatError, match="may have 16384"):
        format.parse(b"a" * 16_385)


@pytest.mark.parametrize("line", range(len(TEXT.splitlines())))
def test_each_line_at_its_place(line):
    lines = TEXT.splitlines(keepends=True)
    left, doubled, later = lines[:], lines[:], lines[:]
    gone = left.pop(line)
    doubled.insert(line, gone)
    later.append(later.pop(line))
    optional = gone.startswith(("permit", "trial", "confirm", "file"))
    for wrong in [doubled] + [left] * (not optional) + [later] * (not gone.startswith("file")):
        with pytest.raises(FormatError):
            format.parse("".join(wrong).encode())


@pytest.mark.parametrize(
    "old, new",
    [
        ("msgin5g 1", "msgin5g 2"),
        ("msgin5g 1", "\ufeffmsgin5g 1"),
        ("kind app", "kind apps"),
        ("kind app", "kind  app"),
        ("kind app", "kind app "),
        ("kind app\n", "kind app\r\n"),
        ("name garden", "name "),
        ("name garden", "name g\u00e4rten"),
        ("name garden", "name " + 33 * "a"),
        ("version 1.4", "version 1/4"),
        ("number 1796000000", "number 0"),
        ("number 1796000000", "number 4294967296"),
        ("number 1796000000", "number 01"),
        ("number 1796000000", "number +1"),
        ("number 1796000000", "number 1_0"),
        ("number 1796000000", "number \u0661"),
        ("board rp2040 pico_w", "board rp2040 rp2040"),
        ("board rp2040 pico_w", "board rp2040  pico_w"),
        ("board rp2040 pico_w", "board any"),
        ("board rp2040 pico_w", "board rp2040 any"),
        ("board rp2040 pico_w", "board " + " ".join(map(str, range(17)))),
        ("mpy 6.3", "mpy 6"),
        ("mpy 6.3", "mpy 6.4"),
        ("mpy 6.3\n", ""),
        ("needs =0.3.0", "needs 0.3"),
        ("needs =0.3.0", "needs ==0.3.0"),
        ("needs =0.3.0", "needs 0.03.0"),
        ("permit 1797000000", "permit 0"),
        ("trial 900", "trial 59"),
        ("trial 900", "trial 86401"),
        ("confirm", "confirm "),
        ("confirm", "confirm yes"),
        ("file 9 ", "file 09 "),
        ("file 9 ", "file -9 "),
        ("file 9 ", "file 4194305 "),
        ("file 9 ", "file 4194303 "),
        ("app/app.py", "app/app.py "),
        ("\nfile 9", "\n\nfile 9"),
        (".mpy\n", ".mpy"),
        (".mpy\n", ".mpy\n\n"),
    ],
)
def test_values_that_are_none(old, new):
    assert TEXT.count(old) >= 1
    with pytest.raises(FormatError):
        format.parse(TEXT.replace(old, new, 1).encode())


def test_edges_are_allowed():
    format.parse(TEXT.replace("trial 900", "trial 60").replace("1796000000", "4294967295").encode())
    format.parse(TEXT.replace("trial 900", "trial 86400").replace("garden", 32 * "a").encode())
    format.parse(TEXT.replace("rp2040 pico_w", " ".join(map(str, range(16)))).encode())
    format.parse(TEXT.replace("file 9 ", f"file {(4 << 20) - 2} ").encode())
    format.parse(app(f"0 {A} app/{'/'.join([64 * 'a', 59 * 'b'])}").encode())


@pytest.mark.parametrize(
    "path",
    [
        "",
        "app",
        "app/",
        "/app/a",
        "app//a",
        "app/../a",
        "app/./a",
        "../app/a",
        "app/..",
        "a.py",
        "App/a",
        "apps/a",
        "fw",
        "fw/",
        "msgin5g.json",
        "app/a b",
        "app/a\\b",
        "app/\u00e4",
        "app/a\0",
        "app/~a",
        "c:/app/a",
        f"app/{65 * 'a'}",
        f"app/{64 * 'a'}/{60 * 'b'}",
    ],
)
def test_paths_that_lead_elsewhere(path):
    with pytest.raises(FormatError):
        format.parse(app(f"1 {A} {path}").encode())


@pytest.mark.parametrize(
    "one, other",
    [
        ("app/a", "app/a"),
        ("app/a", "app/A"),
        ("app/a", "app/a/b"),
        ("app/a/b", "app/a"),
        ("app/A/b", "app/a"),
        ("app/a/b/c", "app/a/B"),
    ],
)
def test_files_that_are_in_each_others_way(one, other):
    with pytest.raises(FormatError):
        format.parse(app(f"1 {A} {one}", f"1 {A} {other}").encode())


def test_files_beside_each_other():
    assert len(format.parse(app(f"1 {A} app/a", f"1 {A} app/ab", f"1 {A} fw/a").encode()).files) == 3


def test_many_files():
    """A line is of 80 octets, the rest of 75: 203 of them are the most that 16,384 hold."""
    lines = [f"1 {A} app/{number:03}" for number in range(204)]
    assert len(app(*lines[:203])) <= 16_384 < len(app(*lines))
    assert len(format.parse(app(*lines[:203]).encode()).files) == 203
    with pytest.raises(FormatError, match="16384"):
        format.parse(app(*lines).encode())
    with pytest.raises(FormatError, match="no file"):
        format.parse(app().encode())


@pytest.mark.parametrize("kind, path", [("config", "config.json"), ("image", "image.bin")])
def test_the_one_file_of_other_kinds(kind, path):
    text = app(f"1 {A} {path}", board="esp32").replace("kind app", f"kind {kind}")
    assert format.parse(text.encode()).kind == kind
    for wrong in (
        text.replace(path, "app/app.py"),
        text + f"file 1 {A} app/app.py\n",
        text.replace("needs", "mpy 6.3\nneeds"),
    ):
        with pytest.raises(FormatError):
            format.parse(wrong.encode())
    anywhere = text.replace("board esp32", "board any").encode()
    if kind == "config":
        assert format.parse(anywhere).boards == ("any",)
    else:
        with pytest.raises(FormatError, match="for no image"):
            format.parse(anywhere)
