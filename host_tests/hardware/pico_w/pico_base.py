# SPDX-License-Identifier: MIT
"""Makes files like MicroPython's binaries for the Pico W: the real ones are for the user to download.

`base` puts a file together by hand from the pico-sdk's headers (pico/binary_info/defs.h and structure.h) and from the
UF2 specification; no processor could run what is in it. `plain` makes one that runs, in the emulator of the RP2040: the
image that is built here for the Pico, with the names of its frozen firmware spoiled, so that it finds none.
"""

import re
import struct

FLASH = 0x10000000
RP2040, RP2350, RISCV, ABSOLUTE = 0xE48BFF56, 0xE48BFF59, 0xE48BFF5A, 0xE48BFF57  # uf2families.json
# ports/rp2/boards/RPI_PICO_W and RPI_PICO2_W, mpconfigboard.h: MICROPY_HW_FLASH_STORAGE_BYTES at the end of the flash
PICO_W = (2048 * 1024 - 848 * 1024, 848 * 1024)
PICO2_W = (1536 * 1024, 4096 * 1024 - 1536 * 1024)
BANNER = "MicroPython v1.25.0 on 2025-04-15; Raspberry Pi Pico W with RP2040"


def blocks(octets, family, address=FLASH):
    """A UF2 file, as picotool makes it."""
    pages = [octets[at : at + 256] for at in range(0, len(octets), 256)]
    return b"".join(
        block(page, address + 256 * number, number, len(pages), family) for number, page in enumerate(pages)
    )


def block(page, address, number, total, family, flags=0x2000):
    head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, flags, address, 256, number, total, family)
    return head + page.ljust(476, b"\0") + struct.pack("<I", 0x0AB16F30)


# elf2uf2 of picotool, for erratum RP2350-E10; since pico-sdk 2.1.1 with a tag to pass the block over
AHEAD = block(b"\xef" * 256, 0x10FFFF00, 0, 2, ABSOLUTE)
TAGGED = block(b"\xef" * 256 + struct.pack("<I", 0x9957E304), 0x10FFFF00, 0, 2, ABSOLUTE, 0x2000 | 0x8000)


def program(board="pico_w", banner=BANNER, drive=PICO_W, *, told=True, copied=False, size=40000):
    """The octets from the beginning of the flash. `copied`: what it tells lies where RAM is when it runs."""
    texts = 0x800
    octets = bytearray(size)
    place = {}
    for text in (board, banner, "MicroPython"):
        octets[texts : texts + len(text) + 1] = text.encode() + b"\0"
        place[text] = FLASH + texts
        texts += len(text) + 1
    entries = (
        struct.pack("<HHII", 6, 0x5052, 0xB63CFFBB, place[board]),
        struct.pack("<HHI", 5, 0x5052, 0x68F465DE)
        + struct.pack("<I", FLASH + size),  # where the program ends
        struct.pack("<HHIIIIH", 7, 0x504D, place["MicroPython"], FLASH + drive[0], drive[1], 0, 3),
    )
    shift = 0x10000000 if copied else 0
    at, pointers = 0x600, []
    for entry in entries:
        octets[at : at + len(entry)] = entry
        pointers.append(FLASH + at + shift)
        at += len(entry)
    octets[0x500 : 0x500 + 4 * len(pointers)] = struct.pack(f"<{len(pointers)}I", *pointers)
    mapping = struct.pack(
        "<III", FLASH + 0x600, FLASH + 0x600 + shift, FLASH + 0x700 + shift
    ) * copied + bytes(4)
    octets[0x700 : 0x700 + len(mapping)] = mapping
    if told:
        end = FLASH + 0x500 + 4 * len(pointers)
        struct.pack_into("<5I", octets, 0x1D4, 0x7188EBF2, FLASH + 0x500, end, FLASH + 0x700, 0xE71AA390)
    return bytes(octets)


def base(family=RP2040, ahead=b"", **more):
    """The octets of such a file."""
    return ahead + blocks(program(**more), family)


def plain(image):
    """The octets of a UF2 file, of those of build/rp2040/firmware.uf2."""
    octets = b"".join(image[at + 32 : at + 32 + 256] for at in range(0, len(image), 512))
    # py/frozenmod.c, mp_frozen_names: name after name, an empty one at the end
    (names,) = re.finditer(rb"(?:[\w/]+\.py\0)+\0", octets)
    spoiled = re.sub(rb"(?<=\0)(base|coap|msgin5g|device|main|board|boot)(?=[./])", _dashes, names[0])
    octets = octets[: names.start()] + spoiled + octets[names.end() :]
    return blocks(octets, RP2040)


def _dashes(name):
    return b"-" * len(name[0])
