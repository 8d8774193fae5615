# SPDX-License-Identifier: MIT
"""A binary of MicroPython for a board with an RP2040 or RP2350, as micropython.org has them: which board and version it
is for, whether it is whole, and where it keeps its files.

Such a file is a UF2 file. What is in it says so itself, for tools like picotool: the pico-sdk puts "binary information"
into each program (pico/binary_info/structure.h), and the rp2 port tells there of its drive (rp2_flash.c).
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from tools.errors import UsageError
from tools.image import release, uf2
from tools.words import in_words

DOWNLOADS = (
    "MicroPython's binaries are at https://micropython.org/download/?port=rp2: take the .uf2 of your board."
)
FLASH = 0x10000000  # XIP_BASE of both chips
_LARGEST = 0x1000000  # what fits there

# pico/binary_info/defs.h: a marker, three addresses, a marker; the data sheets have it near the beginning
_HEADER = struct.Struct("<5I")
_BEGIN, _END = 0x7188EBF2, 0xE71AA390
_NEAR = 4096
# pico/binary_info/structure.h
_ID_AND_STRING, _BLOCK_DEVICE = 6, 7
_PICO_BOARD = 0xB63CFFBB
_STRING = struct.Struct("<HHII")  # type, tag, id, address of the text
_DEVICE = struct.Struct("<HHIII")  # type, tag, address of the name, address, size
_MICROPYTHON = int.from_bytes(b"MP", "little")  # the tag of what MicroPython tells
_MAPPING = struct.Struct("<III")  # where it is in the flash, first and last address that it has when it runs
_LONGEST = 64  # octets of a text that we ask for
# More than any program has of either: what is copied to RAM (crt0.S has four), what it tells of itself.
_MOST_COPIED, _MOST_TOLD = 64, 4096


@dataclass
class Base:
    board: str  # as the pico-sdk names it: "pico_w"
    version: str  # "1.25.0"
    file: uf2.File
    files: tuple  # (offset, size) of the drive in the flash

    @property
    def end(self):
        """The offset in the flash behind the last octet of MicroPython."""
        last = max(self.file.pages)
        return last + len(self.file.pages[last]) - FLASH


def read(path, data):
    """The Base in a file. `data` is board.json. Raises UsageError with what is wrong and what to do."""
    path = Path(path)
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {in_words(error)}. {DOWNLOADS}") from None
    if not octets.startswith(b"UF2\n"):
        raise UsageError(f"{path} is no UF2 file but {release.kind(octets)}. {DOWNLOADS}")
    file = uf2.read(path, octets, DOWNLOADS)
    families = uf2.chips(data)
    if file.family not in families:
        raise UsageError(
            f"{path} is for another chip, of the family {file.family:#x}; this board has "
            f"{' or '.join(dict.fromkeys(families.values()))}. {DOWNLOADS}"
        )
    memory = _Memory(path, file)
    told = _told(path, memory)
    version = release.version(memory.octets)
    if version is None or "files" not in told:
        raise UsageError(f"{path} is for an {families[file.family]}, but it is no MicroPython. {DOWNLOADS}")
    known = data["boards"]
    board = told.get("board")
    if board not in known or known[board]["chip"] != families[file.family]:
        names = ", ".join(f"{row['name']} ({name})" for name, row in known.items())
        raise UsageError(
            f"{path} is for the board {board or 'without a name'}; this one knows {names}. {DOWNLOADS}"
        )
    base = Base(board, version, file, told["files"])
    _check_files(path, base, known[board]["flash"])
    return base


class _Memory:
    """What the program is, by the addresses that it has when it runs."""

    def __init__(self, path, file):
        self._path = path
        end = max(address + len(page) for address, page in file.pages.items())
        if min(file.pages) < FLASH or end - FLASH > _LARGEST:
            raise UsageError(
                f"{path} is no program for the flash: it lies at {min(file.pages):#x}. {DOWNLOADS}"
            )
        octets = bytearray(b"\xff" * (end - FLASH))
        for address, page in file.pages.items():
            octets[address - FLASH : address - FLASH + len(page)] = page
        self.octets = bytes(octets)
        self._mapped = []

    def map(self, table):
        """Take in the table of what is copied to RAM when the program starts."""
        for at in range(table, table + _MOST_COPIED * _MAPPING.size, _MAPPING.size):
            source, first, end = self.unpack(_MAPPING, at)
            if not source:
                return
            self._mapped.append((source, first, end))
        raise self.damaged("of more than it has")

    def at(self, address, size):
        """The octets there, fewer at the end."""
        for source, first, end in self._mapped:
            if first <= address < end:
                address += source - first
                break
        if not FLASH <= address < FLASH + len(self.octets):
            raise self.damaged(f"of {address:#x}, where it has nothing")
        return self.octets[address - FLASH : address - FLASH + size]

    def unpack(self, layout, address):
        octets = self.at(address, layout.size)
        if len(octets) < layout.size:
            raise self.damaged("of more than it has")
        return layout.unpack(octets)

    def damaged(self, tells):
        return UsageError(f"{self._path} is damaged: it tells {tells}. {DOWNLOADS}")


def _told(path, memory):
    """{"board": name, "files": (offset, size)}, of what the program tells of itself."""
    for offset in range(0, min(_NEAR, len(memory.octets) - _HEADER.size + 1), 4):
        begin, first, end, mapping, marker = _HEADER.unpack_from(memory.octets, offset)
        if (begin, marker) == (_BEGIN, _END):
            break
    else:
        raise UsageError(f"{path} does not tell what it is: it has no binary information. {DOWNLOADS}")
    memory.map(mapping)
    if end - first > 4 * _MOST_TOLD:
        raise memory.damaged("of more than it has")
    found = {}
    for pointer in range(first, end, 4):
        (entry,) = memory.unpack(struct.Struct("<I"), pointer)
        kind, tag = struct.unpack("<HH", memory.at(entry, 4).ljust(4, b"\0"))
        if kind == _ID_AND_STRING:
            _, _, number, text = memory.unpack(_STRING, entry)
            if number == _PICO_BOARD:
                found["board"] = memory.at(text, _LONGEST).partition(b"\0")[0].decode(errors="replace")
        elif kind == _BLOCK_DEVICE and tag == _MICROPYTHON:
            _, _, _, address, size = memory.unpack(_DEVICE, entry)
            # Newer ones tell of their ROMFS too, which lies before the drive.
            here = (address - FLASH, size)
            found["files"] = max(found.get("files", here), here)
    return found


def _check_files(path, base, flash):
    offset, size = base.files
    if offset < 0 or offset % uf2.SECTOR or size % uf2.SECTOR or not size or offset + size > flash:
        raise UsageError(
            f"{path} is damaged: it keeps its files from {offset:#x} to {offset + size:#x}, in a flash of {flash:#x}."
            f" {DOWNLOADS}"
        )
    if base.end > offset:
        raise UsageError(
            f"{path} has something where its files are to be, from {offset:#x} on: it is an image of more than"
            f" MicroPython. {DOWNLOADS}"
        )
