# SPDX-License-Identifier: MIT
"""A file system image, as the board makes it itself: LittleFS 2, for the part of the flash that board.json names."""

from littlefs import LittleFS, LittleFSError

BLOCK = 4096
PROGRAM = 256  # what MicroPython's _boot.py mounts with
READ = LOOKAHEAD = 32


def file_system(size, files):
    """`size` octets of flash that hold `files`, {path: octets}. ValueError where they do not fit."""
    system = LittleFS(
        block_size=BLOCK,
        block_count=size // BLOCK,
        prog_size=PROGRAM,
        read_size=READ,
        lookahead_size=LOOKAHEAD,
    )
    for path, octets in files.items():
        folder = path.rpartition("/")[0]
        try:
            if folder:
                system.makedirs(folder, exist_ok=True)
            with system.open(path, "wb") as file:
                file.write(octets)
        except (OSError, LittleFSError) as error:
            raise ValueError(f"{path} does not fit into {size} octets: {error}") from None
    return bytes(system.context.buffer)


def read_files(image):
    """{path: octets} of a file system image."""
    system = LittleFS(
        block_size=BLOCK,
        block_count=len(image) // BLOCK,
        prog_size=PROGRAM,
        read_size=READ,
        lookahead_size=LOOKAHEAD,
        mount=False,
    )
    system.context.buffer = bytearray(image)
    system.mount()
    found = {}
    for folder, _, names in system.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with system.open(path, "rb") as file:
                found[path.lstrip("/")] = file.read()
    return found
