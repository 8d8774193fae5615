# SPDX-License-Identifier: MIT
"""Makes files like MicroPython's binaries for ESP32: the real ones are for the user to download.

esptool writes their two images, as it does for ESP-IDF; what is in them is nothing that a processor could run. The
partition table is built by hand from ESP-IDF's documentation ("Partition Tables"), the banner is that of MicroPython.
"""

import hashlib
import struct

from esptool import bin_image
from esptool.bin_image import ELFSection

OFFSETS = {
    "esp32": 0x1000,
    "esp32s3": 0,
    "esp32c3": 0,
    "esp32c5": 0x2000,
}  # board.json's second source: ESP-IDF
WRITERS = {
    "esp32": bin_image.ESP32FirmwareImage,
    "esp32s3": bin_image.ESP32S3FirmwareImage,
    "esp32c3": bin_image.ESP32C3FirmwareImage,
    "esp32c5": bin_image.ESP32C5FirmwareImage,
    "esp32c61": bin_image.ESP32C61FirmwareImage,
}
# MicroPython 1.25 and before for 4 MiB; since 1.26 the last one is made at boot
TABLE = (
    ("nvs", 1, 2, 0x9000, 0x6000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("factory", 0, 0, 0x10000, 0x1F0000),
    ("vfs", 1, 0x81, 0x200000, 0x200000),
)
BANNER = "MicroPython v1.25.0 on 2025-04-15"


def image(chip, octets):
    made = WRITERS[chip]()
    made.entrypoint = 0x40080000
    made.segments = [ELFSection(b"all", 0x20000000, octets + bytes(-len(octets) % 4), 0)]
    return made.save(None)


def table(entries=TABLE):
    octets = b""
    for name, kind, subtype, offset, size in entries:
        octets += struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, name.encode(), 0)
    return octets + b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(octets).digest()


def base(chip="esp32", banner=BANNER, entries=TABLE):
    """The octets of such a file."""
    begin = OFFSETS.get(chip, 0)
    octets = image(chip, b"a boot loader".ljust(12000, b"."))
    octets += b"\xff" * (0x8000 - begin - len(octets)) + table(entries)
    octets += b"\xff" * (0x10000 - begin - len(octets))
    return octets + image(chip, b"code\0" + banner.encode() + b"; Generic ESP32 module\0" + bytes(30000))
