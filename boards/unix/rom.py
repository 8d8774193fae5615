# SPDX-License-Identifier: MIT
"""Switches the unix board on: `micropython boards/unix/rom.py ROM main [APP.py]`, with MICROPYPATH=/rom:.frozen.

A board with an image has its code in flash, which it reads like memory, and the heap for what moves. Here the flash is
a ROMFS file that is mapped into the address space, outside of the heap: bytecode and strings are used where they lie.
"""

import os
import sys

import uctypes
import vfs

_READ = 1  # PROT_READ
_PRIVATE = 2  # MAP_PRIVATE


def _mapped(path):
    """Return the octets of a file as memory, as long as the program runs. Raise OSError."""
    try:
        import ffi
    except ImportError:
        # Whoever started this MicroPython can have mapped it (tools/programs/within_python.py).
        place = os.getenv("ROMFS_MAPPED")
        if not place:
            raise OSError("%s cannot be mapped: this MicroPython was built without ffi" % path) from None
        address, size = place.split()
        return uctypes.bytearray_at(int(address), int(size))
    size = os.stat(path)[6]
    mmap = ffi.open(None).func("p", "mmap", "pliiil")
    with open(path, "rb") as file:
        address = mmap(None, size, _READ, _PRIVATE, file.fileno(), 0)
    if address == -1 or address == (1 << 64) - 1:
        raise OSError("%s cannot be mapped" % path)
    return uctypes.bytearray_at(address, size)


vfs.mount(vfs.VfsRom(_mapped(sys.argv.pop(1))), "/rom")
sys.path.pop(0)  # the folder of this file
__import__(sys.argv.pop(1))
