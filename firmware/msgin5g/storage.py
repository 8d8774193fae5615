# SPDX-License-Identifier: MIT
"""What the service asks of a board's storage, and the stand-in for a board that has none.

A storage keeps named rows of octets. Names are short, of letters, digits and "-". Each call is complete
when it returns: what was appended or replaced survives a power cut from then on. OSError says that the
storage failed (full, read-only, gone).

    append(name, octets)        adds at the end, makes the row where it is new
    read(name, offset, size)    up to size octets from offset; b"" past the end and for a row that is not there
    replace(name, octets)       all of the old, or all of the new, also after a power cut
    remove(name)                a row that is not there is no error
    names()                     a list of all names
"""


def discard(storage, name):
    """Removes a row that nothing needs any more. A storage that fails now is asked again at the next start."""
    try:
        storage.remove(name)
    except OSError:
        pass


class MemoryStorage:
    """Rows in the heap: for tests, and for a board without a file system. A restart loses them."""

    def __init__(self):
        self._rows = {}

    def append(self, name, octets):
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = bytearray()
        row.extend(octets)

    def read(self, name, offset, size):
        return bytes(self._rows.get(name, b"")[offset : offset + size])

    def replace(self, name, octets):
        self._rows[name] = bytearray(octets)

    def remove(self, name):
        self._rows.pop(name, None)

    def names(self):
        return list(self._rows)


class OctetsSource:
    """Octets in the heap, read like a row. `text` says whether they are UTF-8 text."""

    def __init__(self, octets, text):
        self.size = len(octets)
        self.text = text
        self._octets = octets

    def read(self, offset, size):
        return self._octets[offset : offset + size]

    def remove(self):
        self._octets = b""


class StoredSource:
    """The octets of a file, copied to a row piece by piece: they need no heap, and the file may change."""

    text = False
    _PIECE = 512

    def __init__(self, storage, name, file, size):
        self._storage = storage
        self._name = name
        self.size = 0
        storage.remove(name)
        try:
            while self.size < size:
                piece = file.read(min(self._PIECE, size - self.size))
                if not piece:
                    raise ValueError("the file ended after %d of %d octets" % (self.size, size))
                if isinstance(piece, str):
                    raise ValueError("payload: open the file in binary mode")
                storage.append(name, piece)
                self.size += len(piece)
        except Exception:
            self.remove()
            raise

    def read(self, offset, size):
        """Raises OSError where the row is not whole any more."""
        octets = self._storage.read(self._name, offset, size)
        if len(octets) != size:
            raise OSError("%s ends at %d of %d octets" % (self._name, offset + len(octets), self.size))
        return octets

    def remove(self):
        discard(self._storage, self._name)
