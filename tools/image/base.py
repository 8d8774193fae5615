# SPDX-License-Identifier: MIT
"""A binary of MicroPython for an ESP32, as micropython.org has them: what chip it is for, which version it is, whether
it is whole, and where it leaves room for files.

Such a file is a piece of the flash, from where the chip's ROM looks for a boot loader: that boot loader, the partition
table, the application. esptool's own reader checks the two images.
"""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from esptool.bin_image import LoadFirmwareImage
from esptool.targets import CHIP_DEFS
from esptool.util import FatalError

from tools.errors import UsageError
from tools.image import release
from tools.words import in_words

DOWNLOADS = (
    "MicroPython's binaries are at https://micropython.org/download/?mcu=esp32: take the .bin of your board."
)

_MAGIC = b"\xe9"
_TABLE = 0x8000  # in the flash (ESP-IDF, "Partition Tables")
_TABLE_SIZE = 0xC00
_ENTRY = struct.Struct("<2sBBII16sI")
_ENTRY_MAGIC, _MD5_MAGIC = b"\xaa\x50", b"\xeb\xeb"
_APPLICATION = 0  # type of a partition
_DIGEST = 32  # octets behind an image: its SHA-256


@dataclass
class Base:
    chip: str  # as esptool names it: "esp32s3"
    bootloader: int  # where in the flash the octets begin
    version: str  # "1.25.0"
    octets: bytes
    partitions: dict  # name: (offset, size)

    @property
    def files(self):
        """(offset, size) of the partition for files; the size is None where it is the rest of the flash."""
        if "vfs" in self.partitions:
            return self.partitions["vfs"]
        # MicroPython 1.26 and newer make it at boot, up to the end of the chip (micropython#17337).
        return max(offset + size for offset, size in self.partitions.values()), None


def read(path, board):
    """The Base in a file. `board` is board.json. Raises UsageError with what is wrong and what to do."""
    octets, chip, start = _begun(path, board)
    _whole(path, chip, octets, "boot loader")
    partitions, application = _partitions(path, octets, start)
    image = octets[application - start :]
    _whole(path, chip, image, "application")
    return Base(chip, start, _version(path, image), octets, partitions)


def application(path, board):
    """(chip, version, octets) of the application alone, which is what an update of MicroPython is: in a file with
    nothing else (micropython.org's .app-bin), or in such a whole binary. Raises UsageError."""
    octets, chip, start = _begun(path, board)
    if octets[_TABLE - start :].startswith(_ENTRY_MAGIC):
        octets = octets[_partitions(path, octets, start)[1] - start :]
    image = _whole(path, chip, octets, "application")
    if not image.append_digest:
        raise UsageError(
            f"{path} has no SHA-256 at its end, by which a chip sees that it is whole. {DOWNLOADS}"
        )
    # What a merged file has behind it is no part of it: ESP-IDF, "App Image Format".
    return chip, _version(path, octets), octets[: image.data_length + _DIGEST]


def _begun(path, board):
    """(octets, chip, where in the flash they begin) of a file that begins as one for a chip of this board does."""
    path = Path(path)
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {in_words(error)}. {DOWNLOADS}") from None
    if octets[:1] != _MAGIC:
        raise UsageError(f"{path} is no binary for an ESP32 but {release.kind(octets)}. {DOWNLOADS}")
    if len(octets) < 24:
        raise UsageError(f"{path} is cut short. {DOWNLOADS}")
    (number,) = struct.unpack_from("<H", octets, 12)
    chips = {
        loader.IMAGE_CHIP_ID: name for name, loader in CHIP_DEFS.items() if hasattr(loader, "IMAGE_CHIP_ID")
    }
    chip = chips.get(number)
    if chip not in board["chips"]:
        name = CHIP_DEFS[chip].CHIP_NAME if chip in CHIP_DEFS else f"number {number}"
        known = ", ".join(data["name"] for data in board["chips"].values())
        raise UsageError(f"{path} is for a chip that this board does not know: {name}; it knows {known}")
    return octets, chip, board["chips"][chip]["bootloader"]


def _whole(path, chip, octets, what):
    """esptool's reader of the image that these octets begin with; UsageError unless it is all there."""
    try:
        image = LoadFirmwareImage(chip, octets)
    except (FatalError, RuntimeError, struct.error, IndexError, TypeError) as error:
        raise UsageError(f"{path} is damaged or cut short, in its {what} ({error}). {DOWNLOADS}") from None
    if image.append_digest and image.stored_digest != image.calc_digest:
        raise UsageError(f"{path} is damaged or cut short: the {what}'s SHA-256 is wrong. {DOWNLOADS}")
    return image


def _partitions(path, octets, start):
    """({name: (offset, size)}, offset of the application) from the partition table."""
    table = octets[_TABLE - start : _TABLE - start + _TABLE_SIZE]
    if not table.startswith(_ENTRY_MAGIC):
        raise UsageError(f"{path} is no whole binary but an application alone (for updates). {DOWNLOADS}")
    found, application = {}, None
    for position in range(0, len(table) - _ENTRY.size + 1, _ENTRY.size):
        magic, kind, _, offset, size, name, _ = _ENTRY.unpack_from(table, position)
        if magic == _MD5_MAGIC:
            if table[position + 16 : position + 32] != hashlib.md5(table[:position]).digest():
                raise UsageError(f"{path} is damaged: the MD5 of its partition table is wrong. {DOWNLOADS}")
            break
        if magic != _ENTRY_MAGIC:
            break
        found[name.rstrip(b"\0").decode(errors="replace")] = (offset, size)
        if kind == _APPLICATION and application is None:
            application = offset
    if application is None:
        raise UsageError(f"{path} has no partition for an application. {DOWNLOADS}")
    return found, application


def _version(path, application):
    found = release.version(application)
    if found is None:
        raise UsageError(f"{path} is for an ESP32, but it is no MicroPython. {DOWNLOADS}")
    return found
