# SPDX-License-Identifier: MIT
"""Before boot.py: mounts the file system, and makes one where there is none, as the rp2 port's _boot.py does."""

import rv32
import vfs

_flash = rv32.Flash()
try:
    _files = vfs.VfsLfs2(_flash, progsize=256)
except OSError:
    vfs.VfsLfs2.mkfs(_flash, progsize=256)
    _files = vfs.VfsLfs2(_flash, progsize=256)
vfs.mount(_files, "/")
