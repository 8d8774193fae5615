# SPDX-License-Identifier: MIT
"""The few fields of a CoAP datagram (RFC 7252 section 3) that decide whether it is handled further: read in a few
microseconds, before anything is made or kept for it."""

from typing import NamedTuple

CON, NON, ACK, RST = range(4)
EMPTY = 0
_OSCORE = 9
_MARKER = 0xFF


class Datagram(NamedTuple):
    """`oscore`: the value of the OSCORE option, or None. `octets`: all of it."""

    mtype: int
    code: int
    mid: int
    token: bytes
    oscore: bytes | None
    payload: bytes
    octets: bytes

    @property
    def is_request(self):
        return 0 < self.code < 32

    def answer(self, code, max_age=None, diagnostic=b""):
        """The octets of a piggybacked response that is no longer than this datagram: an amplifier has no use for it.
        `max_age`: seconds up to 255, or None."""
        head = bytes((0x60 | len(self.token), code)) + self.mid.to_bytes(2, "big") + self.token
        age = b""
        if max_age is not None:  # option 14; 0 is the empty value
            age = bytes((0xD0 | bool(max_age), 1)) + bytes((max_age,) if max_age else ())
        for octets in (head + age + (b"\xff" + diagnostic if diagnostic else b""), head + age):
            if len(octets) <= len(self.octets):
                return octets
        return head

    def reset(self):
        return b"\x70\0" + self.mid.to_bytes(2, "big")


def read(octets):
    """The Datagram, or None for what RFC 7252 section 3 lets be ignored."""
    size = len(octets)
    if size < 4 or octets[0] >> 6 != 1:
        return None
    first, code = octets[0], octets[1]
    at = 4 + (first & 15)
    if first & 15 > 8 or at > size or code == EMPTY and size != 4:
        return None
    try:
        oscore, payload = _content(octets, at)
    except ValueError:
        return None
    mid = octets[2] << 8 | octets[3]
    return Datagram(first >> 4 & 3, code, mid, octets[4 : 4 + (first & 15)], oscore, payload, octets)


def _content(octets, at):
    """(value of the first OSCORE option or None, payload) of what begins at `at`. Raises ValueError."""
    number, oscore, size = 0, None, len(octets)
    while at < size:
        head = octets[at]
        at += 1
        if head == _MARKER:
            if at == size:
                raise ValueError("payload marker without payload")
            return oscore, octets[at:]
        delta, at = _extended(octets, head >> 4, at)
        length, at = _extended(octets, head & 15, at)
        number += delta
        if at + length > size:
            raise ValueError("option %d runs past the end" % number)
        if number == _OSCORE and oscore is None:
            oscore = octets[at : at + length]
        at += length
    return oscore, b""


def first_option(octets, wanted):
    """The value of the first option of this number; None where there is none, or where it cannot be read."""
    at, number, size = 4 + (octets[0] & 15), 0, len(octets)
    try:
        while at < size and octets[at] != _MARKER:
            head = octets[at]
            delta, at = _extended(octets, head >> 4, at + 1)
            length, at = _extended(octets, head & 15, at)
            number += delta
            if number >= wanted or at + length > size:
                return octets[at : at + length] if number == wanted and at + length <= size else None
            at += length
    except ValueError:
        pass
    return None


def _extended(octets, nibble, at):
    """The delta or length that begins with `nibble`, and where what follows it begins. Raises ValueError."""
    if nibble <= 12:
        return nibble, at
    end = at + nibble - 12
    if nibble == 15 or end > len(octets):
        raise ValueError("no delta or length")
    return int.from_bytes(octets[at:end], "big") + (13 if nibble == 13 else 269), end
