# SPDX-License-Identifier: MIT
"""A large payload in the board's storage: written piece by piece as it comes in, read piece by piece."""

from .storage import discard

_PIECE = 512


class StoredFile:
    """Octets of the storage's file `name`, from `offset` on. The part that counts is set by `window`."""

    def __init__(self, storage, name, offset=0, size=None):
        """Make a new file, or with `size` the window of one that is there."""
        self.size = size or 0
        self.storage = storage
        self.name = name
        self.offset = offset
        if size is None:
            discard(storage, name)

    @property
    def file(self):
        """What finds it again after a restart: StoredFile(storage, *file)."""
        return [self.name, self.offset, self.size]

    def __len__(self):
        return self.size

    length = property(__len__)  # octets that it takes in the storage

    def append(self, octets):
        """OSError where the storage fails."""
        self.storage.append(self.name, octets)
        self.size += len(octets)

    def window(self, offset, size):
        """Make these octets of the file the whole of it, from now on."""
        self.offset += offset
        self.size = size

    def read(self, offset, size):
        return self.storage.read(self.name, self.offset + offset, min(size, self.size - offset))

    def chunks(self):
        """Return the octets in pieces of up to 512."""
        for offset in range(0, self.size, _PIECE):
            yield self.read(offset, _PIECE)

    def whole(self):
        """Return all of them in the heap."""
        return self.read(0, self.size)

    def remove(self):
        discard(self.storage, self.name)
