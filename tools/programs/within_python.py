# SPDX-License-Identifier: MIT
"""Starts the MicroPython that is an extension module of Python: `python -I -S within_python.py FOLDER ARGUMENT...`,
where FOLDER holds the module.

It was built without `ffi`, so it can't map a ROMFS file into its memory by itself. It need not: its memory is that of
this process. A file *.romfs among the arguments is mapped here, outside of MicroPython's heap, and $ROMFS_MAPPED says
where, "ADDRESS SIZE". The variable is there in any case, so that one can ask for it.
"""

import ctypes
import mmap
import os
import sys


def _mapped(path):
    with open(path, "rb") as file:
        # To be copied where it is written to, since ctypes gives addresses of what can be written only. Nobody writes.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def main(folder, *arguments):
    """Run MicroPython; return its exit code."""
    sys.path.insert(0, folder)
    from micropython_unix import run_main

    roms = [_mapped(path) for path in arguments if path.endswith(".romfs")]
    places = [(ctypes.addressof(ctypes.c_char.from_buffer(rom)), len(rom)) for rom in roms]
    os.environ["ROMFS_MAPPED"] = " ".join("%d %d" % place for place in places)
    return run_main(["micropython", *arguments])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
