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
_SOME_FILE = (_REGULAR, 0, 0, 0, 0, 0, 0, 0, 0, 0)
_CLOSE, _BUFFER = 4, 11  # py/stream.h: requests of MP_STREAM_CLOSE, MP_STREAM_GET_BUFFER_SIZE
_PIECE = 255  # octets, the most that the reader of modules takes at once (extmod/vfs_reader.c)


class Pack:
    """The file as a file system that is only read. Raise OSError, ValueError for a file that is none, or not whole.

    It stays open: to open it for each import would go deeper than what was there before, and 8 KB are all the stack.
    """

    def __init__(self, path: str) -> None:
        self._file = file = open(path, "rb")
        # What stat() was ended by, Ctrl-C or a full heap: an import takes that for a module that is not there
        # (extmod/vfs.c). So whatever it looks for is there then, and when it is opened, the error comes.
        self._failed: BaseException | None = None
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
        if self._failed is not None:
            return _SOME_FILE
        size = -1
        try:
            if path.strip("/"):
                size = self._at(self._found(path))[1]
        except OSError:
            raise
        except BaseException as error:
            self._failed = error
            return _SOME_FILE
        return (_FOLDER if size < 0 else _REGULAR, 0, 0, 0, 0, 0, max(0, size), 0, 0, 0)

    def statvfs(self, path: str) -> tuple:
        """As os.statvfs(): it is full."""
        return (1, 1, self._size, 0, 0, 0, 0, 0, 0, 255)

    def ilistdir(self, path: str) -> object:
        """As os.ilistdir()."""
        path = path.strip("/")
        if path:
            if self._at(self._found(path))[1] >= 0:
                raise OSError(_NOT_A_FOLDER)
            path += "/"
        return self._listed(path)

    def _listed(self, path):
        line = _HEAD + len(self._keys) + len(self._places)
        for at in range(0, len(self._keys), 4):
            self._file.seek(line)  # who has the last one may have read others since
            octets = self._file.readline()
            line += len(octets)
            name = str(octets, "utf-8").rstrip()
            if name.startswith(path) and "/" not in name[len(path) :]:
                size = self._at(at)[1]
                yield name[len(path) :], _FOLDER if size < 0 else _REGULAR, 0, max(0, size)

    def open(self, path: str, mode: str) -> "Piece":
        """As open(), of octets."""
        if self._failed is not None:
            error, self._failed = self._failed, None
            raise error
        if mode not in ("r", "rb"):
            raise OSError(_READ_ONLY)
        at = self._found(path)
        place, size = self._at(at)
        if size < 0:
            raise OSError(errno.EISDIR)
        self._file.seek(place)
        if (
            self._file.read(4) != self._keys[at : at + 4]
        ):  # another one was copied over it, and no start came since
            raise OSError(errno.EIO)
        return Piece(self._file, place + 4, size)

    def _found(self, path):
        key = struct.pack(">I", binascii.crc32(path.strip("/").encode()))
        at = self._keys.find(key)
        while at > 0 and at & 3:  # of two neighbours
            at = self._keys.find(key, at + 1)
        if at < 0:
            raise OSError(errno.ENOENT)
        return at

    def _at(self, at):
        """Return where what is found there begins, and its octets, -1 for a folder."""
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

    def __init__(self, file: io.BufferedReader, place: int, size: int) -> None:
        self._file = file  # that of all others, too
        self._place = place
        self._left = size

    def __enter__(self) -> "Piece":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is to be done: the file stays open."""

    def read(self, size: int = -1) -> bytes:
        """Return so many octets, fewer at the end; all that are left by default."""
        octets = bytearray(self._left if size < 0 else min(size, self._left))
        return bytes(octets[: self.readinto(octets)])

    def readinto(self, buffer: bytearray) -> int:
        """Return how many octets were read."""
        self._file.seek(self._place)
        count = self._file.readinto(memoryview(buffer)[: self._left])
        self._place += count
        self._left -= count
        return count

    def ioctl(self, request: int, argument: int) -> int:
        """Answer what MicroPython's streams ask."""
        if request == _CLOSE:
            return 0
        return _PIECE if request == _BUFFER else -errno.EINVAL


def begin() -> None:
    """Mount it, and have it in front of /lib, where modules of the user may lie: as what is frozen."""
    try:
        vfs.mount(Pack(_FILE), PLACE)
    except (OSError, ValueError) as error:
        print("msgin5g: %s cannot be used (%s): copy it to the board anew" % (_FILE, error))
        return
    path = sys.path
    path.insert(path.index("/lib") if "/lib" in path else len(path), PLACE)
