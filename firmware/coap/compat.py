# SPDX-License-Identifier: MIT
"""The one place where CPython and MicroPython differ for `coap` and `msgin5g`."""

import gc
import json
import sys
from os import urandom as random_octets  # noqa: F401  # for who needs some

try:
    from micropython import const
except ImportError:  # CPython has no constant folding to ask for

    def const(value: "Any") -> "Any":
        """Return the value."""
        return value


_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Octets

_THRESHOLD = const(16384)  # octets, half of that of firmware/main.py
_DEEPEST = const(32)  # brackets within brackets in JSON: each open one costs the heap 64 octets and more

# Ticks may wrap. The period divides that of each MicroPython port (2**30 on 32 bits, 2**62 on 64),
# and sums of two ticks stay small integers on a 32-bit board, which big ones would not.
_PERIOD = const(1 << 29)
_HALF = const(1 << 28)

# Characters that JSON never escapes, for `octets.strip(PLAIN)`: what is left begins with one that it may escape. That
# takes a third of what `json` does. The most frequent come first, for each octet is looked for from there.
PLAIN = b" etaoinsrhld.0123456789cumfpgwyb,v-k:%/jxqzETAOINSRHLDCUMFPGWYBVKJXQZ@_+=()[]{}<>!?;&#$*'`~^|"


def ticks_diff(later: int, earlier: int) -> int:
    """Return milliseconds from `earlier` to `later`, right as long as they lie less than 3.1 days apart."""
    return ((later - earlier + _HALF) & (_PERIOD - 1)) - _HALF


def earliest(first: int | None, second: int | None) -> int | None:
    """Return the sooner of two ticks, each of which may be None for "never"."""
    if first is None:
        return second
    # as ticks_diff, whose call would take more than that
    if second is None or ((first - second + _HALF) & (_PERIOD - 1)) <= _HALF:
        return first
    return second


if sys.implementation.name == "micropython":

    def json_octets(value: "Any") -> bytes:
        """Return `value` as JSON in UTF-8, without spaces, only what JSON must escape escaped (RFC 8259 section 7)."""
        return json.dumps(value, separators=(",", ":")).encode()

    # The octets of a str in UTF-8: here it is a buffer of them, and needs no copy. And what `json` reads.
    utf8: "Any" = memoryview
    _source: "Any" = memoryview

else:
    utf8 = str.encode
    _source = bytes

    def json_octets(value: "Any") -> bytes:
        """Return `value` as JSON in UTF-8, without spaces, only what JSON must escape escaped (RFC 8259 section 7)."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_string(octets: bytes) -> bytes:
    """Return text in UTF-8 as a JSON string in UTF-8. Raise ValueError where the octets are none."""
    if octets.strip(PLAIN):
        return json_octets(str(octets, "utf-8"))  # of octets `json` does not look whether they are UTF-8
    return b'"' + octets + b'"'


def json_value(octets: "Octets") -> "Any":
    """Return what the JSON text in `octets` means.

    Raise ValueError for what is not JSON in UTF-8, what was cut off among it; MicroPython overlooks wrong commas.
    """
    # Never two copies at once, nor one while the value grows: a heap that is full may not have the room.
    _check_nesting(bytes(octets))
    text = str(octets, "utf-8")  # UnicodeError is a ValueError
    if "\\ud" in text or "\\uD" in text:
        octets = utf8(_join_surrogates(text))
    text = ""
    return json.loads(_source(octets))


def drop_half_modules() -> None:
    """Take the names of modules that there was no memory to begin out of `sys.modules`. MicroPython leaves them there
    without a module, and crashes at the next import of one; to be called wherever a MemoryError is outlived. Raise
    nothing."""
    if sys.implementation.name != "micropython":
        return  # None there means that somebody forbids that import
    name: "str | None" = ""
    while name is not None:
        sys.modules.pop(name, None)
        name = None
        for each in sys.modules:  # of which `get` has None, and `in` says that it is there
            if sys.modules.get(each) is None:
                name = each
                break


def collect_less() -> None:
    """Have MicroPython collect less often than main.py wants where much of the heap is free, and more often where
    little is, as holes count for more than time then (docs/memory.md): for who is about to take and drop much of it,
    with somebody waiting."""
    if hasattr(gc, "mem_free"):
        gc.threshold(max(_THRESHOLD, gc.mem_free() // 3))  # type: ignore[attr-defined]


def printable(text: str) -> str:
    """Return what a peer wrote as it may be shown: "?" for each control character, which would move a cursor, or make
    a line of its own.

    Octets are looked at, here and wherever a text is a peer's: MicroPython keeps each character that it looks at
    singly in its table of names, for ever, and there are a million of them.
    """
    octets = text.encode()
    if not octets.strip(PLAIN):
        return text
    shown = bytearray()
    for octet in octets:
        if octet < 0xA0 and shown[-1:] == b"\xc2":  # U+0080 to U+009F
            shown[-1] = 0x3F
        else:
            shown.append(0x3F if octet < 0x20 or octet == 0x7F else octet)
    return str(shown, "utf-8")


def _check_nesting(octets):
    """Raise ValueError where brackets nest too deeply, or one is not closed, which MicroPython 1.25 overlooks. Those
    within strings do not count."""
    if b"\\" in octets:
        # A quote behind an escaped backslash ends a string, an escaped one does not. A backslash that is in no string
        # is no JSON: whatever stands behind it is never read.
        octets = octets.replace(b"\\\\", b"").replace(b'\\"', b"")
    octets = b"".join(octets.split(b'"')[::2])  # what is in no string
    opened = octets.count(b"[") + octets.count(b"{")
    deepest = depth = opened - octets.count(b"]") - octets.count(b"}")
    if opened > _DEEPEST:
        depth = 0
        for octet in octets:
            if octet == 0x5B or octet == 0x7B:
                depth += 1
                deepest = max(depth, deepest)
            elif octet == 0x5D or octet == 0x7D:
                depth -= 1
    if depth > 0 or deepest > _DEEPEST:
        raise ValueError("JSON is cut off, or nested too deeply")


def _join_surrogates(text):
    # MicroPython's json turns each half of an escaped surrogate pair into octets that are not UTF-8,
    # so the pairs are replaced by their character beforehand and a lone half is refused.
    parts = []
    start = position = 0
    while True:
        position = text.find("\\", position)
        if position < 0:
            break
        if text[position + 1 : position + 2] != "u":
            position += 2
            continue
        high = int(text[position + 2 : position + 6], 16)
        if not 0xD800 <= high < 0xE000:
            position += 6
            continue
        if text[position + 6 : position + 8] != "\\u":
            raise ValueError("half of a surrogate pair")
        low = int(text[position + 8 : position + 12], 16)
        if high >= 0xDC00 or not 0xDC00 <= low < 0xE000:
            raise ValueError("half of a surrogate pair")
        parts.append(text[start:position])
        code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        # not chr(): see `printable`
        octets = bytes((0xF0 | code >> 18, 0x80 | code >> 12 & 63, 0x80 | code >> 6 & 63, 0x80 | code & 63))
        parts.append(str(octets, "utf-8"))
        start = position = position + 12
    parts.append(text[start:])
    return "".join(parts)
