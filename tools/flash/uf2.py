# SPDX-License-Identifier: MIT
"""Looks whether a UF2 file is whole, and for which chip it is (UF2 specification, microsoft/uf2)."""

import struct

from tools.errors import UsageError

BLOCK = 512
_HEAD = struct.Struct("<IIIIIIII")  # magic, magic, flags, address, size, number, blocks, family
_FIRST, _SECOND, _LAST = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_HAS_FAMILY = 0x2000


def check(path, octets, board):
    """The number of blocks. `board` is board.json. Raises UsageError."""
    family = board["image"]["family"]
    if len(octets) < BLOCK or not octets.startswith(_FIRST.to_bytes(4, "little")):
        raise UsageError(f"{path} is no UF2 file: make image BOARD={board['id']}")
    blocks = len(octets) // BLOCK
    for number in range(blocks):
        block = octets[number * BLOCK : (number + 1) * BLOCK]
        first, second, flags, _, _, own, total, of = _HEAD.unpack_from(block)
        (last,) = struct.unpack_from("<I", block, BLOCK - 4)
        whole = (first, second, last) == (_FIRST, _SECOND, _LAST) and (own, total) == (number, blocks)
        if not whole or len(octets) % BLOCK:
            raise UsageError(f"{path} is damaged or cut short at block {number}: make it anew")
        if flags & _HAS_FAMILY and of != family:
            raise UsageError(f"{path} is for another chip: its family is {of:#x}, the board's is {family:#x}")
    return blocks
