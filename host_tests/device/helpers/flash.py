# SPDX-License-Identifier: MIT
"""A flash chip of the tests: MicroPython's own littlefs on a block device in RAM that loses its power.

The model is NOR flash as boards have it: erase sets a block to 0xFF, programming may stop half-way.
MicroPython only (CPython has no littlefs of its own).
"""

from coap.oscore.files import FileStorage
from life import AFTER, TORN, PowerCut

_BLOCK = 512
_EIO = -5
_MOUNT = "/ram"


class Flash:
    """The block device of `vfs.VfsLfs2`, extended interface. Counts `erases` and `programs`."""

    def __init__(self, blocks):
        self.data = bytearray(b"\xff" * (blocks * _BLOCK))
        self.erases = self.programs = 0
        self.at = None
        self.how = None
        self.dead = False

    def readblocks(self, block, buffer, offset=0):
        if self.dead:
            return _EIO
        start = block * _BLOCK + offset
        buffer[:] = self.data[start : start + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        if self.dead:
            return _EIO
        self.programs += 1
        start = block * _BLOCK + offset
        size = len(buffer)
        if self.programs - 1 == self.at:
            self.dead = True
            size = size if self.how == AFTER else size // 2 if self.how == TORN else 0
        self.data[start : start + size] = bytes(buffer[:size])
        return _EIO if self.dead else 0

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self.data) // _BLOCK
        if operation == 5:
            return _BLOCK
        if operation == 6:
            if self.dead:
                return _EIO
            self.erases += 1
            start = argument * _BLOCK
            self.data[start : start + _BLOCK] = b"\xff" * _BLOCK
        return 0


class FlashStorage:
    """The board's own FileStorage on such a chip; `plan` and `restore_power` as in life.CutStorage."""

    def __init__(self, blocks):
        import vfs

        self.flash = Flash(blocks)
        self._vfs = vfs
        vfs.VfsLfs2.mkfs(self.flash)
        self._mounted = False
        self._mount()

    def _mount(self):
        if self._mounted:
            self._vfs.umount(_MOUNT)
        self._vfs.mount(self._vfs.VfsLfs2(self.flash), _MOUNT)
        self._mounted = True
        self._files = FileStorage(_MOUNT + "/messages")

    def _do(self, call, *arguments):
        """What littlefs makes of a chip that stops is an OSError; for the program the power is gone."""
        try:
            return call(*arguments)
        finally:
            if self.flash.dead:
                raise PowerCut()

    def append(self, name, octets, more=False):
        self._do(self._files.append, name, octets, more)

    def read(self, name, offset, size):
        return self._do(self._files.read, name, offset, size)

    def replace(self, name, octets):
        self._do(self._files.replace, name, octets)

    def remove(self, name):
        self._do(self._files.remove, name)

    def names(self):
        return self._do(self._files.names)

    @property
    def writes(self):
        return self.flash.programs

    def plan(self, at, how):
        self.flash.at = at
        self.flash.how = how

    def restore_power(self):
        # A new chip with the same octets: files that the cut left open still hold the dead one.
        old = self.flash
        self.flash = Flash(0)
        self.flash.data, self.flash.programs, self.flash.erases = old.data, old.programs, old.erases
        old.data = b""
        self._mount()

    def close(self):
        self._vfs.umount(_MOUNT)
