# SPDX-License-Identifier: MIT
"""The firmware's modules out of one file, /firmware.pack, which is mounted as /firmware: as files of their own each
would take blocks of 4 KB. boot.py imports this at each start; nothing ever writes that file but who copies a new one.

Integers are big-endian. In front are "MSGP", 1, u16 n: how many files and folders there are, u32: how long the file is.
Then n times u32, the CRC-32 of each path, ascending; n + 1 times u32, where each begins, a folder where the next one
does, and where the last one ends; n lines, the paths. Of a file there are its CRC-32 once more, and what it holds.
"""

import binascii
import errno
import io
import struct
import sys

import vfs

PLACE = "/firmware"
_FILE = "/firmware.pack"
_HEAD = 11
_FOLDER = 0x4000  # as os.stat has it
_REGULAR = 0x8000
_NOT_A_FOLDER, _READ_ONLY = 20, 30  # py/mperrno.h: ENOTDIR, EROFS, which the module errno may not have
_CLOSE, _BUFFER = 4, 11  # py/stream.h: requests of MP_STREAM_CLOSE, MP_STREAM_GET_BUFFER_SIZE
_PIECE = 255  # octets, the most that the reader of modules takes at once (extmod/vfs_reader.c)


class Pack:
    """The file as a file system that is only read. Raise OSError, ValueError for a file that is none, or not whole."""

    def __init__(self, path: str) -> None:
        self._path = path
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            if len(head) < _HEAD or head[:5] != b"MSGP\x01":
                raise ValueError("it is none")
            count, self._size = struct.unpack_from(">HI", head, 5)
            if file.seek(0, 2) != self._size:
                raise ValueError("it is not whole")
            file.seek(_HEAD)
            self._keys = file.read(4 * count)
            self._places = file.read(4 * count + 4)

    def mount(self, readonly: bool, mkfs: bool) -> None:
        """Nothing is to be done."""

    def umount(self) -> None:
        """Nothing is to be done."""

    def stat(self, path: str) -> tuple:
        """As os.stat()."""
        size = -1
        if path.strip("/"):
            _, size = self._found(path)
        return (_FOLDER if size < 0 else _REGULAR, 0, 0, 0, 0, 0, max(0, size), 0, 0, 0)

    def statvfs(self, path: str) -> tuple:
        """As os.statvfs(): it is full."""
        return (1, 1, self._size, 0, 0, 0, 0, 0, 0, 255)

    def ilistdir(self, path: str) -> object:
        """As os.ilistdir()."""
        path = path.strip("/")
        if path:
            if self._found(path)[1] >= 0:
                raise OSError(_NOT_A_FOLDER)
            path += "/"
        return self._listed(path)

    def _listed(self, path):
        with open(self._path, "rb") as file:
            file.seek(_HEAD + len(self._keys) + len(self._places))
            for at in range(0, len(self._keys), 4):
                name = str(file.readline(), "utf-8").rstrip()
                if name.startswith(path) and "/" not in name[len(path) :]:
                    size = self._at(at)[1]
                    yield name[len(path) :], _FOLDER if size < 0 else _REGULAR, 0, max(0, size)

    def open(self, path: str, mode: str) -> "Piece":
        """As open(), of octets."""
        if mode not in ("r", "rb"):
            raise OSError(_READ_ONLY)
        place, size = self._found(path)
        if size < 0:
            raise OSError(errno.EISDIR)
        file = open(self._path, "rb")
        file.seek(place)
        if file.read(4) != _key(path):  # another one was copied over it, and no start came since
            file.close()
            raise OSError(errno.EIO)
        return Piece(file, size)

    def _found(self, path):
        """Return where what has this path begins, and its octets, -1 for a folder."""
        key = _key(path)
        at = self._keys.find(key)
        while at > 0 and at & 3:  # of two neighbours
            at = self._keys.find(key, at + 1)
        if at < 0:
            raise OSError(errno.ENOENT)
        return self._at(at)

    def _at(self, at):
        place, end = struct.unpack_from(">II", self._places, at)
        return place, end - place - 4 if end > place else -1

    def chdir(self, path: str) -> None:
        """Refuse it: an application and its messages lie elsewhere."""
        raise OSError(errno.EPERM)

    def remove(self, path: str, to: str = "") -> None:
        """Refuse it, as all that writes."""
        raise OSError(_READ_ONLY)

    mkdir = rmdir = rename = remove


class Piece(io.IOBase):
    """A file of a Pack, to be read from its beginning to its end."""

    def __init__(self, file: io.IOBase, size: int) -> None:
        self._file = file
        self._left = size

    def __enter__(self) -> "Piece":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give it back."""
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        """Return so many octets, fewer at the end; all that are left by default."""
        octets = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(octets)
        return octets

    def readinto(self, buffer: bytearray) -> int:
        """Return how many octets were read."""
        count = self._file.readinto(memoryview(buffer)[: self._left])
        self._left -= count
        return count

    def ioctl(self, request: int, argument: int) -> int:
        """What MicroPython's streams ask."""
        if request == _CLOSE:
            self.close()
            return 0
        return _PIECE if request == _BUFFER else -errno.EINVAL


def _key(path):
    return struct.pack(">I", binascii.crc32(path.strip("/").encode()))


def begin() -> None:
    """Mount it, and have it in front of /lib, where modules of the user may lie: as what is frozen."""
    try:
        vfs.mount(Pack(_FILE), PLACE)
    except (OSError, ValueError) as error:
        print("msgin5g: %s cannot be used (%s): copy it to the board anew" % (_FILE, error))
        return
    path = sys.path
    path.insert(path.index("/lib") if "/lib" in path else len(path), PLACE)
