# SPDX-License-Identifier: MIT
"""The `payload` member: a JSON string that carries text as it is and octets as a data URI (RFC 2397).

TS 24.538 defines no encoding of octets; docs/wire-profile.md has the decision. Text that itself begins like
the data URI travels as octets, so that the reading is always unique.
"""

import binascii

from coap.compat import const, json_string

from .identifiers import BodyError

_PIECE = const(512)  # characters that are decoded at a time, where it is only to know whether they can be
_DECODED = const(384)

HEAD = "data:;base64,"  # of a member that stands for octets


def octets_value(octets):
    """Return the member's value for octets, itself in octets."""
    return HEAD.encode() + binascii.b2a_base64(octets)[:-1]


def json_value(octets, text):
    """Return the member's value as JSON octets; `text` says whether they are UTF-8 text. Raise ValueError where they
    are none."""
    return json_string(octets) if text else b'"' + octets_value(octets) + b'"'


def value_of(source):
    """Return the value of all that a source has, as JSON octets. Raise ValueError as `json_value`, OSError."""
    return json_value(source.read(0, source.size), source.text)


def has_head(value):
    """Return whether a value in UTF-8 stands for octets."""
    return bytes(value[: len(HEAD)]) == HEAD.encode()  # may end amid a character


def read_octets(value):
    """Return the octets of a value in UTF-8, a buffer, with its head or as bare base64. Raise BodyError."""
    if has_head(value):
        value = value[len(HEAD) :]
    octets = _decoded(value)
    if octets is None:
        raise not_base64()
    return octets


def is_base64(value, head):
    """Return whether a value in UTF-8 is base64, behind HEAD where `head` says that it has one."""
    for start in range(len(HEAD) if head else 0, len(value), _PIECE):
        piece = value[start : start + _PIECE]
        octets = _decoded(piece)
        if octets is None or len(octets) < _DECODED and start + _PIECE < len(value):
            return False
    return True


def not_base64():
    """Return the error of a value that is none."""
    return BodyError("payload", "not base64")


def _decoded(value):
    octets = None
    if len(value) % 4 == 0:
        try:
            octets = binascii.a2b_base64(value)
        except ValueError:
            pass
    # Decoders skip what is not of the alphabet; the length tells that they did.
    pads = bytes(value[-2:]).count(b"=")
    return octets if octets is not None and len(octets) == decoded_size(len(value), pads) else None


def decoded_size(length, pads):
    """Return how many octets `length` characters of base64 with `pads` equal signs at their end mean."""
    return length * 3 // 4 - pads


def as_octets(payload):
    """Return (text, octets) of what an application gave: text says whether it travels as text.

    Raise ValueError for anything but str and buffers of octets.
    """
    if isinstance(payload, str):
        return not payload.startswith(HEAD), payload.encode()
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return False, bytes(payload)
    raise ValueError(
        "payload must be str, bytes, a binary file, or (file, size), not %s" % type(payload).__name__
    )
