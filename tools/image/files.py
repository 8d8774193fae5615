# SPDX-License-Identifier: MIT
"""A file system image, as the board makes it itself: LittleFS 2, for the part of the flash that board.json names; and
a file for it that holds others, for each takes a block at least."""

import binascii
import struct

from littlefs import LittleFS, LittleFSError

from tools.words import counted, in_words

BLOCK = 4096
PROGRAM = 256  # what the _boot.py of MicroPython's rp2 port mounts with
ESP32_PROGRAM = 32  # that of its esp32 port takes what VfsLfs2 does by itself
READ = LOOKAHEAD = 32


def file_system(size, files, program=PROGRAM):
    """`size` octets of flash that hold `files`, {path: octets}. ValueError where they do not fit."""
    system = LittleFS(**_geometry(size, program))
    for path, octets in files.items():
        folder = path.rpartition("/")[0]
        try:
            if folder:
                system.makedirs(folder, exist_ok=True)
            with system.open(path, "wb") as file:
                file.write(octets)
        except (OSError, LittleFSError) as error:
            raise ValueError(
                f"{path} does not fit into {counted(size, 'octet')}: {in_words(error)}"
            ) from None
    return bytes(system.context.buffer)


def pack(contents):
    """The octets of a file that holds all of {path: octets}; boards/pico_w/firmware_pack.py says in which form, and
    reads it. ValueError where two paths have one CRC-32."""
    found = {_key(path): (path, octets) for path, octets in contents.items()}
    folders = {path.rpartition("/")[0] for path in contents} - {""}
    folders |= {folder[:at] for folder in folders for at, letter in enumerate(folder) if letter == "/"}
    found |= {_key(path): (path, None) for path in folders}
    if len(found) < len(contents) + len(folders):
        raise ValueError("two of the paths have the same CRC-32: rename one of these modules")
    rows = sorted(found.items())
    names = b"".join(path.encode() + b"\n" for _, (path, _) in rows)
    head = struct.calcsize(">4sBHI")
    places = [head + 4 * len(rows) + 4 * (len(rows) + 1) + len(names)]
    held = b""
    for key, (_, octets) in rows:
        held += b"" if octets is None else key + octets
        places.append(places[0] + len(held))
    index = b"".join(key for key, _ in rows) + struct.pack(f">{len(places)}I", *places)
    return struct.pack(">4sBHI", b"MSGP", 1, len(rows), places[-1]) + index + names + held


def _key(path):
    return binascii.crc32(path.encode()).to_bytes(4, "big")


def _geometry(size, program):
    return {
        "block_size": BLOCK,
        "block_count": size // BLOCK,
        "prog_size": program,
        "read_size": READ,
        "lookahead_size": LOOKAHEAD,
        # that of VfsLfs2: a file of up to half of it lies in the blocks of its folder, where it is 1024 octets or less
        "cache_size": min(BLOCK, 4 * max(READ, program)),
    }


def _mounted(image, program):
    system = LittleFS(**_geometry(len(image), program), mount=False)
    system.context.buffer = bytearray(image)
    system.mount()
    return system


def used(image, program=PROGRAM):
    """Octets of the blocks that are in use."""
    return _mounted(image, program).used_block_count * BLOCK


def read_files(image, program=PROGRAM):
    """{path: octets} of a file system image."""
    system = _mounted(image, program)
    found = {}
    for folder, _, names in system.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with system.open(path, "rb") as file:
                found[path.lstrip("/")] = file.read()
    return found
