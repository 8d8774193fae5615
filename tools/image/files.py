# SPDX-License-Identifier: MIT
"""A file system image, as the board makes it itself: LittleFS 2, for the part of the flash that board.json names."""

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
