# SPDX-License-Identifier: MIT
"""The CoAP message and its octets: RFC 7252 section 3.

A header of four octets, and what its lengths say:

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |Ver| T |  TKL  |      Code     |          Message ID           |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |   Token (TKL octets) ... Options ... 0xFF Payload ...
"""

from .compat import const, whole

_TYPING = const(False)
if _TYPING:
    from collections.abc import Sequence
    from typing import Any

    from contracts import Octets, Pieces, Source

# Of `numbers`, and used for each message: the compiler puts the figures in their place
_CON = const(0)
_NON = const(1)
_ACK = const(2)
_RST = const(3)
_EMPTY = const(0)
_URI_PATH = const(11)

_MARKER = const(0xFF)
_MAX_OPTION = const(65535 + 269)  # what two octets of extended length can say (section 3.1)
# A datagram of 1152 octets can hold over 1,100 empty options, which would cost 30 times its size in heap.
_MAX_OPTIONS = const(32)
# Octets, at most, of a datagram beside payload and options, with OSCORE and what it needs for blocks
_HEAD = const(48)


class MessageError(ValueError):
    """Octets that are not a CoAP message, or a message that cannot be put in octets; str() says why.

    `reset` is the Message ID that RFC 7252 section 4.2 wants rejected with a Reset message (a confirmable
    one with a format error), or None where silence is the answer.
    """

    def __init__(self, why: str, reset: int | None = None) -> None:
        super().__init__(why)
        self.reset = reset


def _wrong(which, reset, *values):
    """Return the MessageError of what is wrong, whose words come with the first of them."""
    from .malformed import words

    return MessageError(words(which) % values, reset)


class Message:
    """One CoAP message.

    `options` is a list of (number, bytes) in any order; `payload` any buffer, a memoryview of the
    datagram after `decode`; a body that came in blocks may be blockwise.Pieces, one that goes out may be
    an object with `read(n)`. The endpoint chooses `mid` and `token`, and changes nothing in a message
    that it is given.
    """

    type: int = _CON
    mid: int = 0
    token: bytes = b""

    def __init__(
        self,
        code: int,
        payload: "Octets | Pieces | Source" = b"",
        options: "Sequence[tuple[int, bytes]]" = (),
        type: int = _CON,
        mid: int = 0,
        token: bytes = b"",
    ) -> None:
        # An attribute of the object takes memory and time, so what is as in most messages stays that of the class.
        if type:
            self.type = type
        if mid:
            self.mid = mid
        if token:
            self.token = token
        self.code = code
        self.options = options
        self.payload: "Any" = payload

    def __repr__(self):
        return "<Message %s %s mid=%d, %s>" % (
            ("CON", "NON", "ACK", "RST")[self.type],
            "%d.%02d" % (self.code >> 5, self.code & 31),
            self.mid,
            "a source" if hasattr(self.payload, "read") else "size %d" % len(self.payload),
        )

    def option(self, number: int, default: bytes | None = None) -> bytes | None:
        """Return the value (bytes) of the first option of this number, or `default`."""
        for each, value in self.options:
            if each == number:
                return value
        return default

    def uint(self, number: int, default: int | None = None) -> int | None:
        """Return the value of the first option of this number as an unsigned integer (section 3.2), or `default`."""
        value = self.option(number)
        return default if value is None else int.from_bytes(value, "big")

    def max_size(self) -> int:
        """Return how many octets its datagram has at most, protected by OSCORE or not."""
        size = _HEAD + (_MAX_OPTION if hasattr(self.payload, "read") else len(self.payload))
        for _, value in self.options:
            size += len(value) + 5
        return size

    if _TYPING:

        @property
        def path(self) -> str | None:
            """The Uri-Path options, with a "/" before each; None where one is not UTF-8. What would mean something
            else in a URI is escaped (section 6.5), so an option "a/b" reads "/a%2Fb" and is no path of two."""

    def __getattr__(self, name):
        if name != "path":
            raise AttributeError(name)
        path = ""
        for number, value in self.options:
            if number == _URI_PATH:
                try:
                    part = str(value, "utf-8")
                except UnicodeError:
                    return None
                for mark in "%/?#":
                    if mark in part:
                        part = part.replace(mark, "%%%02X" % ord(mark))
                path += "/" + part
        return path or "/"


whole(Message, asked="path")


def uint_octets(value: int) -> bytes:
    """Return an unsigned integer as an option value: the fewest octets, none for 0 (section 3.2). Raise ValueError."""
    if value < 0:
        raise ValueError("%d: an option value is not negative" % value)
    octets = b""
    while value:
        octets = bytes((value & 255,)) + octets
        value >>= 8
    return octets


def encode(message: Message, type: int | None = None, mid: int = 0, token: bytes = b"") -> bytearray:
    """Return the octets of `message`, as a bytearray; where a type is given, with this type, message ID and token
    instead of its own.

    Raise MessageError where a token, an option number or an option value is too long to be said.
    """
    if type is None:
        type, mid, token = message.type, message.mid, message.token
    if len(token) > 8:
        raise _wrong("token", None, len(token))
    data = bytearray((0x40 | type << 4 | len(token), message.code, mid >> 8, mid & 255))
    data += token
    append_content(data, message.options, message.payload)
    return data


