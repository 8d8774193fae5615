# SPDX-License-Identifier: MIT
"""Whether this device takes a bundle, by what its manifest says: all that costs little, and is looked at before its
signature."""

import sys

from coap.compat import const
from coap.version import VERSION

_TYPING = const(False)
if _TYPING:
    from .manifests import Manifest


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
