# SPDX-License-Identifier: MIT
"""Payloads of messages on their way out that are not in the heap. Loaded with the first of them."""

import msgin5g
from coap.compat import const

from ..wire import payload
from .storage import discard

_BLOCK = const(4096)  # of littlefs on most boards
_POINTER = const(4)
_LITTLE = const(512)  # octets, where the heap has no such piece


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


class Spool(StoredSource):
    """A payload that is being copied to a file of its own: `given(offset, n)` has its next octets, `copied` tells how
    many can be read.

    Each piece ends with a block of littlefs, which would copy a block that is not full for the next one. Its block
    number n but the first begins with a pointer for each time that 2 divides 2 * n (littlefs DESIGN.md, "CTZ
    skip-lists"). On other file systems a piece is as good as another.
    """

    def __init__(self, storage, file, size, text, given):
        super().__init__(storage, file, size, text)
        self.copied = 0
        self._given = given
        self._block = 0
        self._end = 0  # of that block, in the file

    def copy(self):
        """Copy the next piece.

        Raise ValueError where the octets end too soon or are none, StorageError.
        """
        if not self.copied:
            discard(self._storage, self.file)
        if self.copied >= self._end:
            number = self._block
            self._end += _BLOCK - (_POINTER * (len(bin(number & -number)) - 2) if number else 0)
            self._block = number + 1
        size = min(self._end, self.size) - self.copied
        try:
            piece = self._given(self.copied, size)
        except MemoryError:  # before anything was read
            piece = self._given(self.copied, min(size, _LITTLE))
        if not piece:
            raise ValueError("the file ended after %d of %d octets" % (self.copied, self.size))
        if isinstance(piece, str):
            raise ValueError("payload: open the file in binary mode")
        try:
            self._storage.append(self.file, piece)
        except OSError as error:
            raise msgin5g.StorageError(error)
        self.copied += len(piece)

    def fill(self):
        """Copy all of it. Raise as `copy` does; the file is gone then."""
        try:
            while self.copied < self.size:
                self.copy()
        except Exception:
            self.remove()
            raise


def spool_of_octets(octets, text, storage, store):
    """Return the Spool that has copied these octets. Raise StorageError."""
    view = memoryview(octets)
    source = Spool(
        storage,
        store.new_file("out-"),
        len(octets),
        text,
        lambda offset, piece: view[offset : offset + piece],
    )
    source.fill()
    return source


def source_of_file(given, volatile, storage, store, outbox):
    """Return the source of a file, or of (file, size): a Spool that has copied nothing yet, or a FileSource.

    Raise ValueError for what is no payload or never fits, OutboxFull, StorageError.
    """
    size = None
    if isinstance(given, tuple) and len(given) == 2 and hasattr(given[0], "read"):
        given, size = given
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise ValueError("payload: the size in (file, size) must be an integer of at least 0")
    if not hasattr(given, "read"):
        payload.as_octets(given)  # says what it may be
    if size is None:
        if not hasattr(given, "seek"):
            raise ValueError("payload: this file does not tell its size; give (file, size)")
        start = given.tell()
        size = given.seek(0, 2) - start
        given.seek(start)
    outbox.check(size)
    if volatile:
        return FileSource(given, size)
    return Spool(storage, store.new_file("out-"), size, False, lambda offset, piece: given.read(piece))
