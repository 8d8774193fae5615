# SPDX-License-Identifier: MIT
"""Switches the chip on with its firmware in a ROMFS: `micropython rom.py ROM main`, with MICROPYPATH=/rom:.frozen.

As boards/unix/rom.py, with `idf` for the memory that is not heap: this interpreter has no ffi.
"""

import sys

import vfs

import idf

vfs.mount(vfs.VfsRom(idf.mapped(sys.argv.pop(1))), "/rom")
sys.path.pop(0)  # the folder of this file
__import__(sys.argv.pop(1))
