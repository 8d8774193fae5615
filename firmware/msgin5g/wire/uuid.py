# SPDX-License-Identifier: MIT
"""Message IDs: random UUIDs (RFC 9562 section 5.4), 16 octets on L3 and text everywhere else."""

import binascii


def new(random):
    """Return the 16 octets of a new one; `random(n)` gives n octets."""
    octets = bytearray(random(16))
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    return bytes(octets)


def text(octets):
    """Return lower-case text of 16 octets."""
    digits = binascii.hexlify(octets)
    return str(b"-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])), "ascii")


def octets(text):
    """Return the 16 octets of a UUID in text. Raise ValueError for a text that is none."""
    made = binascii.unhexlify(text.replace("-", ""))
    if len(made) != 16:
        raise ValueError("not a UUID: " + text)
    return made
