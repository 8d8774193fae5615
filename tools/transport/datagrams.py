# SPDX-License-Identifier: MIT
"""As much of a CoAP datagram (RFC 7252 section 3) as one must know to tell whether it is worth more: read in a few
microseconds, before anything is made or kept for it."""

from typing import NamedTuple

CON, NON, ACK, RST = range(4)
EMPTY = 0
_OSCORE = 9
_MARKER = 0xFF


class Datagram(NamedTuple):
    """`oscore`: the value of the OSCORE option, or None. `content`: equal for what is sent again."""

    mtype: int
    code: int
    mid: int
    token: bytes
    oscore: bytes | None
    payload: bytes
    size: int

    @property
    def is_request(self):
        return 0 < self.code < 32

    @property
    def content(self):
        return content(self.token, self.oscore, self.payload)

    def answer(self, code, max_age=None, diagnostic=b""):
        """The octets of a piggybacked response that is no longer than this datagram: an amplifier has no use for it.
        `max_age`: seconds up to 255, or None."""
        head = bytes((0x60 | len(self.token), code)) + self.mid.to_bytes(2, "big") + self.token
        age = b""
        if max_age is not None:  # option 14; 0 is the empty value
            age = bytes((0xD0 | bool(max_age), 1)) + bytes((max_age,) if max_age else ())
        for octets in (head + age + (b"\xff" + diagnostic if diagnostic else b""), head + age):
            if len(octets) <= self.size:
                return octets
        return head

    def reset(self):
        return b"\x70\0" + self.mid.to_bytes(2, "big")


def content(token, oscore, payload):
    """What tells a message that is sent again from another one under its message ID."""
    return hash((token, oscore, payload))


def read(octets):
    """The Datagram, or None for what RFC 7252 section 3 lets be ignored."""
    size = len(octets)
    if size < 4 or octets[0] >> 6 != 1:
        return None
    first, code = octets[0], octets[1]
    at = 4 + (first & 15)
    if first & 15 > 8 or at > size:
        return None
    if code == EMPTY and size != 4:
        return None
    number, oscore, payload = 0, None, b""
    while at < size:
        head = octets[at]
        at += 1
        if head == _MARKER:
            payload = octets[at:]
            if not payload:
                return None
            break
        delta, length = head >> 4, head & 15
        if delta > 12 or length > 12:
            extended = []
            for value in (delta, length):
                if value == 15:
                    return None
                if value > 12:
                    more = value - 12  # octets
                    if at + more > size:
                        return None
                    value = int.from_bytes(octets[at : at + more], "big") + (13 if more == 1 else 269)
                    at += more
                extended.append(value)
            delta, length = extended
        number += delta
        if at + length > size:
            return None
        if number == _OSCORE and oscore is None:
            oscore = octets[at : at + length]
        at += length
    mid = octets[2] << 8 | octets[3]
    return Datagram(first >> 4 & 3, code, mid, octets[4 : 4 + (first & 15)], oscore, payload, size)
