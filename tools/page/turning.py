# SPDX-License-Identifier: MIT
"""The file of --events, bounded: a full one becomes FILE.1, what was that FILE.2 and so on, and the oldest goes."""

import os
import stat

MEBIBYTES, FILES = 32, 4  # of one file, and how many there are


class TurningFile:
    """`octets` of one file, `files` in all; of a link it is the file that it leads to. What is no regular file (a pipe,
    a terminal), or is of who has opened it (/dev/stdout), only takes lines. Its descriptor stays the same. `dropped`:
    octets of files that went."""

    encoding = "utf-8"

    def __init__(self, path, octets=MEBIBYTES << 20, files=FILES):
        """Raises OSError."""
        self._path, self._octets, self._files = os.path.realpath(path), octets, files
        self.dropped = 0
        self.piece = octets // 8  # octets that may be written at once: files are to be full
        self._descriptor = _open(path)
        found = os.fstat(self._descriptor)
        self._size = found.st_size
        self._bounded = stat.S_ISREG(found.st_mode) and not _is_descriptor(path)

    def fileno(self):
        return self._descriptor

    def close(self):
        os.close(self._descriptor)

    def begins(self, octets):
        """A line of so many octets is written next. Raises OSError where there is no room, and none can be made."""
        if self._bounded and self._size and self._size + octets > self._octets:
            self._turn()
        self._size += octets

    def _turn(self):
        if self._is_in_place():  # else somebody else has moved it, and looks after what was moved
            names = [self._path, *("%s.%d" % (self._path, number) for number in range(1, self._files))]
            for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
                if os.path.lexists(newer):
                    gone = _size_of(older) if older == names[-1] else 0
                    os.replace(newer, older)
                    self.dropped += gone
            if self._files == 1:
                os.unlink(self._path)
                self.dropped += self._size
        descriptor = _open(self._path)
        os.dup2(descriptor, self._descriptor, inheritable=False)
        os.close(descriptor)
        self._size = os.fstat(self._descriptor).st_size

    def _is_in_place(self):
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False


def _open(path):
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _is_descriptor(path):
    """Whether it is one more name of what is open already."""
    folder = os.path.realpath(os.path.dirname(path))
    return os.path.islink(path) and folder.split(os.sep)[1] in ("dev", "proc")


def _size_of(path):
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
