# SPDX-License-Identifier: MIT
"""What a manifest says, read line by line, and whether it is for this device: the heap holds a line of it, whatever its
length.

The first half of the checks is cheap and comes before the signature, for anyone can send a manifest. That no two paths
hinder each other is looked at behind it.
"""

import binascii
import sys
from hashlib import sha256

from coap.compat import const

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable, Iterator
    from typing import Any

_PIECE = const(256)  # octets read at a time
_LINE = const(1024)  # octets of a line at most: a board line with 31 of the longest names
_FILES = const(256)
_CONTENTS = const(4194304)  # octets of all files together
_NUMBERS = const(4294967295)
_PATH = const(128)
_PART = const(64)
_NAME = const(32)
_DIGEST = const(64)
_KEY = const(8)  # octets of the SHA-256 of a path that stand for it
_LETTERS = const(b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ._-")
_DIGITS = const(b"0123456789")
_HEX = const(b"0123456789abcdef")
# The one file of the kinds that have one
_ONLY = {"config": b"config.json", "image": b"image.bin"}


class _Lines:
    """The lines of a text in what has `read(n)`; `line` is the one that comes next, None at the end."""

    def __init__(self, file):
        self._file = file
        self._left = b""
        self._number = 0
        self.digest = sha256()
        self.move()

    def move(self):
        """Go on to the next line. Raise ValueError where one is too long, or the last one has no end."""
        end = self._left.find(b"\n")
        while end < 0:
            more = self._file.read(_PIECE)
            self.digest.update(more)
            if not more and not self._left:
                self.line = None
                return
            self._left += more
            end = self._left.find(b"\n")
            if end < 0 and (not more or len(self._left) > _LINE):
                raise ValueError("line %d has no end" % (self._number + 1))
        self.line = self._left[:end]
        self._left = self._left[end + 1 :]
        self._number += 1

    def refuse(self):
        """Raise ValueError, which shows the line."""
        raise ValueError("line %d: %r" % (self._number, self.line and self.line[:40]))

    def value(self, key, ok=None, default=None):
        """Return what stands behind this key and go on, or the default where another key does. Raise ValueError where
        `ok` says that it is none, or there is no default."""
        line = self.line
        if line is None or not line.startswith(key) or line[len(key) : len(key) + 1] != b" ":
            if default is None:
                self.refuse()
            return default
        value = line[len(key) + 1 :]
        if ok is not None and not ok(value):
            self.refuse()
        self.move()
        return value


def _is_name(value, longest=_NAME):
    return 0 < len(value) <= longest and not value.strip(_LETTERS)


def _is_number(value, high=_NUMBERS, low=1):
    return (
        0 < len(value) <= 10
        and not value.strip(_DIGITS)
        and (value == b"0" or value[0] != 0x30)
        and low <= int(value) <= high
    )


def _is_trial(value):
    return _is_number(value, 86400, 60)


def _is_mpy(value):
    major, dot, minor = value.partition(b".")
    return dot == b"." and _is_number(major, 999) and len(minor) == 1 and minor in b"0123"


def _is_needs(value):
    parts = (value[1:] if value[:1] == b"=" else value).split(b".")
    return len(parts) == 3 and all([_is_number(part, 99999, 0) for part in parts])


def _are_boards(value):
    names = value.split(b" ")
    alone = len(names) == 1 or b"any" not in names
    return alone and all([_is_name(name) for name in names]) and len(set(names)) == len(names)


def _is_kind(value):
    return value in (b"app", b"config", b"image")


def _is_one(value):
    return value == b"1"


class Manifest:
    """What a manifest in `file`, which has `read(n)`, says; `files` counts them, `size` is the octets of all together.

    `boards` is a list of names in octets, [b"any"] for each; `mpy`, `needs` as they stand there, in octets, `mpy` b""
    without .mpy files; `permit` 0 for none; `trial` in seconds; `id` 16 hexadecimal digits. Raise ValueError.
    """

    def __init__(self, file: "Any") -> None:
        lines = _Lines(file)
        lines.value(b"msgin5g", _is_one)
        self.kind = str(lines.value(b"kind", _is_kind), "utf-8")
        self.name = str(lines.value(b"name", _is_name), "utf-8")
        self.version = str(lines.value(b"version", _is_name), "utf-8")
        self.number = int(lines.value(b"number", _is_number))
        self.boards = lines.value(b"board", _are_boards).split(b" ")
        self.mpy = lines.value(b"mpy", _is_mpy, b"")
        self.needs = lines.value(b"needs", _is_needs)
        self.permit = int(lines.value(b"permit", _is_number, b"0"))
        self.trial = int(lines.value(b"trial", _is_trial, b"600"))
        self.confirm = lines.line == b"confirm"
        if self.confirm:
            lines.move()
        self._read_files(lines)
        self.id = str(binascii.hexlify(lines.digest.digest()[:8]), "utf-8")

    def _read_files(self, lines):
        self.files = self.size = 0
        compiled = False
        while lines.line is not None:
            parts = lines.line.split(b" ")
            if (
                len(parts) != 4
                or parts[0] != b"file"
                or not _is_number(parts[1], _CONTENTS, 0)
                or len(parts[2]) != _DIGEST
                or parts[2].strip(_HEX)
                or not self._has_place(parts[3])
            ):
                lines.refuse()
            self.files += 1
            self.size += int(parts[1])
            if self.files > _FILES or self.size > _CONTENTS:
                raise ValueError("too many files, or too large")
            compiled = compiled or parts[3].endswith(b".mpy")
            lines.move()
        if not self.files or (self.files > 1 and self.kind != "app"):
            raise ValueError("%d files" % self.files)
        if compiled == (self.mpy == b""):
            raise ValueError("mpy is said where there are .mpy files, and only there")
        if self.boards[0] == b"any" and (compiled or self.kind == "image"):
            raise ValueError("its boards are not named")

    def _has_place(self, path):
        """Return whether a bundle of this kind may have a file of this path."""
        if self.kind != "app":
            return path == _ONLY[self.kind]
        parts = path.split(b"/")
        return (
            len(path) <= _PATH
            and len(parts) > 1
            and parts[0] in (b"app", b"fw")
            and all([_is_name(part, _PART) and part not in (b".", b"..") for part in parts])
        )


def files(file: "Any") -> "Iterator[tuple[int, bytes, str]]":
    """Yield (octets, SHA-256 in hexadecimal digits, path) of each file of a manifest that was checked."""
    lines = _Lines(file)
    while lines.line is not None:
        parts = lines.line.split(b" ")
        if parts[0] == b"file":
            yield int(parts[1]), parts[2], str(parts[3], "utf-8")
        lines.move()


def check_paths(read: "Callable[[], Any]") -> None:
    """Raise ValueError where a path comes twice, in large letters or small, or is a folder of another one. `read()`
    returns a file of the manifest at its beginning."""
    known = b""
    for _, _, path in files(read()):
        key = _key(path)
        if _has(known, key):
            raise ValueError("%s is there twice" % path)
        known += key
    for _, _, path in files(read()):
        at = path.rfind("/")
        while at > 0:
            if _has(known, _key(path[:at])):
                raise ValueError("%s is a file and a folder" % path[:at])
            at = path.rfind("/", 0, at)


def _key(path):
    return sha256(path.lower().encode()).digest()[:_KEY]


def _has(known, key):
    at = known.find(key)
    while at >= 0 and at % _KEY:
        at = known.find(key, at + 1)
    return at >= 0


# --- whether it is for this device ------------------------------------------------------------------------


def refusal(manifest: "Manifest", board: str, floor: int) -> "str | None":
    """Return why the device with this board, which has confirmed the number `floor`, does not take it; None where it
    does. The first word is one that the wire has (docs/updates.md)."""
    boards = manifest.boards
    if boards[0] != b"any" and board.encode() not in boards:
        return "board: it is for %s, and this one is %s" % (_text(b" ".join(boards)[:80]), board)
    if manifest.mpy and manifest.mpy != _mpy():
        return "mpy: its files are of version %s, and this MicroPython reads %s" % (
            _text(manifest.mpy),
            _text(_mpy()) or "none",
        )
    from coap.version import VERSION

    exact = manifest.needs[:1] == b"="
    needs = _numbers(manifest.needs[exact:])
    have = _numbers(VERSION.encode())
    if needs != have if exact else needs > have:
        return "firmware: it needs %s, and this one is %s" % (_text(manifest.needs), VERSION)
    if manifest.number <= floor and (not manifest.permit or manifest.permit < floor):
        return "number: %d is not newer than %d, which was confirmed here" % (manifest.number, floor)
    return None


def _mpy():
    """Return the version of .mpy files that this interpreter reads, b"" for none."""
    found = getattr(sys.implementation, "_mpy", 0)
    return b"%d.%d" % (found & 0xFF, found >> 8 & 3) if found else b""


def _numbers(version):
    return [int(part) for part in version.split(b".")]


def _text(octets):
    return str(octets, "utf-8")
