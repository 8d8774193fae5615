# SPDX-License-Identifier: MIT
"""What the tests of L3 share: octets as the tables of TS 24.538 Annex A.2 are read, and messages as plain values."""

from msgin5g.wire import l3

ID = bytes.fromhex("00112233445566778899aabbccddeeff")


def plain(values):
    """Values with their views as bytes, to be compared."""
    made = {}
    for name, value in values.items():
        if isinstance(value, memoryview):
            value = bytes(value)
        elif isinstance(value, tuple):
            value = (value[0], bytes(value[1]))
        made[name] = value
    return made


def octets(text):
    return bytes.fromhex(text.replace(" ", ""))


def decoded(text):
    type, values = l3.decode(octets(text))
    return type, plain(values)
