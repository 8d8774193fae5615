# SPDX-License-Identifier: MIT
"""A storage in the heap."""

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from contracts import Octets


class MemoryStorage:
    """Files in the heap: for tests, and for a board without a file system. A restart loses them, so a key of OSCORE
    that is kept here must be a new one after each restart."""

    def __init__(self) -> None:
        # Lists of what was appended: a file that grows needs no heap in one piece.
        self._files: "dict[str, list[bytes]]" = {}

    def append(self, name: str, octets: "Octets", more: bool = False) -> None:
        """Add at the end of a file, made where it is new; `more` means nothing here."""
        self._files.setdefault(name, []).append(bytes(octets))

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return up to `size` octets from `offset`."""
        found = b""
        for piece in self._files.get(name, ()):
            length = len(piece)
            if offset >= length:
                offset -= length
                continue
            found += piece[offset : offset + size - len(found)]
            if len(found) == size:
                break
            offset = 0
        return found

    def replace(self, name: str, octets: "Octets") -> None:
        """Have all of the new file."""
        self._files[name] = [bytes(octets)]

    def remove(self, name: str) -> None:
        """Remove a file, where it is there."""
        self._files.pop(name, None)

    def names(self) -> list[str]:
        """Return the names of all files."""
        return list(self._files)