def empty(type: int, mid: int) -> bytes:
    """Return the octets of an empty message (section 4.1)."""
    return bytes((0x40 | type << 4, _EMPTY, mid >> 8, mid & 255))


def append_content(
    data: bytearray, options: "Sequence[tuple[int, bytes]]", payload: "Octets | Pieces"
) -> None:
    """Append options and payload to a bytearray as a message has them: all that comes behind the token.

    Raise MessageError where an option cannot be said.
    """
    previous = 0
    for option in options:
        if option[0] < previous:
            # sorted() is stable on CPython only, and the order of repeated options is their meaning
            options = [options[i] for _, i in sorted([(o[0], i) for i, o in enumerate(options)])]
            if options[0][0] < 0:
                raise _wrong("negative", None, options[0][0])
            break
        previous = option[0]
    previous = 0
    for number, value in options:
        delta = number - previous
        previous = number
        size = len(value)
        if delta < 13 and size < 13 and number < 65536:
            data.append(delta << 4 | size)
        else:
            if number > 65535 or size > _MAX_OPTION:
                raise _wrong("unsayable", None, number, size)
            start = len(data)
            data.append(0)
            data[start] = _extend(data, delta) << 4 | _extend(data, size)
        data += value
    if len(payload):
        data.append(_MARKER)
        data += payload  # type: ignore[arg-type]  # Pieces give their octets one by one


def _extend(data, value):
    """Append what the nibble of a delta or length cannot hold; return the nibble (section 3.1)."""
    if value < 13:
        return value
    if value < 269:
        data.append(value - 13)
        return 13
    value -= 269
    data.append(value >> 8)
    data.append(value & 255)
    return 14


def decode(datagram: "Octets") -> Message:
    """Return the Message in `datagram` (any buffer); the payload is a view of it.

    Raise MessageError for everything that RFC 7252 section 3 does not allow.
    """
    end = len(datagram)
    if end < 4:
        raise _wrong("header", None, end)
    first = datagram[0]
    if first >> 6 != 1:
        raise _wrong("version", None, first >> 6)
    type = first >> 4 & 3
    position = 4 + (first & 15)
    code = datagram[1]
    mid = datagram[2] << 8 | datagram[3]
    reset = mid if type == _CON else None
    if position > 12:
        raise _wrong("tkl", reset, position - 4)
    if position > end:
        raise _wrong("token-cut", reset)
    if not 64 <= code < 192 or type == _RST:  # a response may come in all other types
        _check_code(code, type, end, reset)
    token = bytes(datagram[4:position])
    options, payload = read_content(datagram, position, reset) if position < end else ([], b"")
    return Message(code, payload, options, type, mid, token)


def read_content(
    datagram: "Octets", position: int, reset: int | None = None
) -> tuple[list[tuple[int, bytes]], memoryview]:
    """Return (options, payload) of what begins at `position`; the payload is a view. Raise MessageError with
    `reset`."""
    end = len(datagram)
    view = memoryview(datagram)
    options: list[tuple[int, bytes]] = []
    number = 0
    while position < end:
        first = datagram[position]
        position += 1
        if first == _MARKER:
            if position == end:
                raise _wrong("marker", reset)
            break
        delta = first >> 4
        length = first & 15
        if delta > 12:
            delta, position = _extended(datagram, delta, position, end, reset)
        if length > 12:
            length, position = _extended(datagram, length, position, end, reset)
        number += delta
        if number > 65535:
            raise _wrong("number", reset, number)
        if position + length > end:
            raise _wrong("option-cut", reset, number)
        if len(options) == _MAX_OPTIONS:
            raise _wrong("options", reset, _MAX_OPTIONS)
        options.append((number, bytes(view[position : position + length]) if length else b""))
        position += length
    return options, view[position:]


def _check_code(code, type, end, reset):
    """Which code may come in which type: RFC 7252 sections 3, 4.1 to 4.3, table 1."""
    if code == _EMPTY:
        if end > 4:
            raise _wrong("empty", reset, end)
        if type == _NON:
            raise _wrong("empty-non", None)
        return
    if code >> 5 in (1, 6, 7):
        raise _wrong("class", reset, code >> 5)
    if type == _RST:
        raise _wrong("reset", None)
    if type == _ACK and 0 < code < 32:
        raise _wrong("ack", None)


def _extended(datagram, nibble, position, end, reset):
    """Return the delta or length that begins with `nibble`, 13 to 15, and the position behind it (section 3.1)."""
    if nibble == 15:
        raise _wrong("nibble", reset)
    if position + nibble - 12 > end:
        raise _wrong("extended-cut", reset)
    if nibble == 13:
        return datagram[position] + 13, position + 1
    return (datagram[position] << 8 | datagram[position + 1]) + 269, position + 2
