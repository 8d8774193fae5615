# SPDX-License-Identifier: MIT
"""Files that lose their power, or are full: what modules of the firmware ask `open` and `os` for comes from a Disk.

It writes as littlefs does: what was written to a file is there once it is flushed or closed, and the names in a folder
change in one step.
"""

import os

from coap.oscore import files
from life import AFTER, TORN, PowerCut

_ENOENT = 2
_ENOSPC = 28


class Disk:
    """For these modules, and for the storage of messages. The power goes at write number `at`, in the way `how`; from
    write number `full` on there is no room."""

    def __init__(self, *modules):
        self.writes = 0
        self.at = self.full = None
        self.how = TORN
        self.dead = False
        self._modules = (files,) + modules
        self._before = []

    def __enter__(self):
        for module in self._modules:
            for name, value in (
                ("open", self.open),
                ("os", self),
                ("_rename", self.rename),
                ("_fsync", None),
            ):
                if name == "open" or hasattr(module, name):
                    self._before.append((module, name, getattr(module, name, open)))
                    setattr(module, name, value)
        return self

    def __exit__(self, *error):
        self._drop()
        for module, name, value in self._before:
            setattr(module, name, value)

    def plan(self, at, how):
        self.at, self.how = at, how

    def restore_power(self):
        self.dead = False
        self.at = None
        self._drop()

    def _drop(self):
        """What was kept open is gone with the program that had it."""
        files._kept[0] = files._kept[1] = None

    def __getattr__(self, name):
        if self.dead:
            raise PowerCut()
        return getattr(os, name)

    def listdir(self, path):
        if self.dead:
            raise PowerCut()
        return sorted(os.listdir(path))  # as littlefs has them

    def write(self, whole, torn, grows):
        """`whole` writes, `torn` does as much of it as a cut in the middle, None where it does all or nothing."""
        if self.dead:
            raise PowerCut()
        number = self.writes
        self.writes += 1
        if self.full is not None and number >= self.full and grows:
            if torn is not None:
                torn()
            raise OSError(_ENOSPC, "ENOSPC")
        if number != self.at:
            return whole()
        self.dead = True
        if self.how == AFTER:
            whole()
        elif self.how == TORN and torn is not None:
            torn()
        raise PowerCut()

    def mkdir(self, path):
        if _there(path):
            os.mkdir(path)  # which raises
        self.write(lambda: os.mkdir(path), None, True)

    def remove(self, path):
        if not _there(path):
            raise OSError(_ENOENT, "ENOENT")
        self.write(lambda: os.remove(path), None, False)

    def rmdir(self, path):
        self.write(lambda: os.rmdir(path), None, False)

    def rename(self, old, new):
        self.write(lambda: getattr(os, "replace", os.rename)(old, new), None, False)

    def open(self, path, mode="r"):
        if self.dead:
            raise PowerCut()
        return _Written(self, path, mode) if mode[0] in "wa" else open(path, mode)


class _Written:
    """A file that is written to."""

    def __init__(self, disk, path, mode):
        if "/" in path and not _there(path[: path.rfind("/")]):
            raise OSError(_ENOENT, "ENOENT")
        self._disk = disk
        self._path = path
        self._mode = mode
        self._octets = bytearray()
        self._at = os.stat(path)[6] if mode[0] == "a" and _there(path) else 0
        self._made = mode[0] == "a" and _there(path)

    def write(self, octets):
        self._octets.extend(octets)
        return len(octets)

    def seek(self, offset, whence):
        return self.tell()

    def tell(self):
        return self._at + len(self._octets)

    def flush(self):
        if self._octets or not self._made:
            self._disk.write(
                lambda: self._put(len(self._octets)), lambda: self._put(len(self._octets) // 2), True
            )
        self._at += len(self._octets)
        self._octets = bytearray()
        self._made = True
        self._mode = "ab"

    def _put(self, size):
        with open(self._path, self._mode) as file:
            file.write(memoryview(self._octets)[:size])

    def close(self):
        if not self._disk.dead:
            self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def _there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


class Chip:
    """MicroPython's own littlefs on a flash chip in RAM, to run in: `with Chip(blocks)`. `writes` counts what is
    programmed. What littlefs makes of a chip that stops is an OSError: `dead` says that it was that."""

    def __init__(self, blocks, octets=None):
        from flash import Flash

        self._new = Flash
        self.flash = Flash(0 if octets else blocks)
        if octets:
            self.flash.data = bytearray(octets)

    def __enter__(self):
        import vfs

        self._vfs = vfs
        self._before = os.getcwd()
        if self.flash.data.count(b"\xff") == len(self.flash.data):
            vfs.VfsLfs2.mkfs(self.flash)
        self._mount()
        return self

    def _mount(self):
        self._vfs.mount(self._vfs.VfsLfs2(self.flash), "/ram")
        os.chdir("/ram")

    def __exit__(self, *error):
        self._leave()
        self.flash.data = b""

    def _leave(self):
        files._kept[0] = files._kept[1] = None
        os.chdir(self._before)
        self._vfs.umount("/ram")

    @property
    def writes(self):
        return self.flash.programs

    @property
    def dead(self):
        return self.flash.dead

    def plan(self, at, how):
        self.flash.at, self.flash.how = at, how

    def restore_power(self):
        self._leave()
        data, self.flash.data = self.flash.data, b""  # files that the cut left open hold the dead one
        self.flash = self._new(0)
        self.flash.data = data
        self._mount()
