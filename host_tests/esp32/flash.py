# SPDX-License-Identifier: MIT
"""A part of the flash of a chip as a block device of MicroPython, kept in a file; boot() starts what lies on it."""

import os
import sys

import vfs

BLOCK = 4096
ERASED = b"\xff" * BLOCK  # once: on the chip an erase takes nothing of the heap


class Flash:
    """esp32.Partition as its documentation has it: blocks of 4096 octets, offsets within them, no erase before use."""

    def __init__(self, path):
        self._file = open(path, "r+b")
        self._blocks = os.stat(path)[6] // BLOCK

    def readblocks(self, number, buffer, offset=0):
        self._file.seek(number * BLOCK + offset)
        assert self._file.readinto(buffer) == len(buffer)

    def writeblocks(self, number, buffer, offset=0):
        self._file.seek(number * BLOCK + offset)
        self._file.write(buffer)

    def ioctl(self, request, argument):
        if request == 4:  # how many blocks
            return self._blocks
        if request == 5:
            return BLOCK
        if request == 6:  # erase
            self._file.seek(argument * BLOCK)
            self._file.write(ERASED)
        if request == 3:  # sync
            self._file.flush()
        return 0


def mount(path):
    """As _boot.py of the esp32 port: VfsLfs2 with what it does by itself. What is imported comes from there first."""
    vfs.mount(vfs.VfsLfs2(Flash(path)), "/flash")
    os.chdir("/flash")
    sys.path[:0] = ["", "/flash/lib"]


def boot(path):
    mount(path)
    with open("main.py") as file:
        exec(file.read(), {"__name__": "__main__"})


if __name__ == "__main__":
    name = sys.argv[1]
    sys.argv.clear()  # a board has no command line
    boot(name)
