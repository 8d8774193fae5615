# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The one place where CPython and MicroPython differ for `coap` and `msgin5g`."""
from os import urandom as random_octets
from typing import Any
from typing import Final
from ._contracts import Octets
PLAIN: Final = b" etaoinsrhld.0123456789cumfpgwyb,v-k:%/jxqzETAOINSRHLDCUMFPGWYBVKJXQZ@_+=()[]{}<>!?;&#$*'`~^|"
utf8: Any
def const(value: Any) -> Any:
    """Return the value."""
def ticks_diff(later: int, earlier: int) -> int:
    """Return milliseconds from `earlier` to `later`, right as long as they lie less than 3.1 days apart."""
def earliest(first: int | None, second: int | None) -> int | None:
    """Return the sooner of two ticks, each of which may be None for "never"."""
def json_octets(value: Any) -> bytes:
    """Return `value` as JSON in UTF-8, without spaces, only what JSON must escape escaped (RFC 8259 section 7)."""
def json_string(octets: bytes) -> bytes:
    """Return text in UTF-8 as a JSON string in UTF-8. Raise ValueError where the octets are none."""
def json_value(octets: Octets) -> Any:
    """Return what the JSON text in `octets` means.

    Raise ValueError for what is not JSON in UTF-8, what was cut off among it; MicroPython overlooks wrong commas.
    """
def drop_half_modules() -> None:
    """Take the names of modules that there was no memory to begin out of `sys.modules`. MicroPython leaves them there
    without a module, and crashes at the next import of one; to be called wherever a MemoryError is outlived. Raise
    nothing.
    """
def collect_less() -> None:
    """Have MicroPython collect less often than main.py wants where much of the heap is free, and more often where
    little is, as holes count for more than time then (docs/memory.md): for who is about to take and drop much of it,
    with somebody waiting.
    """
def printable(text: str) -> str:
    """Return what a peer wrote as it may be shown: "?" for each control character, which would move a cursor, or make
    a line of its own.

    Octets are looked at, here and wherever a text is a peer's: MicroPython keeps each character that it looks at
    singly in its table of names, for ever, and there are a million of them.
    """
