# SPDX-License-Identifier: MIT
"""Payloads of messages on their way out that are not in the heap. Loaded with the first of them."""

from coap.compat import const

from .storage import StorageError, discard

_PIECE = const(1024)


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


class LostSource(StoredSource):
    """The source of a message whose file has been cut: sending it fails when its turn comes, and the application is
    told."""

    def read(self, offset, size):
        raise OSError("%s has not all of %d octets" % (self.file, self.size))


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
