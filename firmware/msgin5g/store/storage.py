# SPDX-License-Identifier: MIT
"""What the service asks of a board's storage, and the stand-in for a board that has none.

A storage keeps named files of octets. Names are short, of letters, digits and "-". Each call is complete
when it returns: what was appended or replaced survives a power cut from then on. OSError says that the
storage failed (full, read-only, gone).

    append(name, octets)        adds at the end, makes the file where it is new; gives its length where that is known
    read(name, offset, size)    up to size octets from offset; b"" past the end and for a file that is not there
    replace(name, octets)       all of the old, or all of the new, also after a power cut
    remove(name)                a file that is not there is no error
    names()                     a list of all names
"""

import json

from coap.compat import const

from ..errors import StorageError

_PIECE = const(1024)
_MAX_DEPTH = const(256)  # brackets that nothing has that we wrote


def discard(storage, name):
    """Remove a file that nothing needs any more. A storage that fails now is asked again at the next start."""
    try:
        storage.remove(name)
    except (OSError, MemoryError):
        pass


def loads(octets):
    """Return the value of JSON. Raise ValueError where it is none, or fills stack or heap with lists in lists."""
    try:
        return json.loads(str(octets, "utf-8"))
    except RuntimeError:  # of CPython's stack
        raise ValueError("too deep")
    except MemoryError:
        if octets.count(b"[") + octets.count(b"{") < _MAX_DEPTH:
            raise
        raise ValueError("too deep")


class MemoryStorage:
    """Files in the heap: for tests, and for a board without a file system. A restart loses them."""

    def __init__(self):
        self._files = {}  # lists of what was appended: a file that grows needs no heap in one piece

    def append(self, name: str, octets: bytes | bytearray | memoryview) -> None:
        self._files.setdefault(name, []).append(bytes(octets))

    def read(self, name: str, offset: int, size: int) -> bytes:
        found = b""
        for piece in self._files.get(name, ()):
            if offset < len(piece):
                found += piece[offset : offset + size - len(found)]
                if len(found) == size:
                    break
            offset = max(0, offset - len(piece))
        return found

    def replace(self, name: str, octets: bytes | bytearray | memoryview) -> None:
        self._files[name] = [bytes(octets)]

    def remove(self, name: str) -> None:
        self._files.pop(name, None)

    def names(self) -> list[str]:
        return list(self._files)


class OctetsSource:
    """Octets in the heap, read like a file. `text` says whether they are UTF-8 text."""

    file = None

    def __init__(self, octets, text):
        self.size = len(octets)
        self.text = text
        self._octets = octets

    def read(self, offset, size):
        return self._octets[offset : offset + size]

    def remove(self):
        self._octets = b""


class StoredSource:
    """Octets in a file of their own: they need no heap."""

    def __init__(self, storage, file, size, text):
        self.file = file
        self.size = size
        self.text = text
        self._storage = storage

    def read(self, offset, size):
        """Raise OSError where the file is not whole any more."""
        octets = self._storage.read(self.file, offset, size)
        if len(octets) < min(size, self.size - offset):
            raise OSError("%s ends at %d of %d octets" % (self.file, offset + len(octets), self.size))
        return octets

    def remove(self):
        discard(self._storage, self.file)


class FileSource:
    """The octets of a file that the application keeps open: nothing of them is copied anywhere."""

    file = None
    text = False

    def __init__(self, file, size):
        self.size = size
        self._file = file
        self._start = file.tell()

    def read(self, offset, size):
        """Raise OSError where the file is not as long as it was."""
        self._file.seek(self._start + offset)
        octets = self._file.read(size)
        if len(octets) < min(size, self.size - offset):
            raise OSError("the file ends at %d of %d octets" % (offset + len(octets), self.size))
        return octets

    def remove(self):
        self._file = None


def copy_to_file(storage, file, read, size):
    """Fill a file with `size` octets, piece by piece: `read(offset, n)` gives the next ones.

    Raise ValueError where they end too soon or are no octets, StorageError; the file is gone then.
    """
    offset = 0
    try:
        discard(storage, file)
        while offset < size:
            piece = read(offset, min(_PIECE, size - offset))
            if not piece:
                raise ValueError("the file ended after %d of %d octets" % (offset, size))
            if isinstance(piece, str):
                raise ValueError("payload: open the file in binary mode")
            try:
                storage.append(file, piece)
            except OSError as error:
                raise StorageError(error)
            offset += len(piece)
    except Exception:
        discard(storage, file)
        raise
