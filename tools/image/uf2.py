# SPDX-License-Identifier: MIT
"""UF2 files, which a Pico's boot loader takes: looks whether one is whole and for which chip it is, and makes one (UF2
specification, microsoft/uf2).
"""

import struct
from dataclasses import dataclass

from tools.errors import UsageError

BLOCK = 512
PAGE = 256  # what the boot ROM programs at a time
SECTOR = 4096  # what it erases
ABSOLUTE = 0xE48BFF57  # a family that is for no chip alone (uf2families.json)
_HEAD = struct.Struct("<IIIIIIII")  # magic, magic, flags, address, size, number, blocks, family
_FIRST, _SECOND, _LAST = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_HAS_FAMILY, _NOT_MAIN_FLASH = 0x2000, 0x1
_ROOM = BLOCK - _HEAD.size - 4
# picotool begins a file for the RP2350 with one block of these, for erratum RP2350-E10 of its boot ROM (data sheet,
# appendix "Errata"). It counts by itself, as the first of two.
_FILLED = b"\xef" * PAGE


@dataclass
class File:
    family: int  # the one that all its blocks have
    pages: dict  # address: octets
    ahead: bytes  # a block for erratum RP2350-E10 that it begins with, or nothing

    @property
    def blocks(self):
        return len(self.pages)


def read(path, octets, advice):
    """The File in these octets. Raises UsageError, which ends in `advice`: how to have a whole one."""
    if len(octets) < BLOCK or not octets.startswith(_FIRST.to_bytes(4, "little")):
        raise UsageError(f"{path} is no UF2 file: {advice}")
    start = BLOCK if _is_ahead(octets) else 0
    total = len(octets) // BLOCK - start // BLOCK
    pages, families = {}, set()
    for number in range(total):
        at = start + number * BLOCK
        first, second, flags, address, size, own, of, family = _HEAD.unpack_from(octets, at)
        (last,) = struct.unpack_from("<I", octets, at + BLOCK - 4)
        whole = (first, second, last) == (_FIRST, _SECOND, _LAST) and (own, of) == (number, total)
        if not whole or size > _ROOM or address in pages or len(octets) % BLOCK:
            raise UsageError(f"{path} is damaged or cut short at block {number}: {advice}")
        # vd_write_block() of the boot ROM passes over others, and the board never has all of them (virtual_disk.c of
        # pico-bootrom-rp2040 and -rp2350; RP2040 data sheet 2.8.4.2).
        taken = flags & (_HAS_FAMILY | _NOT_MAIN_FLASH) == _HAS_FAMILY and size == PAGE
        if not taken or address % PAGE:
            raise UsageError(
                f"no board would take {path}: block {number} is not one of {PAGE} octets for the flash of a chip"
                f" that it names. {advice}"
            )
        families.add(family)
        pages[address] = octets[at + _HEAD.size : at + _HEAD.size + size]
    if len(families) > 1:
        names = ", ".join(map(hex, sorted(families)))
        raise UsageError(f"{path} is for more than one chip, of the families {names}: {advice}")
    if not total:
        raise UsageError(f"{path} is cut short: {advice}")
    return File(families.pop(), pages, octets[:start])


def check(path, octets, board):
    """The File in these octets, which `make image` made for a board. `board` is board.json. Raises UsageError."""
    file = read(path, octets, f"make image BOARD={board['id']}")
    families = chips(board)
    if file.family not in families:
        names = " or ".join(map(hex, families))
        raise UsageError(
            f"{path} is for another chip: its family is {file.family:#x}, the board's is {names}"
        )
    return file


def chips(board):
    """{family: chip} of board.json."""
    image = board["image"]
    if "family" in image:
        return {image["family"]: board["mcu"]}
    return {int(family, 16): chip for family, chip in image["families"].items()}


def make(file):
    """The octets of a File. Each sector that it touches is written as a whole: where one in the middle has pages
    missing, the boot ROM of the RP2040 may not write all that is there (erratum RP2040-E14).
    """
    pages = {
        sector + at: b"\xff" * PAGE
        for sector in sorted({address // SECTOR * SECTOR for address in file.pages})
        for at in range(0, SECTOR, PAGE)
    } | file.pages
    octets = bytearray(file.ahead)
    for number, (address, page) in enumerate(sorted(pages.items())):
        head = _HEAD.pack(_FIRST, _SECOND, _HAS_FAMILY, address, PAGE, number, len(pages), file.family)
        octets += head + page.ljust(_ROOM, b"\0") + _LAST.to_bytes(4, "little")
    return bytes(octets)


def _is_ahead(octets):
    first, second, flags, _, size, own, of, family = _HEAD.unpack_from(octets)
    return (
        (first, second, size, own, of, family) == (_FIRST, _SECOND, PAGE, 0, 2, ABSOLUTE)
        and flags & _HAS_FAMILY
        and octets[_HEAD.size : _HEAD.size + PAGE] == _FILLED
    )
