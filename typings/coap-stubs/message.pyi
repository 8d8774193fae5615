# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The CoAP message and its octets: RFC 7252 section 3.

A header of four octets, and what its lengths say:

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |Ver| T |  TKL  |      Code     |          Message ID           |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |   Token (TKL octets) ... Options ... 0xFF Payload ...
"""
from collections.abc import Sequence
from typing import Any
from ._contracts import Octets
from ._contracts import Pieces
from ._contracts import Source

class MessageError(ValueError):
    """Octets that are not a CoAP message, or a message that cannot be put in octets; str() says why.

    `reset` is the Message ID that RFC 7252 section 4.2 wants rejected with a Reset message (a confirmable
    one with a format error), or None where silence is the answer.
    """
    reset: int | None
    def __init__(self, why: str, reset: int | None=None) -> None: ...

class Message:
    """One CoAP message.

    `options` is a list of (number, bytes) in any order; `payload` any buffer, a memoryview of the
    datagram after `decode`; a body that came in blocks may be blockwise.Pieces, one that goes out may be
    an object with `read(n)`. The endpoint chooses `mid` and `token`, and changes nothing in a message
    that it is given.
    """
    type: int
    mid: int
    token: bytes
    code: int
    options: Sequence[tuple[int, bytes]]
    payload: Any
    def __init__(self, code: int, payload: Octets | Pieces | Source=b'', options: Sequence[tuple[int, bytes]]=..., type: int=..., mid: int=0, token: bytes=b'') -> None: ...
    def __repr__(self): ...
    def option(self, number: int, default: bytes | None=None) -> bytes | None:
        """Return the value (bytes) of the first option of this number, or `default`."""
    def uint(self, number: int, default: int | None=None) -> int | None:
        """Return the value of the first option of this number as an unsigned integer (section 3.2), or `default`."""
    def max_size(self) -> int:
        """Return how many octets its datagram has at most, protected by OSCORE or not."""
    @property
    def path(self) -> str | None:
        """The Uri-Path options, with a "/" before each; None where one is not UTF-8. What would mean something
        else in a URI is escaped (section 6.5), so an option "a/b" reads "/a%2Fb" and is no path of two.
        """
def uint_octets(value: int) -> bytes:
    """Return an unsigned integer as an option value: the fewest octets, none for 0 (section 3.2). Raise ValueError."""
def encode(message: Message, type: int | None=None, mid: int=0, token: bytes=b'') -> bytearray:
    """Return the octets of `message`, as a bytearray; where a type is given, with this type, message ID and token
    instead of its own.

    Raise MessageError where a token, an option number or an option value is too long to be said.
    """
def empty(type: int, mid: int) -> bytes:
    """Return the octets of an empty message (section 4.1)."""
def append_content(data: bytearray, options: Sequence[tuple[int, bytes]], payload: Octets | Pieces) -> None:
    """Append options and payload to a bytearray as a message has them: all that comes behind the token.

    Raise MessageError where an option cannot be said.
    """
def decode(datagram: Octets) -> Message:
    """Return the Message in `datagram` (any buffer); the payload is a view of it.

    Raise MessageError for everything that RFC 7252 section 3 does not allow.
    """
def read_content(datagram: Octets, position: int, reset: int | None=None) -> tuple[list[tuple[int, bytes]], memoryview]:
    """Return (options, payload) of what begins at `position`; the payload is a view. Raise MessageError with
    `reset`.
    """
